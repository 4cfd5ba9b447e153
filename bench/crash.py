"""A worker is killed with deals in flight, and another one takes over."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from bench.deals import Deal
from bench.house import FIRM, House
from models.ids import engagement_id
from models.process import Outcome, QuoteToProjectResult

__all__ = ["Recovery", "recover"]

_STARTS_AT_ONCE = 20
_FIRST_DONE = 5
"""The kill comes when so many of them are done: the worker is in full work then."""


@dataclass(frozen=True)
class Recovery:
    """What happened after the kill, in seconds."""

    in_hand: int
    """Deals whose task the dead worker had in hand."""
    first_done_s: float
    scheduled_again_s: float
    """Until the engine had taken the last deal in hand from the dead worker and put it into the queue."""
    picked_up_s: float
    """Until that one was in work again: it waits behind all others that are in the queue."""
    all_done_s: float
    doubles: int
    """Records of the ERP that stand for one key twice; must be nought."""


async def recover(house: House, deals: Sequence[Deal]) -> Recovery:
    """Kill the worker with all of these deals in flight; a second one is started at once."""
    worker = await house.worker("worker-killed")
    turn = asyncio.Semaphore(_STARTS_AT_ONCE)
    done_at: dict[int, float] = {}
    in_full_work = asyncio.Event()

    async def start(deal: Deal) -> None:
        async with turn:
            await house.starter.start_or_join(deal.as_contract)

    async def finish(deal: Deal) -> QuoteToProjectResult:
        result = await house.starter.handle(engagement_id(FIRM, deal.contract)).result()
        done_at[deal.number] = time.monotonic()
        if len(done_at) >= _FIRST_DONE:
            in_full_work.set()
        return result

    await asyncio.gather(*(start(deal) for deal in deals))
    finishing = asyncio.gather(*(finish(deal) for deal in deals))
    await in_full_work.wait()
    await worker.kill()
    killed, killed_at = time.monotonic(), datetime.now(UTC)
    done_before = set(done_at)
    second = await house.worker("worker-second")
    results = await finishing
    await second.stop()
    # Killed between its last step and its end, a run does its steps again and finds that all is set up.
    fine = {Outcome.ACTIVE, Outcome.NOTHING_TO_DO}
    if wrong := [result.sentence for result in results if result.outcome not in fine]:
        raise RuntimeError(f"After the kill {len(wrong)} deals did not become active: {wrong[0]}")
    after = [at for number, at in done_at.items() if number not in done_before]
    lost = [times for deal in deals if (times := await _lost_task(house, deal, killed_at)) is not None]
    return Recovery(
        in_hand=len(lost),
        first_done_s=min(after) - killed,
        scheduled_again_s=max((times[0] for times in lost), default=0.0),
        picked_up_s=max((times[1] for times in lost), default=0.0),
        all_done_s=max(after) - killed,
        doubles=await _doubles(house, deals),
    )


async def _lost_task(house: House, deal: Deal, killed_at: datetime) -> tuple[float, float] | None:
    """Seconds from the kill until this deal's lost task was in the queue, and in work; None when it lost no task."""
    events = (await house.starter.handle(engagement_id(FIRM, deal.contract)).fetch_history()).events
    lost = next((row for row in events if row.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT), None)
    if lost is None:
        return None
    again = _first_after(events, lost, EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED)
    started = _first_after(events, again, EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED)
    queued_at, started_at = (row.event_time.ToDatetime(tzinfo=UTC) for row in (again, started))
    return (queued_at - killed_at).total_seconds(), (started_at - killed_at).total_seconds()


def _first_after(events: Sequence[HistoryEvent], before: HistoryEvent, kind: EventType.ValueType) -> HistoryEvent:
    return next(row for row in events if row.event_type == kind and row.event_id > before.event_id)


async def _doubles(house: House, deals: Sequence[Deal]) -> int:
    """Sales orders and projects of one contract beyond the first."""
    state = await house.erp.state()
    wanted = {deal.contract for deal in deals}
    found = Counter(
        (kind, record[name])
        for kind, name in (("salesOrder", "custbody_tl_contract_number"), ("job", "custentity_tl_contract_number"))
        for record in state.get(kind, [])
        if record.get(name) in wanted
    )
    missing = [(kind, number) for kind in ("salesOrder", "job") for number in wanted if not found[kind, number]]
    if missing:
        raise RuntimeError(f"After the kill the ERP lacks {missing[0]} and {len(missing) - 1} more.")
    return sum(count - 1 for count in found.values())
