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
    picked_up_s: float
    """Until the last deal in hand was in work again."""
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
    picked_up = [seconds for deal in deals if (seconds := await _picked_up(house, deal, killed_at)) is not None]
    return Recovery(
        in_hand=len(picked_up),
        first_done_s=min(after) - killed,
        picked_up_s=max(picked_up, default=0.0),
        all_done_s=max(after) - killed,
        doubles=await _doubles(house, deals),
    )


async def _picked_up(house: House, deal: Deal, killed_at: datetime) -> float | None:
    """Seconds from the kill until this deal's lost task was in work again; None when no task of it was lost."""
    events = (await house.starter.handle(engagement_id(FIRM, deal.contract)).fetch_history()).events
    lost = next((row for row in events if row.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT), None)
    if lost is None:
        return None
    again = next(row for row in events if _is_start_after(row, lost))
    return (again.event_time.ToDatetime(tzinfo=UTC) - killed_at).total_seconds()


def _is_start_after(row: HistoryEvent, lost: HistoryEvent) -> bool:
    return row.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED and row.event_id > lost.event_id


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
