"""What is wrong comes back as one sentence that names the record, the field and the fix; nothing else happens."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.salesforce import queries
from connectors.salesforce.ids import to_18
from models.blocker import OpenItem
from models.ids import DealId
from tests.e2e.front_door import FrontDoor, event_of, signature
from tests.e2e.own_processes import run_program
from tests.e2e.sold import Sales, Sold
from tests.e2e.stand import FIRM, SECRET, Stand

Json = dict[str, Any]
NOT_FOR_PEOPLE = re.compile(r"Traceback|File \"|\bat 0x|Bearer |BEGIN [A-Z ]*PRIVATE KEY|[{}]|\.py\b")


@pytest.fixture(scope="module", autouse=True)
async def _no_singapore_dollar(stand: Stand) -> None:
    """Before anybody reads the chart: it is kept for minutes."""
    (dollar,) = [row for row in await stand.erp.kind("currency") if row["symbol"] == "SGD"]
    await stand.erp.records({"type": "currency", "id": dollar["id"], "isInactive": True})


@pytest.fixture(autouse=True)
async def _no_tampering(stand: Stand) -> AsyncIterator[None]:
    yield
    await stand.crm.no_faults()


def plain(stand: Stand, message: str) -> str:
    """The sentence, which has no stack, payload or secret in it."""
    assert not NOT_FOR_PEOPLE.search(message), message
    assert len(message) < 600
    secrets = [SECRET, *(str(value) for name, value in stand.erp.facts["client"].items() if "secret" in name)]
    assert not [one for one in secrets if one and one in message], message
    return message


async def stopped(stand: Stand, door: FrontDoor, sold: Sold) -> OpenItem:
    """The one blocker the deal ends at; the ERP was not touched for it."""
    before = len(await stand.erp.writes())
    assert (await door.ring(sold.deal)).status_code == 202
    await door.drained()
    rows = await stand.settled(sold.contract)
    assert rows[sold.contract].stage.value == "parked", rows[sold.contract].sentence
    (item,) = await stand.waiting(sold.contract)
    assert len(await stand.erp.writes()) == before
    written = await stand.store.ledger.list_operations(stand.engagement(sold.contract))
    assert [row.step for row in written if not row.step.startswith("status:")] == []
    plain(stand, item.message)
    return item


@dataclass(frozen=True)
class Case:
    """One way to be wrong, and what it comes to."""

    contract: str
    changes: Json
    code: str
    owner: str
    words: list[str]


WRONG_TERMS = [Case(*row) for row in (
    ("ZERO-LINES", {"lines": 0}, "TL-CON-015", "sales-operations", ["no lines", "Add what was sold"]),
    ("ONE-CENT", {"Signed_Total__c": 90_000.01}, "TL-CON-004", "contracts",
     ["signed document says USD 90,000.01", "lines add up to USD 90,000.00", "sign again"]),
    ("ONE-CENT-ROW", {"milestones": [{}, {"Amount__c": 45_000.01}]}, "TL-CON-004", "contracts",
     ["milestones add up to USD 90,000.01", "correct the quote"]),
    ("LATE-ROW", {"milestones": [{}, {"Due_On__c": "2028-06-01"}]}, "TL-CON-011", "contracts",
     ["milestone M2", "01 Jun 2028", "after the contract ends", "Correct the date"]),
    ("NO-TYPE", {"line": {"Billing_Type__c": None}, "milestones": []}, "TL-CON-009", "sales-operations",
     ["line L1", "billing type", "Choose it"]),
    ("NO-TERMS", {"Payment_Terms__c": "Net seventy-five"}, "TL-CON-007", "credit-control", ["Net seventy-five"]),
    ("NO-SIGN", {"Customer_Signed_On__c": None}, "TL-CON-001", "contracts", ["customer's signature is missing"]),
)]  # fmt: skip


@pytest.mark.parametrize("case", WRONG_TERMS, ids=lambda case: case.contract)
async def test_wrong_terms_go_back_with_the_record_the_field_and_the_fix(
    stand: Stand, sales: Sales, door: FrontDoor, case: Case
) -> None:
    sold = await sales.deal(case.contract, await sales.company(f"Company of {case.contract}, Inc."), **case.changes)
    item = await stopped(stand, door, sold)
    assert (item.code, item.owner.value, item.record) == (case.code, case.owner, case.contract)
    assert [word for word in [case.contract, *case.words] if word not in item.message] == []
    shown = await sales.shown_status(sold, "Waiting")
    assert shown["ERP_Sync_Error__c"] == item.message


async def test_a_deal_without_an_account(stand: Stand, sales: Sales, door: FrontDoor) -> None:
    sold = await sales.deal("NO-ACCOUNT", None, Customer_Legal_Name__c="Nobody, Inc.")
    item = await stopped(stand, door, sold)
    assert [word for word in (sold.deal, "no account", "AccountId", "in the CRM") if word not in item.message] == []


async def test_a_currency_the_erp_does_not_use(stand: Stand, sales: Sales, door: FrontDoor) -> None:
    account = await sales.company("Singapore Slings, Inc.")
    item = await stopped(stand, door, await sales.deal("NO-CURRENCY", account, CurrencyIsoCode="SGD"))
    assert item.code == "TL-CON-006"
    assert "currency SGD is not set up in the ERP. Set it up there" in item.message


async def _tampered(stand: Stand, sold: Sold, tamper: Callable[[Json], None]) -> None:
    """The CRM's own answer about the deal, with something in it that its screens would not have let in."""
    crm: Any = stand.tieline.crm
    (row,) = await crm._client.query(queries.signed_terms(DealId(sold.deal), crm._config), record="deal")
    tamper(row)
    body = json.dumps({"totalSize": 1, "done": True, "records": [row]}, default=float)
    await stand.crm.faults({"method": "GET", "path": f"/query.*{sold.deal}", "action": "status", "status": 200,
                            "times": 0, "content_type": "application/json;charset=UTF-8", "body": body,
                            "nth": 2})  # fmt: skip


