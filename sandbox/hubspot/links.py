"""Which records are linked with which, and how. A link is one stored record; both sides see it."""

from collections.abc import Iterable

from sandbox.hubspot.association_types import AssociationType, AssociationTypes
from sandbox.kit import Author, Record, RecordStore

__all__ = ["KIND", "Links"]

KIND = "association"
Place = tuple[str, str]


class Links:
    """All links of the account, kept in the store under the kind `association`."""

    def __init__(self, store: RecordStore, types: AssociationTypes) -> None:
        """Follow every change of a link, replayed ones included."""
        self._store = store
        self._types = types
        self._of: dict[Place, dict[Place, str]] = {}
        self._ends: dict[str, tuple[Place, Place]] = {}
        store.rebuild_listeners.append(self._follow)

    def of(self, place: Place, to_kind: str) -> list[tuple[str, list[AssociationType]]]:
        """Return the linked records of a type in the order of their ids, with the types as seen from here."""
        found = []
        for other, key in self._of.get(place, {}).items():
            record = self._store.get(KIND, key)
            if other[0] == to_kind and record is not None:
                found.append((other[1], self._seen_from(place, record)))
        return sorted(found, key=lambda pair: int(pair[0]))

    def neighbours(self, place: Place) -> list[Place]:
        """Return everything a record is linked with."""
        return list(self._of.get(place, {}))

    def add(self, one: Place, other: Place, wanted: Iterable[AssociationType], author: Author) -> None:
        """Link two records, or add types to their link; what is there already is left alone."""
        types = list(wanted)
        key, swapped = _key(one, other)
        before = self._store.get(KIND, key)
        have = self._seen_from(one, before) if before else []
        for new in types:
            if new.primary:
                self._unset_primary(one, new, author)
        joined = {(kind.category, kind.type_id): kind for kind in (*have, *types)}
        if before is None or len(joined) > len(have):
            self._save(key, (one, other), list(joined.values()), author, swapped=swapped)

    def remove(self, one: Place, other: Place, author: Author) -> bool:
        """Unlink two records; tells whether they were linked."""
        key, _ = _key(one, other)
        if self._store.get(KIND, key) is None:
            return False
        self._store.delete(KIND, key, author)
        return True

    def remove_types(self, one: Place, other: Place, gone: Iterable[AssociationType], author: Author) -> None:
        """Take labels off a link; the plain link stays."""
        key, swapped = _key(one, other)
        record = self._store.get(KIND, key)
        if record is None:
            return
        unwanted = {(kind.category, kind.type_id) for kind in gone if not kind.unlabelled}
        have = self._seen_from(one, record)
        left = [kind for kind in have if (kind.category, kind.type_id) not in unwanted]
        if len(left) < len(have):
            self._save(key, (one, other), left, author, swapped=swapped)

    def remove_all(self, place: Place, author: Author) -> None:
        """Unlink a record from everything."""
        for other in self.neighbours(place):
            self.remove(place, other, author)

    def drop_label(self, label: AssociationType, author: Author) -> None:
        """Take a label that is about to go off every link that has it."""
        for one, other in list(self._ends.values()):
            for end, far in ((one, other), (other, one)):
                if (end[0], far[0]) == (label.from_kind, label.to_kind) and label in self.types_between(end, far):
                    self.remove_types(end, far, [label], author)

    def types_between(self, one: Place, other: Place) -> list[AssociationType]:
        """Return the types of the link of two records as the first sees them; empty when there is none."""
        record = self._store.get(KIND, _key(one, other)[0])
        return self._seen_from(one, record) if record else []

    def _unset_primary(self, one: Place, new: AssociationType, author: Author) -> None:
        # A deal or contact has one primary company; the company may be primary to many.
        if new.to_kind != "companies":
            return
        for other_id, types in self.of(one, "companies"):
            self.remove_types(one, ("companies", other_id), [kind for kind in types if kind.primary], author)

    def _save(
        self, key: str, ends: tuple[Place, Place], types: list[AssociationType], author: Author, *, swapped: bool
    ) -> None:
        one, other = reversed(ends) if swapped else ends
        seen = [self._types.inverse(kind) for kind in types] if swapped else types
        numbers = sorted([kind.category, kind.type_id] for kind in seen)
        record: Record = {"from": list(one), "to": list(other), "types": numbers}
        self._store.save(KIND, key, record, author)

    def _seen_from(self, place: Place, record: Record) -> list[AssociationType]:
        types = [self._types.by_id(category, number) for category, number in record["types"]]
        if record["from"] != list(place):
            types = [self._types.inverse(kind) for kind in types]
        return sorted(types, key=lambda kind: kind.type_id)

    def _follow(self, kind: str, key: str, record: Record | None) -> None:
        if kind != KIND:
            return
        if record is None:
            one, other = self._ends.pop(key)
            self._of[one].pop(other, None)
            self._of[other].pop(one, None)
            return
        one, other = (record["from"][0], record["from"][1]), (record["to"][0], record["to"][1])
        self._ends[key] = (one, other)
        self._of.setdefault(one, {})[other] = key
        self._of.setdefault(other, {})[one] = key


def _key(one: Place, other: Place) -> tuple[str, bool]:
    """Return the link's id, and whether its stored direction is the other one."""
    swapped = other < one
    first, second = (other, one) if swapped else (one, other)
    return f"{first[0]}/{first[1]}-{second[0]}/{second[1]}", swapped
