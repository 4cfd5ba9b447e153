"""Records as answers show them: asked-for properties, history, and the lists of associated records."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.hubspot.account import Account
from sandbox.hubspot.schema import ObjectType
from sandbox.kit import Entry, Record

__all__ = ["Renderer", "Wanted"]

Json = dict[str, Any]
_EMBEDDED = 100
_PERSON = "userId:61234567"


@dataclass(frozen=True)
class Wanted:
    """What a caller asked to see of each record."""

    properties: Sequence[str] = ()
    history: Sequence[str] = ()
    associations: Sequence[ObjectType] = ()


class Renderer:
    """Renders records for answers."""

    def __init__(self, account: Account) -> None:
        """Render records of this account."""
        self._account = account

    def record(self, one: ObjectType, record: Record, wanted: Wanted, link: str = "") -> Json:
        """Return a live record. An unknown property is left out, one without a value is null."""
        shown = self._shown(one, record, wanted.properties)
        answer: Json = {
            "id": record["hs_object_id"],
            "properties": shown,
            "createdAt": record["createdate"],
            "updatedAt": record[one.modified],
            "archived": False,
        }
        if wanted.history:
            answer["propertiesWithHistory"] = {name: self.history(one, record, name) for name in wanted.history}
        if wanted.associations:
            embedded = {}
            for other in wanted.associations:
                rows = self._embedded(one, str(record["hs_object_id"]), other)
                if rows:
                    embedded[other.embedded_key] = _paged(rows, f"{link}/associations/{other.name}")
            if embedded:
                answer["associations"] = embedded
        return answer

    def archived(self, one: ObjectType, kept: Record, wanted: Wanted) -> Json:
        """Return a record that was put away."""
        shown = self.record(one, kept["properties"], Wanted(wanted.properties))
        return {**shown, "archived": True, "archivedAt": kept["archivedAt"]}

    def changed(self, one: ObjectType, record: Record, names: Iterable[str]) -> Json:
        """Return a record after a write: the properties that were sent, beside those always shown."""
        return self.record(one, record, Wanted(tuple(names)))

    def history(self, one: ObjectType, record: Record, name: str) -> list[Json]:
        """Return the values a property had, newest first."""
        record_id = str(record["hs_object_id"])
        entries = [entry for entry in self._account.world.journal.entries
                   if entry.kind == one.name and entry.record_id == record_id]  # fmt: skip
        rows = [_version(entry, name) for entry in entries if name in entry.changed]
        first = entries[0].before if entries else record
        if first is not None and first.get(name):
            rows.insert(0, {"value": first[name], "timestamp": first["createdate"], "sourceType": "CRM_UI",
                            "sourceId": _PERSON})  # fmt: skip
        return rows[::-1]

    def _shown(self, one: ObjectType, record: Record, properties: Sequence[str]) -> Json:
        known = self._account.catalog.properties(one.name)
        always = (*one.shown, one.created, one.modified, "hs_object_id")
        names = dict.fromkeys([*always, *(name for name in properties if name in known)])
        return {name: record.get(name) for name in sorted(names)}

    def _embedded(self, one: ObjectType, record_id: str, other: ObjectType) -> list[Json]:
        return [
            {"id": other_id, "type": kind.name}
            for other_id, kinds in self._account.links.of((one.name, record_id), other.name)
            for kind in kinds
        ]


def _paged(rows: list[Json], link: str) -> Json:
    if len(rows) <= _EMBEDDED:
        return {"results": rows}
    after = rows[_EMBEDDED - 1]["id"]
    return {"results": rows[:_EMBEDDED], "paging": {"next": {"after": after, "link": f"{link}?after={after}"}}}


def _version(entry: Entry, name: str) -> Json:
    by_person = entry.client == "ui"
    return {
        "value": (entry.after or {}).get(name, ""),
        "timestamp": entry.at,
        "sourceType": "CRM_UI" if by_person else "INTEGRATION",
        "sourceId": _PERSON if by_person else entry.client,
    }
