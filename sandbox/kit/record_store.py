"""The records of a simulated system, changed only in whole transactions and always with a journal entry."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sandbox.kit.clock import Clock
from sandbox.kit.journal import Action, Entry, Journal

__all__ = ["Author", "Record", "RecordStore"]

Record = dict[str, Any]


@dataclass(frozen=True)
class Author:
    """Who changed a record: the client's name and the request it came with."""

    client: str
    request_id: str | None = None


class RecordStore:
    """Live records by kind and id.

    A change outside `transaction()` commits by itself. Inside one, an exception undoes every change made so far
    and nothing reaches the journal. Nobody may await inside a transaction: that is what makes it atomic.
    """

    def __init__(self, journal: Journal, clock: Clock, *, volatile: frozenset[str] = frozenset()) -> None:
        """Start without records; `volatile` fields (change stamps) never count as a change."""
        self.journal = journal
        self.clock = clock
        self.volatile = volatile
        self.journaled = True
        self.listeners: list[Callable[[Entry], None]] = []
        self.rebuild_listeners: list[Callable[[str, str, Record | None], None]] = []
        self._records: dict[str, dict[str, Record]] = {}
        self._pending: list[Entry] | None = None

    def get(self, kind: str, record_id: str) -> Record | None:
        """Return a private copy of a record, or None when there is none."""
        found = self._records.get(kind, {}).get(record_id)
        return None if found is None else copy.deepcopy(found)

    def kinds(self) -> list[str]:
        """Return the kinds that have ever had a record."""
        return list(self._records)

    def rows(self, kind: str) -> Iterator[tuple[str, Record]]:
        """Walk over the live records of a kind, oldest first; the caller must not change them."""
        yield from list(self._records.get(kind, {}).items())

    def count(self, kind: str) -> int:
        """Return how many live records of a kind there are."""
        return len(self._records.get(kind, {}))

    def save(self, kind: str, record_id: str, record: Record, author: Author, external_id: str | None = None) -> Entry:
        """Create or replace a record and note what changed."""
        before = self._records.get(kind, {}).get(record_id)
        after = copy.deepcopy(record)
        action: Action = "create" if before is None else "update"
        return self._apply(
            kind, record_id, images=(before, after), action=action, author=author, external_id=external_id
        )

    def delete(self, kind: str, record_id: str, author: Author, external_id: str | None = None) -> Entry:
        """Remove a record that must exist."""
        before = self._records[kind][record_id]
        return self._apply(
            kind, record_id, images=(before, None), action="delete", author=author, external_id=external_id
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all changes of the block together, or none of them when it raises."""
        if self._pending is not None:
            yield
            return
        self._pending = []
        try:
            yield
        except BaseException:
            for entry in reversed(self._pending):
                self._put(entry.kind, entry.record_id, entry.before)
            self._pending = None
            raise
        committed, self._pending = self._pending, None
        self._commit(committed)

    def replay(self, entries: list[Entry]) -> None:
        """Bring the records to where an earlier process left them."""
        for entry in entries:
            self._put(entry.kind, entry.record_id, entry.after)

    def _apply(
        self,
        kind: str,
        record_id: str,
        *,
        images: tuple[Record | None, Record | None],
        action: Action,
        author: Author,
        external_id: str | None,
    ) -> Entry:
        before, after = images
        pending = self._pending or []
        entry = Entry(
            seq=self.journal.last_seq + len(pending) + 1,
            at=self.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            system=self.journal.system,
            kind=kind,
            record_id=record_id,
            external_id=external_id,
            action=action,
            changed=self._changed(before or {}, after or {}),
            before=before,
            after=after,
            request_id=author.request_id,
            client=author.client,
        )
        self._put(kind, record_id, after)
        if self._pending is None:
            self._commit([entry])
        else:
            self._pending.append(entry)
        return entry

    def _changed(self, before: Record, after: Record) -> list[str]:
        names = (before.keys() | after.keys()) - self.volatile
        return sorted(name for name in names if before.get(name) != after.get(name))

    def _commit(self, entries: list[Entry]) -> None:
        if not self.journaled:
            return
        self.journal.append(entries)
        for entry in entries:
            for listener in self.listeners:
                listener(entry)

    def _put(self, kind: str, record_id: str, record: Record | None) -> None:
        rows = self._records.setdefault(kind, {})
        if record is None:
            rows.pop(record_id, None)
        else:
            rows[record_id] = record
        for listener in self.rebuild_listeners:
            listener(kind, record_id, record)
