"""Which object types, properties, groups and pipelines the account has now, set up by file and by interface."""

from collections.abc import Iterator
from typing import Any

from sandbox.hubspot.errors import HubSpotError, unknown_type
from sandbox.hubspot.schema import ObjectType, Property, load_account_file, property_from_notation
from sandbox.kit import Record, World

__all__ = ["PORTAL_ID", "Catalog"]

Json = dict[str, Any]
PORTAL_ID = 48211903
_STAMPS = {
    "hs_object_id": "number ro",
    "createdate": "datetime ro",
    "hs_createdate": "datetime ro",
    "hs_merged_object_ids": "string ro",
}


class Catalog:
    """The account's set-up. Kinds `object_schema`, `property`, `property_group`, `pipeline` of the store feed it."""

    def __init__(self, world: World) -> None:
        """Start with the vendor's own types; follow what an administrator adds."""
        self._world = world
        self.file = load_account_file()
        self._types: dict[str, ObjectType] = {}
        self._aliases: dict[str, str] = {}
        self._properties: dict[str, dict[str, Property]] = {}
        self._groups: dict[str, dict[str, str]] = {}
        self.pipelines: dict[str, dict[str, Json]] = {"deals": {}}
        for name, raw in self.file["type"].items():
            facts: Json = {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}
            self._add_type(ObjectType(name=name, type_id=facts.pop("id"), **facts))
            for group, properties in self.file["property"][name].items():
                self._groups[name][group] = group.replace("_", " ").capitalize()
                for prop, text in properties.items():
                    self._properties[name][prop] = property_from_notation(prop, group, text)
        world.store.rebuild_listeners.append(self._follow)

    def types(self) -> Iterator[ObjectType]:
        """Walk over the types the account's edition has."""
        for one in self._types.values():
            if not one.is_custom or self._world.flag("custom_objects"):
                yield one

    def find(self, word: str) -> ObjectType | None:
        """Return a type by any of its names and ids; custom types are unknown in editions without them."""
        found = self._types.get(self._aliases.get(word.lower(), ""))
        return None if found is None or (found.is_custom and not self._world.flag("custom_objects")) else found

    def type_of(self, word: str) -> ObjectType:
        """Return a type that must exist."""
        found = self.find(word)
        if found is None:
            raise unknown_type(word)
        return found

    def of_kind(self, kind: str) -> ObjectType | None:
        """Return the type of a kind of the store, whatever the edition."""
        return self._types.get(kind)

    def properties(self, kind: str, *, archived: bool = False) -> dict[str, Property]:
        """Return the properties of a type by name."""
        return {name: one for name, one in self._properties[kind].items() if one.archived == archived}

    def property_of(self, kind: str, name: str) -> Property | None:
        """Return a live property."""
        found = self._properties[kind].get(name)
        return None if found is None or found.archived else found

    def unique_property(self, one: ObjectType, name: str) -> Property:
        """Return a property that records can be addressed by, or refuse as the vendor does."""
        found = self.property_of(one.name, name)
        if found is None or not found.unique:
            raise HubSpotError(
                "VALIDATION_ERROR",
                f"Unable to perform update/upsert by non-unique {one.type_id} property {name} in portal ID {PORTAL_ID}",
            )
        return found

    def groups(self, kind: str) -> dict[str, str]:
        """Return the groups of a type: name and label."""
        return self._groups[kind]

    def allowed_values(self, prop: Property, record: Record) -> tuple[str, ...]:
        """Return the values a choice may have in a record."""
        if prop.source == "owner":
            return tuple(owner_id for owner_id, _ in self._world.store.rows("owner"))
        if prop.source == "pipeline":
            return tuple(self.pipelines["deals"])
        if prop.source == "stage":
            return tuple(stage["id"] for stage in self.stages("deals", str(record.get("pipeline"))))
        return tuple(str(option["value"]) for option in prop.options)

    def stages(self, kind: str, pipeline_id: str) -> list[Json]:
        """Return the stages of a pipeline; none when there is no such pipeline."""
        found = self.pipelines.get(kind, {}).get(pipeline_id)
        return list(found["stages"]) if found else []

    def _add_type(self, one: ObjectType) -> None:
        self._types[one.name] = one
        self._aliases.update({alias.lower(): one.name for alias in one.aliases})
        own = self._properties.setdefault(one.name, {})
        self._groups.setdefault(one.name, {})
        for name, text in {**_STAMPS, one.modified: "datetime ro"}.items():
            own.setdefault(name, property_from_notation(name, "recordinformation", text))

    def _follow(self, kind: str, record_id: str, record: Record | None) -> None:
        owner_kind, _, name = record_id.partition("/")
        if kind == "object_schema":
            self._follow_schema(record_id, record)
        elif kind == "property" and owner_kind in self._properties:
            if record is None:
                self._properties[owner_kind].pop(name, None)
            else:
                self._properties[owner_kind][name] = Property.of_json(record)
        elif kind == "property_group" and owner_kind in self._groups:
            if record is None:
                self._groups[owner_kind].pop(name, None)
            else:
                self._groups[owner_kind][name] = str(record["label"])
        elif kind == "pipeline":
            kept = self.pipelines.setdefault(owner_kind, {})
            if record is None:
                kept.pop(name, None)
            else:
                kept[name] = record

    def _follow_schema(self, name: str, record: Record | None) -> None:
        if record is None:
            gone = self._types.pop(name, None)
            for alias in gone.aliases if gone else ():
                self._aliases.pop(alias.lower(), None)
            return
        self._add_type(
            ObjectType(
                name=name,
                type_id=record["objectTypeId"],
                singular=name,
                created="hs_createdate",
                shown=tuple(record["shown"]),
                required=tuple(record["requiredProperties"]),
                qualified_name=record["fullyQualifiedName"],
            )
        )
