"""Deals as salespeople leave them in the CRM: one company, one contract, lines and milestones, ready to be changed."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.stand import Sandbox

__all__ = ["END", "Sales", "Sold"]

Json = dict[str, Any]
START, END = "2026-12-01", "2027-11-30"
_CITIES = ("Dayton", "Boise", "Salem", "Tulsa", "Akron", "Macon", "Provo")


@dataclass
class Sold:
    """What the CRM made of a deal."""

    contract: str
    deal: str
    account: str
    line: str
    milestones: list[str] = field(default_factory=list)


class Sales:
    """The CRM as its people use it."""

    def __init__(self, crm: Sandbox, *, price_book: str, owner: str) -> None:
        self.crm = crm
        self._price_book = price_book
        self._owner = owner
        self._people: dict[str, list[str]] = {}
        self._names: dict[str, str] = {}

    @classmethod
    async def of(cls, crm: Sandbox) -> Sales:
        state = (await crm.http.get("/_sandbox/state")).json()
        owner = next(user["Id"] for user in state["User"] if user["Username"].startswith("dana"))
        return cls(crm, price_book=state["Pricebook2"][0]["Id"], owner=owner)

    async def company(self, name: str, *, contacts: int = 1, **fields: Any) -> str:
        """A company with a D-U-N-S number of its own and so many people."""
        number = str(int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % 10**9).zfill(9)
        account: Json = {
            "type": "Account", "name_in_file": "company", "Name": name, "DUNS_Number__c": number,
            "BillingStreet": f"{int(number) % 900 + 1} Canal St", "BillingCity": _CITIES[int(number) % len(_CITIES)],
            "BillingState": "OH", "BillingPostalCode": f"4{int(number) % 10**4:04}", "BillingCountry": "US",
            "Invoice_Email__c": f"ap-{number}@example.com", "CurrencyIsoCode": "USD",
        }  # fmt: skip
        people: list[Json] = [
            {"type": "Contact", "AccountId": {"ref": "company"}, "FirstName": "Pat", "LastName": f"Payer {number}-{at}",
             "Email": f"pat-{at}-{number}@example.com"}
            for at in range(contacts)
        ]  # fmt: skip
        ids = (await self.crm.records({**account, **fields}, *people))["ids"]
        self._people[ids[0]] = ids[1:]
        self._names[ids[0]] = name
        return str(ids[0])

    async def deal(
        self, contract: str, account: str | None, *, amount: float = 90_000, stage: str = "Closed Won",
        line: Json | None = None, lines: int = 1, milestones: list[Json] | None = None, **fields: Any,
    ) -> Sold:  # fmt: skip
        """A signed contract with milestones of one half each, won unless told otherwise."""
        currency = str(fields.get("CurrencyIsoCode", "USD"))
        records = [*self._product(contract, currency), self._opportunity(contract, account, amount, stage, fields)]
        records += [
            {"type": "OpportunityContactRole", "OpportunityId": {"ref": "deal"}, "ContactId": person, "Role": "Billing"}
            for person in self._people.get(account or "", ())
        ]
        records += [self._line(at, amount / lines, line or {}) for at in range(1, lines + 1)]
        rows = milestones if milestones is not None else [{}, {}]
        records += [self._milestone(at, amount, len(rows), row) for at, row in enumerate(rows, start=1)]
        won = stage == "Closed Won"
        if won:
            records.append({"type": "Opportunity", "id": {"ref": "deal"}, "StageName": "Closed Won"})
        ids = (await self.crm.records(*records))["ids"]
        kinds = [record["type"] for record in records]
        return Sold(
            contract=contract,
            deal=ids[2],
            account=account or "",
            line=ids[kinds.index("OpportunityLineItem")] if lines else "",
            milestones=[made for made, kind in zip(ids, kinds, strict=True) if kind == "Tieline_Milestone__c"],
        )

    async def change(self, sold: Sold, **fields: Any) -> None:
        """Somebody edits the deal."""
        await self.crm.records({"type": "Opportunity", "id": sold.deal, **fields})

    async def reprice(self, sold: Sold, amount: float) -> None:
        """Another price for the whole contract, consistently: line, milestones, totals."""
        half = [{"type": "Tieline_Milestone__c", "id": row, "Amount__c": amount / 2} for row in sold.milestones]
        await self.crm.records(
            {"type": "OpportunityLineItem", "id": sold.line, "UnitPrice": amount},
            *half,
            {"type": "Opportunity", "id": sold.deal, "Signed_Total__c": amount, "Value_Exercised__c": amount,
             "Value_Funded__c": amount, "Value_With_Options__c": amount},
        )  # fmt: skip

    async def shown(self, sold: Sold) -> Json:
        """The deal as its owner sees it."""
        state = (await self.crm.http.get("/_sandbox/state")).json()
        return next(dict(deal) for deal in state["Opportunity"] if deal["Id"] == sold.deal)

    async def shown_status(self, sold: Sold, status: str) -> Json:
        """The deal, once it shows that status."""
        for _ in range(200):
            shown = await self.shown(sold)
            if shown.get("ERP_Sync_Status__c") == status:
                return shown
            await asyncio.sleep(0.05)
        raise AssertionError(f"the deal does not show {status}: {shown}")

    def _product(self, contract: str, currency: str) -> list[Json]:
        product = {"type": "Product2", "name_in_file": "product", "Name": f"Advice for {contract}"[:255],
                   "IsActive": True, "Family": "Advisory"}  # fmt: skip
        price = {"type": "PricebookEntry", "name_in_file": "price", "Pricebook2Id": self._price_book,
                 "Product2Id": {"ref": "product"}, "UnitPrice": 0, "IsActive": True,
                 "CurrencyIsoCode": currency}  # fmt: skip
        return [product, price]

    def _opportunity(self, contract: str, account: str | None, amount: float, stage: str, fields: Json) -> Json:
        return {
            "type": "Opportunity", "name_in_file": "deal", "Name": f"Deal {contract}"[:120], "AccountId": account,
            "OwnerId": self._owner, "StageName": "Negotiation" if stage == "Closed Won" else stage,
            "CloseDate": "2026-11-20", "CurrencyIsoCode": "USD", "Pricebook2Id": self._price_book,
            "Contract_Number__c": contract, "Contract_Status__c": "Approved",
            "Signing_Entity__c": "Harbour & Finch Consulting Inc.", "Region__c": "US",
            "Customer_Legal_Name__c": self._names.get(account or ""),
            "Customer_Signed_On__c": "2026-11-18", "Company_Signed_On__c": "2026-11-19",
            "Effective_On__c": START, "Start_On__c": START, "End_On__c": END, "Signed_Total__c": amount,
            "Value_Exercised__c": amount, "Value_Funded__c": amount, "Value_With_Options__c": amount,
            "Payment_Terms__c": "Net 30", "Acceptance_Person__c": "Ann Lee", "Bill_To_Street__c": "1 Canal St",
            "Bill_To_City__c": "Dayton", "Bill_To_State__c": "OH", "Bill_To_Postal_Code__c": "45402",
            "Bill_To_Country__c": "US",
            **fields,
        }  # fmt: skip

    @staticmethod
    def _line(at: int, amount: float, fields: Json) -> Json:
        return {
            "type": "OpportunityLineItem", "OpportunityId": {"ref": "deal"}, "PricebookEntryId": {"ref": "price"},
            "Quantity": 1, "UnitPrice": amount, "SortOrder": at, "Description": f"Work {at}", "Line_Code__c": f"L{at}",
            "Billing_Type__c": "Milestones", "Start_On__c": START, "End_On__c": END, **fields,
        }  # fmt: skip

    @staticmethod
    def _milestone(at: int, amount: float, of: int, fields: Json) -> Json:
        return {
            "type": "Tieline_Milestone__c", "Opportunity__c": {"ref": "deal"}, "Name": f"Delivery {at}",
            "Code__c": f"M{at}", "Amount__c": amount / of, "Due_On__c": f"2027-{3 + 3 * at:02}-15",
            "Trigger__c": "Acceptance", "Accepting_Person__c": "Ann Lee", "Sequence__c": at, **fields,
        }  # fmt: skip
