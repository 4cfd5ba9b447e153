"""What the bus keeps: change events in the order of their commits, each under an opaque replay id, for 72 hours."""

import asyncio
import secrets
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from sandbox.kit import Entry, Record
from sandbox.salesforce.bus.avro_schemas import ChangeSchema, event_name
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import ObjectDef

__all__ = ["ALL_CHANGES", "BusEvent", "ChangeLog", "ReplayRefusedError", "topic_of"]

ALL_CHANGES = "/data/ChangeEvents"
_KEPT_S = 72 * 3600
_MOST_KEPT = 200_000
# Replay ids are not contiguous and mean nothing; the gap keeps clients from counting.
_STEP = 7
_ACTIONS = {"create": "CREATE", "update": "UPDATE", "delete": "DELETE"}


class ReplayRefusedError(Exception):
    """The replay id is none of this bus, or too old."""


@dataclass(frozen=True)
class BusEvent:
    """One event as it is stored."""

    place: int
    at: float
    topic: str
    schema_id: str
    payload: bytes
    event_id: str


def topic_of(kind: str) -> str:
    """Return the topic of one object's changes."""
    return f"/data/{event_name(kind)}"


class ChangeLog:
    """Listens to every committed change of the org and keeps it for whoever subscribes later."""

    def __init__(self, org: Org) -> None:
        """Start with an empty bus: events of an earlier process are gone, and so are its replay ids."""
        self._org = org
        self._events: deque[BusEvent] = deque(maxlen=_MOST_KEPT)
        self._schemas: dict[str, ChangeSchema] = {}
        self._by_id: dict[str, ChangeSchema] = {}
        self._base = secrets.randbelow(1 << 40) + 1
        self._place = 0
        self._more = asyncio.Event()
        self.is_deaf = False
        """While set, changes happen and no event tells of them."""
        org.store.listeners.append(self._changed)

    @property
    def topics(self) -> frozenset[str]:
        """Return what can be subscribed to: the objects selected for change events, one by one or together."""
        return frozenset({ALL_CHANGES, *(topic_of(one.name) for one in self._selected())})

    def schema(self, schema_id: str) -> ChangeSchema | None:
        """Return a schema that an event named."""
        return self._by_id.get(schema_id)

    def schema_of_topic(self, topic: str) -> str:
        """Return the id of a topic's schema; the topic of all changes has none of its own."""
        found = [one for one in self._selected() if topic_of(one.name) == topic]
        return self._schema(found[0]).schema_id if found else ""

    def replay_id(self, place: int) -> bytes:
        """Return the opaque id of a place."""
        return (self._base + place * _STEP).to_bytes(8, "big")

    def place_of(self, replay_id: bytes) -> int:
        """Return the place a client wants to go on after. Raises ReplayRefusedError."""
        self._forget()
        number = int.from_bytes(replay_id, "big") - self._base if len(replay_id) == len(self.replay_id(0)) else -1
        place, rest = divmod(number, _STEP)
        oldest = self._events[0].place if self._events else self._place + 1
        # An expired id is refused even where nothing after it is lost yet: the bus knows only the ids it keeps.
        if rest or (place != self._place and not oldest <= place < self._place):
            raise ReplayRefusedError
        return place

    @property
    def newest(self) -> int:
        """Return the place of the newest event."""
        return self._place

    @property
    def before_oldest(self) -> int:
        """Return the place before the oldest event that is still kept."""
        self._forget()
        return self._events[0].place - 1 if self._events else self._place

    def after(self, place: int, topic: str, limit: int) -> list[BusEvent]:
        """Return the events of a topic after a place, oldest first."""
        found = []
        for event in self._events:
            if event.place > place and topic in {ALL_CHANGES, event.topic}:
                found.append(event)
                if len(found) == limit:
                    break
        return found

    async def wait(self, seconds: float) -> None:
        """Until something is published, or for so long."""
        more = self._more
        try:
            await asyncio.wait_for(more.wait(), seconds)
        except TimeoutError:
            return

    def reset(self) -> None:
        """As after a migration of the org: what was published is gone and no replay id is known any more."""
        self._events.clear()
        self._base += secrets.randbelow(1 << 40) * _STEP + 3
        self._wake()

    def repeat(self, count: int) -> int:
        """Publish the newest events once more, as the bus may after a reconnect; returns how many."""
        again = list(self._events)[-count:] if count else []
        for event in again:
            self._keep(event.topic, event.schema_id, event.payload, event.event_id)
        return len(again)

    def publish_gap(self, kind: str, record_ids: list[str], change: str) -> None:
        """Publish an event without field data: GAP_UPDATE and the like, or GAP_OVERFLOW for a whole object."""
        self._publish(self._org.whole_schema[kind], change, record_ids)

    def _changed(self, entry: Entry) -> None:
        target = self._org.whole_schema.find(entry.kind)
        if self.is_deaf or target is None or target.name not in {one.name for one in self._selected()}:
            return
        origin = "com/salesforce/api/rest/67.0"
        origin = f"{origin};client={entry.client}" if entry.client not in {"", "ui"} else origin
        record = (entry.after if entry.action != "delete" else entry.before) or {}
        changed = [name for name, value in record.items() if value is not None]
        if entry.action == "update":
            changed = entry.changed
        key = entry.request_id or str(entry.seq)
        self._publish(
            target, _ACTIONS[entry.action], [entry.record_id], origin=origin, record=record, changed=changed, key=key
        )

    def _publish(
        self, target: ObjectDef, change: str, record_ids: list[str], *, origin: str = "",
        record: Record | None = None, changed: Sequence[str] = (), key: str = "",
    ) -> None:  # fmt: skip
        schema, record, told = self._schema(target), record or {}, changed
        header = {
            "entityName": target.name,
            "recordIds": record_ids,
            "changeType": change,
            "changeOrigin": origin,
            "transactionKey": f"{key or uuid4()}-{self._place + 1:08x}",
            "sequenceNumber": 1,
            "commitTimestamp": int(self._org.now.timestamp() * 1000),
            "commitNumber": self._base + self._place,
            "commitUser": str(record.get("LastModifiedById") or self._org.user_id),
            "nulledFields": schema.bitmap_of(name for name in told if record.get(name) is None),
            "diffFields": [],
            "changedFields": schema.bitmap_of(told) if change == "UPDATE" else [],
        }
        payload = schema.encode(header, record, told)
        self._keep(topic_of(target.name), schema.schema_id, payload, str(uuid4()))

    def _keep(self, topic: str, schema_id: str, payload: bytes, event_id: str) -> None:
        self._place += 1
        at = self._org.now.timestamp()
        self._events.append(BusEvent(self._place, at, topic, schema_id, payload, event_id))
        self._wake()

    def _wake(self) -> None:
        self._more.set()
        self._more = asyncio.Event()

    def _forget(self) -> None:
        oldest = self._org.now.timestamp() - _KEPT_S
        while self._events and self._events[0].at < oldest:
            self._events.popleft()

    def _selected(self) -> list[ObjectDef]:
        names = [name.strip() for name in self._org.world.text("change_event_objects").split(",") if name.strip()]
        return [found for name in names if (found := self._org.whole_schema.find(name)) is not None]

    def _schema(self, target: ObjectDef) -> ChangeSchema:
        schema = self._schemas.get(target.name)
        if schema is None:
            schema = self._schemas[target.name] = ChangeSchema.of(target)
            self._by_id[schema.schema_id] = schema
        return schema
