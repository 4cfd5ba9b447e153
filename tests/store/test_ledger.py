from __future__ import annotations

import asyncio

import pytest

from models.errors import Fatal
from models.ids import DealId, EngagementId, OperationKey
from models.records import Guard, RecordKind
from ports.inbox import DealHolder
from ports.ledger import OperationState
from store import Store
from tests.store.facts import CONTRACT, CRM, ENGAGEMENT, ERP, FIRM, an_effect, an_intent


async def test_the_first_intent_creates_the_row_before_anything_is_written(store: Store) -> None:
    row = await store.ledger.intend(an_intent())
    assert (row.is_first, row.attempts, row.state) == (True, 1, OperationState.INTENDED)
    assert await store.ledger.list_operations(ENGAGEMENT) == (row.model_copy(update={"is_first": False}),)


async def test_of_forty_workers_with_one_intent_exactly_one_is_first(store: Store) -> None:
    rows = await asyncio.gather(*(store.ledger.intend(an_intent(run_id=f"run-{run}")) for run in range(40)))
    assert sum(row.is_first for row in rows) == 1
    assert sorted(row.attempts for row in rows) == list(range(1, 41))


async def test_a_second_attempt_is_counted_and_keeps_what_may_have_landed(store: Store) -> None:
    await store.ledger.intend(an_intent())
    row = await store.ledger.intend(an_intent(payload_hash="hash-2", plan="plan-2"))
    assert (row.is_first, row.attempts, row.payload_hash, row.plan) == (False, 2, "hash-1", "plan-1")


async def test_an_applied_row_is_returned_untouched(store: Store) -> None:
    intent = an_intent()
    await store.ledger.intend(intent)
    await store.ledger.settle_applied(intent.key, an_effect(), evidence="answered")
    before = await store.ledger.list_operations(ENGAGEMENT)
    entries = await store.audit.list_entries()
    row = await store.ledger.intend(an_intent(payload_hash="hash-2", plan="plan-2"))
    assert (row.state, row.is_first, row.payload_hash, row.effect) == (
        OperationState.APPLIED, False, "hash-1", an_effect(),
    )  # fmt: skip
    assert await store.ledger.list_operations(ENGAGEMENT) == before
    assert await store.audit.list_entries() == entries


async def test_after_a_refusal_the_next_intent_starts_afresh_with_its_own_payload(store: Store) -> None:
    intent = an_intent()
    await store.ledger.intend(intent)
    await store.ledger.settle_not_applied(intent.key, reason="TL-CUS-014: no tax number")
    row = await store.ledger.intend(an_intent(payload_hash="hash-2", plan="plan-2", guard=Guard.GUARDED))
    assert (row.is_first, row.attempts, row.state) == (True, 1, OperationState.INTENDED)
    assert (row.payload_hash, row.plan, row.settled_at) == ("hash-2", "plan-2", None)


async def test_of_two_workers_after_a_refusal_exactly_one_is_first(store: Store) -> None:
    intent = an_intent()
    await store.ledger.intend(intent)
    await store.ledger.settle_not_applied(intent.key, reason="never left")
    rows = await asyncio.gather(store.ledger.intend(intent), store.ledger.intend(intent))
    assert sorted(row.is_first for row in rows) == [False, True]


async def test_a_lost_answer_leaves_the_row_unknown_until_there_is_evidence(store: Store) -> None:
    intent = an_intent()
    await store.ledger.intend(intent)
    await store.ledger.mark_unknown(intent.key, reason="connection cut")
    row = await store.ledger.intend(intent)
    assert (row.state, row.is_first, row.attempts) == (OperationState.UNKNOWN, False, 2)
    await store.ledger.settle_applied(intent.key, an_effect(created=False), evidence="found by its key")
    (row,) = await store.ledger.list_operations(ENGAGEMENT)
    assert (row.state, row.effect) == (OperationState.APPLIED, an_effect(created=False))


async def test_a_later_refusal_says_nothing_about_an_earlier_lost_answer(store: Store) -> None:
    intent = an_intent()
    await store.ledger.intend(intent)
    await store.ledger.mark_unknown(intent.key, reason="connection cut")
    await store.ledger.intend(intent)
    await store.ledger.settle_not_applied(intent.key, reason="TL-INT-011: the vendor is down")
    (row,) = await store.ledger.list_operations(ENGAGEMENT)
    assert row.state is OperationState.UNKNOWN
    assert (await store.ledger.intend(intent)).is_first is False


async def test_a_refusal_after_a_crash_of_the_first_attempt_is_no_proof_either(store: Store) -> None:
    intent = an_intent()
    await store.ledger.intend(intent)
    await store.ledger.intend(intent)
    await store.ledger.settle_not_applied(intent.key, reason="TL-INT-011: the vendor is down")
    (row,) = await store.ledger.list_operations(ENGAGEMENT)
    assert row.state is OperationState.UNKNOWN


async def test_settling_writes_row_binding_and_audit_entry(store: Store) -> None:
    intent = an_intent()
    await store.ledger.intend(intent)
    await store.ledger.settle_applied(intent.key, an_effect("2002"), evidence="answered")
    entry = (await store.audit.list_entries(ENGAGEMENT))[-1]
    assert (entry.kind, entry.subject) == ("operation.applied", intent.key)
    assert (entry.facts["record"], entry.facts["evidence"], entry.facts["payload"]) == ("2002", "answered", "hash-1")
    await store.deal_bindings.bind_deal(FIRM, CRM, CONTRACT, DealId("006-1"))
    assert await store.deal_bindings.find_deal_of_project(FIRM, ERP, "2002") == DealHolder(
        connection=CRM, deal=DealId("006-1")
    )


