"""Which kinds of links two object types may have: the vendor's, those of custom objects, and the account's labels."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.hubspot.catalog import Catalog
from sandbox.hubspot.errors import HubSpotError
from sandbox.hubspot.schema import ObjectType
from sandbox.kit import Record, World

__all__ = ["AssociationType", "AssociationTypes"]

Json = dict[str, Any]
_FILE = Path(__file__).parent / "data" / "association-type-ids.json"
_KINDS = {
    "CONTACT": "contacts",
    "COMPANY": "companies",
    "DEAL": "deals",
    "TICKET": "tickets",
    "LINE_ITEM": "line_items",
    "QUOTE": "quotes",
    "NOTE": "notes",
    "TASK": "tasks",
}
# From memory of the vendor: links between records of one type, which its client package does not list.
_SAME_TYPE = (("contacts", 449), ("companies", 450), ("deals", 451))
_PARENT_OF, _CHILD_OF = 13, 14


@dataclass(frozen=True)
class AssociationType:
    """One direction of a kind of link; `inverse` is the number the other side knows it by."""

    category: str
    type_id: int
    from_kind: str
    to_kind: str
    name: str
    inverse: int
    label: str | None = None
    primary: bool = False

    @property
    def unlabelled(self) -> bool:
        """Tell the plain link that every pair of linked records has."""
        return self.label is None

    def as_json(self) -> Json:
        """Return the type as answers show it."""
        return {"category": self.category, "typeId": self.type_id, "label": self.label}


class AssociationTypes:
    """All link types of the account. Kind `association_label` of the store feeds those an administrator made."""

    def __init__(self, world: World, catalog: Catalog) -> None:
        """Start with the vendor's own types."""
        self._catalog = catalog
        self._own = {one.type_id: one for one in _of_vendor()}
        self._made: dict[int, AssociationType] = {}
        world.store.rebuild_listeners.append(self._follow)

    def between(self, from_kind: str, to_kind: str) -> list[AssociationType]:
        """Return the types from one object type to another, in the order of their numbers."""
        found = [one for one in (*self._own.values(), *self._made.values()) if one.from_kind == from_kind]
        return sorted((one for one in found if one.to_kind == to_kind), key=lambda one: one.type_id)

    def plain(self, one: ObjectType, other: ObjectType) -> AssociationType:
        """Return the unlabelled type of a pair, which must exist."""
        for found in self.between(one.name, other.name):
            if found.unlabelled:
                return found
        message = f"No association type exists between {one.shouted} and {other.shouted}."
        raise HubSpotError("VALIDATION_ERROR", message)

    def named(self, one: ObjectType, other: ObjectType, category: str, type_id: int) -> AssociationType:
        """Return the type a request names, or refuse."""
        for found in self.between(one.name, other.name):
            if (found.category, found.type_id) == (category, type_id):
                return found
        message = (
            f"One or more association types are not valid between {one.shouted} and {other.shouted}: "
            f"{category} {type_id}."
        )
        raise HubSpotError("VALIDATION_ERROR", message)

    def by_id(self, category: str, type_id: int) -> AssociationType:
        """Return a type that is known to exist."""
        return self._own[type_id] if category == "HUBSPOT_DEFINED" else self._made[type_id]

    def inverse(self, one: AssociationType) -> AssociationType:
        """Return the same link as the other side sees it."""
        return self.by_id(one.category, one.inverse)

    def _follow(self, kind: str, record_id: str, record: Record | None) -> None:
        if kind != "association_label":
            return
        if record is None:
            self._made.pop(int(record_id), None)
        else:
            self._made[int(record_id)] = AssociationType(**record)


def _of_vendor() -> Iterator[AssociationType]:
    numbers: dict[str, int] = json.loads(_FILE.read_text(encoding="utf-8"))["ids"]
    for name, number in numbers.items():
        primary = name.startswith("PRIMARY_")
        one, _, other = name.removeprefix("PRIMARY_").partition("_TO_")
        if one not in _KINDS or other not in _KINDS:
            continue
        prefix = "PRIMARY_" if primary else ""
        plain = f"{one}_TO_{other}".lower()
        yield AssociationType(
            category="HUBSPOT_DEFINED",
            type_id=number,
            from_kind=_KINDS[one],
            to_kind=_KINDS[other],
            # Where a pair has a primary link, that one carries the plain name and the unlabelled one says so.
            name=plain if primary or f"PRIMARY_{name}" not in numbers else f"{plain}_unlabeled",
            inverse=numbers[f"{prefix}{other}_TO_{one}"],
            label="Primary" if primary else None,
            primary=primary,
        )
    for kind, number in _SAME_TYPE:
        name = {"contacts": "contact_to_contact", "companies": "company_to_company", "deals": "deal_to_deal"}[kind]
        yield AssociationType("HUBSPOT_DEFINED", number, kind, kind, name, number)
    company = ("companies", "companies")
    yield AssociationType("HUBSPOT_DEFINED", _PARENT_OF, *company, "parent_to_child_company", _CHILD_OF, "Child")
    yield AssociationType("HUBSPOT_DEFINED", _CHILD_OF, *company, "child_to_parent_company", _PARENT_OF, "Parent")
