"""Creating, changing, upserting and deleting records: every check of the platform, then one atomic commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.kit import Author, Record
from sandbox.salesforce.coerce import coerce
from sandbox.salesforce.derive import complete, roll_up
from sandbox.salesforce.errors import MultipleMatchesError, SalesforceError, missing
from sandbox.salesforce.guards import Guards
from sandbox.salesforce.ids import is_id, to_18
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import ObjectDef, Schema
from sandbox.salesforce.schema_notation import FieldDef

__all__ = ["Writer"]

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Writer:
    """Writes for one caller: under its schema, in its name."""

    org: Org
    guards: Guards
    author: Author
    schema: Schema
    user_id: str
    allow_save: bool = False

    def insert(self, target: ObjectDef, body: Body, record_id: str | None = None) -> str:
        """Create a record and return its id."""
        with self.org.store.transaction():
            values = self._values(target, body, before=None)
            record: Record = {"Id": record_id or self.org.ids.next(target.prefix)}
            for field in target.fields.values():
                if field.default is not None:
                    record[field.name] = field.default
            record.update({name: value for name, value in values.items() if value is not None})
            self._require(target, record, list(target.fields.values()))
            if (owner := target.field("OwnerId")) is not None and owner.createable:
                record.setdefault("OwnerId", self.user_id)
            record["CreatedDate"], record["CreatedById"] = self.org.stamp, self.user_id
            self._commit(target, record, None, frozenset(values))
        return str(record["Id"])

    def update(self, target: ObjectDef, record_id: str, body: Body) -> None:
        """Change a record that must exist."""
        with self.org.store.transaction():
            before = self.existing(target, record_id)
            values = self._values(target, body, before=before)
            record = {**before, **values}
            self._require(target, record, [one for one in target.fields.values() if one.name in values])
            self._commit(target, record, before, frozenset(values))

    def upsert(
        self, target: ObjectDef, field: FieldDef, value: str, body: Body, *, update_only: bool
    ) -> tuple[str, bool]:
        """Create or change the record with this external id; returns its id and whether it was created."""
        if any(key.lower() == field.name.lower() for key in body):
            message = f"The {field.name} field should not be specified in the sobject data."
            raise SalesforceError("INVALID_FIELD", message, fields=[field.name])
        found = self.org.with_value(target.name, field.name, value)
        if len(found) > 1:
            raise MultipleMatchesError([f"sobjects/{target.name}/{one}" for one in found])
        if found:
            self.update(target, found[0], body)
            return found[0], False
        if update_only:
            raise missing()
        return self.insert(target, {**body, field.name: value}), True

    def delete(self, target: ObjectDef, record_id: str) -> None:
        """Delete a record, its detail records with it; other records that point at it lose the reference."""
        with self.org.store.transaction():
            record = self.existing(target, record_id)
            self.guards.check_locks(record)
            if target.name == "OrderItem" and (self.org.get(record["OrderId"]) or {}).get("StatusCode") == "Activated":
                raise SalesforceError("ENTITY_IS_LOCKED", "products of an activated order cannot be deleted", fields=[])
            for child in self.org.whole_schema:
                for field in child.fields.values():
                    if field.type == "reference" and target.name in field.reference_to:
                        self._loosen(child, field, record["Id"])
            self.org.store.delete(target.name, record["Id"], self.author, _external_id(target, record))
            self._roll_up(target, record)

    def existing(self, target: ObjectDef, record_id: str) -> Record:
        """Return a private copy of a record that must exist."""
        if not is_id(record_id):
            raise missing()
        full = to_18(record_id)
        record = self.org.store.get(target.name, full)
        if record is None:
            if self.org.was_deleted(target, full):
                raise SalesforceError("ENTITY_IS_DELETED", "entity is deleted", status=404, fields=[])
            raise missing()
        return record

    def _loosen(self, child: ObjectDef, field: FieldDef, record_id: str) -> None:
        for record in self.org.children(child.name, field.name, record_id):
            if field.cascade:
                self.delete(child, record["Id"])
            elif record["Id"] != record_id:
                record[field.name] = None
                self._stamp(record)
                self.org.store.save(child.name, record["Id"], record, self.author, _external_id(child, record))

    def _commit(self, target: ObjectDef, record: Record, before: Record | None, given: frozenset[str]) -> None:
        self.guards.check_locks(record)
        complete(self.org, target.name, record, before, given)
        self._check_unique(target, record)
        self.guards.check_rules(target, record, allow_save=self.allow_save)
        self._stamp(record)
        self.org.store.save(target.name, record["Id"], record, self.author, _external_id(target, record))
        self._roll_up(target, record)

    def _roll_up(self, target: ObjectDef, record: Record) -> None:
        rolled = roll_up(self.org, target.name, record)
        if rolled is None:
            return
        kind, parent = rolled
        if target.name == "OpportunityLineItem" and not parent.get("Pricebook2Id"):
            parent["Pricebook2Id"] = (self.org.get(record["PricebookEntryId"]) or {}).get("Pricebook2Id")
        self._stamp(parent)
        self.org.store.save(kind, parent["Id"], parent, self.author)

    def _stamp(self, record: Record) -> None:
        record["LastModifiedDate"] = record["SystemModstamp"] = self.org.stamp
        record["LastModifiedById"] = self.user_id

    def _values(self, target: ObjectDef, body: Body, before: Record | None) -> Record:
        values: Record = {}
        locked = []
        for key, raw in body.items():
            if key.lower() == "attributes":
                continue
            field = target.field(key)
            if field is None:
                link = target.parent(key)
                if link is None or not isinstance(raw, Mapping):
                    raise SalesforceError("INVALID_FIELD", f"No such column '{key}' on sobject of type {target.name}")
                field, raw = link, self._looked_up(link, raw)  # noqa: PLW2901 - a lookup by key becomes an id
            writable = field.createable if before is None else field.updateable
            if not writable:
                locked.append(field.name)
                continue
            values[field.name] = coerce(field, raw)
            self._check_reference(field, values[field.name], before)
        if locked:
            names = ", ".join(locked)
            message = (
                f"Unable to create/update fields: {names}. Please check the security settings of this field and verify "
                "that it is read/write for your profile or permission set."
            )
            raise SalesforceError("INVALID_FIELD_FOR_INSERT_UPDATE", message, fields=locked)
        return values

    def _looked_up(self, link: FieldDef, raw: Mapping[str, Any]) -> str:
        parent = self.schema[link.reference_to[0]]
        key, value = next(((name, one) for name, one in raw.items() if name.lower() != "attributes"), ("", None))
        field = parent.field(key)
        if field is None or not (field.external_id or field.type == "id"):
            raise SalesforceError(
                "INVALID_FIELD", f"Foreign key external ID field {key} not found in entity {parent.name}"
            )
        found = [str(value)] if field.type == "id" else self.org.with_value(parent.name, field.name, value)
        if not found:
            shown = str(value).lower()
            message = f"Foreign key external ID: {shown} not found for field {field.name} in entity {parent.name}"
            raise SalesforceError("INVALID_FIELD", message, fields=[])
        if len(found) > 1:
            message = f"More than one record found for external id field: [{', '.join(found)}]"
            raise SalesforceError("DUPLICATE_EXTERNAL_ID", message, fields=[])
        return found[0]

    def _check_reference(self, field: FieldDef, value: Any, before: Record | None) -> None:
        if field.type != "reference" or value is None or (before or {}).get(field.name) == value:
            return
        known = self.org.whole_schema.of_id(value)
        if known is not None and known.name not in field.reference_to:
            message = f"{field.label} ID: id value of incorrect type: {value}"
            raise SalesforceError("FIELD_INTEGRITY_EXCEPTION", message, fields=[field.name])
        if known is None or self.org.get(value) is None:
            raise SalesforceError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields=[])

    def _require(self, target: ObjectDef, record: Record, fields: list[FieldDef]) -> None:
        absent = [one.name for one in fields if one.required_on_create and record.get(one.name) is None]
        if (
            target.name == "OpportunityLineItem"
            and record.get("UnitPrice") is None
            and record.get("TotalPrice") is None
        ):
            absent.append("UnitPrice")
        if absent:
            message = f"Required fields are missing: [{', '.join(absent)}]"
            raise SalesforceError("REQUIRED_FIELD_MISSING", message, fields=absent)

    def _check_unique(self, target: ObjectDef, record: Record) -> None:
        for field in self.org.enforced_schema[target.name].fields.values():
            if not field.unique or record.get(field.name) is None:
                continue
            for other in self.org.with_value(target.name, field.name, record[field.name]):
                if other != record["Id"]:
                    message = f"duplicate value found: {field.name} duplicates value on record with id: {other}"
                    raise SalesforceError("DUPLICATE_VALUE", message, fields=[])


def _external_id(target: ObjectDef, record: Record) -> str | None:
    found = (record.get(one.name) for one in target.fields.values() if one.external_id)
    return next((str(value) for value in found if value is not None), None)