TAMPERED: list[tuple[str, Callable[[Json], None], list[str]]] = [
    ("TEXT-AMOUNT", lambda row: row.update(Signed_Total__c="ninety thousand"), ["Signed_Total__c", "not a number"]),
    ("TEXT-DATE", lambda row: row.update(Start_On__c="soon"), ["Start_On__c", "not a date"]),
    ("HUGE", lambda row: row.update(Signed_Total__c=1e300), ["Signed_Total__c", "number that can be meant"]),
    ("LONG-COMPANY", lambda row: row["Account"].update(Name="L" * 5_000), ["Account.Name", "at most 4000 characters"]),
    ("LONG-DEAL", lambda row: row.update(Name="D" * 5_000), ["Name", "at most 4000 characters"]),
    ("LONG-LINE", lambda row: row["OpportunityLineItems"]["records"][0].update(Description="W" * 5_000),
     ["line 1 Description", "at most 4000 characters"]),
]  # fmt: skip


@pytest.mark.parametrize("case", TAMPERED, ids=lambda case: case[0])
async def test_values_that_cannot_be_read_name_their_deal_and_field(
    stand: Stand, sales: Sales, door: FrontDoor, case: tuple[str, Callable[[Json], None], list[str]]
) -> None:
    contract, tamper, words = case
    sold = await sales.deal(contract, await sales.company(f"Company of {contract}, Inc."))
    await _tampered(stand, sold, tamper)
    item = await stopped(stand, door, sold)
    assert [word for word in (sold.deal, *words, "Correct it in the CRM") if word not in item.message] == []


