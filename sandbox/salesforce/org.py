"""The org behind the interfaces: its schema as the integration user sees it, its records and its look-up indexes."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sandbox.kit import Entry, Record, World
from sandbox.salesforce.ids import IdGenerator
from sandbox.salesforce.schema import AUDIT_FIELDS, ObjectDef, Schema, load_schema
from sandbox.salesforce.soql import Runner
from sandbox.salesforce.soql.judge import Row
from sandbox.salesforce.values import stamp_text

__all__ = ["CHANGE_STAMPS", "Org", "View"]

CHANGE_STAMPS = AUDIT_FIELDS
_SETTING_LISTS = ("hidden_fields", "not_unique_fields", "read_only_fields")


class Org:
    """One org. All reads of stored records and all keys go through here."""

    def __init__(self, world: World) -> None:
        """Stand on an opened world; indexes follow every change, replayed ones included."""
        self.world = world
        self.store = world.store
        self.ids = IdGenerator()
        self.organization_id = ""
        self.user_id = ""
        self._whole = load_schema()
        self._seen: tuple[tuple[str, ...], Schema, Schema] = ((), self._whole, self._whole)
        self._index: dict[tuple[str, str], dict[str, dict[str, None]]] = {}
        self._keys: dict[tuple[str, str], list[tuple[tuple[str, str], str]]] = {}
        self._late: dict[str, tuple[datetime, Record | None]] = {}
        self._indexed = {
            (one.name, field.name): field
            for one in self._whole
            for field in one.fields.values()
            if field.type == "reference" or field.external_id or field.unique
        }
        self.store.rebuild_listeners.append(self._follow)
        self.store.listeners.append(self._hold_back)

    @property
    def schema(self) -> Schema:
        """Return the schema as the integration user sees it now."""
        return self._schemas()[0]

    @property
    def enforced_schema(self) -> Schema:
        """Return the schema whose unique keys hold now, for users who do not see a field as well."""
        return self._schemas()[1]

    @property
    def whole_schema(self) -> Schema:
        """Return the schema without the user's narrowing, as the platform itself uses it."""
        return self._whole

    @property
    def now(self) -> datetime:
        """Return the vendor's present instant."""
        return self.world.clock.now()

    @property
    def stamp(self) -> str:
        """Return the present instant as change stamps hold it: to the second."""
        return stamp_text(self.now.replace(microsecond=0))

    def get(self, record_id: str) -> Record | None:
        """Return a private copy of a live record, whatever its object."""
        target = self._whole.of_id(record_id)
        return None if target is None else self.store.get(target.name, record_id)

    def children(self, kind: str, field: str, parent_id: str) -> list[Record]:
        """Return private copies of the live records that point at a record, oldest first."""
        found = (self.store.get(kind, one) for one in self.with_value(kind, field, parent_id))
        return [record for record in found if record is not None]

    def with_value(self, kind: str, field: str, value: object) -> list[str]:
        """Return the ids of live records by an indexed field's value, oldest first."""
        return sorted(self._index.get((kind, field), {}).get(self._key(kind, field, value), {}))

    def indexed(self, kind: str, field: str) -> bool:
        """Tell whether a field has an index."""
        return (kind, field) in self._indexed

    def runner(self, version: str = "67.0") -> Runner:
        """Return a query runner over the committed records."""
        return Runner(View(self), self.now, version)

    def deletions(self, kind: str) -> Iterator[Entry]:
        """Walk over the deletions of an object, oldest first; a record undeleted since is none."""
        for entry in self.world.journal.entries:
            if entry.kind == kind and entry.action == "delete" and self.store.get(kind, entry.record_id) is None:
                yield entry

    def was_deleted(self, target: ObjectDef, record_id: str) -> bool:
        """Tell whether a record existed and was deleted."""
        return any(entry.record_id == record_id for entry in self.deletions(target.name))

    def seen_now(self, record_id: str, row: Row | None) -> Row | None:
        """Return a record as queries see it: a late commit still shows the record before it."""
        late = self._late.get(record_id)
        if late is None:
            return row
        if late[0] <= self.now:
            del self._late[record_id]
            return row
        return late[1]

    def covered_until(self, end: datetime) -> datetime:
        """Return until when changed-since answers are complete: held back by commits that are still late."""
        delay = self.world.number("visibility_delay_s")
        pending = [moment.timestamp() - delay for moment, _ in self._late.values() if moment > self.now]
        return min([end, *(datetime.fromtimestamp(one, tz=end.tzinfo) for one in pending)])

    def _schemas(self) -> tuple[Schema, Schema]:
        texts = tuple(self.world.text(name) for name in _SETTING_LISTS)
        if texts != self._seen[0]:
            hidden, not_unique, read_only = (
                frozenset(item.strip().lower() for item in text.split(",") if item.strip()) for text in texts
            )
            seen = self._whole.seen_through(hidden, not_unique, read_only)
            enforced = self._whole.seen_through(frozenset(), not_unique, frozenset())
            self._seen = (texts, seen, enforced)
        return self._seen[1], self._seen[2]

    def _key(self, kind: str, field: str, value: object) -> str:
        shape = self._indexed[kind, field]
        text = str(value)
        return text if shape.type == "reference" or shape.case_sensitive else text.lower()

    def _follow(self, kind: str, record_id: str, record: Record | None) -> None:
        self.ids.note(record_id)
        for place, key in self._keys.pop((kind, record_id), []):
            self._index[place][key].pop(record_id, None)
        if record is None:
            return
        kept = []
        for field in self._whole[kind].fields.values():
            value = record.get(field.name)
            if value is not None and (kind, field.name) in self._indexed:
                place, key = (kind, field.name), self._key(kind, field.name, value)
                self._index.setdefault(place, {}).setdefault(key, {})[record_id] = None
                kept.append((place, key))
        self._keys[kind, record_id] = kept

    def _hold_back(self, entry: Entry) -> None:
        delay = self.world.number("visibility_delay_s")
        if delay > 0:
            until = datetime.fromtimestamp(self.now.timestamp() + delay, tz=self.now.tzinfo)
            self._late.setdefault(entry.record_id, (until, entry.before))


class View:
    """The records as queries see them; with `deleted` the recycle bin is part of it."""

    def __init__(self, org: Org, *, deleted: bool = False) -> None:
        """Look at this org."""
        self._org = org
        self._deleted = deleted

    def all(self, kind: str) -> list[Row]:
        """Return the records of an object, oldest first."""
        live = (self._org.seen_now(record_id, row) for record_id, row in self._org.store.rows(kind))
        found: list[Row] = [row for row in live if row is not None]
        if self._deleted:
            found.extend({**(entry.before or {}), "IsDeleted": True} for entry in self._org.deletions(kind))
        return found

    def one(self, record_id: str) -> Row | None:
        """Return a record by id, whatever its object."""
        row = self._org.seen_now(record_id, self._org.get(record_id))
        target = self._org.whole_schema.of_id(record_id)
        if row is None and self._deleted and target is not None:
            gone = [entry.before or {} for entry in self._org.deletions(target.name) if entry.record_id == record_id]
            return {**gone[-1], "IsDeleted": True} if gone else None
        return row

    def where(self, kind: str, field: str, value: object) -> list[Row]:
        """Return the records with one value in one indexed field."""
        if self._deleted:
            wanted: Any = value
            return [row for row in self.all(kind) if row.get(field) == wanted]
        found = (self.one(record_id) for record_id in self._org.with_value(kind, field, value))
        return [row for row in found if row is not None]

    def indexed(self, kind: str, field: str) -> bool:
        """Tell whether `where` may be asked for a field."""
        return self._org.indexed(kind, field)
