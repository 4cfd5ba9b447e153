"""What one deal costs: calls of both vendors, events of the engine's history, statements of our store.

The figures are exact, so that a call too many shows on the day it comes in. A figure that must change is changed here
together with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from tests.e2e.front_door import FrontDoor
from tests.e2e.sold import Sales
from tests.e2e.stand import Stand

CRM_CALLS = {
    "GET /query": 2,  # the dispatcher asks which contract the deal sells; the signed terms with all their children
    "POST /composite": 1,  # the write-back: record of ours, account, deal and note to the owner, in one transaction
}
ERP_CALLS = {
    "POST /query/v1/suiteql": 2,  # the survey (customers and records under our keys); what will be billed, read back
    "PUT /record/v1/customer": 1,
    "PUT /record/v1/job": 1,
    "PUT /record/v1/billingSchedule": 1,
    "PUT /record/v1/salesOrder": 1,
}
PER_CONTACT = {"PUT /record/v1/contact": 1}
FIRST_DEAL_OF_A_PROCESS = {"POST /query/v1/suiteql": 1}  # the chart of reference data, then kept for five minutes
KNOWN_CUSTOMER = {"PUT /record/v1/customer": -1}  # and its people, who are in the ledger already: nothing for them
TOKENS = 1  # per vendor and process, until the token ends; not in the budget

HISTORY_EVENTS = 17
"""Start, one workflow task (3 events) and the end; ten steps, one marker each (read, plan, customer, contact, project,
schedule, contract, read back, write back, record the end); the stage is shown at applying and at the end. One task for
all: nothing waits for the engine between two steps."""
PER_CONTACT_EVENTS = 1  # one more step

STATEMENTS = 93
"""Every change of ours is a transaction: its lock, its rows, the head of the audit chain and the new entry. Six writes
are two each (intent; outcome with its binding); event, terms, binding of the deal, plan, stage and end one each. The
rest is one look for each question (among them: does another deal hold the contract, is
it frozen, was the deal set up under another number, does an amendment wait for it?). Whether a match of the buyer was
undone is asked only where the ERP has somebody it could be taken for."""
PER_CONTACT_STATEMENTS = 9  # intent: lock, row, head, entry; outcome: lock, row, binding, head, entry


@contextmanager
def _statements(stand: Stand) -> Iterator[list[str]]:
    """What our store's engine sends, without the idle looks into the inbox: those come by the clock."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if not (statement.startswith("SELECT inbox") and "waits" in statement):
            seen.append(statement)

    engine = stand.store.ledger._database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _tokens(calls: dict[str, int]) -> int:
    return sum(calls.pop(route) for route in list(calls) if route.endswith("/token"))


def _plus(*parts: dict[str, int]) -> dict[str, int]:
    whole: Counter[str] = Counter()
    for part in parts:
        whole.update(part)
    return dict(whole)


async def test_one_deal_costs_exactly_this(stand: Stand, sales: Sales, door: FrontDoor) -> None:
    is_first_of_process = not any((await stand.erp.calls()).values())
    for number, (contacts, is_first) in enumerate([(1, is_first_of_process), (1, False), (2, False)]):
        contract = f"BUDGET-{number}"
        account = await sales.company(f"Budget Bridge {number} Works, Inc.", contacts=contacts)
        sold = await sales.deal(contract, account)
        await stand.crm.reset_calls()
        await stand.erp.reset_calls()
        with _statements(stand) as statements:
            assert (await door.ring(sold.deal)).status_code == 202
            await door.drained()
            assert (await stand.result(contract)).outcome == "active"
        crm, erp = await stand.crm.calls(), await stand.erp.calls()
        history = await stand.starter.handle(stand.engagement(contract)).fetch_history()
        tokens = TOKENS if is_first else 0
        assert (_tokens(crm), _tokens(erp)) == (tokens, tokens)
        assert crm == CRM_CALLS
        assert sum(CRM_CALLS.values()) <= 3
        people = {name: count * contacts for name, count in PER_CONTACT.items()}
        assert erp == _plus(ERP_CALLS, people, FIRST_DEAL_OF_A_PROCESS if is_first else {})
        assert sum(ERP_CALLS.values()) <= 6
        more = contacts - 1
        assert len(history.events) == HISTORY_EVENTS + more * PER_CONTACT_EVENTS <= 60
        listed = Counter(" ".join(one.split())[:60] for one in statements)
        assert len(statements) == STATEMENTS + more * PER_CONTACT_STATEMENTS, str(listed.most_common())


async def test_a_second_deal_of_a_customer_asks_nothing_about_it_again(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    account = await sales.company("Budget Bridge Known Works, Inc.", contacts=2)
    for contract in "BUDGET-KNOWN-1", "BUDGET-KNOWN-2":
        sold = await sales.deal(contract, account)
        await stand.erp.reset_calls()
        await door.ring(sold.deal)
        await door.drained()
        assert (await stand.result(contract)).outcome == "active"
    erp = await stand.erp.calls()
    _tokens(erp)
    assert erp == {route: count for route, count in _plus(ERP_CALLS, KNOWN_CUSTOMER).items() if count}
