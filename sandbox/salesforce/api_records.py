"""Single records: create, read, change, delete, and the same by external id."""

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from sandbox.kit import Record
from sandbox.salesforce.errors import MultipleMatchesError, SalesforceError, missing
from sandbox.salesforce.ids import is_id, to_18
from sandbox.salesforce.org import Org, View
from sandbox.salesforce.schema import ObjectDef, Schema
from sandbox.salesforce.schema_notation import FieldDef
from sandbox.salesforce.values import parse_stamp, shown_value
from sandbox.salesforce.wire import Answer, Call
from sandbox.salesforce.writes import Writer

__all__ = ["RecordsApi"]

_UPSERT_BODY_SINCE = 46.0


class RecordsApi:
    """Answers calls on `sobjects/{Object}/...` for one caller."""

    def __init__(self, org: Org, writer: Writer) -> None:
        """Serve this caller."""
        self._org = org
        self._writer = writer
        self._schema: Schema = writer.schema

    def target(self, name: str) -> ObjectDef:
        """Return the object of an address, or the 404 of an address that is not there."""
        if (found := self._schema.find(name)) is None:
            raise missing()
        return found

    def create(self, call: Call, name: str) -> Answer:
        """Create a record."""
        target = self.target(name)
        body = call.fields
        if any(key.lower() == "id" for key in body):
            message = "cannot specify Id in an insert call"
            raise SalesforceError("INVALID_FIELD_FOR_INSERT_UPDATE", message, fields=["Id"])
        record_id = self._writer.insert(target, body)
        where = f"{call.base}/sobjects/{target.name}/{record_id}"
        return Answer(201, {"id": record_id, "success": True, "errors": []}, {"Location": where})

    def read(self, call: Call, name: str, record_id: str) -> Answer:
        """Read a record, all fields or those asked for."""
        target = self.target(name)
        record = self._visible(target, record_id)
        if (unchanged := self._unchanged(call, target, record)) is not None:
            return unchanged
        headers = {"Last-Modified": format_datetime(parse_stamp(record["SystemModstamp"]).astimezone(UTC), usegmt=True)}
        if target.name == "Account":
            headers["ETag"] = _etag(record)
        return Answer(200, self.shown(call, target, record), headers)

    def update(self, call: Call, name: str, record_id: str) -> Answer:
        """Change a record."""
        target = self.target(name)
        body = call.fields
        if any(key.lower() == "id" for key in body):
            message = "The Id field should not be specified in the sobject data."
            raise SalesforceError("INVALID_FIELD_FOR_INSERT_UPDATE", message, fields=["Id"])
        before = self._writer.existing(target, record_id)
        self._unchanged(call, target, before)
        self._writer.update(target, record_id, body)
        return Answer(204)

    def delete(self, name: str, record_id: str) -> Answer:
        """Delete a record."""
        self._writer.delete(self.target(name), record_id)
        return Answer(204)

    def read_by_key(self, call: Call, name: str, key: str, value: str) -> Answer:
        """Read the record with an external id; several make a 300."""
        target = self.target(name)
        return self.read(call, name, self._only(call, target, self.key_field(target, key), value))

    def upsert(self, call: Call, name: str, key: str, value: str) -> Answer:
        """Change the record with an external id, or create it."""
        target = self.target(name)
        field = self.key_field(target, key)
        body = call.fields
        if field.type == "id":
            return self.update(call, name, value)
        try:
            if call.assume_new:
                record_id, created = self._writer.insert(target, {**body, field.name: value}), True
            else:
                update_only = call.query.get("updateOnly", "").lower() == "true"
                record_id, created = self._writer.upsert(target, field, value, body, update_only=update_only)
        except MultipleMatchesError as error:
            return Answer(300, [f"{call.base}/{url}" for url in error.urls])
        headers = {"Location": f"{call.base}/sobjects/{target.name}/{record_id}"} if created else {}
        body_out: dict[str, Any] = {"id": record_id, "success": True, "errors": []}
        if float(call.version) < _UPSERT_BODY_SINCE:
            return Answer(201, body_out, headers) if created else Answer(204)
        return Answer(201 if created else 200, {**body_out, "created": created}, headers)

    def delete_by_key(self, call: Call, name: str, key: str, value: str) -> Answer:
        """Delete the record with an external id."""
        target = self.target(name)
        return self.delete(name, self._only(call, target, self.key_field(target, key), value))

    def key_field(self, target: ObjectDef, key: str) -> FieldDef:
        """Return an external-id field, or the 404 that names the wrong one."""
        field = target.field(key)
        if field is None or not (field.external_id or field.type == "id"):
            message = f"Provided external ID field does not exist or is not accessible: {key}"
            raise SalesforceError("NOT_FOUND", message, status=404)
        return field

    def shown(self, call: Call, target: ObjectDef, record: Record, names: list[str] | None = None) -> dict[str, Any]:
        """Return a record as an answer holds it."""
        if names is None and "fields" in call.query:
            names = [name.strip() for name in call.query["fields"].split(",") if name.strip()]
        url = f"{call.base}/sobjects/{target.name}/{record['Id']}"
        shown: dict[str, Any] = {"attributes": {"type": target.name, "url": url}}
        for field in self._chosen(target, names):
            shown[field.name] = shown_value(field, record)
        shown.setdefault("Id", record["Id"])
        return shown

    def find(self, target: ObjectDef, record_id: str) -> Record | None:
        """Return a committed record as readers see it, or None."""
        if not is_id(record_id) or not record_id.startswith(target.prefix):
            return None
        row = View(self._org).one(to_18(record_id))
        return None if row is None else dict(row)

    def _visible(self, target: ObjectDef, record_id: str) -> Record:
        found = self.find(target, record_id)
        return self._writer.existing(target, record_id) if found is None else found

    def _chosen(self, target: ObjectDef, names: list[str] | None) -> list[FieldDef]:
        if names is None:
            return list(target.fields.values())
        chosen = []
        for name in names:
            field = target.field(name)
            if field is None:
                raise SalesforceError("INVALID_FIELD", f"No such column '{name}' on sobject of type {target.name}")
            chosen.append(field)
        return chosen

    def _only(self, call: Call, target: ObjectDef, field: FieldDef, value: str) -> str:
        if field.type == "id":
            return value
        found = self._org.with_value(target.name, field.name, value)
        if len(found) > 1:
            raise MultipleMatchesError([f"{call.base}/sobjects/{target.name}/{one}" for one in found])
        if not found:
            raise missing()
        return found[0]

    def _unchanged(self, call: Call, target: ObjectDef, record: Record) -> Answer | None:
        """Apply the conditional headers: 304 when a reader has it already, 412 when a writer's basis is gone."""
        changed = parse_stamp(record["SystemModstamp"])
        since = _http_date(call, "if-modified-since")
        if call.method == "GET" and since is not None and changed <= since:
            return Answer(304)
        until = _http_date(call, "if-unmodified-since")
        stale = until is not None and changed > until
        if target.name == "Account":
            wanted, refused = call.headers.get("if-match"), call.headers.get("if-none-match")
            stale = stale or (wanted is not None and wanted not in {"*", _etag(record)})
            if refused is not None and refused == _etag(record) and call.method == "GET":
                return Answer(304)
        if stale:
            message = "The record has been modified since the instant or version in the request's condition."
            raise SalesforceError("PRECONDITION_FAILED", message, status=412)
        return None


def _etag(record: Record) -> str:
    return f'"{hashlib.sha256(repr(sorted(record.items())).encode()).hexdigest()[:32]}"'


def _http_date(call: Call, name: str) -> datetime | None:
    text = call.headers.get(name)
    if text is None:
        return None
    try:
        found = parsedate_to_datetime(text)
    except ValueError as error:
        if call.method == "GET":
            return None
        raise SalesforceError("INVALID_HEADER", f"The header {name} is not an RFC 1123 date: {text}") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
