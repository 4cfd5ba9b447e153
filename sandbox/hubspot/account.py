"""The account behind the interfaces: set-up, records, unique keys, links and what search sees."""

from datetime import datetime
from typing import Any

from sandbox.hubspot.association_types import AssociationTypes
from sandbox.hubspot.catalog import PORTAL_ID, Catalog
from sandbox.hubspot.errors import HubSpotError, missing
from sandbox.hubspot.links import Links
from sandbox.hubspot.schema import ObjectType
from sandbox.hubspot.search_index import SearchIndex
from sandbox.hubspot.values import instant_text
from sandbox.kit import Record, World

__all__ = ["ARCHIVED", "CHANGE_STAMPS", "MERGED", "Account"]

# Records put away are kept under a kind of their own; ids that were merged away lead to their survivor.
ARCHIVED = "archived"
MERGED = "merged_id"
CHANGE_STAMPS = frozenset({"hs_lastmodifieddate", "lastmodifieddate"})
_FIRST_ID = 30_100_000_001
_FIRST_SET_UP_ID = 1001
_FIRST_VENDOR_ID = 1_000_000


class Account:
    """One account. All reads of stored records and all keys go through here."""

    def __init__(self, world: World) -> None:
        """Stand on an opened world; indexes follow every change, replayed ones included."""
        self.world = world
        self.store = world.store
        self.portal_id = PORTAL_ID
        self.catalog = Catalog(world)
        self.association_types = AssociationTypes(world, self.catalog)
        self.links = Links(world.store, self.association_types)
        self.search_index = SearchIndex(world)
        self._next_record = _FIRST_ID
        self._next_set_up = _FIRST_SET_UP_ID
        self._holders: dict[tuple[str, str, str], str] = {}
        self._held: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
        self.store.rebuild_listeners.append(self._follow)

    @property
    def now(self) -> datetime:
        """Return the vendor's present instant."""
        return self.world.clock.now()

    @property
    def stamp(self) -> str:
        """Return the present instant as records carry it."""
        return instant_text(self.now)

    def new_record_id(self) -> str:
        """Return the next record id."""
        self._next_record += 1
        return str(self._next_record - 1)

    def new_set_up_id(self) -> int:
        """Return the next number for a type, a label, a pipeline, a stage or an owner."""
        self._next_set_up += 1
        return self._next_set_up - 1

    def resolve(self, kind: str, record_id: str) -> str:
        """Return the id a record has now: an id merged away leads to its survivor."""
        while (merged := self.store.get(MERGED, f"{kind}/{record_id}")) is not None:
            record_id = str(merged["into"])
        return record_id

    def find(self, kind: str, record_id: str) -> tuple[str, Record] | None:
        """Return a live record and its present id."""
        current = self.resolve(kind, record_id)
        record = self.store.get(kind, current)
        return None if record is None else (current, record)

    def archived(self, kind: str, record_id: str) -> Record | None:
        """Return a record that was put away."""
        return self.store.get(ARCHIVED, f"{kind}/{record_id}")

    def holder(self, kind: str, name: str, value: str) -> str | None:
        """Return the id of the live record that holds a unique value."""
        return self._holders.get((kind, name, value.lower()))

    def addressed(self, one: ObjectType, key: str, id_property: str | None) -> tuple[str, Record]:
        """Return the live record with an id, or with a value of a unique property; raises 404."""
        if id_property and id_property != "hs_object_id":
            prop = self.catalog.unique_property(one, id_property)
            found = self.holder(one.name, prop.name, key)
        else:
            found = key
        record = self.find(one.name, found) if found is not None else None
        if record is None:
            raise missing()
        return record

    def won_stage(self, pipeline_id: str, stage_id: str) -> tuple[bool, bool, str]:
        """Return whether a deal's stage is closed, whether it is won, and its probability."""
        for stage in self.catalog.stages("deals", pipeline_id):
            if stage["id"] == stage_id:
                closed = stage["metadata"].get("isClosed") == "true"
                probability = str(stage["metadata"].get("probability", ""))
                return closed, closed and probability in {"1.0", "1"}, probability
        return False, False, ""

    def set_up(self, kind: str, record_id: str, what: str) -> Record:
        """Return a record of the account's set-up that must exist."""
        found = self.store.get(kind, record_id)
        if found is None:
            raise HubSpotError("OBJECT_NOT_FOUND", f"{what} does not exist", status=404)
        return found

    def _follow(self, kind: str, record_id: str, record: Record | None) -> None:
        self._note(kind, record_id, record)
        one = self.catalog.of_kind(kind)
        if one is None:
            return
        for place in self._held.pop((kind, record_id), []):
            if self._holders.get(place) == record_id:
                del self._holders[place]
        if record is not None:
            self._hold(kind, record_id, record)

    def _note(self, kind: str, record_id: str, record: Record | None) -> None:
        """Keep the counters ahead of every number that was ever given."""
        if record_id.isdigit() and int(record_id) >= _FIRST_ID:
            self._next_record = max(self._next_record, int(record_id) + 1)
        given: list[str] = []
        if kind == "association_label":
            given = [record_id]
        elif kind == "object_schema" and record is not None:
            given = [str(record["objectTypeId"]).removeprefix("2-")]
        elif kind == "pipeline" and record is not None:
            given = [str(record["id"]), *(str(stage["id"]) for stage in record["stages"])]
        numbers = [int(one) for one in given if one.isdigit() and int(one) < _FIRST_VENDOR_ID]
        self._next_set_up = max([self._next_set_up, *(number + 1 for number in numbers)])

    def _hold(self, kind: str, record_id: str, record: Record) -> None:
        kept = []
        for prop in self.catalog.properties(kind).values():
            value: Any = record.get(prop.name)
            if prop.unique and value:
                place = (kind, prop.name, str(value).lower())
                self._holders[place] = record_id
                kept.append(place)
        self._held[kind, record_id] = kept
