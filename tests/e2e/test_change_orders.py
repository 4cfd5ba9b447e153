"""Change orders from the signed amendment to the amended contract: the worked examples of DOM-6, end to end."""

from __future__ import annotations

from models.money import Money
from tests.e2e.amended import base_k
from tests.e2e.front_door import FrontDoor
from tests.e2e.sold import Json, Sales
from tests.e2e.stand import Stand

M4: Json = {"Code__c": "M4", "Amount__c": 18000, "Due_On__c": "2027-04-30", "Trigger__c": "Date", "Change__c": "Add"}
BILLED = [("M1", "30000.00", "settled"), ("M2", "45000.00", "invoiced")]


async def test_x1_more_scope_becomes_a_row_of_its_own(stand: Stand, sales: Sales, door: FrontDoor) -> None:
    k = await base_k(stand, sales, door, "K-X1")
    deal = await k.sign("1", M4, Value_Exercised__c=18000, Value_Funded__c=18000, Effective_On__c="2027-04-01")
    assert (await k.decision()).accepted

    result = await k.result()

    assert result.outcome == "active"
    assert await k.rows() == [*BILLED, ("M3", "45000.00", "planned"), ("M4", "18000.00", "planned")]
    assert (await k.standing()).values.exercised == Money.of(138_000, "USD")
    assert "still to bill USD 63,000.00" in result.sentence
    shown = next(item for item in await stand.deals() if item["Id"] == deal)
    assert shown["ERP_Sync_Status__c"] == "Active"


async def test_x2_a_price_cut_comes_off_what_is_not_billed(stand: Stand, sales: Sales, door: FrontDoor) -> None:
    k = await base_k(stand, sales, door, "K-X2")
    await k.sign("1", Value_Exercised__c=-10000, Value_Funded__c=-10000, Effective_On__c="2026-12-01")
    assert (await k.decision()).accepted

    assert (await k.result()).outcome == "active"
    assert await k.rows() == [*BILLED, ("M3", "35000.00", "planned")]
    now = await k.standing()
    assert now.values.exercised == Money.of(110_000, "USD")
    assert now.invoiced_net == Money.of(75_000, "USD")
