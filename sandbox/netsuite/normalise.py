"""Turns a request body into the stored shape: names checked, references resolved, values of the right sort."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox.netsuite.directory import Directory
from sandbox.netsuite.errors import Detail, NsError, bad_value
from sandbox.netsuite.schema import Field, RecordType, targets

__all__ = ["Body", "Normaliser"]

_IGNORED = {"id", "links", "refName"}
_READ_ONLY = {"lastModifiedDate", "dateCreated", "createdDate", "total", "subtotal", "status", "balance", "amountPaid",
              "amountRemaining", "quantityBilled", "overdueBalance", "daysOverdue", "applied", "unapplied", "fullName",
              "altName", "transactionNumber", "count", "hasMore", "offset", "totalResults"}  # fmt: skip
_LINE_NUMBERS = {"line", "lineUniqueKey", "internalId", "milestoneId", "recurrenceId"}
_EXTERNAL_ID = re.compile(r"^[A-Za-z0-9_\-]+$")


@dataclass
class Body:
    """A normalised body: values to set, None for values to clear, and the names that were not understood."""

    values: dict[str, Any] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


class Normaliser:
    """Reads one body; collects every complaint about values before it refuses."""

    def __init__(self, directory: Directory, kind: RecordType, *, person: bool = False) -> None:
        """Read bodies of one record type, from the API or from a person's screen (who may also set computed fields)."""
        self._directory = directory
        self._kind = kind
        self._person = person
        self._complaints: list[Detail] = []
        self._unknown: list[str] = []

    def read(self, raw: dict[str, Any]) -> Body:
        """Return the normalised body; raises NsError with all bad values."""
        values = self._members(self._kind.fields, raw, self._kind.name, "")
        external_id = values.get("externalId")
        if external_id is not None and not _EXTERNAL_ID.match(str(external_id)):
            self._complain(external_id, "externalId", "externalId")
        if self._complaints:
            raise NsError(400, *self._complaints)
        return Body(values, self._unknown)

    def _members(self, fields: dict[str, Field], raw: dict[str, Any], kind: str, path: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in raw.items():
            if name in _IGNORED and not (name == "id" and path):
                continue
            if name in _READ_ONLY and not self._person and not (name == "total" and path):
                continue
            if (spec := fields.get(name)) is None:
                if not (self._person and name.startswith("_")):
                    self._unknown.append(f"{path}{name}")
                    continue
                spec = Field(name, "any")
            found[name] = None if value is None else self._value(spec, value, kind, f"{path}{name}")
        return found

    def _value(self, spec: Field, value: Any, kind: str, path: str) -> Any:
        if spec.kind in {"sublist", "select"}:
            return self._sublist(spec, value, kind, path)
        if spec.kind == "ref":
            return self._reference(spec, value, kind, path)
        if spec.kind == "enum":
            return self._choice(spec, value, path)
        if spec.lines and isinstance(value, dict):
            return self._members(spec.lines, value, kind, f"{path}.")
        if spec.kind == "any":
            return {"id": str(value["id"])} if isinstance(value, dict) and "id" in value else value
        if not _fits(spec, value):
            self._complain(value, spec.name, path)
        return str(value) if spec.kind == "string" else value

    def _sublist(self, spec: Field, value: Any, kind: str, path: str) -> Any:
        lines = value.get("items") if isinstance(value, dict) else value
        if lines is None:
            return {"items": []}
        if not isinstance(lines, list) or not all(isinstance(line, (dict, str, int)) for line in lines):
            self._complain(value, spec.name, path)
            return {"items": []}
        if spec.kind == "select" or not spec.lines:
            plain = Field(spec.name, "ref")
            return {"items": [self._reference(plain, one, kind, f"{path}.items[{n}]") for n, one in enumerate(lines)]}
        read: list[Any] = []
        for n, line in enumerate(lines):
            if not isinstance(line, dict):
                self._complain(line, spec.name, f"{path}.items[{n}]")
                continue
            read.append(self._members(spec.lines, line, f"{kind}.{spec.name}", f"{path}.items[{n}]."))
        return {"items": read}

    def _reference(self, spec: Field, value: Any, kind: str, path: str) -> Any:
        kinds = targets(kind, spec.name)
        if isinstance(value, dict):
            if "id" not in value and "externalId" in value and kinds:
                found = self._directory.find_external(kinds, str(value["externalId"]))
                if found is None:
                    self._complain(value["externalId"], spec.name, path)
                    return value
                return {"id": found[1]}
            if "id" not in value:
                self._complain(value.get("refName", ""), spec.name, path)
                return value
            value = value["id"]
        plain = isinstance(value, (str, int)) and not isinstance(value, bool)
        if not plain or (kinds and self._directory.resolve(kinds, str(value)) is None):
            self._complain(value, spec.name, path)
        return {"id": str(value)}

    def _choice(self, spec: Field, value: Any, path: str) -> Any:
        chosen = str(value.get("id", value.get("refName", "")) if isinstance(value, dict) else value)
        if spec.values and chosen not in spec.values:
            self._complain(chosen, spec.name, path)
        return {"id": chosen}

    def _complain(self, value: Any, name: str, path: str) -> None:
        self._complaints.extend(bad_value(value, name, path).details)


def _fits(spec: Field, value: Any) -> bool:
    if spec.kind == "number":
        return (isinstance(value, (int, Decimal)) and not isinstance(value, bool)) or (
            spec.name in _LINE_NUMBERS and str(value).isdigit()
        )
    if spec.kind == "boolean":
        return isinstance(value, bool)
    if spec.kind == "string":
        return isinstance(value, (str, int, Decimal)) and not isinstance(value, bool)
    return any(_parses(reader, value) for reader in _readers(spec))


def _readers(spec: Field) -> Iterator[Any]:
    yield date.fromisoformat
    if spec.kind == "datetime":
        yield datetime.fromisoformat


def _parses(reader: Any, value: Any) -> bool:
    try:
        reader(value)
    except (TypeError, ValueError):
        return False
    return True
