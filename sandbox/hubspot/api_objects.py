"""Single records: list, read, create, change, archive, merge."""

from typing import Any

from sandbox.hubspot.account import ARCHIVED, Account
from sandbox.hubspot.admin_rules import AdminRules
from sandbox.hubspot.api_associations import AssociationsApi
from sandbox.hubspot.api_batch import BatchApi
from sandbox.hubspot.api_search import SearchApi
from sandbox.hubspot.errors import HubSpotError, missing
from sandbox.hubspot.render import Renderer, Wanted
from sandbox.hubspot.schema import ObjectType
from sandbox.hubspot.wire import Answer, Call
from sandbox.hubspot.writes import Writer

__all__ = ["ObjectsApi"]

Json = dict[str, Any]
_MOST_LISTED, _MOST_WITH_HISTORY = 100, 50


class ObjectsApi:
    """Answers the objects interface of every generation."""

    def __init__(self, account: Account, rules: AdminRules) -> None:
        """Serve this account."""
        self._account = account
        self._rules = rules
        self._render = Renderer(account)
        self._batch = BatchApi(account, self.writer)
        self._search = SearchApi(account)
        self._associations = AssociationsApi(account, self.writer)

    def writer(self, call: Call) -> Writer:
        """Return the writer of a call; the administrator's rules hold for newer generations only."""
        enforced = call.version in self._account.world.text("enforcing_versions").split(",")
        return Writer(self._account, call.author, self._rules if enforced else None)

    def handle(self, call: Call) -> Answer:
        """Answer a call below .../objects."""
        if not call.segments:
            raise missing()
        if len(call.segments) > 2 and call.segments[2] == "associations":  # noqa: PLR2004 - type, id, associations
            return self._associations.of_record(call)
        one = self._account.catalog.type_of(call.segments[0])
        match call.method, call.segments[1:]:
            case method, () if method in {"GET", "POST"}:
                return self._list(call, one) if method == "GET" else self._create(call, one)
            case "POST", ("search",):
                return self._search.search(call, one)
            case "POST", ("merge",):
                return self._merge(call, one)
            case "POST", ("batch", action):
                return self._batch.handle(call, one, action)
            case _, (key,):
                return self._single(call, one, key)
        raise missing()

    def _single(self, call: Call, one: ObjectType, key: str) -> Answer:
        id_property = call.parameter("idProperty")
        if call.method == "GET":
            return self._read(call, one, key)
        if call.method == "PATCH":
            record_id, _ = self._account.addressed(one, key, id_property)
            properties = properties_of(call.body())
            record_id = self.writer(call).update(one, record_id, properties)
            return Answer(200, self._written(one, record_id, properties))
        if call.method == "DELETE":
            self.writer(call).archive(one, key)
            return Answer(204)
        raise HubSpotError("", "Method Not Allowed", status=405)

    def _read(self, call: Call, one: ObjectType, key: str) -> Answer:
        wanted = self._wanted(call)
        if call.flag("archived"):
            kept = self._account.archived(one.name, key)
            if kept is None:
                raise missing()
            return Answer(200, self._render.archived(one, kept, wanted))
        _, record = self._account.addressed(one, key, call.parameter("idProperty"))
        return Answer(200, self._render.record(one, record, wanted, call.base_path))

    def _create(self, call: Call, one: ObjectType) -> Answer:
        body = call.body()
        properties = properties_of(body)
        record_id = self.writer(call).create(one, properties, body.get("associations"))
        shown = self._written(one, record_id, properties)
        if "objectWriteTraceId" in body:
            shown["objectWriteTraceId"] = body["objectWriteTraceId"]
        return Answer(201, shown)

    def _merge(self, call: Call, one: ObjectType) -> Answer:
        body = call.body()
        primary, other = str(body.get("primaryObjectId", "")), str(body.get("objectIdToMerge", ""))
        record_id = self.writer(call).merge(one, primary, other)
        return Answer(200, self._written(one, record_id, {"hs_merged_object_ids": ""}))

    def _list(self, call: Call, one: ObjectType) -> Answer:
        wanted = self._wanted(call)
        limit = call.limit(_MOST_WITH_HISTORY if wanted.history else _MOST_LISTED)
        away = call.flag("archived")
        after = _offset(call.parameter("after"))
        rows = self._away(one) if away else [(int(key), row) for key, row in self._account.store.rows(one.name)]
        left = sorted((pair for pair in rows if pair[0] > after), key=lambda pair: pair[0])
        results = []
        for number, row in left[:limit]:
            if away:
                results.append(self._render.archived(one, row, wanted))
            else:
                results.append(self._render.record(one, row, wanted, f"{call.base_path}/{number}"))
        answer: Json = {"results": results}
        if len(left) > limit:
            last = str(left[limit - 1][0])
            answer["paging"] = {"next": {"after": last, "link": f"{call.base_path}?limit={limit}&after={last}"}}
        return Answer(200, answer)

    def _away(self, one: ObjectType) -> list[tuple[int, Json]]:
        found = []
        for key, kept in self._account.store.rows(ARCHIVED):
            kind, _, record_id = key.partition("/")
            if kind == one.name:
                found.append((int(record_id), kept))
        return found

    def _wanted(self, call: Call) -> Wanted:
        others = tuple(self._account.catalog.type_of(word.replace(" ", "_")) for word in call.listed("associations"))
        return Wanted(call.listed("properties"), call.listed("propertiesWithHistory"), others)

    def _written(self, one: ObjectType, record_id: str, properties: Json) -> Json:
        found = self._account.find(one.name, record_id)
        if found is None:
            raise missing()
        return self._render.changed(one, found[1], properties)


def _offset(text: str) -> int:
    if text and not text.isdigit():
        raise HubSpotError("VALIDATION_ERROR", f"after must be what an earlier page gave; it was {text}")
    return int(text or 0)


def properties_of(body: Json) -> Json:
    """Return the properties of a write; raises when there are none or one is no plain value."""
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise HubSpotError("VALIDATION_ERROR", "Invalid input JSON: properties must be an object")
    for name, value in properties.items():
        if isinstance(value, dict | list):
            raise HubSpotError("VALIDATION_ERROR", f"Invalid input JSON: the value of {name} must be text")
    return properties
