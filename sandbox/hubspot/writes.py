"""Creating, changing, archiving, restoring and merging records, with the account's checks."""

from collections.abc import Mapping
from typing import Any

from sandbox.hubspot.account import ARCHIVED, MERGED, Account
from sandbox.hubspot.admin_rules import AdminRules
from sandbox.hubspot.association_types import AssociationType
from sandbox.hubspot.derive import derive, fill_defaults
from sandbox.hubspot.errors import HubSpotError, PropertyFault, invalid_values, missing
from sandbox.hubspot.schema import ObjectType
from sandbox.hubspot.values import kept_value
from sandbox.kit import Author, Record

__all__ = ["Writer"]

_MERGEABLE = ("contacts", "companies", "deals", "tickets", "projects")


class Writer:
    """Writes for one caller. `rules` are the administrator's, None where this caller is not held to them."""

    def __init__(self, account: Account, author: Author, rules: AdminRules | None) -> None:
        """Write as this author."""
        self._account = account
        self._store = account.store
        self._author = author
        self._rules = rules

    def create(self, one: ObjectType, properties: Mapping[str, Any], links: list[Any] | None = None) -> str:
        """Create a record with its first links; returns its id."""
        with self._store.transaction():
            record: Record = {}
            fill_from: Record = {name: value for name, value in properties.items() if value not in {"", None}}
            record.update(self._checked(one, fill_from, {}))
            fill_defaults(self._account, one.name, record)
            self._require(one, record)
            record_id = self._account.new_record_id()
            stamp = self._account.stamp
            record |= {"hs_object_id": record_id, "createdate": stamp, "hs_createdate": stamp, one.modified: stamp}
            self._save(one, record_id, record, record, is_new=True)
            for link in links or []:
                self.link_from_create(one, record_id, link)
            return record_id

    def update(self, one: ObjectType, record_id: str, properties: Mapping[str, Any]) -> str:
        """Change some properties of a live record; returns its present id."""
        found = self._account.find(one.name, record_id)
        if found is None:
            raise missing()
        current, record = found
        changed = self._checked(one, properties, record)
        self._save(one, current, {**record, **changed, one.modified: self._account.stamp}, changed, is_new=False)
        return current

    def archive(self, one: ObjectType, record_id: str) -> None:
        """Put a record away; a record that is away already is left alone."""
        found = self._account.find(one.name, record_id)
        if found is None:
            if self._account.archived(one.name, record_id) is None:
                raise missing()
            return
        current, record = found
        with self._store.transaction():
            self._account.links.remove_all((one.name, current), self._author)
            self._store.delete(one.name, current, self._author)
            kept = {"archivedAt": self._account.stamp, "properties": record}
            self._store.save(ARCHIVED, f"{one.name}/{current}", kept, self._author)

    def restore(self, one: ObjectType, record_id: str) -> None:
        """Bring a record back that was put away."""
        away = self._account.archived(one.name, record_id)
        if away is None:
            raise missing()
        with self._store.transaction():
            self._store.delete(ARCHIVED, f"{one.name}/{record_id}", self._author)
            record = {**away["properties"], one.modified: self._account.stamp}
            self._save(one, record_id, record, record, is_new=False)

    def merge(self, one: ObjectType, primary_id: str, other_id: str) -> str:
        """Make one record of two, the primary's values win; returns the survivor's id, which may be a new one."""
        if one.name not in _MERGEABLE:
            raise HubSpotError("VALIDATION_ERROR", f"Merging is not supported for object type {one.shouted}")
        primary, other = self._account.find(one.name, primary_id), self._account.find(one.name, other_id)
        if primary is None or other is None or primary[0] == other[0]:
            raise HubSpotError("VALIDATION_ERROR", f"Unable to merge {primary_id} and {other_id}.")
        with self._store.transaction():
            old = [primary[0], other[0]]
            survivor = self._account.new_record_id() if self._account.world.flag("merge_gives_new_id") else old[0]
            links = [(place, self._account.links.types_between((one.name, was), place)) for was in old
                     for place in self._account.links.neighbours((one.name, was))]  # fmt: skip
            for was in old:
                self._account.links.remove_all((one.name, was), self._author)
            for was in [was for was in old if was != survivor]:
                self._store.delete(one.name, was, self._author)
                self._store.save(MERGED, f"{one.name}/{was}", {"into": survivor}, self._author)
            record = {**other[1], **primary[1], "hs_object_id": survivor, one.modified: self._account.stamp}
            earlier = [text for _, row in (primary, other) if (text := row.get("hs_merged_object_ids"))]
            record["hs_merged_object_ids"] = ";".join([*earlier, *old])
            derive(self._account, one.name, record)
            self._store.save(one.name, survivor, record, self._author)
            for place, types in links:
                if place not in {(one.name, was) for was in old}:
                    self._account.links.add((one.name, survivor), place, types, self._author)
            return survivor

    def link(
        self, one: ObjectType, record_id: str, other: ObjectType, other_id: str, specs: list[Any]
    ) -> list[AssociationType]:
        """Link two live records by the types a request names, none for the plain one; returns the types."""
        types = self._account.association_types
        ends = []
        for kind, number in ((one, record_id), (other, other_id)):
            place = self._account.find(kind.name, str(number))
            if place is None:
                message = f"{kind.singular} {number} does not exist"
                raise HubSpotError("OBJECT_NOT_FOUND", message, status=404, context={"ids": [str(number)]})
            ends.append((kind.name, place[0]))
        named = [
            types.named(one, other, str(raw["associationCategory"]), int(raw["associationTypeId"])) for raw in specs
        ]
        wanted = [types.plain(one, other), *(found for found in named if not found.unlabelled)]
        self._account.links.add(ends[0], ends[1], wanted, self._author)
        return wanted

    def link_from_create(self, one: ObjectType, record_id: str, raw: Any) -> None:
        """Make the links that a create request carries; the number of the type tells what the other record is."""
        if not isinstance(raw, dict) or not raw.get("types") or "id" not in (raw.get("to") or {}):
            raise HubSpotError("VALIDATION_ERROR", "Invalid input JSON: an association needs to.id and types")
        for spec in raw["types"]:
            found = [
                kind
                for other in self._account.catalog.types()
                for kind in self._account.association_types.between(one.name, other.name)
                if (kind.category, kind.type_id) == (spec["associationCategory"], spec["associationTypeId"])
            ]
            if not found:
                message = f"Association type {spec['associationTypeId']} is not valid for {one.shouted}."
                raise HubSpotError("VALIDATION_ERROR", message)
            other = self._account.catalog.type_of(found[0].to_kind)
            self.link(one, record_id, other, str(raw["to"]["id"]), [spec])

    def _checked(self, one: ObjectType, properties: Mapping[str, Any], record: Record) -> dict[str, str]:
        """Return the values to keep; raises with every fault at once."""
        kept: dict[str, str] = {}
        faults: list[PropertyFault] = []
        seen = {**record, **{name: str(value) for name, value in properties.items()}}
        if one.name == "deals":
            seen.setdefault("pipeline", "default")
        for name, raw in properties.items():
            prop = self._account.catalog.property_of(one.name, name)
            if prop is None:
                faults.append(PropertyFault(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'))
            elif prop.read_only:
                message = f'"{name}" is a read only property; its value cannot be set.'
                faults.append(PropertyFault(name, "READ_ONLY_VALUE", message))
            else:
                value = kept_value(prop, raw, self._account.catalog.allowed_values(prop, seen))
                if isinstance(value, PropertyFault):
                    faults.append(value)
                elif (one.name, name) == ("line_items", "price") and value.startswith("-"):
                    faults.append(PropertyFault(name, "INVALID_NUMBER", "The price of a line item cannot be negative"))
                else:
                    kept[name] = value
        if faults:
            raise invalid_values(faults, self._account.portal_id)
        return kept

    def _require(self, one: ObjectType, record: Record) -> None:
        absent = [name for name in one.required if not record.get(name)]
        if one.name == "companies" and not (record.get("name") or record.get("domain")):
            absent = ["name"]
        if absent:
            message = f"Error creating {one.shouted}. Some required properties were not set."
            raise HubSpotError("VALIDATION_ERROR", message, context={"properties": absent})

    def _save(self, one: ObjectType, record_id: str, record: Record, changed: Record, *, is_new: bool) -> None:
        derive(self._account, one.name, record)
        self._keep_unique(one, record_id, record)
        if self._rules is not None:
            self._rules.check(one, record, changed, is_new=is_new)
        external = next((record[name] for name, prop in self._account.catalog.properties(one.name).items()
                         if prop.unique and record.get(name)), None)  # fmt: skip
        self._store.save(one.name, record_id, record, self._author, external)

    def _keep_unique(self, one: ObjectType, record_id: str, record: Record) -> None:
        for prop in self._account.catalog.properties(one.name).values():
            value = record.get(prop.name) if prop.unique else None
            holder = self._account.holder(one.name, prop.name, value) if value else None
            if holder is None or holder == record_id:
                continue
            if (one.name, prop.name) == ("contacts", "email"):
                raise HubSpotError("CONFLICT", f"Contact already exists. Existing ID: {holder}", status=409)
            place = f"portalId={self._account.portal_id}, objectTypeId={one.type_id}, propertyName={prop.name}"
            message = (
                f"Cannot set PropertyValueCoordinates{{{place}, value={value}}} on {record_id}. "
                f"{holder} already has that value."
            )
            raise HubSpotError("VALIDATION_ERROR", message, context={"propertyName": [prop.name]})
