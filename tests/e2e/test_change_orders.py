"""Change orders from the signed amendment to the amended contract: the worked examples of DOM-6, end to end."""

from __future__ import annotations

import pytest

from models.decision import Verdict
from models.money import Money
from tests.e2e.amended import base_k, later_k
from tests.e2e.front_door import FrontDoor
from tests.e2e.own_processes import run_program
from tests.e2e.site import until
from tests.e2e.sold import Json, Sales
from tests.e2e.stand import Stand

M4: Json = {"Code__c": "M4", "Amount__c": 18000, "Due_On__c": "2027-04-30", "Trigger__c": "Date", "Change__c": "Add"}
BILLED = [("M1", "30000.00", "settled"), ("M2", "45000.00", "invoiced")]


async def test_x1_more_scope_becomes_a_row_of_its_own(stand: Stand, sales: Sales, door: FrontDoor) -> None:
    k = await base_k(stand, sales, door, "K-X1")
    deal = await k.sign("1", M4, Value_Exercised__c=18000, Value_Funded__c=18000, Effective_On__c="2027-04-01")
    await k.approve()

    result = await k.result()

    assert result.stage == "active"
    assert await k.rows() == [*BILLED, ("M3", "45000.00", "planned"), ("M4", "18000.00", "planned")]
    assert (await k.standing()).values.exercised == Money.of(138_000, "USD")
    assert "still to bill USD 63,000.00" in result.sentence
    shown = next(item for item in await stand.deals() if item["Id"] == deal)
    assert shown["ERP_Sync_Status__c"] == "Active"


async def test_x2_a_price_cut_comes_off_what_is_not_billed(stand: Stand, sales: Sales, door: FrontDoor) -> None:
    k = await base_k(stand, sales, door, "K-X2")
    await k.sign("1", Value_Exercised__c=-10000, Value_Funded__c=-10000, Effective_On__c="2026-12-01")
    await k.approve()

    assert (await k.result()).stage == "active"
    assert await k.rows() == [*BILLED, ("M3", "35000.00", "planned")]
    now = await k.standing()
    assert now.values.exercised == Money.of(110_000, "USD")
    assert now.invoiced_net == Money.of(75_000, "USD")


async def test_x16_three_amendments_in_reverse_are_one_plan(stand: Stand, sales: Sales, door: FrontDoor) -> None:
    k = await base_k(stand, sales, door, "K-X16")
    more = {**M4, "Amount__c": 12000}
    await k.sign("3", Replaces_Amendments__c="2", Unbilled_Change_Percent__c=-3, Customer_Signed_On__c="2026-11-20",
                 Company_Signed_On__c="2026-11-20", Effective_On__c="2026-12-01")  # fmt: skip
    first = await k.waiting()
    assert first.code == "TL-CHG-001"
    assert "amendment 3 waits for amendments 1 and 2" in first.message
    await k.sign("2", Unbilled_Change_Percent__c=-5, Customer_Signed_On__c="2026-11-10",
                 Company_Signed_On__c="2026-11-10", Effective_On__c="2026-12-01")  # fmt: skip
    await door.drained()
    assert await k.rows() == [*BILLED, ("M3", "45000.00", "planned")]
    await k.sign("1", more, Value_Exercised__c=12000, Value_Funded__c=12000, Customer_Signed_On__c="2026-11-03",
                 Company_Signed_On__c="2026-11-03", Effective_On__c="2026-12-01")  # fmt: skip

    # The net change is below what anybody must sign for.
    result = await k.result()
    assert (result.stage, result.sentence.partition(".")[0]) == ("active", "Amendments 1, 3 are in force")
    assert await k.rows() == [*BILLED, ("M3", "43650.00", "planned"), ("M4", "11640.00", "planned")]
    assert (await k.standing()).values.exercised == Money.of(130_290, "USD")
    assert {item.number for item in (await k.standing()).applied} == {"1", "2", "3"}


