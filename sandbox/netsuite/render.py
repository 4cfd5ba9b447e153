"""Writes stored records as the vendor answers them: links, names of references, collapsed sublists, no nulls."""

from collections.abc import Iterable
from typing import Any

from sandbox.kit import Record, RecordStore
from sandbox.netsuite.directory import Directory, display_name
from sandbox.netsuite.errors import Detail, NsError
from sandbox.netsuite.schema import Field, RecordType, targets

__all__ = ["Renderer", "View", "enum_name"]

_NAMES: dict[str, dict[str, str]] = {
    "orderStatus": {"A": "Pending Approval", "B": "Pending Fulfillment"},
    "jobBillingType": {"1": "Charge-Based", "2": "Fixed Bid, Interval", "3": "Fixed Bid, Milestone",
                       "4": "Time and Materials"},
    "scheduleType": {"1": "Charge-Based", "2": "Fixed Bid, Interval", "3": "Fixed Bid, Milestone",
                     "4": "Time and Materials", "5": "Standard", "CM": "Charge-Based", "FBI": "Fixed Bid, Interval",
                     "FBM": "Fixed Bid, Milestone", "TM": "Time and Materials", "STD": "Standard"},
    "approvalStatus": {"1": "Open", "2": "Pending Approval", "3": "Approved", "4": "Rejected"},
    "entityStatus": {"1": "Closed", "2": "In Progress", "3": "Not Awarded", "4": "Pending", "5": "Awarded",
                     "13": "CUSTOMER-Closed Won"},
}  # fmt: skip
_STATUS = {
    "salesOrder": {"A": "Pending Approval", "B": "Pending Fulfillment", "C": "Cancelled", "E": "Pending Billing/"
                   "Partially Fulfilled", "F": "Pending Billing", "G": "Billed", "H": "Closed"},
    "invoice": {"A": "Open", "B": "Paid In Full", "D": "Pending Approval", "V": "Voided"},
    "creditMemo": {"A": "Open", "B": "Fully Applied", "V": "Voided"},
    "customerPayment": {"A": "Unapproved Payment", "B": "Not Deposited", "C": "Deposited", "R": "Rejected"},
}  # fmt: skip


def enum_name(kind: str, field: str, value: str) -> str:
    """Return the shown name of a list entry."""
    if field == "status" and kind in _STATUS:
        return _STATUS[kind].get(value, value)
    return _NAMES.get(field, {}).get(value, value.replace("_", " ").capitalize() if value.isalpha() else value)


class View:
    """How a reader wants a record: whole or some fields, sublists open or closed, list entries short or full."""

    def __init__(self, query: dict[str, str]) -> None:
        """Read the query parameters; raises NsError when they contradict each other."""
        self.expand = query.get("expandSubResources", "false").lower() == "true"
        self.simple_enums = query.get("simpleEnumFormat", "false").lower() == "true"
        self.fields = [name for name in query.get("fields", "").split(",") if name]
        if self.expand and self.fields:
            text = "The 'fields' and 'expandSubResources' query parameters cannot be used together."
            raise NsError(400, Detail(text, "INVALID_PARAMETER", query="fields"))


class Renderer:
    """Writes records with absolute links below one base URL."""

    def __init__(self, store: RecordStore, directory: Directory, base: str) -> None:
        """Write links below `base`, which ends in /services/rest."""
        self._store = store
        self._directory = directory
        self._base = base

    def href(self, kind: RecordType, record_id: str) -> str:
        """Return the address of a record; transactions come back in lower case."""
        name = kind.name.lower() if kind.is_transaction else kind.name
        return f"{self._base}/record/v1/{name}/{record_id}"

    def record(self, kind: RecordType, record_id: str, record: Record, view: View, self_name: str) -> Record:
        """Return the answer body of a read."""
        here = f"{self._base}/record/v1/{self_name}/{record_id}"
        for name in view.fields:
            if name not in kind.fields:
                raise NsError(400, Detail(f"Field '{name}' does not exist.", "NONEXISTENT_FIELD", query="fields"))
        wanted = [name for name in record if not name.startswith("_") and (not view.fields or name in view.fields)]
        body: Record = {"links": [{"rel": "self", "href": here}], "id": record_id}
        for name in wanted:
            spec = kind.fields.get(name)
            body[name] = self.value(kind.name, spec, record[name], view, f"{here}/{name}") if spec else record[name]
        for name in kind.sublists():
            if name not in body and (not view.fields or name in view.fields) and kind.sublists()[name].lines:
                body[name] = self._sublist(kind.name, kind.fields[name], [], view, f"{here}/{name}")
        return body

    def value(self, kind: str, spec: Field, value: Any, view: View, here: str) -> Any:
        """Return one field's value as answered."""
        if spec.kind == "enum":
            entry = str(value["id"])
            name = enum_name(kind, spec.name, entry)
            return entry if view.simple_enums else {"id": entry, "refName": name, "links": []}
        if spec.kind == "ref":
            return self._reference(kind, spec.name, value)
        if spec.kind in {"sublist", "select"}:
            return self._sublist(kind, spec, value["items"], view, here)
        if spec.lines and isinstance(value, dict):
            if not view.expand:
                return {"links": [{"rel": "self", "href": here}]}
            return self._members(kind, spec.lines, value, view, here)
        return value

    def _sublist(self, kind: str, spec: Field, lines: list[Any], view: View, here: str) -> Record:
        links = [{"rel": "self", "href": here}]
        if not view.expand:
            return {"links": links}
        if spec.kind == "select" or not spec.lines:
            shown: Iterable[Any] = [self._reference(kind, spec.name, line) for line in lines]
        else:
            shown = [self._line(kind, spec, line, view, here) for line in lines]
        return {"links": links, "items": list(shown), "totalResults": len(lines)}

    def _line(self, kind: str, spec: Field, line: Record, view: View, here: str) -> Record:
        key = next((line[name] for name in ("line", "internalId", "milestoneId", "recurrenceId") if name in line), 1)
        address = f"{here}/{key}"
        return {"links": [{"rel": "self", "href": address}], **self._members(kind, spec.lines, line, view, address)}

    def _members(self, kind: str, fields: dict[str, Field], values: Record, view: View, here: str) -> Record:
        return {
            name: self.value(kind, fields[name], value, view, f"{here}/{name}") if name in fields else value
            for name, value in values.items()
        }

    def _reference(self, kind: str, name: str, value: Any) -> Record:
        record_id = str(value["id"])
        if found := self._directory.resolve(targets(kind, name), record_id):
            from_kind = found[0]
            link = f"{self._base}/record/v1/{from_kind}/{record_id}"
            return {
                "links": [{"rel": "self", "href": link}], "id": record_id, "refName": display_name(*found),
            }  # fmt: skip
        return {"links": [], "id": record_id, "refName": enum_name(kind, name, record_id)}
