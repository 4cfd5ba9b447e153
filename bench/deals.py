"""Deals as the CRM would hold them: made by a number, marked as synthetic, told apart by that number alone."""

from __future__ import annotations

import json
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from models.events import ContractOfDeal
from models.ids import ContractNumber, DealId

__all__ = ["BUYERS", "Deal", "deal_of", "write_state"]

Json = dict[str, Any]
BUYERS = 8
"""Companies that buy again and again; every fourth deal is one of theirs."""
_EVERY = 4
_PARKED_USD, _SMALL_USD = 400_000, 90_000
"""Above the firm's limit of 250,000 a plan waits for a signature, below it runs through."""
_SIGNED_DAYS_AGO, _FIRST_ROW_DAYS, _BETWEEN_ROWS_DAYS, _TERM_DAYS = 6, 120, 90, 365
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SUFFIX = string.ascii_uppercase + "012345"
_CONSONANTS, _VOWELS, _LETTERS = "bcdfghjklmnprstvwxyz", "aeiou", 8
_WORDS, _SCATTER = 100**4, 61_803_399
_CITIES = ("Dayton", "Boise", "Salem", "Tulsa", "Akron", "Macon", "Provo")


@dataclass(frozen=True)
class Deal:
    """One won deal. `number` is in every name, key and address of it; a repeated buyer has a number of its own."""

    number: int
    buyer: int
    parks: bool = False

    @property
    def token(self) -> str:
        """The number as it stands in texts."""
        return f"{self.number:07}"

    @property
    def word(self) -> str:
        """First word of the buyer's name."""
        return _word(self.buyer)

    @property
    def contract(self) -> ContractNumber:
        """Number on the signed paper."""
        return ContractNumber(f"BENCH-{self.token}")

    @property
    def deal_id(self) -> DealId:
        """The CRM's id of the deal."""
        return DealId(_crm_id("006", self.number))

    @property
    def account_id(self) -> str:
        """The CRM's id of the buyer."""
        return _crm_id("001", self.buyer)

    @property
    def contact_id(self) -> str:
        """The CRM's id of the person who gets the invoices."""
        return _crm_id("003", self.buyer)

    @property
    def is_repeated(self) -> bool:
        """Whether the buyer has bought before."""
        return self.buyer != self.number

    @property
    def as_contract(self) -> ContractOfDeal:
        """What the dispatcher would have learned about it."""
        return ContractOfDeal(
            deal_id=self.deal_id, contract_number=self.contract, is_won=True, source_version=datetime.now(UTC)
        )


