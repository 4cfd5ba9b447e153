"""The org's schema: which objects and fields exist, and what each allows."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as made
from pathlib import Path
from typing import Any

from sandbox.salesforce.schema_notation import FieldDef, parse_field

__all__ = ["AUDIT_FIELDS", "ObjectDef", "Schema", "load_schema"]

DATA = Path(__file__).parent / "data"
AUDIT_FIELDS = frozenset(
    {"CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"},
)
_PREFIXES = {
    "Account": "001", "Contact": "003", "User": "005", "Opportunity": "006", "Task": "00T", "Organization": "00D",
    "OpportunityLineItem": "00k", "OpportunityContactRole": "00K", "Product2": "01t", "Pricebook2": "01s",
    "PricebookEntry": "01u", "Contract": "800", "Order": "801", "OrderItem": "802", "Quote": "0Q0",
    "QuoteLineItem": "0QL", "RecordType": "012", "ProcessInstance": "04g", "ContentVersion": "068",
    "Tieline_Milestone__c": "a01", "Tieline_Rate__c": "a02", "Tieline_Project__c": "a03",
    "Tieline_Invoice__c": "a04",
}  # fmt: skip
_NOT_IN_THIS_ORG = frozenset({"Asset", "ContractContactRole"})
_SYSTEM = {
    "Id": FieldDef("Id", "id", length=18, nillable=False, createable=False, updateable=False),
    "IsDeleted": FieldDef("IsDeleted", "boolean", nillable=False, createable=False, updateable=False),
    **{
        name: FieldDef(name, "datetime", nillable=False, createable=False, updateable=False)
        for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp")
    },
    **{
        name: FieldDef(
            name, "reference", length=18, nillable=False, createable=False, updateable=False,
            reference_to=("User",), relationship=name.removesuffix("Id"),
        )
        for name in ("CreatedById", "LastModifiedById")
    },
}  # fmt: skip
_PLATFORM_SET = frozenset({"LastViewedDate", "LastReferencedDate", "LastActivityDate", "LastLoginDate"})
_CURRENCIES = "picklist(USD|GBP|EUR|JPY|BHD|KWD|INR|BRL|CAD|AUD|SGD) restricted default=USD"


@dataclass(frozen=True)
class ObjectDef:
    """One object: its fields by lower-case name, and its child relationships."""

    name: str
    prefix: str
    fields: Mapping[str, FieldDef]
    children: dict[str, tuple[str, str, str]] = made(default_factory=dict)

    @property
    def custom(self) -> bool:
        """Tell whether the firm made the object itself."""
        return self.name.endswith("__c")

    def field(self, name: str) -> FieldDef | None:
        """Return a field by its name in any case."""
        return self.fields.get(name.lower())

    def parent(self, relationship: str) -> FieldDef | None:
        """Return the reference field behind a relationship name in any case."""
        wanted = relationship.lower()
        return next((one for one in self.fields.values() if (one.relationship or "").lower() == wanted), None)


class Schema:
    """All objects of the org, narrowed by what the integration user may see."""

    def __init__(self, objects: Mapping[str, ObjectDef]) -> None:
        """Hold objects by lower-case name."""
        self._objects = dict(objects)
        self._by_prefix = {one.prefix: one for one in objects.values()}

    def __iter__(self) -> Iterator[ObjectDef]:
        """Walk over the objects."""
        return iter(self._objects.values())

    def find(self, name: str) -> ObjectDef | None:
        """Return an object by its name in any case."""
        return self._objects.get(name.lower())

    def __getitem__(self, name: str) -> ObjectDef:
        """Return an object that must exist."""
        return self._objects[name.lower()]

    def of_id(self, record_id: str) -> ObjectDef | None:
        """Return the object an id belongs to, by its key prefix."""
        return self._by_prefix.get(record_id[:3])

    def seen_through(self, hidden: frozenset[str], not_unique: frozenset[str], read_only: frozenset[str]) -> "Schema":
        """Return the schema as a user sees it: hidden fields are absent, locked ones cannot be written."""
        if not hidden | not_unique | read_only:
            return self
        seen = {}
        for key, one in self._objects.items():
            fields = {}
            for lower, item in one.fields.items():
                name = f"{one.name}.{item.name}".lower()
                changed = replace(item, unique=False) if name in not_unique else item
                if name in read_only:
                    changed = replace(changed, createable=False, updateable=False)
                if name not in hidden:
                    fields[lower] = changed
            seen[key] = ObjectDef(one.name, one.prefix, fields, one.children)
        return Schema(seen)


def load_schema() -> Schema:
    """Read the schema files that come with the simulator."""
    standard = json.loads((DATA / "standard-objects.json").read_text())
    typed = tomllib.loads((DATA / "standard_types.toml").read_text())
    demo = tomllib.loads((DATA / "demo_org.toml").read_text())
    names = sorted((standard.keys() | typed.keys() | demo.keys()) - _NOT_IN_THIS_ORG)
    objects = {}
    for name in names:
        texts = {**typed.get(name, {}), **demo.get(name, {})}
        fields = _fields(name, standard.get(name), {key: parse_field(key, text) for key, text in texts.items()})
        objects[name.lower()] = ObjectDef(name, _PREFIXES[name], {one.name.lower(): one for one in fields})
    _join_children(objects, standard)
    return Schema(objects)


def _fields(name: str, standard: dict[str, Any] | None, typed: dict[str, FieldDef]) -> list[FieldDef]:
    found = dict(_SYSTEM)
    if standard is not None:
        parents = {f"{relation}Id": targets for relation, targets in standard["parents"].items()}
        for key, facts in standard["fields"].items():
            if key not in found:
                found[key] = _guessed(key, facts, parents.get(key))
        if "IsDeleted" not in standard["fields"]:
            del found["IsDeleted"]
    if name.endswith("__c"):
        found["OwnerId"] = _guessed("OwnerId", {"t": "string", "nillable": True}, ["User"])
        found["CurrencyIsoCode"] = parse_field("CurrencyIsoCode", _CURRENCIES)
        if any(one.cascade for one in typed.values()):
            del found["OwnerId"]
    return list((found | typed).values())


def _guessed(name: str, facts: dict[str, Any], targets: list[str] | None) -> FieldDef:
    kind = facts["t"]
    settable = name not in _PLATFORM_SET
    if targets is not None:
        targets = [target if target != "Name" else "User" for target in targets]
        relation = name.removesuffix("Id")
        return FieldDef(
            name, "reference", length=18, nillable=True, reference_to=tuple(targets), relationship=relation,
            createable=settable, updateable=settable,
        )  # fmt: skip
    if kind == "boolean":
        return FieldDef(name, "boolean", nillable=False)
    if kind == "number":
        return FieldDef(name, "double", precision=18, scale=2)
    if kind == "DateString":
        return FieldDef(name, "datetime", createable=settable, updateable=settable)
    if kind == "Address":
        return FieldDef(name, "address", createable=False, updateable=False, filterable=False)
    return FieldDef(name, "string", length=255, nillable=True)


def _join_children(objects: dict[str, ObjectDef], standard: dict[str, Any]) -> None:
    for child in objects.values():
        for one in child.fields.values():
            if one.child_relationship:
                parent = objects[one.reference_to[0].lower()]
                parent.children[one.child_relationship.lower()] = (one.child_relationship, child.name, one.name)
    for name, facts in standard.items():
        for relation, child_name in facts.get("children", {}).items():
            owner, kind = objects.get(name.lower()), objects.get(child_name.lower())
            if owner is None or kind is None or relation.lower() in owner.children:
                continue
            if link := _link(kind, name, relation):
                owner.children[relation.lower()] = (relation, kind.name, link)


def _link(child: ObjectDef, parent: str, relation: str) -> str | None:
    if relation == "Tasks":
        return "WhoId" if parent == "Contact" else "WhatId"
    if relation == "ProcessInstances":
        return "TargetObjectId"
    plain = child.field(f"{parent}Id")
    return plain.name if plain is not None and parent in plain.reference_to else None
