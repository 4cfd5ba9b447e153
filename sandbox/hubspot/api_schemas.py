"""Custom object types: read, made, relabelled and removed; refused in editions without them."""

from collections.abc import Mapping
from typing import Any

from sandbox.hubspot.account import Account
from sandbox.hubspot.api_labels import make_link_type
from sandbox.hubspot.api_properties import add_property
from sandbox.hubspot.errors import HubSpotError, missing
from sandbox.hubspot.schema import ObjectType
from sandbox.hubspot.wire import Answer, Call
from sandbox.kit import Author, Record

__all__ = ["SchemasApi", "add_schema"]

Json = dict[str, Any]
# Every custom object can be linked with activities, whatever its schema says.
_ALWAYS_LINKED = ("tasks", "notes")
_LIMIT = 10


class SchemasApi:
    """Answers the schemas interface, and how many custom objects the edition allows."""

    def __init__(self, account: Account) -> None:
        """Serve this account."""
        self._account = account

    def handle(self, call: Call) -> Answer:
        """Answer a call below .../schemas."""
        if not self._account.world.flag("custom_objects"):
            raise _not_in_edition(call.method)
        if not call.segments:
            if call.method == "GET":
                found = [self._described(name, row) for name, row in self._account.store.rows("object_schema")]
                return Answer(200, {"results": found})
            if call.method == "POST":
                name = add_schema(self._account, call.body(), call.author)
                return Answer(201, self._described(name, self._schema(name)))
        elif len(call.segments) == 1:
            return self._single(call, self._account.catalog.type_of(call.segments[0]))
        elif call.method == "POST" and call.segments[1:] == ("associations",):
            return self._associate(call, self._account.catalog.type_of(call.segments[0]))
        raise missing()

    def limits(self, call: Call) -> Answer:
        """Answer how many custom object types the edition allows, and how many there are."""
        if call.segments != ("custom-object-types",) or call.method != "GET":
            raise missing()
        limit = _LIMIT if self._account.world.flag("custom_objects") else 0
        used = self._account.store.count("object_schema") if limit else 0
        return Answer(200, {"limit": limit, "usage": used, "percentage": round(100 * used / limit) if limit else 100})

    def _single(self, call: Call, one: ObjectType) -> Answer:
        if not one.is_custom:
            if call.method != "GET":
                raise HubSpotError("VALIDATION_ERROR", f"{one.shouted} is no custom object")
            return Answer(200, self._standard(one))
        if call.method == "GET":
            return Answer(200, self._described(one.name, self._schema(one.name)))
        if call.method == "PATCH":
            changed = {**self._schema(one.name), **call.body(), "name": one.name, "updatedAt": self._account.stamp}
            self._account.store.save("object_schema", one.name, changed, call.author)
            return Answer(200, self._described(one.name, changed))
        if call.method == "DELETE":
            if self._account.store.count(one.name):
                message = f"{one.shouted} has records and cannot be deleted"
                raise HubSpotError("VALIDATION_ERROR", message)
            self._account.store.delete("object_schema", one.name, call.author)
            return Answer(204)
        raise missing()

    def _associate(self, call: Call, one: ObjectType) -> Answer:
        body = call.body()
        other = self._account.catalog.type_of(str(body["toObjectTypeId"]))
        name = str(body.get("name") or f"{one.name}_to_{other.singular}")
        if self._account.association_types.between(one.name, other.name):
            raise HubSpotError("CONFLICT", f"{one.shouted} is associated with {other.shouted} already", status=409)
        there = make_link_type(self._account, (one, other), name, call.author)[0]
        shown = {"id": str(there.type_id), "name": name}
        ends = {"fromObjectTypeId": one.type_id, "toObjectTypeId": other.type_id}
        return Answer(201, {**shown, **ends, "createdAt": self._account.stamp, "updatedAt": self._account.stamp})

    def _schema(self, name: str) -> Record:
        return self._account.set_up("object_schema", name, f"The object type {name}")

    def _standard(self, one: ObjectType) -> Json:
        facts = {"name": one.singular.upper(), "fullyQualifiedName": one.singular.upper(), "labels": {}}
        return {**facts, **self._details(one), "id": one.type_id, "requiredProperties": list(one.required)}

    def _described(self, name: str, row: Mapping[str, Any]) -> Json:
        one = self._account.catalog.type_of(name)
        facts = {key: value for key, value in row.items() if key not in {"shown", "associatedObjects"}}
        return {**facts, **self._details(one), "id": row["objectTypeId"].removeprefix("2-"), "archived": False}

    def _details(self, one: ObjectType) -> Json:
        catalog = self._account.catalog
        linked = [
            {
                "id": str(kind.type_id),
                "name": kind.name,
                "fromObjectTypeId": one.type_id,
                "toObjectTypeId": other.type_id,
            }
            for other in catalog.types()
            for kind in self._account.association_types.between(one.name, other.name)
        ]
        properties = [prop.as_json() for _, prop in sorted(catalog.properties(one.name).items())]
        return {"objectTypeId": one.type_id, "properties": properties, "associations": linked}


def add_schema(account: Account, raw: Json, author: Author) -> str:
    """Make a custom object type with its properties and plain links; returns its name, which never changes."""
    name = str(raw["name"])
    if account.catalog.find(name) is not None:
        raise HubSpotError("CONFLICT", f"Object type {name} already exists", status=409)
    stamp = account.stamp
    required = list(raw.get("requiredProperties") or [])
    primary = str(raw.get("primaryDisplayProperty") or "")
    record = {
        "name": name,
        "labels": raw["labels"],
        "objectTypeId": f"2-{account.new_set_up_id()}",
        "fullyQualifiedName": f"p{account.portal_id}_{name}",
        "primaryDisplayProperty": primary,
        "secondaryDisplayProperties": list(raw.get("secondaryDisplayProperties") or []),
        "searchableProperties": list(raw.get("searchableProperties") or []),
        "requiredProperties": required,
        "shown": [primary] if primary else [],
        "createdAt": stamp,
        "updatedAt": stamp,
    }
    with account.store.transaction():
        account.store.save("object_schema", name, record, author)
        group = {"name": f"{name}_information", "label": f"{name} information"}
        account.store.save("property_group", f"{name}/{group['name']}", group, author)
        one = account.catalog.type_of(name)
        for prop in raw["properties"]:
            searchable = prop["name"] in record["searchableProperties"]
            add_property(account, one, {**prop, "searchableInGlobalSearch": searchable}, author)
        if unknown := [key for key in (*required, primary) if key and key not in account.catalog.properties(name)]:
            raise HubSpotError("VALIDATION_ERROR", f"The schema names properties it does not have: {unknown}")
        for word in dict.fromkeys([*raw.get("associatedObjects", []), *_ALWAYS_LINKED]):
            other = account.catalog.type_of(str(word))
            make_link_type(account, (one, other), f"{name}_to_{other.singular}", author)
    return name


def _not_in_edition(method: str) -> HubSpotError:
    # From memory of the vendor: the edition shows as a scope the account itself lacks.
    right = "read" if method == "GET" else "write"
    return HubSpotError(
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: "
        "https://developers.hubspot.com/scopes.",
        status=403,
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {
                    "requiredGranularScopes": [f"crm.schemas.custom.{right}"],
                    "requiredScopes": ["custom-object-access"],
                },
            }
        ],
    )
