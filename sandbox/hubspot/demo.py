"""The demo firm on this CRM: the records of the other CRM simulator's demo, in this vendor's objects and words."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from sandbox.hubspot.seed import OWNERS, SERVICES_PIPELINE
from sandbox.kit.wire_json import dumps
from sandbox.salesforce.demo import demo_records

__all__ = ["demo_records_here", "property_name"]

Json = dict[str, Any]
_STAGES = {True: (SERVICES_PIPELINE, "148213303"), False: ("default", "presentationscheduled")}
_COUNTRIES = {"US": "United States", "BR": "Brazil", "": ""}
_DEAL_TYPES = {"New Business": "newbusiness", "Existing Business": "existingbusiness"}
_STANDARD = {
    "Account": {"Name": "name", "Phone": "phone", "BillingCity": "city", "BillingState": "state",
                "BillingPostalCode": "zip", "CurrencyIsoCode": "account_currency", "Description": "description"},
    "Contact": {"FirstName": "firstname", "LastName": "lastname", "Email": "email", "Title": "jobtitle",
                "Description": "description"},
    "Opportunity": {"Name": "dealname", "Amount": "amount", "CurrencyIsoCode": "deal_currency_code",
                    "Description": "description", "OwnerId": "hubspot_owner_id"},
    "OpportunityLineItem": {"Quantity": "quantity", "UnitPrice": "price", "SortOrder": "hs_position_on_quote",
                            "Description": "description"},
    "Product2": {"Name": "name", "ProductCode": "hs_sku", "Family": "service_line"},
    "Tieline_Milestone__c": {"Name": "name"},
    "Tieline_Rate__c": {"Name": "name"},
}  # fmt: skip
_CHILDREN = {"Tieline_Milestone__c": "tieline_milestone", "Tieline_Rate__c": "tieline_rate"}


def property_name(custom_field: str) -> str:
    """Return the property that carries a custom field of the other CRM."""
    return custom_field.removesuffix("__c").lower()


def demo_records_here(*, custom_objects: bool) -> list[Json]:
    """Return the demo's records, each referring to earlier ones only; without custom objects schedules are JSON."""
    return _Translator(demo_records("", list(OWNERS)), custom_objects=custom_objects).records()


class _Translator:
    """Turns the records of one CRM's demo into the other's."""

    def __init__(self, source: list[Json], *, custom_objects: bool) -> None:
        self._source = source
        self._custom_objects = custom_objects
        self._lines: dict[str, Json] = {}
        self._payers: dict[str, str] = {}
        self._schedules: dict[tuple[str, str], list[Json]] = defaultdict(list)
        self._products = {f"price/{one['name_in_file']}": one for one in source if one["type"] == "Product2"}
        for record in source:
            deal = (record.get("OpportunityId") or record.get("Opportunity__c") or {}).get("ref", "")
            if record["type"] == "OpportunityLineItem":
                self._lines[deal] = record
            elif record["type"] == "OpportunityContactRole":
                self._payers[deal] = record["ContactId"]["ref"]
            elif record["type"] in _CHILDREN:
                self._schedules[deal, record["type"]].append(record)

    def records(self) -> list[Json]:
        made: list[Json] = []
        for record in self._source:
            kind = record["type"]
            if kind == "Account":
                made.append(_company(record))
            elif kind == "Contact":
                made.append(_contact(record))
            elif kind == "Product2":
                made.append({"type": "products", "name_in_file": record["name_in_file"], **_translated(record)})
            elif kind == "Opportunity":
                made += self._deal(record)
        return made

    def _deal(self, record: Json) -> list[Json]:
        name = record["name_in_file"]
        line = self._lines[name]
        product = self._products[line["PricebookEntryId"]["ref"]]
        pipeline, stage = _STAGES[product["Family"] != "Goods"]
        deal = {
            "type": "deals",
            "name_in_file": name,
            **_translated(record),
            "pipeline": pipeline,
            "dealstage": stage,
            "closedate": record["CloseDate"],
            "dealtype": _DEAL_TYPES[record["Type"]],
            "associations": [
                {"to": record["AccountId"], "object": "companies", "label": "Primary"},
                {"to": {"ref": self._payers[name]}, "object": "contacts", "label": "billing"},
            ],
        }
        item = {
            "type": "line_items",
            **_translated(line),
            "hs_product_id": {"ref": product["name_in_file"]},
            "hs_line_item_currency_code": record["CurrencyIsoCode"],
            "associations": [{"to": {"ref": name}, "object": "deals"}],
        }
        if self._custom_objects:
            rows = [self._child(kind, name, row) for kind in _CHILDREN for row in self._schedules[name, kind]]
            return [deal, item, *rows]
        for kind, child in _CHILDREN.items():
            if rows := [_translated(row) for row in self._schedules[name, kind]]:
                deal[f"{child}s_json"] = dumps(rows)
        return [deal, item]

    def _child(self, kind: str, deal: str, row: Json) -> Json:
        links = [{"to": {"ref": deal}, "object": "deals"}]
        return {"type": _CHILDREN[kind], **_translated(row), "associations": links}


def _company(record: Json) -> Json:
    address, _, address2 = record["BillingStreet"].partition("\n")
    return {
        "type": "companies",
        "name_in_file": record["name_in_file"],
        **_translated(record),
        "address": address,
        "address2": address2,
        "country": _COUNTRIES[record["BillingCountry"]],
    }


def _contact(record: Json) -> Json:
    links = [{"to": record["AccountId"], "object": "companies", "label": "Primary"}]
    return {"type": "contacts", "name_in_file": record["name_in_file"], **_translated(record), "associations": links}


def _translated(record: Json) -> Json:
    """Return the fields that have a property of their own here, as texts; what has no value is left out."""
    names = _STANDARD[record["type"]]
    texts = {}
    for field, value in record.items():
        name = names.get(field) or (property_name(field) if field.endswith("__c") else None)
        if name is None or isinstance(value, dict) or value is None or value == "":
            continue
        texts[name] = _text(value)
    return texts


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
