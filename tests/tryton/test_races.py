"""Many at once, on PostgreSQL, judged by the ERP's own tables."""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from collections.abc import Awaitable, Callable

from models.errors import NotSent
from models.ids import Step
from models.records import Effect, Links
from tests.connectors.netsuite import samples
from tests.tryton.conftest import Connected
from tests.tryton.set_up import set_up

_AT_ONCE = 20


async def _until_done(ensure: Callable[[], Awaitable[Effect]]) -> Effect:
    """As the engine does: what was rolled back because of a neighbour is sent again."""
    for attempt in range(10):
        try:
            return await ensure()
        except NotSent:
            await asyncio.sleep(0.05 * attempt)
    raise AssertionError("rolled back ten times")


async def _race(it: Connected, ensure: Callable[[Connected], Callable[[], Awaitable[Effect]]]) -> list[Effect]:
    await it.erp.get_chart()
    return list(await asyncio.gather(*(_until_done(ensure(it)) for _ in range(_AT_ONCE))))


async def test_twenty_deals_of_one_new_customer_make_one_party(shared: Connected) -> None:
    before = shared.books.count("party_party")
    erps = [shared.another() for _ in range(4)]
    for erp in erps:
        await erp.get_chart()
    effects = await asyncio.gather(
        *(
            _until_done(functools.partial(erps[at % 4].ensure_customer, samples.customer(), Links()))
            for at in range(_AT_ONCE)
        )
    )
    assert Counter(effect.created for effect in effects) == {True: 1, False: _AT_ONCE - 1}
    assert len({effect.ref.record_id for effect in effects}) == 1
    assert shared.books.count("party_party") == before + 1
    found = shared.books.sql("SELECT id, external_id FROM party_party WHERE external_id IS NOT NULL")
    assert found == [(int(effects[0].ref.record_id), samples.CUSTOMER_KEY)]
    # The nineteen that were rolled back left no row in the outbox either.
    assert shared.books.sql("SELECT COUNT(*) FROM tieline_event WHERE kind = 'create'") == [(1,)]
    assert shared.books.sql("SELECT DISTINCT record FROM tieline_event") == [(found[0][0],)]


async def test_twenty_runs_of_one_contract_make_one_project_and_one_confirmed_sale(shared: Connected) -> None:
    links, _ = await set_up(shared.erp)
    rows = shared.books.rows()
    project = samples.project(key=samples.key("raced-project"))
    contract = samples.contract(key=samples.key("raced-contract"), contract_number="SOW-RACE")
    projects = await _race(shared, lambda it: lambda: it.another().ensure_project(project, links))
    contracts = await _race(shared, lambda it: lambda: it.another().ensure_contract(contract, links))
    for effects in (projects, contracts):
        assert Counter(effect.created for effect in effects) == {True: 1, False: _AT_ONCE - 1}
        assert len({effect.ref.record_id for effect in effects}) == 1
    after = shared.books.rows()
    assert after["project_work"] == rows["project_work"] + 1
    assert after["sale_sale"] == rows["sale_sale"] + 1
    assert after["sale_line"] == rows["sale_line"] + 3
    assert shared.books.sql("SELECT state FROM sale_sale WHERE reference = ?", "SOW-RACE") == [("processing",)]


async def test_the_whole_sample_reads_back_on_postgresql_too(shared: Connected) -> None:
    links, _ = await set_up(shared.erp)
    schedules = (links.of(Step("billing-schedule")),)
    rows = (await shared.erp.read_back(links.of(Step("contract")), links.of(Step("project")), schedules)).rows
    assert [row.amount.amount for row in rows] == [
        samples.contract().lines[at].amount.amount for at in range(3)
    ] + [row.amount.amount for row in samples.schedule().rows]
    before = shared.books.rows()
    _, effects = await set_up(shared.another())
    assert shared.books.rows() == before
    assert not any(effect.changed for effect in effects)