async def test_settling_twice_writes_once(store: Store) -> None:
    intent = an_intent()
    await store.ledger.intend(intent)
    await asyncio.gather(
        *(store.ledger.settle_applied(intent.key, an_effect(), evidence="answered") for _ in range(10))
    )
    kinds = [entry.kind for entry in await store.audit.list_entries()]
    assert kinds == ["operation.intended", "operation.applied"]


async def test_what_was_written_on_a_second_attempt_is_what_the_row_says(store: Store) -> None:
    await store.ledger.intend(an_intent())
    again = an_intent(payload_hash="hash-2", plan="plan-2")
    await store.ledger.intend(again)
    await store.ledger.settle_applied(again.key, an_effect(), evidence="answered", written=again)
    (row,) = await store.ledger.list_operations(ENGAGEMENT)
    assert (row.payload_hash, row.plan) == ("hash-2", "plan-2")


async def test_a_key_that_was_applied_to_two_records_is_written_down_and_raised(store: Store) -> None:
    intent = an_intent()
    await store.ledger.intend(intent)
    await store.ledger.settle_applied(intent.key, an_effect("1"), evidence="answered")
    with pytest.raises(Fatal, match="project 1 and now to 2"):
        await store.ledger.settle_applied(intent.key, an_effect("2"), evidence="answered")
    assert (await store.audit.list_entries())[-1].kind == "operation.doubled"
    (row,) = await store.ledger.list_operations(ENGAGEMENT)
    assert row.effect == an_effect("1")


async def test_two_operations_may_end_at_the_same_record(store: Store) -> None:
    for process in ("quote-to-project", "change-order"):
        intent = an_intent(key=f"hf/{process}/C-1001/0/project")
        await store.ledger.intend(intent)
        await store.ledger.settle_applied(intent.key, an_effect("7"), evidence="answered")
    rows = await store.ledger.list_operations(ENGAGEMENT)
    assert [row.state for row in rows] == [OperationState.APPLIED, OperationState.APPLIED]


async def test_an_applied_row_never_becomes_unknown_or_refused_again(store: Store) -> None:
    intent = an_intent()
    await store.ledger.intend(intent)
    await store.ledger.settle_applied(intent.key, an_effect(), evidence="answered")
    await store.ledger.mark_unknown(intent.key, reason="late answer of a cut call")
    await store.ledger.settle_not_applied(intent.key, reason="late refusal")
    (row,) = await store.ledger.list_operations(ENGAGEMENT)
    assert row.state is OperationState.APPLIED
    assert len(await store.audit.list_entries()) == 2


async def test_settling_what_was_never_intended_is_our_bug_and_changes_nothing(store: Store) -> None:
    key = OperationKey("hf/quote-to-project/C-9/0/project")
    for settle in (
        store.ledger.settle_applied(key, an_effect(), evidence="answered"),
        store.ledger.settle_not_applied(key, reason="refused"),
        store.ledger.mark_unknown(key, reason="cut"),
    ):
        with pytest.raises(Fatal, match="no operation hf/quote-to-project/C-9/0/project"):
            await settle
    assert await store.audit.list_entries() == ()


async def test_operations_are_listed_oldest_first_and_only_those_of_the_engagement(store: Store) -> None:
    for step in ("customer", "project", "contract"):
        await store.ledger.intend(an_intent(step))
    await store.ledger.intend(an_intent("other", engagement="hf/C-2", key="hf/quote-to-project/C-2/0/other"))
    rows = await store.ledger.list_operations(ENGAGEMENT)
    assert [row.step for row in rows] == ["customer", "project", "contract"]
    assert await store.ledger.list_operations(EngagementId("hf/C-3")) == ()


async def test_a_failure_in_the_middle_of_settling_leaves_the_row_as_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent = an_intent()
    row = await store.ledger.intend(intent)

    async def broken(*_args: object, **_facts: object) -> None:
        raise RuntimeError("the worker is killed here")

    with monkeypatch.context() as patch:
        patch.setattr("store.chain.append", broken)
        with pytest.raises(RuntimeError, match="killed"):
            await store.ledger.settle_applied(intent.key, an_effect(), evidence="answered")
    (after,) = await store.ledger.list_operations(ENGAGEMENT)
    assert (after.state, after.effect) == (row.state, None)
    await store.ledger.settle_applied(intent.key, an_effect(), evidence="answered")
    assert (await store.audit.verify()).intact


async def test_instants_come_back_as_they_went_in_aware_and_in_utc(store: Store) -> None:
    intent = an_intent()
    row = await store.ledger.intend(intent)
    await store.ledger.settle_applied(intent.key, an_effect(kind=RecordKind.CONTRACT), evidence="answered")
    (read,) = await store.ledger.list_operations(ENGAGEMENT)
    assert read.intended_at == row.intended_at
    assert read.settled_at is not None
    for instant in (read.intended_at, read.settled_at):
        assert instant.utcoffset() is not None
        assert instant.utcoffset() == row.intended_at.utcoffset()