async def test_two_erp_customers_with_one_tax_number_are_a_question(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    for number in 1, 2:
        registration = {"nexusCountry": {"id": "US"}, "taxRegistrationNumber": "12-3456789"}
        await _customer(stand, f"Twin Tax {number} Inc.", taxRegistration={"items": [registration]})
    account = await sales.company("Twin Tax Inc.", Tax_Number__c="12-3456789", DUNS_Number__c=None)
    item = await stopped(stand, door, await sales.deal("TAX-TWINS", account))
    assert (item.code, item.owner.value) == ("TL-CUS-002", "master-data")
    assert "tax number is equal" in item.message
    assert len(item.choices) >= 3, "either of the two, or another company"


async def test_two_erp_customers_that_carry_the_accounts_id_are_a_question(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    account = await sales.company("Two Holders Inc.")
    for number in 1, 2:
        await _customer(stand, f"Holder {number} Inc.", custentity_tl_crm_id=account)
    item = await stopped(stand, door, await sales.deal("TWO-HOLDERS", account))
    assert (item.code, item.owner.value) == ("TL-CUS-004", "master-data")
    assert [word for word in ("Holder 1", "Holder 2", "Which one stays?") if word not in item.message] == []


async def _customer(stand: Stand, name: str, **fields: Any) -> None:
    await stand.erp.records({"type": "customer", "companyName": name, "subsidiary": {"externalId": "LE-US"},
                             "currency": {"id": "1"}, **fields})  # fmt: skip


async def test_a_copied_deal_that_drags_the_erp_ids_along_is_sent_back(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    account = await sales.company("Original Paper, Inc.")
    original = await sales.deal("ORIGINAL", account)
    await door.ring(original.deal)
    await door.drained()
    assert (await stand.result("ORIGINAL")).outcome == "active"
    shown = await sales.shown(original)
    copy = await sales.deal("COPY", account, ERP_Project_Id__c=shown["ERP_Project_Id__c"])
    item = await stopped(stand, door, copy)
    assert (item.code, item.owner.value) == ("TL-CON-014", "sales-operations")
    assert [word for word in (original.deal, "copied", "Clear the numbers") if word not in item.message] == []


async def test_markup_in_a_company_name_is_shown_and_never_obeyed(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    name = "<script>alert('x')</script> [bold]& Sons[/bold], Inc."
    sold = await sales.deal("MARKUP", await sales.company(name), amount=400_000)
    await door.ring(sold.deal)
    await door.drained()
    await stand.settled("MARKUP")
    metadata = await stand.starter.handle(stand.engagement("MARKUP")).query("__temporal_workflow_metadata")
    assert "\\<script\\>" in str(metadata.current_details)
    assert "<script>" not in str(metadata.current_details).replace("\\<", "").replace("\\>", "")
    listed = await run_program(stand, "starter.py", "status", "MARKUP")
    assert "[bold]& Sons[/bold]" in "".join(listed.out.split("\n")), listed


async def test_a_deal_without_contract_number_is_shown_under_its_own_id(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    sold = await sales.deal("", await sales.company("No Number Works, Inc."), Contract_Number__c=None)
    await door.ring(sold.deal)
    await door.drained()
    item = await _about(stand, sold.deal)
    assert "has no contract number. Enter it on the deal in the CRM." in plain(stand, item.message)
    await sales.change(sold, Contract_Number__c="NUMBER-LATER")
    await door.ring(sold.deal)
    await door.drained()
    assert (await stand.result("NUMBER-LATER")).outcome == "active"
    assert [row for row in await stand.store.desk.list_open(FIRM) if row.record == sold.deal] == []


async def test_an_event_about_a_deal_that_is_not_there(stand: Stand, door: FrontDoor) -> None:
    deal = to_18("0065g00000ZZZZZ")
    assert (await door.ring(deal)).status_code == 202
    await door.drained()
    item = await _about(stand, deal)
    assert f"a deal that does not exist in the CRM: {deal}" in plain(stand, item.message)


async def _about(stand: Stand, record: str) -> OpenItem:
    (item,) = [row for row in await stand.store.desk.list_open(FIRM) if row.record == record]
    assert (item.code, item.owner.value) == ("TL-INT-040", "sales-operations")
    return item


DEAL, ID = to_18("0065g0000000001"), "5f0c1c5e-0000-4000-8000-000000000001"
NOT_SIGNED = {"X-Tieline-Signature": "sha256=" + "0" * 64}
REFUSED: list[tuple[str, bytes, dict[str, str], int, str]] = [
    ("not-json", b"<xml/>", {}, 400, "cannot be read"),
    ("no-record", event_of("", ID), {}, 400, "recordId"),
    ("other-object", event_of(DEAL, ID, object="Lead"), {}, 400, "Lead"),
    ("no-deal-id", event_of("0065g0000000001AAB", ID), {}, 400, "checksum"),
    ("wrong-signature", event_of(DEAL, ID), NOT_SIGNED, 401, "signature"),
    ("other-secret", event_of(DEAL, ID), {"secret": "another"}, 401, "signature"),
    ("too-large", b"x" * 10_000_000, {}, 413, "at most"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case[0])
async def test_a_malformed_or_forged_event_is_refused_and_written_down(
    stand: Stand, door: FrontDoor, case: tuple[str, bytes, dict[str, str], int, str]
) -> None:
    _, body, headers, status, word = case
    before = len(await stand.store.audit.list_entries())
    # Signed when it is sent: a signature made while tests are collected may be too old by now.
    others = {name: value for name, value in headers.items() if name != "secret"}
    answer = await door.post(body, headers={**signature(body, secret=headers.get("secret", SECRET)), **others})
    assert answer.status_code == status, answer.text
    assert word in plain(stand, answer.json()["error"])
    # Deals of the tests before this one may still be on their way: what the front door wrote is what is judged.
    new = [entry for entry in (await stand.store.audit.list_entries())[before:] if entry.kind.startswith("event.")]
    assert [entry.kind for entry in new] == ["event.refused"]
    assert new[0].facts["status"] == str(status)
    assert await stand.store.inbox.list_waiting(1) == ()


async def test_after_all_that_the_chain_is_whole(stand: Stand) -> None:
    report = await stand.store.audit.verify()
    assert report.intact, report.problem
