"""Run the first deals in this process and keep what a deal does: its vendor calls, its history, its statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from sqlalchemy import event
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from bench.deals import BUYERS, Deal, deal_of
from bench.house import FIRM, House
from bench.recorded import Call, Recorder, Scripts, as_script, fingerprints
from mappings.rulebook import load_rulebook
from models.ids import engagement_id
from models.process import Outcome
from runtime.people import FilePeople
from runtime.registry import spec_of
from runtime.settings import Settings, load_settings
from runtime.temporal import build_worker
from runtime.wiring import Tieline, build_tieline
from store import open_store

__all__ = ["FIRST_FREE", "PerDeal", "actions_in", "record"]

FIRST_FREE = 40
"""Deals below this number are used up by the recording."""
_AGAIN = tuple(range(BUYERS, FIRST_FREE, 4))
_NEW = BUYERS + 1


@dataclass(frozen=True)
class PerDeal:
    """What one deal costs; the same on every machine."""

    vendor_calls: int
    history_events: int
    temporal_actions: int
    statements: int
    transactions: int


async def record(house: House) -> tuple[Scripts, dict[str, PerDeal]]:
    """First purchases of the buyers who come again, one more of each, and a first purchase of somebody else."""
    scripts: Scripts = {}
    costs: dict[str, PerDeal] = {}
    async with (
        _recorded_tieline(house) as (tieline, recorder, statements),
        build_worker(house.client, house.queue, tieline.activities),
    ):
        known: dict[int, frozenset[str]] = {}
        for number in range(BUYERS):
            calls, _ = await _one(house, deal_of(number), recorder, statements)
            known[number] = fingerprints(calls)
        for number in _AGAIN:
            deal = deal_of(number)
            calls, costs["again"] = await _one(house, deal, recorder, statements)
            scripts[f"buyer:{deal.buyer}"] = as_script(calls, deal, known[deal.buyer])
        calls, costs["new"] = await _one(house, deal_of(_NEW), recorder, statements)
        scripts["new"] = as_script(calls, deal_of(_NEW), frozenset())
    return scripts, costs


def actions_in(events: Sequence[HistoryEvent]) -> int:
    """What Temporal Cloud would bill as actions.

    Starts, activities, timers, signals, updates, attribute upserts, and one for all local activities that were recorded
    by the same workflow task.
    """
    counted = {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
        EventType.EVENT_TYPE_TIMER_STARTED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
        EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
    }
    tasks_with_local = {
        row.marker_recorded_event_attributes.workflow_task_completed_event_id
        for row in events
        if row.event_type == EventType.EVENT_TYPE_MARKER_RECORDED
    }
    return sum(row.event_type in counted for row in events) + len(tasks_with_local)


async def _one(house: House, deal: Deal, recorder: Recorder, statements: list[str]) -> tuple[list[Call], PerDeal]:
    for simulator in (house.crm, house.erp):
        await simulator.reset_calls()
    recorder.calls.clear()
    statements.clear()
    await house.starter.start_or_join(deal.as_contract)
    handle = house.starter.handle(engagement_id(FIRM, deal.contract))
    result = await handle.result()
    if result.outcome is not Outcome.ACTIVE:
        raise RuntimeError(f"The synthetic deal {deal.contract} did not become active: {result.sentence}")
    counted: Counter[str] = Counter()
    for simulator in (house.crm, house.erp):
        counted.update({route: count for route, count in (await simulator.calls()).items() if "/token" not in route})
    # Reference data is read once in five minutes, by whichever deal comes first; it is no cost of a deal.
    calls = [call for call in recorder.calls if "accountingperiod" not in call.body]
    if len(calls) == len(recorder.calls) and counted.total() != len(recorder.calls):
        raise RuntimeError(f"The simulators counted {dict(counted)}, but {len(recorder.calls)} calls were recorded.")
    history = (await handle.fetch_history()).events
    return calls, PerDeal(
        vendor_calls=counted.total(),
        history_events=len(history),
        temporal_actions=actions_in(history),
        statements=sum(not text.startswith("BEGIN") for text in statements),
        transactions=sum(text.startswith("BEGIN") for text in statements),
    )


@asynccontextmanager
async def _recorded_tieline(house: House) -> AsyncIterator[tuple[Tieline, Recorder, list[str]]]:
    settings = load_settings(house.environment())
    recorder, statements = Recorder(), []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        statements.append(statement)

    hooks: Any = {"response": [recorder.keep]}
    async with (
        httpx.AsyncClient(timeout=30, event_hooks=hooks) as http,
        open_store(settings.store_url.get_secret_value()) as store,
    ):
        event.listen(store.database.engine.sync_engine, "before_cursor_execute", note)
        yield _wired(settings, store, http), recorder, statements


def _wired(settings: Settings, store: Any, http: httpx.AsyncClient) -> Tieline:
    crm, erp = (
        spec_of(connection).build(
            connection.connection, spec_of(connection).config.model_validate(connection.values()), http
        )
        for connection in (settings.crm, settings.erp)
    )
    book = load_rulebook(settings.rulebook_folder)
    people = FilePeople(settings.people_file, settings.firm)
    return build_tieline(store, [crm], [erp], people, rules=lambda: book, now=lambda: datetime.now(UTC))
