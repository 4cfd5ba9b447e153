"""A deal that changes its mind, on the real simulators and by their own events: DOM-2.3 line by line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from models.decision import Refusal, Verdict
from models.desk import EngagementRow, Stage
from tests.e2e.colleagues import decide, only_one, send, signed
from tests.e2e.front_door import FrontDoor
from tests.e2e.sold import Sales, Sold
from tests.e2e.stand import FIRM, Stand

LOST, WON, OPEN = ({"StageName": stage} for stage in ("Closed Lost", "Closed Won", "Negotiation"))


@pytest.fixture(scope="module", autouse=True)
async def _rings(door: FrontDoor) -> AsyncIterator[None]:
    """The CRM rings by itself, as its own callout does."""
    await door.subscribe()
    yield
    await door.unsubscribe()


async def reaches(stand: Stand, sold: Sold, *stages: Stage) -> EngagementRow:
    """Wait until the desk shows the contract there."""
    row = None
    for _ in range(200):
        row = await stand.store.desk.find_engagement(stand.engagement(sold.contract))
        if row is not None and row.stage in stages:
            return row
        await asyncio.sleep(0.04)
    raise AssertionError(f"{sold.contract} is not {stages}: {row}")


async def won(stand: Stand, sales: Sales, contract: str, **changes: Any) -> Sold:
    """Sold, won and set up."""
    sold = await sales.deal(contract, await sales.company(f"Company of {contract}, Inc."), **changes)
    await reaches(stand, sold, Stage.ACTIVE)
    return sold


async def heard(stand: Stand, door: FrontDoor, sold: Sold, *, times: int) -> None:
    """Wait until so many events about the deal have arrived and been handed on."""
    for _ in range(200):
        sent = (await stand.crm.http.get("/_sandbox/subscriptions")).json()["deliveries"]
        if sum(1 for one in sent if one["recordId"] == sold.deal and one.get("status") == 202) >= times:
            return await door.drained()
        await asyncio.sleep(0.04)
    raise AssertionError(f"fewer than {times} events about {sold}: {sent}")


async def in_erp(stand: Stand, contract: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Project and contract as the ERP has them."""
    (job,) = [row for row in await stand.erp.kind("job") if row.get("custentity_tl_contract_number") == contract]
    (order,) = [row for row in await stand.erp.kind("salesOrder")
                if row.get("custbody_tl_contract_number") == contract]  # fmt: skip
    return job, order


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Fields that are not what they were; an empty text counts as not there."""
    names = (set(before) | set(after)) - {"lastModifiedDate"}
    blank = {"": None}
    pairs = {name: [blank.get(str(side.get(name)), side.get(name)) for side in (before, after)] for name in names}
    return {name: now for name, (was, now) in pairs.items() if now != was}


async def created(stand: Stand, since: int) -> list[str]:
    return [entry["kind"] for entry in await stand.erp.writes(since) if entry["action"] == "create"]


async def last(stand: Stand) -> int:
    entries = await stand.erp.journal()
    return int(entries[-1]["seq"]) if entries else 0


async def test_reopened_before_anything_was_written(stand: Stand, sales: Sales) -> None:
    sold = await sales.deal("REOPENED", await sales.company("Reopened Roofs, Inc."), amount=400_000)
    await reaches(stand, sold, Stage.DECIDING)
    since = await last(stand)
    await sales.change(sold, **OPEN)
    row = await reaches(stand, sold, Stage.WITHDRAWN)
    assert "open again" in row.sentence
    assert await stand.waiting("REOPENED") == []
    assert await stand.erp.writes(since) == []
    await sales.change(sold, **WON)
    await reaches(stand, sold, Stage.DECIDING)
    assert (await decide(stand, "REOPENED", "ada.finance", Verdict.APPROVE)).accepted
    await reaches(stand, sold, Stage.ACTIVE)


async def test_lost_after_set_up_freezes_and_won_again_releases(stand: Stand, sales: Sales) -> None:
    sold = await won(stand, sales, "LOST")
    job_before, order_before = await in_erp(stand, "LOST")
    since = await last(stand)
    await sales.change(sold, **LOST)
    await reaches(stand, sold, Stage.FROZEN)
    item = await only_one(stand, "LOST")
    assert (item.code, item.owner.value) == ("TL-CON-013", "finance-operations")
    await sales.shown_status(sold, "Frozen")
    job, order = await in_erp(stand, "LOST")
    assert changed(job_before, job) == {"allowTime": False, "allowExpenses": False}
    frozen = changed(order_before, order)
    assert frozen["orderStatus"] == {"id": "A"}, "pending approval: cannot be invoiced"
    assert "The deal is lost" in frozen["custbody_tl_billing_hold"]
    assert set(frozen) == {"orderStatus", "status", "custbody_tl_billing_hold"}

    await sales.change(sold, **WON)
    await reaches(stand, sold, Stage.ACTIVE)
    await sales.shown_status(sold, "Active")
    job, order = await in_erp(stand, "LOST")
    assert (changed(job_before, job), changed(order_before, order)) == ({}, {})
    assert await created(stand, since) == []
    assert await stand.waiting("LOST") == []


async def test_a_lost_contract_is_closed_as_cancelled_by_a_person_and_opened_again_when_it_is_won(
    stand: Stand, sales: Sales
) -> None:
    sold = await won(stand, sales, "CANCELLED")
    job_before, order_before = await in_erp(stand, "CANCELLED")
    shown = await sales.shown(sold)
    numbers = (shown["ERP_Project_Number__c"], shown["ERP_Contract_Number__c"])
    assert numbers == (job_before["entityId"], order_before["tranId"]), "what people call them, from the first day"
    since = await last(stand)
    await sales.change(sold, **LOST)
    await reaches(stand, sold, Stage.FROZEN)
    assert (await decide(stand, "CANCELLED", "ada.finance", Verdict.REPAIR, answer="cancel")).accepted
    await reaches(stand, sold, Stage.CANCELLED)
    assert "A person decided" in (await sales.shown_status(sold, "Cancelled"))["ERP_Sync_Error__c"]
    job, order = await in_erp(stand, "CANCELLED")
    assert (order["status"]["id"], job["entityStatus"]["id"], job["allowTime"]) == ("H", "1", False)
    assert await stand.waiting("CANCELLED") == []

    await sales.change(sold, **WON)
    await reaches(stand, sold, Stage.ACTIVE)
    job, order = await in_erp(stand, "CANCELLED")
    assert (changed(job_before, job), changed(order_before, order)) == ({}, {})
    assert await created(stand, since) == []


async def test_a_contract_that_was_billed_is_frozen_only_after_a_yes(stand: Stand, sales: Sales) -> None:
    sold = await won(stand, sales, "BILLED")
    _, order = await in_erp(stand, "BILLED")
    line = {"item": order["item"]["items"][0]["item"], "quantity": 1, "amount": 100}
    bill = {"type": "invoice", "entity": order["entity"], "createdFrom": {"id": order["id"]}, "item": {"items": [line]}}
    await stand.erp.records(bill)
    since = await last(stand)
    await sales.change(sold, **LOST)
    await reaches(stand, sold, Stage.LOST)
    item = await only_one(stand, "BILLED")
    assert "Work has begun: 1 invoice (INV" in item.message
    assert [choice.value for choice in item.choices] == ["freeze", "keep"]
    assert await stand.erp.writes(since) == []
    assert (await decide(stand, "BILLED", "ada.finance", Verdict.REPAIR, answer="freeze")).accepted
    await reaches(stand, sold, Stage.ON_HOLD)
    assert (await in_erp(stand, "BILLED"))[0]["allowTime"] is False


async def test_terms_changed_after_set_up_are_a_change_order_and_nothing_is_written(
    stand: Stand, sales: Sales
) -> None:
    sold = await won(stand, sales, "CHANGED")
    since = await last(stand)
    await sales.reprice(sold, 95_000)
    row = await reaches(stand, sold, Stage.CHANGE_ORDER)
    item = await only_one(stand, "CHANGED")
    assert (item.code, item.owner.value) == ("TL-CHG-000", "contracts")
    assert "nothing was written" in item.message
    assert "change order" in row.sentence
    assert await stand.erp.writes(since) == []
    await sales.reprice(sold, 90_000)
    await reaches(stand, sold, Stage.ACTIVE)
    assert await stand.waiting("CHANGED") == []
    assert await stand.erp.writes(since) == []


async def test_other_terms_when_it_is_won_again_stay_frozen(stand: Stand, sales: Sales) -> None:
    sold = await won(stand, sales, "LOST-OTHER")
    await sales.change(sold, **LOST)
    await reaches(stand, sold, Stage.FROZEN)
    since = await last(stand)
    await sales.reprice(sold, 80_000)
    await sales.change(sold, **WON)
    await reaches(stand, sold, Stage.CHANGE_ORDER)
    assert await stand.erp.writes(since) == []
    await sales.reprice(sold, 90_000)
    await reaches(stand, sold, Stage.ACTIVE)
    job, _ = await in_erp(stand, "LOST-OTHER")
    assert await created(stand, since) == []
    assert job["allowTime"] is True


async def test_a_signature_that_comes_days_later_goes_on_by_itself(stand: Stand, sales: Sales) -> None:
    account = await sales.company("Slow Signers, Inc.")
    sold = await sales.deal("SIGNED-LATER", account, Customer_Signed_On__c=None)
    await reaches(stand, sold, Stage.PARKED)
    assert (await only_one(stand, "SIGNED-LATER")).code == "TL-CON-001"
    await stand.crm.control("clock", {"advance_s": 3 * 86_400})
    since = await last(stand)
    await sales.change(sold, Customer_Signed_On__c="2026-11-27")
    await reaches(stand, sold, Stage.ACTIVE)
    assert await stand.waiting("SIGNED-LATER") == []
    assert sorted(await created(stand, since)) == ["billingSchedule", "contact", "customer", "job", "salesOrder"]


async def test_a_price_changed_while_a_decision_waits_makes_the_old_plan_stale(stand: Stand, sales: Sales) -> None:
    account = await sales.company("Hasty Pricing, Inc.")
    sold = await sales.deal("STALE", account, amount=400_000)
    await reaches(stand, sold, Stage.DECIDING)
    old = await only_one(stand, "STALE")
    await sales.reprice(sold, 420_000)
    await only_one(stand, "STALE", besides=old.item)
    answer = await send(stand, signed(stand, "STALE", "ada.finance", Verdict.APPROVE, old.item))
    assert (answer.accepted, answer.refusal) == (False, Refusal.STALE_PLAN)
    assert (await decide(stand, "STALE", "ada.finance", Verdict.APPROVE)).accepted
    await reaches(stand, sold, Stage.ACTIVE)
    _, order = await in_erp(stand, "STALE")
    assert sum(line["amount"] for line in order["item"]["items"]) == 420_000


async def test_a_price_changed_without_an_event_is_seen_after_the_yes(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    await door.unsubscribe()
    account = await sales.company("Quiet Pricing, Inc.")
    sold = await sales.deal("QUIET", account, amount=400_000)
    await door.ring(sold.deal)
    await reaches(stand, sold, Stage.DECIDING)
    old = await only_one(stand, "QUIET")
    await sales.reprice(sold, 420_000)
    await door.subscribe()
    since = await last(stand)
    assert (await decide(stand, "QUIET", "ada.finance", Verdict.APPROVE)).accepted
    new = await only_one(stand, "QUIET", besides=old.item)
    assert await stand.erp.writes(since) == []
    assert "420,000.00" in str(new.stake)


async def test_a_copy_of_a_won_deal_freezes_nothing_and_is_sent_back_when_it_is_won(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    original = await won(stand, sales, "COPIED")
    since = await last(stand)
    copy = await sales.deal("COPIED", original.account, stage="Negotiation", amount=70_000)
    await sales.change(copy, PO_Number__c="PO-1")
    await heard(stand, door, copy, times=2)
    row = await reaches(stand, original, Stage.ACTIVE)
    assert (row.deal_id, await stand.erp.writes(since)) == (original.deal, [])

    await sales.change(copy, **WON)
    await heard(stand, door, copy, times=3)
    (item,) = [one for one in await stand.store.desk.list_open(FIRM) if one.record == copy.deal]
    assert (item.code, item.owner.value) == ("TL-CON-014", "sales-operations")
    assert f"the contract number COPIED of deal {original.deal}" in item.message
    assert await stand.erp.writes(since) == []
    assert "(copied record)" in (await sales.shown_status(copy, "Waiting"))["ERP_Sync_Error__c"]
    assert (await sales.shown(original))["ERP_Sync_Status__c"] == "Active"
    # The original is still heard while the copy waits.
    await sales.change(original, **LOST)
    await reaches(stand, original, Stage.FROZEN)


async def test_a_deal_that_is_made_anew_takes_the_number_of_one_that_was_lost_unwritten(
    stand: Stand, sales: Sales
) -> None:
    account = await sales.company("Company of MADE-ANEW, Inc.")
    first = await sales.deal("MADE-ANEW", account, amount=900_000)
    await reaches(stand, first, Stage.DECIDING)
    await sales.change(first, **LOST)
    await reaches(stand, first, Stage.WITHDRAWN)
    second = await sales.deal("MADE-ANEW", account)
    row = await reaches(stand, second, Stage.ACTIVE)
    assert row.deal_id == second.deal
    assert await in_erp(stand, "MADE-ANEW")
