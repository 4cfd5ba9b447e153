"""What the platform fills in itself: won and closed, line totals, roll-ups, names and automatic numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.kit import Record
from sandbox.salesforce.errors import SalesforceError
from sandbox.salesforce.ids import sequence
from sandbox.salesforce.org import Org
from sandbox.salesforce.states import check_states
from sandbox.salesforce.values import as_decimal

__all__ = ["CASCADES", "complete", "roll_up"]

_CENT = Decimal("0.01")
_STAGES = {
    "prospecting": (10, "Pipeline"),
    "qualification": (20, "Pipeline"),
    "proposal": (50, "Pipeline"),
    "negotiation": (90, "Pipeline"),
    "negotiation/review": (90, "Pipeline"),
    "closed won": (100, "Closed"),
    "closed lost": (0, "Omitted"),
}
# Child lines by object: the link to the parent, and the field of the parent that holds their total.
CASCADES = {
    "OpportunityLineItem": ("Opportunity", "OpportunityId", "Amount"),
    "OrderItem": ("Order", "OrderId", "TotalAmount"),
    "QuoteLineItem": ("Quote", "QuoteId", "TotalPrice"),
}


@dataclass(frozen=True)
class Change:
    """A record about to be saved, what it was before, and which fields the caller set."""

    org: Org
    record: Record
    before: Record | None
    given: frozenset[str]


def complete(org: Org, kind: str, record: Record, before: Record | None, given: frozenset[str]) -> None:
    """Fill in what the platform derives; raises what the platform refuses."""
    change = Change(org, record, before, given)
    if (fill := _FILLERS.get(kind)) is not None:
        fill(change)
    check_states(kind, record, before, items=_item_count(org, kind, record))


def roll_up(org: Org, kind: str, record: Record) -> tuple[str, Record] | None:
    """Return the parent of a line with its new total, when the line has one."""
    if kind not in CASCADES:
        return None
    parent_kind, link, total = CASCADES[kind]
    parent = org.get(record[link])
    if parent is None:
        return None
    lines = org.children(kind, link, record[link])
    if parent_kind == "Opportunity":
        parent["HasOpportunityLineItem"] = bool(lines)
    # The vendor keeps an opportunity's last amount when the last line goes.
    if lines or parent_kind != "Opportunity":
        parent[total] = sum((as_decimal(line.get("TotalPrice")) for line in lines), Decimal(0))
    if parent_kind == "Quote":
        _quote_totals(parent, lines)
    return parent_kind, parent


def _item_count(org: Org, kind: str, record: Record) -> int:
    return len(org.with_value("OrderItem", "OrderId", record["Id"])) if kind == "Order" else 0


def _opportunity(change: Change) -> None:
    record, before = change.record, change.before or {}
    stage = str(record.get("StageName") or "").lower()
    probability, forecast = _STAGES.get(stage, (50, "Pipeline"))
    record["IsWon"] = stage == "closed won"
    record["IsClosed"] = stage in {"closed won", "closed lost"}
    record["ForecastCategory"] = forecast
    record["ForecastCategoryName"] = forecast
    if "Probability" not in change.given and record.get("StageName") != before.get("StageName"):
        record["Probability"] = Decimal(probability)
    if before.get("HasOpportunityLineItem"):
        # An amount written over existing lines is ignored, not refused.
        record["Amount"] = before.get("Amount")
    closing = date.fromisoformat(record["CloseDate"])
    record["FiscalYear"], record["FiscalQuarter"] = closing.year, (closing.month + 2) // 3
    record["Fiscal"] = f"{closing.year} {record['FiscalQuarter']}"


def _opportunity_line(change: Change) -> None:
    record = change.record
    deal = change.org.get(record["OpportunityId"]) or {}
    if change.before is None:
        if {"UnitPrice", "TotalPrice"} <= change.given:
            message = "field integrity exception: unknown (only one of unit price or total price may be specified)"
            raise SalesforceError("FIELD_INTEGRITY_EXCEPTION", message, fields=[])
        entry = _price(change, deal)
        record["CurrencyIsoCode"] = deal.get("CurrencyIsoCode")
        record["ListPrice"] = entry.get("UnitPrice")
        record["Product2Id"] = entry["Product2Id"]
        record["PricebookEntryId"] = entry["Id"]
    product = change.org.get(record["Product2Id"]) or {}
    record["ProductCode"] = product.get("ProductCode")
    record["Name"] = f"{deal.get('Name')} {product.get('Name')}"[:376]
    _line_total(change)


def _price(change: Change, deal: Record) -> Record:
    record, org = change.record, change.org
    book, currency = deal.get("Pricebook2Id"), deal.get("CurrencyIsoCode")
    if record.get("PricebookEntryId"):
        entry = org.get(record["PricebookEntryId"]) or {}
        if book and entry.get("Pricebook2Id") != book:
            raise _price_problem("pricebook entry is in a different pricebook than the one assigned to the opportunity")
    else:
        product = record.get("Product2Id")
        candidates = org.children("PricebookEntry", "Product2Id", product) if product else []
        fitting = [one for one in candidates if one["Pricebook2Id"] == book or not book]
        entry = next((one for one in fitting if one.get("CurrencyIsoCode") == currency), {})
        if not entry:
            raise _price_problem("pricebook entry must be specified")
    if entry.get("CurrencyIsoCode") != currency:
        raise _price_problem("The pricebook entry currency code does not match the opportunity currency code")
    if not entry.get("IsActive"):
        raise SalesforceError("FIELD_INTEGRITY_EXCEPTION", "pricebook entry is inactive", fields=["PricebookEntryId"])
    return entry


def _price_problem(what: str) -> SalesforceError:
    message = f"field integrity exception: PricebookEntryId ({what})"
    return SalesforceError("FIELD_INTEGRITY_EXCEPTION", message, fields=["PricebookEntryId"])


def _line_total(change: Change) -> None:
    record, given = change.record, change.given
    quantity = as_decimal(record.get("Quantity"))
    rate = 1 - as_decimal(record.get("Discount")) / 100
    if "TotalPrice" in given and "UnitPrice" not in given and quantity and rate:
        record["UnitPrice"] = _rounded(as_decimal(record["TotalPrice"]) / quantity / rate)
        return
    if record.get("UnitPrice") is None:
        record["UnitPrice"] = record.get("ListPrice")
    record["TotalPrice"] = _rounded(quantity * as_decimal(record.get("UnitPrice")) * rate)


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_CENT, rounding=ROUND_HALF_UP)


def _other_line(change: Change) -> None:
    record = change.record
    entry = change.org.get(record["PricebookEntryId"]) or {}
    record["Product2Id"], record["ListPrice"] = entry.get("Product2Id"), entry.get("UnitPrice")
    if record.get("UnitPrice") is None:
        record["UnitPrice"] = record["ListPrice"]
    gross = _rounded(as_decimal(record.get("Quantity")) * as_decimal(record["UnitPrice"]))
    record["TotalPrice"] = _rounded(gross * (1 - as_decimal(record.get("Discount")) / 100))
    if "QuoteId" in record:
        record["Subtotal"] = gross
        record["ProductCode"] = (change.org.get(record["Product2Id"] or "") or {}).get("ProductCode")
        record["LineNumber"] = f"{sequence(record['Id']):08d}"
    else:
        record["OrderItemNumber"] = f"{sequence(record['Id']):010d}"
        record["AvailableQuantity"] = record.get("Quantity")


def _quote(change: Change) -> None:
    record = change.record
    record["AccountId"] = (change.org.get(record["OpportunityId"]) or {}).get("AccountId")
    record["CurrencyIsoCode"] = (change.org.get(record["OpportunityId"]) or {}).get("CurrencyIsoCode")
    record["QuoteNumber"] = f"{sequence(record['Id']):08d}"
    _quote_totals(record, change.org.children("QuoteLineItem", "QuoteId", record["Id"]))


def _quote_totals(quote: Record, lines: list[Record]) -> None:
    quote["Subtotal"] = sum((as_decimal(line.get("Subtotal")) for line in lines), Decimal(0))
    quote["TotalPrice"] = sum((as_decimal(line.get("TotalPrice")) for line in lines), Decimal(0))
    quote["LineItemCount"] = len(lines)
    extras = as_decimal(quote.get("Tax")) + as_decimal(quote.get("ShippingHandling"))
    quote["GrandTotal"] = quote["TotalPrice"] + extras


def _contract(change: Change) -> None:
    record = change.record
    record["ContractNumber"] = f"{sequence(record['Id']):08d}"
    record["EndDate"] = None
    if record.get("StartDate") and record.get("ContractTerm"):
        start = date.fromisoformat(record["StartDate"])
        index = start.year * 12 + start.month - 1 + int(record["ContractTerm"])
        after = date(index // 12, index % 12 + 1, 1)
        days_in_month = (date(after.year + after.month // 12, after.month % 12 + 1, 1) - after).days
        record["EndDate"] = (after + timedelta(min(start.day, days_in_month) - 2)).isoformat()
    _activation(change, "Activated")


def _order(change: Change) -> None:
    change.record["OrderNumber"] = f"{sequence(change.record['Id']):08d}"
    change.record.setdefault("TotalAmount", Decimal(0))
    _activation(change, "Activated")


def _activation(change: Change, status: str) -> None:
    if change.record.get("Status") == status and (change.before or {}).get("Status") != status:
        change.record["ActivatedDate"] = change.org.stamp
        change.record["ActivatedById"] = change.org.user_id


def _person(change: Change) -> None:
    names = (change.record.get("FirstName"), change.record.get("LastName"))
    change.record["Name"] = " ".join(name for name in names if name)


def _task(change: Change) -> None:
    record = change.record
    record["IsClosed"] = record.get("Status") == "Completed"
    record["IsHighPriority"] = record.get("Priority") == "High"
    what = change.org.get(record.get("WhatId") or "") or {}
    whose = what.get("AccountId")
    record["AccountId"] = what["Id"] if str(record.get("WhatId")).startswith("001") else whose


def _price_entry(change: Change) -> None:
    product = change.org.get(change.record["Product2Id"]) or {}
    change.record["Name"], change.record["ProductCode"] = product.get("Name"), product.get("ProductCode")


def _file(change: Change) -> None:
    record = change.record
    record["ContentDocumentId"] = record.get("ContentDocumentId") or change.org.ids.next("069")
    record["VersionNumber"], record["IsLatest"] = "1", True


_FILLERS: dict[str, Callable[[Change], Any]] = {
    "Opportunity": _opportunity,
    "OpportunityLineItem": _opportunity_line,
    "OrderItem": _other_line,
    "QuoteLineItem": _other_line,
    "Quote": _quote,
    "Contract": _contract,
    "Order": _order,
    "Contact": _person,
    "User": _person,
    "Task": _task,
    "PricebookEntry": _price_entry,
    "ContentVersion": _file,
}
