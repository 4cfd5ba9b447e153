"""The copy of the records that search reads: it learns of every change a while after the records themselves."""

from collections import deque
from collections.abc import Iterator

from sandbox.kit import Entry, Record, World

__all__ = ["SearchIndex"]


class SearchIndex:
    """Shows records as they were `search_lag_s` ago. A record archived meanwhile never shows."""

    def __init__(self, world: World) -> None:
        """Follow every committed change."""
        self._world = world
        self._late: dict[tuple[str, str], deque[tuple[float, Record | None]]] = {}
        world.store.listeners.append(self._follow)

    def rows(self, kind: str) -> Iterator[tuple[str, Record]]:
        """Walk over the records of a kind as search sees them, oldest first."""
        horizon = self._world.clock.epoch_s() - self._world.number("search_lag_s")
        for record_id, record in self._world.store.rows(kind):
            seen = self._seen((kind, record_id), record, horizon)
            if seen is not None:
                yield record_id, seen

    def _seen(self, key: tuple[str, str], record: Record, horizon: float) -> Record | None:
        changes = self._late.get(key)
        if changes is None:
            return record
        # Each change is kept with the record before it, so the oldest one not yet visible tells what is shown.
        while changes and changes[0][0] <= horizon:
            changes.popleft()
        if not changes:
            del self._late[key]
            return record
        return changes[0][1]

    def _follow(self, entry: Entry) -> None:
        if self._world.number("search_lag_s") > 0:
            key = (entry.kind, entry.record_id)
            self._late.setdefault(key, deque()).append((self._world.clock.epoch_s(), entry.before))
