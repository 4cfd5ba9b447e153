"""A customer's master data, end to end: what sales changes in the CRM reaches the ERP, and the other way round."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from models.customer_process import number_of_account
from models.decision import Verdict
from runtime.customer_sync import CustomerSyncStarter
from tests.e2e.colleagues import decide, only_one
from tests.e2e.front_door import FrontDoor, event_of
from tests.e2e.own_processes import run_program
from tests.e2e.sold import Sales
from tests.e2e.stand import FIRM, Stand


async def customer_with_project(stand: Stand, sales: Sales, door: FrontDoor, number: str, **fields: Any) -> str:
    """An account whose first contract made its customer; its sync has looked at it once."""
    account = await sales.company(f"{number.title()} Works, Inc.", **fields)
    sold = await sales.deal(number, account)
    await door.ring(sold.deal)
    await door.drained()
    assert (await stand.result(number)).outcome == "active"
    await ring(stand, door, account)
    return account


async def ring(stand: Stand, door: FrontDoor, account: str, entity: str = "Account") -> str:
    """The CRM's callout about an account; the sentence with which its sync ended, or waits for somebody."""
    answer = await door.post(event_of(account, str(uuid.uuid4()), object=entity))
    assert answer.status_code == 202, answer.text
    await door.drained()
    for _ in range(400):
        if await _quiet(stand, account):
            row = await stand.store.desk.find_engagement(stand.engagement(number_of_account(account)))
            assert row is not None
            return row.sentence
        await asyncio.sleep(0.02)
    raise AssertionError(f"the sync of {account} neither ended nor stopped")


async def _quiet(stand: Stand, account: str) -> bool:
    handle = CustomerSyncStarter(stand.client, FIRM, stand.task_queue).handle(account)
    described = await handle.describe()
    if described.status is not None and described.status.name == "COMPLETED":
        return True
    return bool(await stand.waiting(number_of_account(account)))


async def customer(stand: Stand, account: str) -> dict[str, Any]:
    [found] = [row for row in await stand.erp.kind("customer") if row.get("custentity_tl_crm_id") == account]
    return found


async def test_a_change_reaches_the_erp_once_and_its_facts_come_back(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    account = await customer_with_project(stand, sales, door, "SYNC-1", Invoice_Email__c="ap@sync1.example.com")
    before = await stand.erp.last_seq()
    await stand.crm.records({"type": "Account", "id": account, "Invoice_Email__c": "invoices@sync1.example.com"})
    sentence = await ring(stand, door, account)
    assert "equal in the fields each owns" in sentence
    assert (await customer(stand, account))["email"] == "invoices@sync1.example.com"
    assert [entry["kind"] for entry in await stand.erp.writes(before)] == ["customer"]
    since = (await stand.erp.last_seq(), await stand.crm.last_seq())
    await ring(stand, door, account)
    assert await stand.erp.writes(since[0]) == []
    assert await stand.crm.writes(since[1]) == []

    found = await customer(stand, account)
    await stand.erp.records({"type": "customer", "id": found["id"], "creditHoldOverride": {"id": "ON"}})
    await ring(stand, door, account)
    [shown] = [row for row in await stand.crm.kind("Account") if row["Id"] == account]
    assert shown["ERP_Credit_Hold__c"] is True


async def test_invoices_to_another_domain_wait_for_a_second_person(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    account = await customer_with_project(stand, sales, door, "SYNC-2", Invoice_Email__c="ap@sync2.example.com")
    await stand.crm.records({"type": "Account", "id": account, "Invoice_Email__c": "ap@elsewhere.example.com"})
    assert "call the customer back" in await ring(stand, door, account)
    assert (await customer(stand, account))["email"] == "ap@sync2.example.com"
    number = number_of_account(account)
    assert (await decide(stand, number, "mia.masterdata", Verdict.APPROVE)).accepted
    for _ in range(300):
        if (await customer(stand, account))["email"] == "ap@elsewhere.example.com":
            return
        await asyncio.sleep(0.02)
    raise AssertionError(await stand.waiting(number))


async def test_a_verified_name_is_left_to_a_person(stand: Stand, sales: Sales, door: FrontDoor) -> None:
    account = await customer_with_project(stand, sales, door, "SYNC-3", Registration_Number__c="0123456")
    name = (await customer(stand, account))["companyName"]
    await stand.crm.records({"type": "Account", "id": account, "Name": "Quite Another Name, Inc."})
    assert "which was verified" in await ring(stand, door, account)
    number = number_of_account(account)
    assert (await only_one(stand, number)).code == "TL-CUS-021"
    assert (await decide(stand, number, "mia.masterdata", Verdict.REPAIR, answer="keep")).accepted
    for _ in range(300):
        if not await stand.waiting(number):
            break
        await asyncio.sleep(0.02)
    assert (await customer(stand, account))["companyName"] == name


@pytest.mark.parametrize("entity", ["Account", "Contact"])
async def test_news_about_somebody_who_is_no_customer_ends_in_the_inbox(
    stand: Stand, sales: Sales, door: FrontDoor, entity: str
) -> None:
    account = await sales.company(f"Nobody Yet {entity}, Inc.")
    record = account
    if entity == "Contact":
        made = await stand.crm.records({"type": "Contact", "LastName": "Lee", "AccountId": account})
        record = made["ids"][0]
    answer = await door.post(event_of(record, str(uuid.uuid4()), object=entity))
    assert answer.status_code == 202
    await door.drained()
    assert await stand.store.desk.find_engagement(stand.engagement(number_of_account(account))) is None


async def test_the_commands_start_a_sync_and_tell_who_is_whom(stand: Stand, sales: Sales, door: FrontDoor) -> None:
    account = await customer_with_project(stand, sales, door, "SYNC-5")
    told = await run_program(stand, "starter.py", "match", "explain", account)
    assert (told.code, "Sync-5 Works, Inc. is a company the ERP did not have." in told.out) == (0, True), told
    by_contract = await run_program(stand, "starter.py", "match", "explain", "SYNC-5", "--json")
    assert by_contract.document[0]["account"] == account
    started = await run_program(stand, "starter.py", "customers", account, "--json")
    assert (started.code, started.document["started"]) == (0, [account]), started
    unknown = await run_program(stand, "starter.py", "match", "explain", "nobody")
    assert (unknown.code, "Give a contract" in unknown.err) == (1, True), unknown
    assert (await run_program(stand, "starter.py", "customers")).code == 2
