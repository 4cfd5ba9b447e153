"""Two CRM accounts and two ERPs: who signed a contract books it, and a dead sign-in stops only its own connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from models.desk import Stage
from tests.e2e.sold import Sales
from tests.e2e.stand import FIRM, Stand
from tests.e2e.test_other_crm import contract, line, milestone
from tests.e2e.two_sides import TwoSides, open_two_sides

FED = "Harbour & Finch Federal LLC"
HELD_UP = 8


@pytest.fixture(scope="module")
async def both(stand: Stand) -> AsyncIterator[TwoSides]:
    async with open_two_sides(stand) as opened:
        yield opened


async def until(what: Callable[[], Awaitable[bool]]) -> None:
    deadline = asyncio.get_running_loop().time() + 25
    while not await what():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.05)


async def active(both: TwoSides, *contracts: str) -> None:
    async def are_active() -> bool:
        rows = await both.rows()
        return all(number in rows and rows[number].stage is Stage.ACTIVE for number in contracts)

    try:
        await until(are_active)
    except AssertionError:
        raise AssertionError([(row.stage, row.sentence) for row in (await both.rows()).values()]) from None


async def sold_in_hubspot(both: TwoSides, number: str, sold_as: str = "", **fields: Any) -> str:
    """A deal of the second CRM, won; `sold_as` is another contract number than that of its buyer."""
    company, person, deal = contract(number)
    changed = {**deal, **fields, "contract_number": sold_as or number}
    ids = (await both.crm.records(company, person, changed, line("Milestones"), milestone(1), milestone(2)))["ids"]
    await both.crm.records({"type": "deals", "id": ids[2], "dealstage": "148213305"})
    return str(ids[2])


async def test_the_company_that_signed_books_it_whichever_crm_sold_it(both: TwoSides, sales: Sales) -> None:
    orders = [len(await side.kind("salesOrder")) for side in (both.stand.erp, both.erp)]
    heron, ibis = await sales.company("Heron Rail, Inc."), await sales.company("Ibis Ports LLC")
    ours = await sales.deal("ROUTE-US-1", heron)
    federal = await sales.deal("ROUTE-FED-1", heron, Signing_Entity__c=FED)
    other = await sales.deal("ROUTE-FED-2", ibis, Signing_Entity__c=FED)
    east_us = await sold_in_hubspot(both, "OTHER-1001")
    east_fed = await sold_in_hubspot(both, "OTHER-1002", signing_entity=FED)
    for sold in (ours, federal, other):
        await both.ring("crm-main", sold.deal)
    for deal in (east_us, east_fed):
        await both.ring("crm-east", deal)
    await active(both, "ROUTE-US-1", "ROUTE-FED-1", "ROUTE-FED-2", "OTHER-1001", "OTHER-1002")

    now = [len(await side.kind("salesOrder")) for side in (both.stand.erp, both.erp)]
    assert now == [orders[0] + 2, orders[1] + 3]
    # One buyer, two companies of ours: a customer in each ERP, and the id of the one is not taken for the other's.
    plans = both.tieline.store.plans
    for number, erp in (("ROUTE-US-1", "erp-main"), ("ROUTE-FED-1", "erp-fed"), ("OTHER-1002", "erp-fed")):
        row = (await both.rows())[number]
        assert row.plan is not None
        plan = await plans.get_plan(row.plan)
        crm = "crm-east" if number.startswith("OTHER") else "crm-main"
        assert {item.connection for item in plan.operations} == {erp, crm}
        assert [ref.rule for ref in plan.rules if ref.rule.startswith("ERP-")] == [
            "ERP-US" if erp == "erp-main" else "ERP-FED"
        ]
    told = {deal["hs_object_id"]: deal.get("erp_sync_status") for deal in await both.crm.kind("deals")}
    assert (told[east_us], told[east_fed]) == ("Active", "Active")

    # The same number as a contract of the first CRM, which has it already.
    before = [len(await side.writes()) for side in (both.stand.erp, both.erp)]
    copy = await sold_in_hubspot(both, "OTHER-1003", "ROUTE-US-1")
    await both.ring("crm-east", copy)
    (item,) = [item for item in await both.tieline.store.desk.list_open(FIRM) if item.code == "TL-CON-014"]
    assert f"of deal {ours.deal} in crm-main (copied" in item.message
    assert [len(await side.writes()) for side in (both.stand.erp, both.erp)] == before


async def test_a_revoked_sign_in_pauses_one_connection_and_all_goes_on_when_it_is_repaired(
    both: TwoSides, sales: Sales
) -> None:
    desk, buyer = both.tieline.store.desk, await sales.company("Jacana Foundry, Inc.")
    settings = (await both.erp.http.get("/_sandbox/settings")).json()
    held = [await sales.deal(f"HELD-{at}", buyer, Signing_Entity__c=FED) for at in range(HELD_UP)]
    free = await sales.deal("FREE-1", buyer)
    orders = len(await both.erp.kind("salesOrder"))
    await both.erp.control("settings", {"client_id": "revoked"})
    await both.erp.control("expire-tokens", {})
    for deal in (*held, free):
        await both.ring("crm-main", deal.deal)

    async def all_wait() -> bool:
        rows = await both.rows()
        return all(f"HELD-{at}" in rows and rows[f"HELD-{at}"].waits_for == "erp-fed" for at in range(HELD_UP))

    await until(all_wait)
    await active(both, "FREE-1")
    watching = asyncio.create_task(both.watch.run())
    try:

        async def stops() -> list[Any]:
            return [item for item in await desk.list_open(FIRM) if item.code == "TL-INT-002"]

        async def is_told() -> bool:
            return any(f"{HELD_UP} deals wait" in item.message for item in await stops())

        await until(is_told)
        (stop,) = await stops()
        assert (stop.record, stop.owner.value) == ("erp-fed", "integration")
        assert "Paused since" in await both.watch.check(stop.record)
        await both.erp.reset_calls()
        # Whoever comes now is not sent: only the probe asks for a token.
        late = await sales.deal("HELD-LATE", buyer, Signing_Entity__c=FED)
        await both.ring("crm-main", late.deal)

        async def late_waits() -> bool:
            rows = await both.rows()
            return "HELD-LATE" in rows and rows["HELD-LATE"].waits_for == "erp-fed"

        await until(late_waits)
        # A probe is one query with the token it had, and one sign-in; each waits longer than the one before.
        calls = await both.erp.calls()
        assert {route for route in calls if "oauth2" not in route} <= {"POST /query/v1/suiteql"}
        assert sum(calls.values()) <= 8

        await both.erp.control("settings", {"client_id": settings["client_id"]})
        await active(both, *(f"HELD-{at}" for at in range(HELD_UP)), "HELD-LATE")
        assert await stops() == []
        assert await both.watch.check(stop.record) == ""
    finally:
        both.watch.stop()
        await watching
    assert len(await both.erp.kind("salesOrder")) == orders + HELD_UP + 1
    made = [entry for entry in await both.erp.writes() if entry["action"] == "create"]
    assert len({(entry["kind"], entry["record_id"]) for entry in made}) == len(made)
    assert len([row for row in await both.erp.kind("customer") if "Jacana" in str(row)]) == 1
