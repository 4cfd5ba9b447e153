"""The properties interface: what each object type can hold, and how an administrator adds to it."""

from collections.abc import Callable
from typing import Any

from sandbox.hubspot.account import Account
from sandbox.hubspot.admin_rules import AdminRules
from sandbox.hubspot.api_batch import batch_answer
from sandbox.hubspot.errors import HubSpotError, missing
from sandbox.hubspot.schema import ObjectType, Property
from sandbox.hubspot.wire import Answer, Call
from sandbox.kit import Author

__all__ = ["PropertiesApi", "add_property", "validations"]

Json = dict[str, Any]
_TYPES = ("string", "number", "date", "datetime", "enumeration", "bool")
_FIELD_TYPES = (
    "textarea", "text", "date", "file", "number", "select", "radio", "checkbox", "booleancheckbox",
    "calculation_equation",
)  # fmt: skip
_YES_NO = [{"label": "Yes", "value": "true"}, {"label": "No", "value": "false"}]
# From memory of the vendor: how many unique properties one object type may have.
_MOST_UNIQUE = 10


class PropertiesApi:
    """Answers the properties interface."""

    def __init__(self, account: Account) -> None:
        """Serve this account."""
        self._account = account

    def handle(self, call: Call) -> Answer:
        """Answer a call below .../properties/{type}."""
        if not call.segments:
            raise missing()
        one = self._account.catalog.type_of(call.segments[0])
        match call.method, call.segments[1:]:
            case "GET", ():
                found = self._account.catalog.properties(one.name, archived=call.flag("archived"))
                return Answer(200, {"results": [prop.as_json() for _, prop in sorted(found.items())]})
            case "POST", ():
                return Answer(201, add_property(self._account, one, call.body(), call.author).as_json())
            case "POST", ("batch", action):
                return self._batch(call, one, action)
            case _, ("groups", *rest):
                return self._groups(call, one, rest)
            case _, (name,):
                return self._single(call, one, name)
        raise missing()

    def _single(self, call: Call, one: ObjectType, name: str) -> Answer:
        prop = self._account.catalog.properties(one.name, archived=call.flag("archived")).get(name)
        if prop is None:
            raise HubSpotError("OBJECT_NOT_FOUND", f"Property {name} does not exist", status=404)
        if call.method == "GET":
            return Answer(200, prop.as_json())
        if call.method == "PATCH":
            changed = {**prop.as_json(), **call.body(), "name": name, "hasUniqueValue": prop.unique}
            changed["updatedAt"] = self._account.stamp
            self._changeable(prop)
            self._account.store.save("property", f"{one.name}/{name}", changed, call.author)
            return Answer(200, Property.of_json(changed).as_json())
        if call.method == "DELETE":
            self._archive(one, prop, call.author)
            return Answer(204)
        raise missing()

    def _archive(self, one: ObjectType, prop: Property, author: Author) -> None:
        self._changeable(prop)
        self._account.store.save("property", f"{one.name}/{prop.name}", {**prop.as_json(), "archived": True}, author)

    def _changeable(self, prop: Property) -> None:
        if prop.by_vendor:
            raise HubSpotError("VALIDATION_ERROR", f"{prop.name} is defined by the vendor and cannot be changed")

    def _batch(self, call: Call, one: ObjectType, action: str) -> Answer:
        started = self._account.stamp
        inputs = call.body().get("inputs") or []
        live = self._account.catalog.properties(one.name)
        if action == "archive":
            for raw in inputs:
                if prop := live.get(raw["name"]):
                    self._archive(one, prop, call.author)
            return Answer(204)
        actions: dict[str, tuple[int, Callable[[Json], Property]]] = {
            "read": (200, lambda raw: self._known(live, raw["name"])),
            "create": (201, lambda raw: add_property(self._account, one, raw, call.author)),
        }
        if action not in actions:
            raise missing()
        status, work = actions[action]
        results, errors = [], []
        for raw in inputs:
            try:
                results.append(work(raw).as_json())
            except HubSpotError as error:
                errors.append(error.as_row())
        return batch_answer(self._account, started, results, errors, status=status)

    def _known(self, live: dict[str, Property], name: str) -> Property:
        if name not in live:
            raise HubSpotError("OBJECT_NOT_FOUND", f"Property {name} does not exist", status=404)
        return live[name]

    def _groups(self, call: Call, one: ObjectType, rest: list[str]) -> Answer:
        groups = self._account.catalog.groups(one.name)
        if call.method == "GET" and not rest:
            return Answer(200, {"results": [_group(name, label) for name, label in groups.items()]})
        if call.method == "POST" and not rest:
            body = call.body()
            if body["name"] in groups:
                raise HubSpotError("CONFLICT", f"A property group named '{body['name']}' already exists", status=409)
            self._account.store.save("property_group", f"{one.name}/{body['name']}", body, call.author)
            return Answer(201, _group(body["name"], body["label"]))
        if len(rest) == 1 and rest[0] in groups:
            if call.method == "GET":
                return Answer(200, _group(rest[0], groups[rest[0]]))
            if call.method == "PATCH":
                body = {"name": rest[0], "label": groups[rest[0]], **call.body()}
                self._account.store.save("property_group", f"{one.name}/{rest[0]}", body, call.author)
                return Answer(200, _group(rest[0], body["label"]))
        raise missing()