def deal_of(number: int, *, parks: bool = False, own_buyer: bool = False) -> Deal:
    """The deal of that number. Numbers below BUYERS are first purchases of the buyers who come again."""
    again = number >= BUYERS and number % _EVERY == 0 and not own_buyer
    return Deal(number=number, buyer=number // _EVERY % BUYERS if again else number, parks=parks)


def write_state(path: Path, deals: Sequence[Deal]) -> None:
    """A state file of the CRM simulator that holds these deals, all of them won."""
    today = datetime.now(UTC).date()
    records: list[Json] = [
        {"type": "Product2", "name_in_file": "product", "Name": "Synthetic advice (bench)", "IsActive": True,
         "Family": "Advisory"},
        {"type": "PricebookEntry", "name_in_file": "price", "Pricebook2Id": _crm_id("01s", 1),
         "Product2Id": {"ref": "product"}, "UnitPrice": 0, "IsActive": True},
    ]  # fmt: skip
    for buyer in sorted({deal.buyer for deal in deals}):
        records += _buyer(buyer)
    for deal in deals:
        records += _deal(deal, today)
    path.write_text(json.dumps({"records": records}), encoding="utf-8")


def _buyer(buyer: int) -> Iterable[Json]:
    token = f"{buyer:07}"
    yield {
        "type": "Account", "id": _crm_id("001", buyer), "Name": _name(buyer), "DUNS_Number__c": f"90{token}",
        "BillingStreet": f"{buyer % 900 + 1} Canal St", "BillingCity": _CITIES[buyer % len(_CITIES)],
        "BillingState": "OH", "BillingPostalCode": f"4{buyer % 10**4:04}", "BillingCountry": "US",
        "Invoice_Email__c": f"ap-{token}@example.com", "CurrencyIsoCode": "USD",
    }  # fmt: skip
    yield {
        "type": "Contact", "id": _crm_id("003", buyer), "AccountId": _crm_id("001", buyer), "FirstName": "Pat",
        "LastName": f"Payer {token}", "Email": f"pat-{token}@example.com",
    }  # fmt: skip


def _deal(deal: Deal, today: date) -> Iterable[Json]:
    amount = _PARKED_USD if deal.parks else _SMALL_USD
    start = today.replace(day=1) + timedelta(days=32)
    end = start + timedelta(days=_TERM_DAYS)
    signed = today - timedelta(days=_SIGNED_DAYS_AGO)
    yield {
        "type": "Opportunity", "id": deal.deal_id, "Name": f"Synthetic deal {deal.token}",
        "AccountId": deal.account_id, "OwnerId": _crm_id("005", 2), "StageName": "Negotiation",
        "CloseDate": f"{today}", "CurrencyIsoCode": "USD", "Pricebook2Id": _crm_id("01s", 1),
        "Contract_Number__c": deal.contract, "Contract_Status__c": "Approved",
        "Signing_Entity__c": "Harbour & Finch Consulting Inc.", "Region__c": "US",
        "Customer_Legal_Name__c": _name(deal.buyer), "Customer_Signed_On__c": f"{signed}",
        "Company_Signed_On__c": f"{signed}", "Effective_On__c": f"{start}", "Start_On__c": f"{start}",
        "End_On__c": f"{end}", "Signed_Total__c": amount, "Value_Exercised__c": amount, "Value_Funded__c": amount,
        "Value_With_Options__c": amount, "Payment_Terms__c": "Net 30", "Acceptance_Person__c": "Ann Lee",
        "Bill_To_Street__c": "1 Canal St", "Bill_To_City__c": "Dayton", "Bill_To_State__c": "OH",
        "Bill_To_Postal_Code__c": "45402", "Bill_To_Country__c": "US",
    }  # fmt: skip
    yield {
        "type": "OpportunityContactRole", "OpportunityId": deal.deal_id, "ContactId": _crm_id("003", deal.buyer),
        "Role": "Billing",
    }  # fmt: skip
    yield {
        "type": "OpportunityLineItem", "OpportunityId": deal.deal_id, "PricebookEntryId": {"ref": "price"},
        "Quantity": 1, "UnitPrice": amount, "SortOrder": 1, "Description": f"Work for {deal.token}",
        "Line_Code__c": "L1", "Billing_Type__c": "Milestones", "Start_On__c": f"{start}", "End_On__c": f"{end}",
    }  # fmt: skip
    for row in (1, 2):
        due = start + timedelta(days=_FIRST_ROW_DAYS + _BETWEEN_ROWS_DAYS * (row - 1))
        yield {
            "type": "Tieline_Milestone__c", "Opportunity__c": deal.deal_id, "Name": f"Delivery {row}",
            "Code__c": f"M{row}", "Amount__c": amount / 2, "Due_On__c": f"{due}", "Trigger__c": "Acceptance",
            "Accepting_Person__c": "Ann Lee", "Sequence__c": row,
        }  # fmt: skip
    yield {"type": "Opportunity", "id": deal.deal_id, "StageName": "Closed Won"}


def _name(buyer: int) -> str:
    return f"{_word(buyer)} Synthetic {buyer:07} Ltd"


def _word(number: int) -> str:
    """A word of its own for each number, unlike that of its neighbours: companies are not all called alike."""
    scattered = number * _SCATTER % _WORDS
    text = ""
    while len(text) < _LETTERS:
        scattered, syllable = divmod(scattered, len(_CONSONANTS) * len(_VOWELS))
        text += _CONSONANTS[syllable // len(_VOWELS)] + _VOWELS[syllable % len(_VOWELS)]
    return text.capitalize()


def _crm_id(prefix: str, number: int) -> str:
    """An id as the vendor makes them: fifteen characters and three that secure their upper and lower case."""
    text = ""
    for _ in range(9):
        number, digit = divmod(number, len(_BASE62))
        text = _BASE62[digit] + text
    short = f"{prefix}5g0{text}"
    groups = (short[0:5], short[5:10], short[10:15])
    return short + "".join(
        _SUFFIX[sum(1 << place for place, char in enumerate(group) if char.isupper())] for group in groups
    )