async def test_x3_less_than_was_invoiced_is_credited_on_the_open_invoice(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    k = await base_k(stand, sales, door, "K-X3")
    await k.sign("1", Value_Exercised__c=-50000, Value_Funded__c=-50000, Effective_On__c="2026-12-01")
    await k.approve()

    assert (await k.result()).stage == "active"
    assert await k.rows() == [*BILLED, ("M3", "0.00", "cancelled")]
    now = await k.standing()
    assert now.values.exercised == Money.of(70_000, "USD")
    first, second = now.invoices
    assert (first.credits, second.balance) == ((), Money.of(40_000, "USD"))
    assert [credit.amount for credit in second.credits] == [Money.of(5_000, "USD")]
    assert now.invoiced_net == Money.of(70_000, "USD")


async def test_somebody_bills_between_plan_and_decision_so_the_plan_is_made_anew(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    k = await base_k(stand, sales, door, "K-STALE")
    await k.sign("1", Value_Exercised__c=-10000, Value_Funded__c=-10000, Effective_On__c="2026-12-01")
    await k.waiting()
    await k.bill("M3", "45000")

    # What is signed is not applied: it would have rewritten what is billed by now.
    old = await k.approve()
    assert await k.approve() != old
    assert (await k.result()).stage == "active"
    assert await k.rows() == [*BILLED, ("M3", "45000.00", "invoiced")]
    now = await k.standing()
    assert now.values.exercised == now.invoiced_net == Money.of(110_000, "USD")
    assert [credit.amount for item in now.invoices for credit in item.credits] == [Money.of(10_000, "USD")]


async def test_a_contract_whose_lines_and_schedule_differ_is_not_changed(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    k = await base_k(stand, sales, door, "K-TORN", billed=False)
    (schedule,) = {row.schedule for row in (await k.standing()).rows}
    whole = next(one for one in await stand.erp.kind("billingSchedule") if str(one["id"]) == schedule)["milestone"]
    first, second, third = whole["items"]
    torn = {"items": [first, second, third | {"milestoneAmount": 40000}]}
    await stand.erp.records({"type": "billingSchedule", "id": schedule, "milestone": torn})
    await k.sign("1", M4 | {"Amount__c": 5000}, Value_Exercised__c=5000, Value_Funded__c=5000)
    item = await k.waiting()
    assert (item.code, "come to USD 120,000.00, the schedule to USD 115,000.00" in item.message) == ("TL-BIL-003", True)

    await stand.erp.records({"type": "billingSchedule", "id": schedule, "milestone": whole})
    assert (await k.decide("bea.billing", Verdict.REPAIR)).accepted
    assert (await k.result()).stage == "active"
    assert (await k.standing()).values.exercised == Money.of(125_000, "USD")


async def test_an_amendment_of_a_contract_that_comes_later_waits_and_goes_on_by_itself(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    early = await later_k(stand, sales, door, "K-LATER")
    deal = await early.sign("1", M4 | {"Amount__c": 5000}, Value_Exercised__c=5000, Value_Funded__c=5000,
                            Effective_On__c="2027-04-01")  # fmt: skip
    item = await early.waiting()
    assert (item.code, "waits for the contract itself" in item.message) == ("TL-CHG-011", True)

    async def waits() -> bool:
        return any(one["Id"] == deal and one.get("ERP_Sync_Status__c") == "Waiting" for one in await stand.deals())

    await until(waits, "the deal says that it waits")

    await stand.win(early.sold.deal)
    await door.ring(early.sold.deal)
    assert (await early.result()).stage == "active"
    assert await early.rows() == [
        ("M1", "30000.00", "planned"), ("M2", "45000.00", "planned"), ("M3", "45000.00", "planned"),
        ("M4", "5000.00", "planned"),
    ]  # fmt: skip
    assert await stand.waiting("K-LATER.changes") == []


@pytest.mark.kills
@pytest.mark.timeout(240)
async def test_the_command_line_answers_where_the_amendment_is_and_shows_its_plan(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    k = await base_k(stand, sales, door, "K-CLI")
    deal = await k.sign("1", M4, Value_Exercised__c=18000, Value_Funded__c=18000, Effective_On__c="2027-04-01")
    await k.waiting()
    said = (await run_program(stand, "starter.py", "status", "K-CLI", "--json")).out
    assert "amendment 1 of contract K-CLI" in said
    assert "waits for a decision" in said
    for given in ("K-CLI.changes", deal):
        shown = (await run_program(stand, "starter.py", "plan", given)).out
        assert "Value USD 138,000.00 (was USD 120,000.00); still to bill USD 63,000.00." in shown
        assert "M4" in shown
    decided = await run_program(stand, "starter.py", "approve", "K-CLI", "--as", "ada.finance")
    assert decided.code == 0, decided
    assert (await k.result()).stage == "active"
    said = (await run_program(stand, "starter.py", "status", "K-CLI", "--json")).out
    assert "Amendment 1 is in force" in said
