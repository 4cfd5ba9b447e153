"""Avro schemas of change events: a header, then one nullable field per field of the record."""

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fastavro import parse_schema, schemaless_writer

from sandbox.salesforce.schema import ObjectDef
from sandbox.salesforce.schema_notation import NUMERIC, FieldDef
from sandbox.salesforce.values import as_decimal, parse_stamp

__all__ = ["ChangeSchema", "bitmap", "event_name"]

_CHANGE_TYPES = [
    "CREATE", "UPDATE", "DELETE", "UNDELETE",
    "GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE", "GAP_OVERFLOW", "SNAPSHOT",
]  # fmt: skip
_HEADER = {
    "type": "record",
    "name": "ChangeEventHeader",
    "fields": [
        {"name": "entityName", "type": "string"},
        {"name": "recordIds", "type": {"type": "array", "items": "string"}},
        {"name": "changeType", "type": {"type": "enum", "name": "ChangeType", "symbols": _CHANGE_TYPES}},
        {"name": "changeOrigin", "type": "string"},
        {"name": "transactionKey", "type": "string"},
        {"name": "sequenceNumber", "type": "int"},
        {"name": "commitTimestamp", "type": "long"},
        {"name": "commitNumber", "type": "long"},
        {"name": "commitUser", "type": "string"},
        {"name": "nulledFields", "type": {"type": "array", "items": "string"}},
        {"name": "diffFields", "type": {"type": "array", "items": "string"}},
        {"name": "changedFields", "type": {"type": "array", "items": "string"}},
    ],
}
# Not part of a change event: the firm's formulas and what the platform keeps for itself.
_LEFT_OUT = frozenset({"Id", "SystemModstamp", "IsDeleted"})


@dataclass(frozen=True)
class ChangeSchema:
    """The schema of one object's change events, under the id that clients ask for it by."""

    schema_id: str
    text: str
    parsed: Any
    fields: tuple[FieldDef, ...]

    @classmethod
    def of(cls, target: ObjectDef) -> "ChangeSchema":
        """Make the schema of an object as it is now."""
        fields = tuple(
            one for one in target.fields.values()
            if one.name not in _LEFT_OUT
            and one.type not in {"address", "base64"}
            and not (one.calculated and one.name.endswith("__c"))
        )  # fmt: skip
        schema = {
            "type": "record",
            "name": event_name(target.name),
            "namespace": "com.sforce.eventbus",
            "fields": [
                {"name": "ChangeEventHeader", "type": _HEADER},
                *({"name": one.name, "type": ["null", _avro_type(one)], "default": None} for one in fields),
            ],
        }
        text = json.dumps(schema, separators=(",", ":"))
        digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        return cls(digest, text, parse_schema(json.loads(text)), fields)

    def encode(self, header: Mapping[str, Any], record: Mapping[str, Any], changed: Iterable[str]) -> bytes:
        """Write one event; fields that did not change are null."""
        told = set(changed)
        body: dict[str, Any] = {"ChangeEventHeader": dict(header)}
        for one in self.fields:
            body[one.name] = _avro_value(one, record.get(one.name)) if one.name in told else None
        buffer = io.BytesIO()
        schemaless_writer(buffer, self.parsed, body)
        return buffer.getvalue()

    def bitmap_of(self, names: Iterable[str]) -> list[str]:
        """Name fields as the bus does: one bit per place in the schema, the header being place 0."""
        told = set(names)
        return bitmap(place for place, one in enumerate(self.fields, start=1) if one.name in told)


def event_name(kind: str) -> str:
    """Return the event's name for an object: OpportunityChangeEvent, Thing__ChangeEvent."""
    return f"{kind.removesuffix('__c')}__ChangeEvent" if kind.endswith("__c") else f"{kind}ChangeEvent"


def bitmap(places: Iterable[int]) -> list[str]:
    """Return places as one hexadecimal number, least significant bit first; none is an empty list."""
    number = sum(1 << place for place in places)
    if not number:
        return []
    digits = f"{number:X}"
    return [f"0x{digits.zfill(len(digits) + len(digits) % 2)}"]


def _avro_type(field: FieldDef) -> str:
    if field.type == "boolean":
        return "boolean"
    if field.type in {"date", "datetime"}:
        return "long"
    if field.type == "int":
        return "int"
    return "double" if field.type in NUMERIC else "string"


def _avro_value(field: FieldDef, value: Any) -> Any:
    if value is None:
        return None
    if field.type == "boolean":
        return bool(value)
    if field.type == "datetime":
        return int(parse_stamp(str(value)).timestamp() * 1000)
    if field.type == "date":
        return int(parse_stamp(f"{value}T00:00:00.000+0000").timestamp() * 1000)
    if field.type == "int":
        return int(value)
    return float(as_decimal(value)) if field.type in NUMERIC else str(value)
