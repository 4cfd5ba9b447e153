"""Many deals for few new customers, all at once, each told three times: one customer each, nothing twice."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter

from tests.e2e.front_door import FrontDoor, event_of
from tests.e2e.sold import Sales, Sold
from tests.e2e.stand import FIRM, Stand

SEED = 20261124
PLAIN = ("Alder Freight", "Birch Marine", "Cedar Optics", "Dogwood Foods", "Elm Street Media", "Fir Hydraulics",
         "Ginkgo Biologics")  # fmt: skip
DEALS = 50


async def _accounts(sales: Sales) -> list[str]:
    """Eleven accounts of ten companies: one is spelt in two ways, two share a name and are not the same."""
    accounts = [await sales.company(f"{name}, Inc.") for name in PLAIN]
    accounts.append(await sales.company("Kestrel & Sons Analytics, Inc.", DUNS_Number__c="081236540"))
    accounts.append(await sales.company("KESTREL AND SONS ANALYTICS INC", DUNS_Number__c="081236540"))
    accounts.append(await sales.company("SNAP, INC.", DUNS_Number__c="007805067", BillingState="VA"))
    accounts.append(await sales.company("Snap Inc.", DUNS_Number__c="079281947", BillingState="CA"))
    return accounts


async def test_fifty_deals_at_once_for_ten_new_customers(stand: Stand, sales: Sales, door: FrontDoor) -> None:
    chance = random.Random(SEED)  # noqa: S311 - an order, not a secret
    accounts = await _accounts(sales)
    sold = [await sales.deal(f"SAME-{at:02}", accounts[at % len(accounts)]) for at in range(DEALS)]
    await _deliver(door, sold, chance)
    await door.drained()
    # An event that comes after the end starts a run that finds all as it should be.
    assert {(await stand.result(one.contract)).outcome for one in sold} <= {"active", "nothing-to-do"}
    rows = await stand.store.desk.list_engagements(FIRM)
    assert [row.stage.value for row in rows] == ["active"] * DEALS

    writes = await stand.erp.writes()
    made = Counter(entry["kind"] for entry in writes if entry["action"] == "create")
    assert (made["customer"], made["job"], made["salesOrder"], made["billingSchedule"]) == (10, DEALS, DEALS, DEALS)
    assert made["contact"] == len(accounts)
    assert [entry for entry in writes if entry["action"] != "create" and entry["changed"]] == []
    await _both_accounts_show_their_customer(stand, (accounts[7], accounts[8]))
    keys = [entry["external_id"] for entry in writes if entry["action"] == "create"]
    assert len(keys) == len(set(keys))
    await _customers_fit(stand, sold, accounts)
    report = await stand.store.audit.verify()
    assert report.intact, report.problem


async def _both_accounts_show_their_customer(stand: Stand, accounts: tuple[str, str]) -> None:
    """The customer's id is unique among accounts, so one of the two holds it; its number shows on both."""
    state = (await stand.crm.http.get("/_sandbox/state")).json()
    shown = {row["Id"]: row for row in state["Account"] if row["Id"] in accounts}
    ids = [row.get("ERP_Customer_Id__c") for row in shown.values()]
    assert sorted(bool(one) for one in ids) == [False, True]
    assert len({row["ERP_Customer_Number__c"] for row in shown.values()}) == 1, shown


async def _deliver(door: FrontDoor, sold: list[Sold], chance: random.Random) -> None:
    """Twice the same event, as a sender repeats it, and once another one of the same deal."""
    first = {one.deal: str(uuid.UUID(int=chance.getrandbits(128))) for one in sold}
    events = [(one.deal, first[one.deal]) for one in sold] * 2
    events += [(one.deal, str(uuid.UUID(int=chance.getrandbits(128)))) for one in sold]
    chance.shuffle(events)
    turn = asyncio.Semaphore(12)

    async def send(deal: str, event: str) -> int:
        async with turn:
            return (await door.post(event_of(deal, event))).status_code

    codes = Counter(await asyncio.gather(*(send(*one) for one in events)))
    assert codes == {202: 2 * DEALS, 200: DEALS}


async def _customers_fit(stand: Stand, sold: list[Sold], accounts: list[str]) -> None:
    """Every project stands under the customer of its account; the two spellings share one, the namesakes do not."""
    jobs = {job["custentity_tl_contract_number"]: job for job in await stand.erp.kind("job")}
    of_account: dict[str, set[str]] = {}
    for one in sold:
        of_account.setdefault(one.account, set()).add(str(jobs[one.contract]["parent"]["id"]))
    assert all(len(customers) == 1 for customers in of_account.values())
    customer = {account: customers.copy().pop() for account, customers in of_account.items()}
    *_, kestrel, kestrel_too, snap, other_snap = accounts
    assert customer[kestrel] == customer[kestrel_too]
    assert customer[snap] != customer[other_snap]
    assert len(set(customer.values())) == len(accounts) - 1
