"""What a committed change means as events: created, changed, linked, merged, archived, restored."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.hubspot.account import ARCHIVED, MERGED, Account
from sandbox.hubspot.credentials import Credentials
from sandbox.hubspot.links import KIND as ASSOCIATION
from sandbox.hubspot.schema import ObjectType
from sandbox.kit import Entry

__all__ = ["Change", "ChangeReader"]

Json = dict[str, Any]
# Change stamps and what the vendor keeps about the record itself are no news.
_SILENT = {"createdate", "hs_createdate", "hs_object_id", "hs_lastmodifieddate", "lastmodifieddate"}
_PERSON = "userId:61234567"


@dataclass(frozen=True)
class Change:
    """One thing that happened to one record."""

    what: str  # creation, propertyChange, associationChange, deletion, restore, merge
    type: ObjectType
    object_id: str
    occurred_ms: int
    source: str
    source_id: str
    property: str = ""
    value: str = ""
    more: Json = field(default_factory=dict)


class ChangeReader:
    """Reads committed journal entries as changes."""

    def __init__(self, account: Account, credentials: Credentials) -> None:
        """Read the changes of this account."""
        self._account = account
        self._credentials = credentials

    def read(self, entry: Entry) -> Iterator[Change]:
        """Return the changes an entry means, none for set-up."""
        if entry.kind == ASSOCIATION:
            yield from self._linked(entry)
        elif entry.kind == MERGED:
            yield from self._merged(entry)
        elif entry.kind == ARCHIVED:
            yield from self._away(entry)
        elif (one := self._account.catalog.of_kind(entry.kind)) is not None:
            yield from self._saved(one, entry)

    def _saved(self, one: ObjectType, entry: Entry) -> Iterator[Change]:
        after = entry.after
        # A record that comes back, or survives a merge under a new id, is older than its appearance: told elsewhere.
        if after is None or (entry.action == "create" and after["createdate"] != after[one.modified]):
            return
        if entry.action == "create":
            yield self._change(one, entry, "creation", entry.record_id, more={"changeFlag": "NEW"})
        for name in entry.changed:
            if name not in _SILENT:
                value = str(after.get(name, ""))
                yield self._change(one, entry, "propertyChange", entry.record_id, property=name, value=value)

    def _away(self, entry: Entry) -> Iterator[Change]:
        kind, _, record_id = entry.record_id.partition("/")
        one = self._account.catalog.of_kind(kind)
        if one is None:
            return
        if entry.action == "create":
            yield self._change(one, entry, "deletion", record_id, more={"changeFlag": "DELETED"})
        elif entry.action == "delete":
            yield self._change(one, entry, "restore", record_id)

    def _merged(self, entry: Entry) -> Iterator[Change]:
        kind, _, old_id = entry.record_id.partition("/")
        one = self._account.catalog.of_kind(kind)
        if one is None or entry.after is None:
            return
        survivor = str(entry.after["into"])
        found = self._account.find(kind, survivor)
        merged = str(found[1].get("hs_merged_object_ids", "")).split(";") if found else []
        # One event for the pair: told when the last of the ids that went is noted.
        gone = [one_id for one_id in merged if one_id != survivor]
        if gone and old_id == gone[-1]:
            more = {
                "primaryObjectId": int(merged[0] if survivor not in merged else survivor),
                "mergedObjectIds": [int(one_id) for one_id in merged],
                "newObjectId": int(survivor),
                "numberOfPropertiesMoved": len(found[1]) if found else 0,
            }
            yield self._change(one, entry, "merge", survivor, more=more)

    def _linked(self, entry: Entry) -> Iterator[Change]:
        record = entry.after or entry.before
        if record is None:
            return
        old = {tuple(kind) for kind in (entry.before or {}).get("types", [])}
        new = {tuple(kind) for kind in (entry.after or {}).get("types", [])}
        for category, number in sorted(old ^ new):
            kind = self._account.association_types.by_id(category, number)
            removed = (category, number) in old
            ends = (record["from"], record["to"])
            for (own, other), seen in zip(
                (ends, ends[::-1]), (kind, self._account.association_types.inverse(kind)), strict=True
            ):
                one = self._account.catalog.of_kind(own[0])
                if one is not None:
                    more = {
                        "associationType": seen.name.upper(),
                        "associationTypeId": seen.type_id,
                        "associationCategory": seen.category,
                        "fromObjectId": int(own[1]),
                        "toObjectId": int(other[1]),
                        "associationRemoved": removed,
                        "isPrimaryAssociation": seen.primary,
                    }
                    yield self._change(one, entry, "associationChange", own[1], more=more)

    def _change(self, one: ObjectType, entry: Entry, what: str, object_id: str, **more: Any) -> Change:
        source, source_id = self._source(entry.client)
        occurred = int(self._account.now.timestamp() * 1000)
        return Change(what, one, object_id, occurred, source, source_id, **more)

    def _source(self, client: str) -> tuple[str, str]:
        if client == "ui":
            return "CRM_UI", _PERSON
        return "INTEGRATION", str(self._credentials.app_id_of(client))
