"""Answers that get lost under a change order, and what one costs: each effect once, each call counted."""

from __future__ import annotations

import asyncio
from collections import Counter

from models.change_process import STALE
from models.decision import Verdict
from models.money import Money
from tests.e2e.amended import base_k
from tests.e2e.front_door import FrontDoor
from tests.e2e.site import until
from tests.e2e.sold import END, Sales
from tests.e2e.stand import Stand

CRM_CALLS = {
    "GET /query": 3,  # the dispatcher asks which contract the deal amends; all amendments before and after the decision
    "POST /composite": 2,  # it waits for a decision; it is in force, with the note to its owner
}
ERP_CALLS = {
    "POST /query/v1/suiteql": 5,  # how the contract stands: per plan, just before each of the two writes, read back
    "PATCH /record/v1/billingSchedule": 1,
    "PATCH /record/v1/job": 1,
    "PATCH /record/v1/salesOrder": 1,
}
HISTORY_EVENTS = 60
"""At most; a decision and the note on the deal are most of it."""


async def test_every_lost_answer_leaves_one_effect(stand: Stand, sales: Sales, door: FrontDoor) -> None:
    k = await base_k(stand, sales, door, "K-LOST")
    since = await stand.erp.last_seq()
    for path in ("billingSchedule", "job", "salesOrder"):
        await stand.erp.faults({"action": "reset", "when": "after", "method": "PATCH", "path": path})
    await stand.erp.faults({"action": "reset", "when": "after", "method": "PUT", "path": "creditMemo"})
    await k.sign("1", Value_Exercised__c=-50000, Value_Funded__c=-50000, Effective_On__c="2026-12-01")
    await k.approve()
    await stand.crm.faults({"action": "reset", "when": "after", "method": "POST", "path": "composite"})

    assert (await k.result(seconds=30)).stage == "active"

    now = await k.standing()
    assert (now.values.exercised, now.invoiced_net) == (Money.of(70_000, "USD"), Money.of(70_000, "USD"))
    effects = Counter((entry["action"], entry["kind"]) for entry in await stand.erp.writes(since))
    del effects["update", "invoice"]  # the credit note settles part of it
    assert effects == {
        ("update", "billingSchedule"): 1, ("update", "job"): 1, ("update", "salesOrder"): 1,
        ("create", "creditMemo"): 1,
    }  # fmt: skip
    told = "Contract K-LOST: amendment 1 is in force"
    assert len([task for task in await stand.crm.kind("Task") if task["Subject"].startswith(told)]) == 1


async def test_an_edit_between_two_writes_of_a_change_is_a_persons_matter(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    k = await base_k(stand, sales, door, "K-HALF")
    aim = {"method": "PATCH", "path": "billingSchedule"}
    await stand.erp.faults({"id": "slow", "action": "delay", "when": "after", "delay_s": 1.0, **aim})
    since = await stand.erp.last_seq()
    await k.sign("1", Value_Exercised__c=-10000, Value_Funded__c=-10000, Effective_On__c="2026-12-01")
    # Whoever approves hears of it when the engine's task ends, and that is when the change is written.
    approving = asyncio.create_task(k.approve())

    async def landed() -> bool:
        return any(entry["kind"] == "billingSchedule" for entry in await stand.erp.writes(since))

    await until(landed, "the schedule is changed")
    order = (await k.contract()).record_id
    await stand.erp.records({"type": "salesOrder", "id": order, "otherRefNum": "PO-9", "endDate": "2027-12-31"})
    await approving

    item = await k.waiting()
    assert item.code == STALE
    assert "Some of the change is in the ERP already" in item.message
    assert (await k.standing()).values.exercised == Money.of(120_000, "USD")
    await stand.erp.records({"type": "salesOrder", "id": order, "endDate": END})
    assert (await k.decide("bea.billing", Verdict.REPAIR)).accepted
    assert (await k.result()).stage == "active"
    assert [row[1] for row in await k.rows()] == ["30000.00", "45000.00", "35000.00"]
    assert (await k.standing()).values.exercised == Money.of(110_000, "USD")


async def test_a_change_order_costs_exactly_this(stand: Stand, sales: Sales, door: FrontDoor) -> None:
    k = await base_k(stand, sales, door, "K-COST")
    await stand.crm.reset_calls()
    await stand.erp.reset_calls()
    await k.sign("1", Value_Exercised__c=-10000, Value_Funded__c=-10000, Effective_On__c="2026-12-01")
    await k.approve()
    assert (await k.result()).stage == "active"
    assert await stand.crm.calls() == CRM_CALLS
    assert await stand.erp.calls() == ERP_CALLS
    history = await k.changes.handle(k.number).fetch_history()
    assert len(history.events) <= HISTORY_EVENTS

    seq = await stand.erp.last_seq(), await stand.crm.last_seq()
    await door.ring(k.sold.deal)
    await k.changes.ring(k.number)
    assert (await k.changes.handle(k.number).result()).outcome == "nothing-to-do"
    assert (await stand.erp.last_seq(), await stand.crm.last_seq()) == seq
