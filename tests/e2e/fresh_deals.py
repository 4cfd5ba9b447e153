"""Deals that no other test touches: each with a buyer, a contact, a service line and a contract number of its own."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.stand import ROOT, Sandbox

__all__ = ["FreshDeal", "rulebook_with", "sell"]

_SYLLABLES = ("bo", "du", "fa", "ge", "hi", "ju", "ka", "lo", "mi", "nu", "pe", "ro", "su", "ti", "va", "zo")
_SIGNED = "2026-10-05"


@dataclass(frozen=True)
class FreshDeal:
    """One open deal of the CRM and the words by which everything made for it is recognised in a journal."""

    tag: str
    contract: str
    deal_id: str
    account_id: str
    owner_id: str
    company: str
    person: str
    cost_centre: str
    """Code of a cost centre that the ERP does not have yet; empty on a deal that opens no project."""

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(word for word in (self.contract, self.company, self.person, self.tag) if word)


def rulebook_with(folder: Path, tags: list[str]) -> Path:
    """The demo firm's rules and one more service line, with a cost centre of its own, for each tag."""
    shutil.copytree(ROOT / "mappings" / "demo_firm", folder)
    rows = [
        f'[[service_lines]]\nid = "SVC-{tag}"\nrequirement = "PMO-03"\nvalid_from = 2015-01-01\n'
        f'service_line = "{tag}"\ntemplate = "Advisory project"\ncost_centre = "{tag}"\n'
        f'cost_centre_name = "Line {tag}"\n'
        for tag in tags
    ]
    booking = folder / "booking.toml"
    booking.write_text(booking.read_text(encoding="utf-8") + "\n" + "\n".join(rows), encoding="utf-8")
    return folder


async def sell(crm: Sandbox, tag: str, *, goods: bool = False, buyer: FreshDeal | None = None) -> FreshDeal:
    """Put a signed, still open deal into the CRM. `goods`: one that Tieline refuses. `buyer`: whose account buys."""
    state = (await crm.http.get("/_sandbox/state")).json()
    book = next(row["Id"] for row in state["Pricebook2"])
    owner = next(row["Id"] for row in state["User"] if row["FirstName"] == "Dana")
    company, person = f"{_word(tag, 0)} {_word(tag, 1)} LLC", _word(tag, 2)
    records = [] if buyer else _buyer(tag, company, person)
    account: Any = buyer.account_id if buyer else {"ref": "account"}
    records += _sold(tag, account, owner=owner, family="Goods" if goods else tag, book=book)
    if not buyer:
        records.append(
            {"type": "OpportunityContactRole", "OpportunityId": {"ref": "deal"}, "ContactId": {"ref": "person"},
             "Role": "Billing", "IsPrimary": True}
        )  # fmt: skip
    await crm.records(*records)
    found = (await crm.http.get("/_sandbox/state")).json()["Opportunity"]
    deal = next(row for row in found if row.get("Contract_Number__c") == contract_of(tag))
    return FreshDeal(
        tag=tag, contract=contract_of(tag), deal_id=deal["Id"], account_id=deal["AccountId"], owner_id=owner,
        company=buyer.company if buyer else company, person="" if buyer else person, cost_centre="" if goods else tag,
    )  # fmt: skip


def contract_of(tag: str) -> str:
    return f"CRASH-{tag}"


def _word(tag: str, place: int) -> str:
    """A name of its own: companies that sound alike are asked about, and here nobody should be asked."""
    digest = hashlib.sha256(f"{tag}/{place}".encode()).digest()
    return "".join(_SYLLABLES[byte % len(_SYLLABLES)] for byte in digest[:5]).capitalize()


def _buyer(tag: str, company: str, person: str) -> list[dict[str, Any]]:
    number = int(hashlib.sha256(tag.encode()).hexdigest(), 16) % 900_000_000 + 100_000_000
    return [
        {"type": "Account", "name_in_file": "account", "Name": company, "Legal_Name__c": company,
         "DUNS_Number__c": str(number), "BillingStreet": f"{number % 900 + 1} Pier Road", "BillingCity": "Albany",
         "BillingState": "NY", "BillingPostalCode": "12207", "BillingCountry": "US", "CurrencyIsoCode": "USD",
         "Invoice_Email__c": f"billing@{tag.lower()}.example.com"},
        {"type": "Contact", "name_in_file": "person", "AccountId": {"ref": "account"}, "FirstName": "Ada",
         "LastName": person, "Email": f"ada@{tag.lower()}.example.com"},
    ]  # fmt: skip


def _sold(tag: str, account: Any, *, owner: str, family: str, book: str) -> list[dict[str, Any]]:
    deal = {"ref": "deal"}
    milestones = [
        {"type": "Tieline_Milestone__c", "Opportunity__c": deal, "Name": name, "Code__c": code, "Amount__c": amount,
         "Due_On__c": due, "Trigger__c": "Date", "Line_Codes__c": "L1", "Sequence__c": place}
        for place, (code, name, due, amount) in enumerate(
            (("M1", "Kick-off", "2026-12-15", 4000.10), ("M2", "Delivery", "2027-03-31", 5999.90)), start=1
        )
    ]  # fmt: skip
    return [
        {"type": "Product2", "name_in_file": "product", "Name": f"Work {tag}", "IsActive": True, "Family": family},
        {"type": "PricebookEntry", "name_in_file": "price", "Pricebook2Id": book, "Product2Id": {"ref": "product"},
         "UnitPrice": 0, "IsActive": True},
        {"type": "Opportunity", "name_in_file": "deal", "Name": f"Deal {contract_of(tag)}", "AccountId": account,
         "OwnerId": owner, "StageName": "Negotiation", "CloseDate": _SIGNED, "Amount": 10000, "CurrencyIsoCode": "USD",
         "Pricebook2Id": book, "Contract_Number__c": contract_of(tag), "Contract_Status__c": "Approved",
         "Signing_Entity__c": "Harbour & Finch Consulting Inc.", "Region__c": "US", "Payment_Terms__c": "Net 30",
         "Customer_Signed_On__c": _SIGNED, "Company_Signed_On__c": _SIGNED, "Effective_On__c": _SIGNED,
         "Start_On__c": "2026-11-01", "End_On__c": "2027-03-31", "Signed_Total__c": 10000, "Value_Funded__c": 10000,
         "Value_Exercised__c": 10000, "Value_With_Options__c": 10000, "Acceptance_Person__c": "Ada Example",
         "Bill_To_Street__c": "1 Pier Road", "Bill_To_City__c": "Albany", "Bill_To_State__c": "NY",
         "Bill_To_Postal_Code__c": "12207", "Bill_To_Country__c": "US"},
        {"type": "OpportunityLineItem", "OpportunityId": deal, "PricebookEntryId": {"ref": "price"}, "Quantity": 1,
         "UnitPrice": 10000, "SortOrder": 1, "Description": f"Work {tag}", "Line_Code__c": "L1",
         "Billing_Type__c": "Milestones", "Start_On__c": "2026-11-01", "End_On__c": "2027-03-31",
         "Bill_Frequency__c": "On Event"},
        *milestones,
    ]  # fmt: skip