def add_property(account: Account, one: ObjectType, raw: Json, author: Author) -> Property:
    """Add a property as an administrator's call describes it; uniqueness can be set now and never later."""
    catalog = account.catalog
    name = str(raw.get("name", ""))
    if name in catalog.properties(one.name) or name in catalog.properties(one.name, archived=True):
        message = f"Property named '{name}' already exists"
        raise HubSpotError("OBJECT_ALREADY_EXISTS", message, status=409, sub_category="Properties.PROPERTY_EXISTS")
    group = raw.get("groupName") or next(iter(catalog.groups(one.name)), "")
    if group not in catalog.groups(one.name):
        raise HubSpotError("VALIDATION_ERROR", f"Property group {group} does not exist")
    if raw.get("type") not in _TYPES or raw.get("fieldType") not in _FIELD_TYPES:
        message = f"{name}: type {raw.get('type')} with field type {raw.get('fieldType')} is not supported"
        raise HubSpotError("VALIDATION_ERROR", message)
    unique = [prop for prop in catalog.properties(one.name).values() if prop.unique and not prop.by_vendor]
    if raw.get("hasUniqueValue") and len(unique) >= _MOST_UNIQUE:
        message = f"{one.shouted} already has {_MOST_UNIQUE} unique properties"
        raise HubSpotError("VALIDATION_ERROR", message, sub_category="Properties.UNIQUE_PROPERTY_LIMIT")
    stamp = account.stamp
    options = raw.get("options") or (_YES_NO if raw["type"] == "bool" else [])
    described = {**raw, "groupName": group, "options": options, "createdAt": stamp, "updatedAt": stamp}
    described.setdefault("label", name)
    account.store.save("property", f"{one.name}/{name}", described, author)
    return Property.of_json(described)


def validations(account: Account, rules: AdminRules, call: Call) -> Answer:
    """Answer which rules hold for the values of a type, or of one of its properties."""
    if call.method != "GET" or not call.segments:
        raise missing()
    one = account.catalog.type_of(call.segments[0])
    shown = {
        name: [{"ruleType": "REGEX", "ruleArguments": [pattern]} for pattern in patterns]
        for name, patterns in rules.patterns(one).items()
    }
    if len(call.segments) == 1:
        listed = [{"propertyName": name, "propertyValidationRules": found} for name, found in shown.items()]
        return Answer(200, {"results": listed})
    return Answer(200, {"results": shown.get(call.segments[1], [])})


def _group(name: str, label: str) -> Json:
    return {"name": name, "label": label, "displayOrder": -1, "archived": False}
