"""Who is who in the account: ids, external ids and names, and which of them are taken."""

import json
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any

from sandbox.kit import Record, RecordStore
from sandbox.netsuite.schema import DATA, ENTITIES, ITEMS, TRANSACTIONS

__all__ = ["Directory", "display_name", "id_space"]

_FIRST_IDS = {"entity": 600, "transaction": 8800, "item": 70}


def id_space(kind: str) -> str:
    """Return which counter a record type takes its internal ids from."""
    if kind in ENTITIES:
        return "entity"
    if kind in TRANSACTIONS:
        return "transaction"
    return "item" if kind in ITEMS else kind


@cache
def _group_of() -> dict[str, str]:
    groups = json.loads((DATA / "external_id_groups.json").read_text())["groups"]
    return {kind: group for group, kinds in groups.items() if group != "own" for kind in kinds}


def external_id_group(kind: str) -> str:
    """Return the name space in which an external id must be unique."""
    return "item" if kind in ITEMS else _group_of().get(kind, kind)


def display_name(kind: str, record: Record) -> str:
    """Return what a reference to a record shows."""
    if kind == "job":
        return f"{record.get('entityId', '')} {record.get('companyName', '')}".strip()
    names = ("companyName", "entityId", "tranId", "name", "itemId", "title", "description")
    return next((str(record[name]) for name in names if record.get(name)), "")


class Directory:
    """Indexes over the records; follows every change, undo and replay."""

    def __init__(self, store: RecordStore) -> None:
        """Follow this store."""
        self._store = store
        self._last: Counter[str] = Counter(_FIRST_IDS)
        self._external: dict[tuple[str, str], tuple[str, str]] = {}
        self._external_of: dict[tuple[str, str], tuple[str, str]] = {}
        self._names: dict[tuple[str, str], set[str]] = {}
        self._names_of: dict[tuple[str, str], list[tuple[str, str]]] = {}
        store.rebuild_listeners.append(self._follow)

    def next_id(self, space: str) -> str:
        """Hand out the next internal id; an id is never given twice, not even after an undo."""
        self._last[space] += 1
        return str(self._last[space])

    def find_external(self, kinds: Iterable[str], external_id: str) -> tuple[str, str] | None:
        """Find a record of these types by external id, in any case."""
        wanted = list(kinds)
        for kind in wanted:
            found = self._external.get((external_id_group(kind), external_id.lower()))
            if found and found[0] in wanted:
                return found
        return None

    def holder_of(self, kind: str, external_id: str) -> tuple[str, str] | None:
        """Return the record of the whole group that has an external id."""
        return self._external.get((external_id_group(kind), external_id.lower()))

    def named(self, kind: str, name: str) -> set[str]:
        """Return the ids of the records of a type that bear a name."""
        return self._names.get((kind, name.strip().lower()), set())

    def resolve(self, kinds: tuple[str, ...], record_id: str) -> tuple[str, Record] | None:
        """Find a record by internal id among several types."""
        for kind in kinds:
            if (record := self._store.get(kind, record_id)) is not None:
                return kind, record
        return None

    def customer_of(self, entity: Record) -> tuple[str, Record] | None:
        """Find the customer behind a reference to a customer or to one of its projects."""
        found = self.resolve(("customer", "job"), str(entity.get("id")))
        if found and found[0] == "job" and (parent := found[1].get("parent")):
            return self.resolve(("customer",), parent["id"])
        return found

    def _follow(self, kind: str, record_id: str, record: Record | None) -> None:
        if record_id.isdigit():
            self._last[id_space(kind)] = max(self._last[id_space(kind)], int(record_id))
        key = (kind, record_id)
        if old := self._external_of.pop(key, None):
            self._external.pop(old, None)
        for name in self._names_of.pop(key, []):
            self._names[name].discard(record_id)
        if record is None:
            return
        if external_id := record.get("externalId"):
            slot = (external_id_group(kind), str(external_id).lower())
            self._external[slot] = key
            self._external_of[key] = slot
        self._names_of[key] = [(kind, name.strip().lower()) for name in _unique_names(kind, record)]
        for name in self._names_of[key]:
            self._names.setdefault(name, set()).add(record_id)


def _unique_names(kind: str, record: dict[str, Any]) -> list[str]:
    fields = {"customer": ("entityId", "companyName"), "job": ("entityId",), "contact": ("entityId",),
              "employee": ("entityId",)}.get(kind, ())  # fmt: skip
    return list({str(record[name]) for name in fields if record.get(name)})
