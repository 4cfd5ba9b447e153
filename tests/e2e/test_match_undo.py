"""An account that was taken for the wrong customer: asked, decided by another person, released, told apart for good."""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import UTC, datetime
from typing import Any

from models.customer_process import number_of_account
from models.decision import Verdict
from models.match_undo import UndoState
from tests.e2e.colleagues import decide, only_one
from tests.e2e.front_door import FrontDoor, signature
from tests.e2e.own_processes import Finished, run_program
from tests.e2e.sold import Sales
from tests.e2e.stand import FIRM, Stand
from tests.e2e.test_customer_sync import customer, customer_with_project, ring


async def _ask(stand: Stand, account: str, person: str) -> Finished:
    return await run_program(
        stand, "starter.py", "match", "undo", account, "--as", person, "--reason", "Another company.", "--json"
    )


async def _settled(stand: Stand, account: str) -> UndoState:
    for _ in range(300):
        *_, last = await stand.store.match_undos.list_about(FIRM, account)
        if last.state is not UndoState.ASKED:
            return last.state
        await asyncio.sleep(0.02)
    raise AssertionError(await stand.waiting(number_of_account(account)))


async def _shown(stand: Stand, account: str) -> dict[str, Any]:
    [shown] = [row for row in await stand.crm.kind("Account") if row["Id"] == account]
    return shown


async def _parent(stand: Stand, contract: str) -> str:
    [job] = [one for one in await stand.erp.kind("job") if one["custentity_tl_contract_number"] == contract]
    return str(job["parent"]["id"])


async def test_what_is_told_apart_stays_apart_and_what_stands_stays(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    account = await customer_with_project(stand, sales, door, "UNDO-1", DUNS_Number__c="081239999")
    old = await customer(stand, account)
    asked = await _ask(stand, account, "ada.finance")
    assert asked.code == 0, asked
    number, since = number_of_account(account), await stand.erp.last_seq()
    await only_one(stand, number)
    assert (await _shown(stand, account))["ERP_Customer_Id__c"] == old["id"]
    lost = {"id": "lost-undo", "action": "reset", "when": "after", "method": "PATCH", "path": f"/Account/{account}"}
    await stand.crm.faults(lost)
    journal = await stand.crm.last_seq()
    assert (await decide(stand, number, "mia.masterdata", Verdict.APPROVE)).accepted
    assert await _settled(stand, account) is UndoState.UNDONE
    assert await stand.crm.fired("lost-undo") == 1
    assert [entry["kind"] for entry in await stand.crm.writes(journal)] == ["Account"]
    await stand.crm.no_faults()
    shown = await _shown(stand, account)
    assert (shown.get("ERP_Customer_Id__c"), shown.get("ERP_Customer_Number__c")) == (None, None)
    assert await stand.erp.writes(since) == []

    # It is a company of another name, and somebody puts the old customer's id back: that is no evidence any more.
    name = "Undo-1 Namesake, Inc."
    await stand.crm.records({"type": "Account", "id": account, "ERP_Customer_Id__c": old["id"], "Name": name})
    for contract in "UNDO-1B", "UNDO-1C":
        sold = await sales.deal(contract, account, Customer_Legal_Name__c=name)
        await door.ring(sold.deal)
        await door.drained()
        assert (await stand.result(contract)).outcome == "active"
    assert await _parent(stand, "UNDO-1") == old["id"]
    assert await _parent(stand, "UNDO-1B") == await _parent(stand, "UNDO-1C") != old["id"]

    told = await run_program(stand, "starter.py", "match", "explain", account)
    assert (told.code, "undone by mia.masterdata" in told.out) == (0, True), told
    entries = await stand.store.audit.list_entries(stand.engagement(number))
    [done] = [one for one in entries if one.kind == "match.undone"]
    assert (done.facts["requested_by"], done.facts["decided_by"]) == ("ada.finance", "mia.masterdata")
    assert "UNDO-1: " in done.facts["evidence"]
    assert (await stand.store.audit.verify()).intact


async def test_nobody_decides_on_their_own_wish_and_a_no_leaves_all_as_it_is(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    account = await customer_with_project(stand, sales, door, "UNDO-2")
    before, number = await _shown(stand, account), number_of_account(account)
    assert (await _ask(stand, account, "mia.masterdata")).code == 0
    refused = await decide(stand, number, "mia.masterdata", Verdict.APPROVE)
    assert (refused.accepted, refused.refusal) == (False, "own-request")
    assert (await decide(stand, number, "mia.masterdata", Verdict.WITHDRAW)).accepted
    assert await _settled(stand, account) is UndoState.REFUSED
    assert await _shown(stand, account) == before
    assert "in order" in await ring(stand, door, account)
    stranger = await sales.company("Nothing To Undo, Inc.")
    nothing = await _ask(stand, stranger, "ada.finance")
    assert (nothing.code, "there is no match to undo" in nothing.err) == (1, True), nothing


async def test_a_customer_saved_by_the_erps_people_rings_its_accounts_sync(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    account = await customer_with_project(stand, sales, door, "RINGS-1")
    found = await customer(stand, account)
    await stand.erp.records({"type": "customer", "id": found["id"], "creditHoldOverride": {"id": "ON"}})
    event = {
        "eventId": str(uuid.uuid4()), "accountId": "123456_SB1", "recordType": "customer", "recordId": found["id"],
        "type": "edit", "executionContext": "USERINTERFACE", "occurredAt": datetime.now(UTC).isoformat(),
    }  # fmt: skip
    body = json.dumps(event).encode()
    headers = signature(body)
    headers["X-Tieline-Signature"] = headers["X-Tieline-Signature"].replace("sha256=", "v1=")
    url = door.url.replace(stand.tieline.crm.connection, stand.tieline.erp.connection)
    told = await door.http.post(url, content=body, headers={"Content-Type": "application/json", **headers})
    assert told.status_code == 202, told.text
    for _ in range(300):
        if (await _shown(stand, account)).get("ERP_Credit_Hold__c"):
            break
        await asyncio.sleep(0.02)
    assert (await _shown(stand, account))["ERP_Credit_Hold__c"] is True
    await door.drained()
