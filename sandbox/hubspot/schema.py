"""Object types and their properties as the account's administrator sees them."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

__all__ = ["CURRENCIES", "FILE", "ObjectType", "Property", "load_account_file", "property_from_notation"]

Json = dict[str, Any]
FILE = Path(__file__).parent / "data" / "account.toml"
CURRENCIES = ("USD", "GBP", "EUR", "JPY", "BHD", "KWD", "INR", "BRL", "CAD", "AUD", "SGD")
_ENUM = re.compile(r"enum\((.*)\)")
_FIELDS = {
    "string": "text",
    "number": "number",
    "date": "date",
    "datetime": "date",
    "bool": "booleancheckbox",
    "enumeration": "select",
}
# What such a property may hold depends on other records of the account.
_LOOKED_UP = {"owner", "pipeline", "stage"}


@dataclass(frozen=True)
class ObjectType:
    """One type of records: `created` and `modified` are the properties that carry its stamps."""

    name: str
    type_id: str
    singular: str
    created: str = "createdate"
    modified: str = "hs_lastmodifieddate"
    shown: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    qualified_name: str = ""

    @property
    def is_custom(self) -> bool:
        """Tell a custom object."""
        return self.type_id.startswith("2-")

    @property
    def aliases(self) -> tuple[str, ...]:
        """Return every word a path may use for the type."""
        if self.is_custom:
            return (self.name, self.type_id, f"p_{self.name}", self.qualified_name)
        return (self.name, self.type_id, self.singular)

    @property
    def embedded_key(self) -> str:
        """Return the key under which a record lists its associated records of this type."""
        return self.qualified_name or self.name.replace("_", " ")

    @property
    def shouted(self) -> str:
        """Return the type's name as refusals and set-up calls write it."""
        return self.qualified_name or self.singular.upper()


@dataclass(frozen=True)
class Property:
    """One property of an object type."""

    name: str
    label: str
    type: str
    field_type: str
    group: str
    unique: bool = False
    read_only: bool = False
    searched: bool = False
    by_vendor: bool = False
    archived: bool = False
    source: str = ""
    description: str = ""
    options: tuple[Mapping[str, Any], ...] = ()
    made_at: str = "2024-01-15T09:00:00.000Z"
    changed_at: str = "2024-01-15T09:00:00.000Z"

    def as_json(self) -> Json:
        """Return the property as its interface describes it."""
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": [dict(option) for option in self.options],
            "createdAt": self.made_at,
            "updatedAt": self.changed_at,
            "displayOrder": -1,
            "calculated": self.read_only,
            "externalOptions": self.source == "owner",
            "archived": self.archived,
            "hasUniqueValue": self.unique,
            "hidden": False,
            "hubspotDefined": self.by_vendor,
            "modificationMetadata": {
                "archivable": not self.by_vendor,
                "readOnlyDefinition": self.by_vendor,
                "readOnlyValue": self.read_only,
            },
            "formField": not self.read_only,
        }

    @classmethod
    def of_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read a property as its interface describes it."""
        return cls(
            name=raw["name"],
            label=raw["label"],
            type=raw["type"],
            field_type=raw["fieldType"],
            group=raw["groupName"],
            unique=bool(raw.get("hasUniqueValue")),
            searched=bool(raw.get("searchableInGlobalSearch")),
            archived=bool(raw.get("archived")),
            description=raw.get("description", ""),
            options=tuple(_option(one, place) for place, one in enumerate(raw.get("options") or [])),
            made_at=raw["createdAt"],
            changed_at=raw["updatedAt"],
        )


def load_account_file() -> Json:
    """Return the account's description."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def property_from_notation(name: str, group: str, text: str) -> Property:
    """Read a property in the notation of the account file."""
    listed = _ENUM.match(text)
    words = text[listed.end() :].split() if listed else text.split()
    kind = "enumeration" if listed else words.pop(0)
    values = listed[1].split("|") if listed else ()
    source = ""
    if kind == "currency":
        kind, values = "enumeration", CURRENCIES
    elif kind in _LOOKED_UP:
        kind, source = "enumeration", kind
    elif kind == "bool":
        values = ("true", "false")
    return Property(
        name=name,
        label=name.replace("_", " ").capitalize(),
        type=kind,
        field_type="textarea" if "textarea" in words else _FIELDS[kind],
        group=group,
        unique="unique" in words,
        read_only="ro" in words,
        searched="search" in words,
        by_vendor=not group.startswith("tieline"),
        source=source,
        options=tuple(_option({"label": value, "value": value}, place) for place, value in enumerate(values)),
    )


def _option(raw: Mapping[str, Any], place: int) -> Json:
    return {
        "label": raw["label"],
        "value": raw["value"],
        "description": raw.get("description", ""),
        "displayOrder": raw.get("displayOrder", place),
        "hidden": bool(raw.get("hidden")),
    }
