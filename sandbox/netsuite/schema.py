"""Which record types, fields, sublists and references the simulated account has."""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

__all__ = [
    "ENTITIES", "ITEMS", "LINE_KEYS", "TRANSACTIONS", "Field", "RecordType", "record_types", "targets", "type_named",
]  # fmt: skip

DATA = Path(__file__).parent / "data"
TRANSACTIONS = ("salesOrder", "invoice", "creditMemo", "customerPayment", "expenseReport")
ENTITIES = ("customer", "job", "contact", "employee")
ITEMS = ("serviceSaleItem", "nonInventorySaleItem")
LINE_KEYS = {
    "item": ("line", "lineUniqueKey"),
    "addressBook": ("internalId", "id"),
    "milestone": ("milestoneId",),
    "recurrence": ("recurrenceId",),
    "taxRegistration": ("id",),
    "apply": ("line",),
}
FieldKind = Literal["string", "number", "boolean", "date", "datetime", "ref", "enum", "sublist", "select", "any"]
SERVER_FIELDS = {"id": "string", "refName": "string", "externalId": "string", "links": "any"}
_MULTI_SELECTS = {"department", "classification", "location", *ITEMS}
_DATES = {"tranDate", "dueDate", "startDate", "endDate", "projectedEndDate", "scheduledEndDate", "calculatedEndDate",
          "milestoneDate", "milestoneActualCompletionDate", "recurrenceDate", "seriesStartDate", "chargeDate",
          "billDate", "hireDate", "revRecStartDate", "revRecEndDate", "nextBill"}  # fmt: skip
_TARGETS: dict[str, tuple[str, ...]] = {
    "subsidiary": ("subsidiary",), "currency": ("currency",), "expensereportcurrency": ("currency",),
    "terms": ("term",), "milestoneTerms": ("term",), "initialTerms": ("term",), "paymentTerms": ("term",),
    "recurrenceTerms": ("term",), "entity": ("customer", "job"), "customer": ("customer", "job"),
    "billTo": ("customer", "job"), "company": ("customer", "job"), "salesRep": ("employee",),
    "projectManager": ("employee",), "employee": ("employee",), "supervisor": ("employee",),
    "approver": ("employee",), "resource": ("employee",), "chargeEmployee": ("employee",),
    "billingSchedule": ("billingSchedule",), "job": ("job",), "project": ("job",), "item": ITEMS,
    "serviceItem": ITEMS, "billingItem": ITEMS, "department": ("department",), "class": ("classification",),
    "location": ("location",), "createdFrom": ("salesOrder", "invoice"), "projectTask": ("projectTask",),
    "caseTaskEvent": ("projectTask",), "doc": ("invoice",), "jobType": ("jobType",), "salesOrder": ("salesOrder",),
    "invoice": ("invoice",), "timeRecord": ("timeBill",), "predecessor": ("projectTask",),
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One field of a record or line; a sublist has the fields of its lines."""

    name: str
    kind: FieldKind
    values: tuple[str, ...] = ()
    lines: dict[str, "Field"] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordType:
    """One record type with its fields by name."""

    name: str
    fields: dict[str, Field]

    @property
    def is_transaction(self) -> bool:
        """Tell whether answers use the transaction's conventions (lower-case links, 400 on a wrong id)."""
        return self.name in TRANSACTIONS

    def sublists(self) -> dict[str, Field]:
        """Return the fields that hold lines or several choices."""
        return {name: one for name, one in self.fields.items() if one.kind in {"sublist", "select"}}


@cache
def record_types() -> dict[str, RecordType]:
    """Return all record types of the account by name."""
    raw = json.loads((DATA / "records.schema.json").read_text())["$defs"]
    custom = json.loads((DATA / "custom_fields.json").read_text())
    found: dict[str, RecordType] = {}
    for name, body in raw.items():
        if "properties" in body and "id" in body["properties"] and not name.startswith(("ns", "async")):
            fields = {key: _field(name, key, one, custom) for key, one in body["properties"].items()}
            found[name] = RecordType(name, fields | _custom(custom.get(name, [])))
    order_lines = found["salesOrder"].fields["item"].lines
    billed = {"orderLine": Field("orderLine", "number"), "orderDoc": Field("orderDoc", "any")}
    found["invoice"].fields["item"] = Field("item", "sublist", lines=order_lines | billed)
    paid = found["customerPayment"].fields
    settling = {name: paid[name] for name in ("apply", "applied", "unapplied")}
    own = _custom(custom.get("creditMemo", []))
    found["creditMemo"] = RecordType("creditMemo", found["invoice"].fields | settling | own)
    for name, plain in json.loads((DATA / "further_types.json").read_text()).items():
        kinds = SERVER_FIELDS | plain
        found[name] = RecordType(name, {key: Field(key, _plain_kind(key, kind)) for key, kind in kinds.items()})
    return found


def type_named(name: str) -> RecordType | None:
    """Find a record type by its name in any case."""
    return _by_lower_name().get(name.lower())


@cache
def _by_lower_name() -> dict[str, RecordType]:
    return {name.lower(): one for name, one in record_types().items()}


def targets(kind: str, name: str) -> tuple[str, ...]:
    """Return the record types a reference field may point at; empty when the account's lists are not simulated."""
    if name == "parent":
        return ("customer", "job") if kind == "job" else (kind,)
    return _TARGETS.get(name, ())


def _custom(names: list[str]) -> dict[str, Field]:
    return {name: Field(name, "any") for name in names}


def _plain_kind(name: str, kind: str) -> FieldKind:
    if kind == "sublist":
        return "select"
    if kind in {"ref", "boolean", "any"}:
        return kind  # type: ignore[return-value]
    if kind in {"number", "integer"}:
        return "number"
    return "datetime" if name in {"lastModifiedDate", "createdDate"} else "string"


def _field(kind: str, name: str, raw: dict[str, Any], custom: dict[str, list[str]]) -> Field:
    values = tuple(raw.get("x-values", ()))
    reference = raw.get("$ref", "")
    if reference.endswith("nsResource"):
        return Field(name, "ref", values)
    if reference.endswith("nsEnum"):
        return Field(name, "enum", values)
    if reference.endswith("nsSublist"):
        return Field(name, "select" if kind in _MULTI_SELECTS else "sublist")
    if "allOf" in raw:
        items = raw.get("properties", {}).get("items", {}).get("items", {}).get("properties", {})
        lines = {key: _field(f"{kind}.{name}", key, one, custom) for key, one in items.items()}
        return Field(name, "sublist", lines=lines | _custom(custom.get(f"{kind}.{name}", [])))
    if raw.get("type") == "object" and "properties" in raw:
        inner = {key: _field(f"{kind}.{name}", key, one, custom) for key, one in raw["properties"].items()}
        return Field(name, "any", lines=inner)
    return Field(name, _scalar_kind(name, raw))


def _scalar_kind(name: str, raw: dict[str, Any]) -> FieldKind:
    if raw.get("format") == "date-time" or name in {"lastModifiedDate", "createdDate", "dateCreated"}:
        return "datetime"
    if raw.get("format") == "date" or name in _DATES:
        return "date"
    kinds: dict[str, FieldKind] = {"number": "number", "integer": "number", "boolean": "boolean", "string": "string"}
    return kinds.get(str(raw.get("type")), "any")
