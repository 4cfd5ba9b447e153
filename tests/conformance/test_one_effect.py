"""Each write has one effect: done twice, at once, cut off, with an old token. Judged by the system's own records."""

from __future__ import annotations

import asyncio

import pytest

from models.errors import NeedsRepair, NotSent, OutcomeUnknown, Retryable
from models.records import Effect, Guard
from tests.conformance.applying import applies
from tests.conformance.backend import Backend, Operation, Snapshot
from tests.conformance.declared import cost_of
from tests.conformance.middle import Cut, Say


def holders(rows: Snapshot, operation: Operation) -> dict[str, int]:
    """How many records of each kind carry what this operation's record carries."""
    found = {kind: sum(operation.needle.lower() in row.lower() for row in listed) for kind, listed in rows.items()}
    return {kind: count for kind, count in found.items() if count}


async def test_run_twice_has_one_effect_and_takes_the_calls_that_are_declared(
    backend: Backend, operation: Operation
) -> None:
    await backend.prepare(operation)
    before = await backend.snapshot()
    assert await backend.find(await backend.ready(), operation) is None
    first = await backend.ensure(await backend.ready(), operation)
    cost = cost_of(backend.name, operation.name)
    assert backend.counted() == (cost.calls, cost.writes), backend.middle.asked
    assert backend.guard(backend.adapter(), operation) is cost.guard
    once = await backend.snapshot()
    assert once != before
    adapter = await backend.ready()
    second = await backend.ensure(adapter, operation)
    assert await backend.snapshot() == once
    assert second.ref.record_id == first.ref.record_id
    found = await backend.find(adapter, operation)
    assert found is not None
    assert (found.ref.record_id, found.created) == (first.ref.record_id, False)
    if operation.needle:
        assert set(holders(once, operation).values()) == {1}


async def test_an_answer_cut_after_the_commit_is_settled_by_evidence(backend: Backend, operation: Operation) -> None:
    await backend.prepare(operation)
    adapter = await backend.ready()
    backend.middle.order(Cut(), backend.is_write, skip=cost_of(backend.name, operation.name).writes - 1)
    with pytest.raises(OutcomeUnknown):
        await backend.ensure(adapter, operation)
    assert backend.middle.acted == 1
    adapter = await backend.ready()
    written = await backend.snapshot()
    assert await backend.find(adapter, operation) is not None
    await backend.ensure(adapter, operation)
    assert await backend.snapshot() == written


@applies(lambda kind, one: cost_of(kind.name, one.name).writes > 1)
async def test_an_answer_cut_at_the_first_of_several_writes_is_taken_on(backend: Backend, operation: Operation) -> None:
    await backend.prepare(operation)
    adapter = await backend.ready()
    backend.middle.order(Cut(), backend.is_write)
    with pytest.raises(OutcomeUnknown):
        await backend.ensure(adapter, operation)
    adapter = await backend.ready()
    assert await backend.find(adapter, operation) is None
    await backend.ensure(adapter, operation)
    assert await backend.find(adapter, operation) is not None
    if operation.needle:
        assert set(holders(await backend.snapshot(), operation).values()) == {1}


async def _until_done(backend: Backend, adapter: object, operation: Operation) -> Effect:
    """As the engine does: what did not take place is sent again, and what may have is looked for first."""
    for attempt in range(10):
        try:
            return await backend.ensure(adapter, operation)
        except OutcomeUnknown:
            if (found := await backend.find(adapter, operation)) is not None:
                return found
        except NotSent:
            await asyncio.sleep(0.02 * attempt)
    raise AssertionError("refused ten times")


async def test_two_at_once_have_one_effect_or_are_found_out(backend: Backend, operation: Operation) -> None:
    await backend.prepare(operation)
    adapters = [await backend.ready() for _ in range(2)]
    await asyncio.gather(*(_until_done(backend, adapter, operation) for adapter in adapters))
    found = holders(await backend.snapshot(), operation) if operation.needle else {}
    adapter = await backend.ready()
    if backend.guard(adapter, operation) is not Guard.PROOF and set(found.values()) - {1}:
        with pytest.raises(NeedsRepair):
            await backend.find(adapter, operation)
        return
    assert not set(found.values()) - {1}
    written = await backend.snapshot()
    assert await backend.find(adapter, operation) is not None
    await backend.ensure(adapter, operation)
    assert await backend.snapshot() == written


@applies(lambda _, one: not one.is_like)
async def test_at_the_limit_nothing_is_written_and_the_wish_to_wait_is_passed_on(
    backend: Backend, operation: Operation
) -> None:
    await backend.prepare(operation)
    adapter = await backend.ready()
    before = await backend.snapshot()
    full = Say(status=429, body=b"{}", headers=(("Retry-After", "7"),))
    backend.middle.order(full, backend.is_write)
    with pytest.raises(NotSent) as later:
        await backend.ensure(adapter, operation)
    assert later.value.retry_after_s is not None
    assert later.value.retry_after_s >= 7
    assert await backend.snapshot() == before
    backend.middle.order(full, backend.is_data)
    with pytest.raises(Retryable) as unread:
        await backend.find(adapter, operation)
    assert (unread.value.retry_after_s or 0) >= 7
    await backend.ensure(adapter, operation)
    assert await backend.find(adapter, operation) is not None


@applies(lambda kind, one: kind.renews_tokens and not one.is_like)
async def test_a_token_that_ended_is_renewed_once_and_the_write_has_one_effect(
    backend: Backend, operation: Operation
) -> None:
    await backend.prepare(operation)
    adapter = await backend.ready()
    await backend.expire()
    await backend.ensure(adapter, operation)
    assert sum(map(backend.is_sign_in, backend.middle.asked)) == 1
    if operation.needle:
        assert set(holders(await backend.snapshot(), operation).values()) == {1}
