from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from models.base import digest_of
from models.errors import Fatal
from models.ids import PlanDigest
from models.money import Money
from models.roles import Role
from store import Store, open_store
from tests.store.facts import ENGAGEMENT, a_plan, signed_terms

Sql = Callable[..., Awaitable[None]]


async def test_a_plan_reads_back_as_it_was_made_to_the_minor_unit(store: Store, database_url: str) -> None:
    plan = a_plan(("finance", Role.CONTROLLER))
    digest = await store.plans.save_plan(plan)
    assert digest == plan.digest
    async with open_store(database_url) as another_process:
        read = await another_process.plans.get_plan(digest)
    assert read == plan
    assert read.values.exercised == Money.of("128249.99", "USD")
    assert str(read.values.exercised.amount if read.values.exercised else None) == "128249.99"


async def test_the_same_plan_saved_by_many_workers_is_one_row_and_one_audit_entry(store: Store) -> None:
    digests = await asyncio.gather(*(store.plans.save_plan(a_plan()) for _ in range(10)))
    assert len(set(digests)) == 1
    (entry,) = await store.audit.list_entries(ENGAGEMENT)
    assert (entry.kind, entry.subject, entry.facts["match"]) == ("plan.made", digests[0], "create")
    assert entry.facts["applied_rules"] == "APR-1"


async def test_a_plan_that_is_not_there_is_our_bug(store: Store) -> None:
    with pytest.raises(Fatal, match="no plan"):
        await store.plans.get_plan(PlanDigest("0" * 64))


async def test_a_plan_that_was_changed_in_the_database_is_never_applied(
    store: Store, sql: Sql, database_url: str
) -> None:
    digest = await store.plans.save_plan(a_plan())
    await sql("UPDATE plan SET document = replace(document, '128249.99', '228249.99')")
    async with open_store(database_url) as another_process:
        with pytest.raises(Fatal, match="was changed after it was made"):
            await another_process.plans.get_plan(digest)


async def test_signed_terms_are_kept_under_their_fingerprint(store: Store, database_url: str) -> None:
    terms = signed_terms()
    reference = await store.plans.save_terms(ENGAGEMENT, terms)
    assert reference == digest_of(terms)
    assert await store.plans.save_terms(ENGAGEMENT, terms) == reference
    assert await store.plans.save_terms(ENGAGEMENT, signed_terms(deal_name="Renamed")) != reference
    async with open_store(database_url) as another_process:
        assert await another_process.plans.get_terms(reference) == terms
        assert await another_process.plans.save_terms(ENGAGEMENT, terms) == reference
    assert await store.plans.get_terms(reference) == terms


async def test_terms_that_are_not_there_or_were_changed_are_our_bug(store: Store, sql: Sql, database_url: str) -> None:
    reference = await store.plans.save_terms(ENGAGEMENT, signed_terms())
    await sql("UPDATE terms SET document = replace(document, '128249.99', '1.00')")
    async with open_store(database_url) as another_process:
        with pytest.raises(Fatal, match="no signed terms"):
            await another_process.plans.get_terms("0" * 64)
        with pytest.raises(Fatal, match="were changed after they were read"):
            await another_process.plans.get_terms(reference)


async def test_only_the_last_plans_and_terms_are_kept_in_memory(store: Store) -> None:
    first = await store.plans.save_terms(ENGAGEMENT, signed_terms())
    for number in range(300):
        await store.plans.save_terms(ENGAGEMENT, signed_terms(deal_name=f"Deal {number}"))
    assert len(store.plans._terms) == 256
    assert (await store.plans.get_terms(first)).deal_name == "Northwind: finance review"
