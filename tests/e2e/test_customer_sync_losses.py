"""Every write of customer sync with its answer lost: one effect, found by reading, and a whole chain."""

from __future__ import annotations

from tests.e2e.front_door import FrontDoor
from tests.e2e.sold import Sales
from tests.e2e.stand import Sandbox, Stand
from tests.e2e.test_customer_sync import customer, customer_with_project, ring


async def _lose(vendor: Sandbox, kind: str) -> int:
    """The next change of such a record is made, and its answer never comes. Returns the journal's place."""
    rule = {"id": f"lost-{kind}", "action": "reset", "when": "after", "method": "PATCH", "path": f"/{kind}/"}
    await vendor.faults(rule)
    return await vendor.last_seq()


async def _once(vendor: Sandbox, kind: str, since: int) -> None:
    assert await vendor.fired(f"lost-{kind}") == 1
    assert [entry["kind"] for entry in await vendor.writes(since)] == [kind]
    await vendor.no_faults()


async def test_a_lost_answer_to_any_write_of_a_sync_leaves_one_effect(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    account = await customer_with_project(stand, sales, door, "LOST-SYNC", Invoice_Email__c="ap@lost.example.com")
    since = await _lose(stand.erp, "customer")
    await stand.crm.records({"type": "Account", "id": account, "Invoice_Email__c": "invoices@lost.example.com"})
    assert "equal in the fields each owns" in await ring(stand, door, account)
    await _once(stand.erp, "customer", since)
    found = await customer(stand, account)
    assert found["email"] == "invoices@lost.example.com"

    [person] = [row for row in await stand.crm.kind("Contact") if row["AccountId"] == account]
    since = await _lose(stand.erp, "contact")
    await stand.crm.records({"type": "Contact", "id": person["Id"], "Title": "Head of Lost Answers"})
    assert "equal in the fields each owns" in await ring(stand, door, account)
    await _once(stand.erp, "contact", since)

    await stand.erp.records({"type": "customer", "id": found["id"], "creditHoldOverride": {"id": "ON"}})
    since = await _lose(stand.crm, "Account")
    assert "equal in the fields each owns" in await ring(stand, door, account)
    await _once(stand.crm, "Account", since)
    report = await stand.store.audit.verify()
    assert report.intact, report.problem
