"""What each call of a port may cost the database. A figure that grows fails here; the README states the same table."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest_asyncio
from sqlalchemy import event

from models.desk import Stage
from models.ids import DealId, PlanDigest
from models.roles import Role
from store import Store, open_store
from tests.store.facts import (
    CONTRACT,
    CRM,
    ENGAGEMENT,
    ERP,
    FIRM,
    Clock,
    a_blocker,
    a_plan,
    an_effect,
    an_event,
    an_intent,
    approval,
    repair,
    signed_terms,
    status_row,
)

WORKFLOW = "quote-to-project/hf/C-1001"
BUDGET = {
    "ledger.intend, first": 3,
    "ledger.intend, again": 5,
    "ledger.intend, applied before": 2,
    "ledger.settle_applied": 4,
    "ledger.settle_applied, again": 2,
    "ledger.settle_not_applied": 3,
    "ledger.mark_unknown": 3,
    "ledger.list_operations": 1,
    "plans.save_plan": 3,
    "plans.save_plan, again": 0,
    "plans.get_plan": 1,
    "plans.save_terms": 1,
    "plans.get_terms": 1,
    "desk.save_engagement": 4,
    "desk.save_engagement, the same": 2,
    "desk.find_engagement": 1,
    "desk.list_engagements": 1,
    "desk.raise_blockers, 20": 4,
    "desk.raise_blockers, 20 others instead": 5,
    "desk.ask_decision": 7,
    "desk.escalate": 4,
    "desk.clear, 20": 4,
    "desk.list_open, 20": 1,
    "desk.find_blocker": 1,
    "desk.record_decision, approve": 10,
    "desk.record_decision, the same again": 2,
    "desk.record_decision, repair": 7,
    "desk.list_signatures": 1,
    "desk.list_answers": 1,
    "inbox.accept": 3,
    "inbox.accept, again": 1,
    "inbox.list_waiting": 1,
    "inbox.mark_handed_on": 1,
    "inbox.mark_attempt": 1,
    "deal_bindings.bind_deal": 4,
    "deal_bindings.bind_deal, bound": 1,
    "deal_bindings.find_deal_of_project": 1,
    "deal_bindings.find_deal_of_contract": 1,
    "deal_bindings.find_contract_set_up": 1,
    "audit.append": 2,
    "audit.list_entries": 1,
    "audit.head": 1,
    "audit.verify, up to 5,000 entries": 2,
    "watermarks.get": 1,
    "watermarks.set": 1,
}
"""Statements besides BEGIN and COMMIT. One statement may carry many rows."""


@contextmanager
def _counting(store: Store) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    event.listen(store.database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(store.database.engine.sync_engine, "before_cursor_execute", note)


class _Meter:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.counts: dict[str, int] = {}

    async def measure(self, name: str, call: Awaitable[Any]) -> Any:
        with _counting(self.store) as seen:
            result = await call
        self.counts[name] = len(seen)
        return result


@pytest_asyncio.fixture
async def fresh(database_url: str) -> AsyncIterator[Callable[[], Awaitable[Store]]]:
    """The same store as a process sees it that has just started: nothing is in its memory."""
    opened: list[Any] = []

    async def open_again() -> Store:
        manager = open_store(database_url, clock=Clock())
        opened.append(manager)
        return await manager.__aenter__()

    yield open_again
    for manager in opened:
        await manager.__aexit__(None, None, None)


async def test_no_call_costs_more_statements_than_its_budget(
    store: Store, fresh: Callable[[], Awaitable[Store]], clock: Clock
) -> None:
    meter = _Meter(store)
    await _ledger(meter, store)
    digest = await _plans(meter, store, await fresh())
    await _desk(meter, store, clock)
    await _decisions(meter, store, clock, digest)
    await _rest(meter, store)
    assert meter.counts == BUDGET


async def _ledger(meter: _Meter, store: Store) -> None:
    ledger, intent = store.ledger, an_intent()
    await meter.measure("ledger.intend, first", ledger.intend(intent))
    await meter.measure("ledger.intend, again", ledger.intend(intent))
    await meter.measure("ledger.mark_unknown", ledger.mark_unknown(intent.key, reason="cut"))
    await meter.measure("ledger.settle_not_applied", ledger.settle_not_applied(intent.key, reason="refused"))
    settle = ledger.settle_applied
    await meter.measure("ledger.settle_applied", settle(intent.key, an_effect(), evidence="answered"))
    await meter.measure("ledger.settle_applied, again", settle(intent.key, an_effect(), evidence="answered"))
    await meter.measure("ledger.intend, applied before", ledger.intend(intent))
    await meter.measure("ledger.list_operations", ledger.list_operations(ENGAGEMENT))


async def _plans(meter: _Meter, store: Store, restarted: Store) -> PlanDigest:
    plan = a_plan(("finance", Role.CONTROLLER), ("delivery", Role.PMO))
    digest = PlanDigest(await meter.measure("plans.save_plan", store.plans.save_plan(plan)))
    await meter.measure("plans.save_plan, again", store.plans.save_plan(plan))
    reference = await meter.measure("plans.save_terms", store.plans.save_terms(ENGAGEMENT, signed_terms()))
    elsewhere = _Meter(restarted)
    await elsewhere.measure("plans.get_plan", restarted.plans.get_plan(digest))
    await elsewhere.measure("plans.get_terms", restarted.plans.get_terms(reference))
    meter.counts.update(elsewhere.counts)
    return digest


async def _desk(meter: _Meter, store: Store, clock: Clock) -> None:
    desk, due = store.desk, (clock(),) * 20
    await meter.measure("desk.save_engagement", desk.save_engagement(status_row(Stage.PARKED)))
    await meter.measure("desk.save_engagement, the same", desk.save_engagement(status_row(Stage.PARKED)))
    await meter.measure("desk.find_engagement", desk.find_engagement(ENGAGEMENT))
    await meter.measure("desk.list_engagements", desk.list_engagements(FIRM))
    first = tuple(a_blocker(f"A{row}") for row in range(20))
    others = tuple(a_blocker(f"B{row}") for row in range(20))
    await meter.measure("desk.raise_blockers, 20", desk.raise_blockers(first, WORKFLOW, due))
    await meter.measure("desk.raise_blockers, 20 others instead", desk.raise_blockers(others, WORKFLOW, due))
    await meter.measure("desk.list_open, 20", desk.list_open(FIRM))
    await meter.measure("desk.find_blocker", desk.find_blocker(others[0].blocker))
    await meter.measure("desk.escalate", desk.escalate(others[0].blocker, Role.CFO, note="escalate"))
    await meter.measure("desk.record_decision, repair", desk.record_decision(repair(others[0], "olga")))
    await meter.measure("desk.list_answers", desk.list_answers(ENGAGEMENT))
    await desk.raise_blockers(others, WORKFLOW, due)
    await meter.measure("desk.clear, 20", desk.clear(ENGAGEMENT, reason="repaired"))


async def _decisions(meter: _Meter, store: Store, clock: Clock, digest: PlanDigest) -> None:
    desk = store.desk
    await desk.raise_blockers((a_blocker(),), WORKFLOW, (clock(),))
    await meter.measure("desk.ask_decision", desk.ask_decision(digest, WORKFLOW, clock()))
    judged = approval(digest, "finance", "carla")
    await meter.measure("desk.record_decision, approve", desk.record_decision(judged))
    await meter.measure("desk.record_decision, the same again", desk.record_decision(judged))
    await meter.measure("desk.list_signatures", desk.list_signatures(digest))


async def _rest(meter: _Meter, store: Store) -> None:
    inbox, bindings, audit = store.inbox, store.deal_bindings, store.audit
    await meter.measure("inbox.accept", inbox.accept(an_event(), b"raw"))
    await meter.measure("inbox.accept, again", inbox.accept(an_event(), b"raw"))
    (row,) = await meter.measure("inbox.list_waiting", inbox.list_waiting(10))
    await meter.measure("inbox.mark_attempt", inbox.mark_attempt((row.row,), reason="the CRM does not answer"))
    await meter.measure("inbox.mark_handed_on", inbox.mark_handed_on((row.row,), outcome="started"))
    for name in ("deal_bindings.bind_deal", "deal_bindings.bind_deal, bound"):
        await meter.measure(name, bindings.bind_deal(FIRM, CRM, CONTRACT, DealId("006-1")))
    await meter.measure("deal_bindings.find_deal_of_project", bindings.find_deal_of_project(FIRM, ERP, "1001"))
    held = bindings.find_deal_of_contract(FIRM, CONTRACT)
    await meter.measure("deal_bindings.find_deal_of_contract", held)
    earlier = bindings.find_contract_set_up(FIRM, CRM, DealId("006-1"), besides=CONTRACT)
    await meter.measure("deal_bindings.find_contract_set_up", earlier)
    await meter.measure("audit.append", audit.append("note.made", "", "s", {}))
    await meter.measure("audit.list_entries", audit.list_entries(ENGAGEMENT))
    await meter.measure("audit.head", audit.head())
    await meter.measure("audit.verify, up to 5,000 entries", audit.verify())
    await meter.measure("watermarks.set", store.watermarks.set("sweep", "1"))
    await meter.measure("watermarks.get", store.watermarks.get("sweep"))


def test_the_readme_states_the_same_budget() -> None:
    readme = (Path(__file__).parents[2] / "store" / "README.md").read_text()
    stated = {name: int(count) for name, count in re.findall(r"^\| `([^`]+)` \| (\d+) \|", readme, re.MULTILINE)}
    assert stated == BUDGET
