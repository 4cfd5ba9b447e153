"""Finds what answers a call of the REST interface, and turns refusals into the vendor's error bodies."""

from collections.abc import Callable

from sandbox.kit import Author
from sandbox.salesforce.api_collections import CollectionsApi
from sandbox.salesforce.api_composite import CompositeApi
from sandbox.salesforce.api_describe import describe_all, describe_one, resources, summary
from sandbox.salesforce.api_query import QueryApi
from sandbox.salesforce.api_records import RecordsApi
from sandbox.salesforce.errors import MultipleMatchesError, SalesforceError, missing
from sandbox.salesforce.guards import Guards
from sandbox.salesforce.limits import Limits
from sandbox.salesforce.org import Org
from sandbox.salesforce.wire import Answer, Call, header_options
from sandbox.salesforce.writes import Writer

__all__ = ["Rest"]

Handler = Callable[[], Answer]
Handlers = dict[str, Handler]


class Rest:
    """The REST interface of one org."""

    def __init__(self, org: Org, guards: Guards, limits: Limits) -> None:
        """Serve this org."""
        self._org = org
        self._guards = guards
        self._limits = limits
        self._queries = QueryApi(org)

    def answer(self, call: Call, user_id: str) -> Answer:
        """Answer one call of a signed-in user."""
        try:
            return self._handler(call, user_id)()
        except MultipleMatchesError as error:
            return Answer(300, error.urls)
        except SalesforceError as error:
            return Answer(error.status, error.as_rest())

    def cost(self, call: Call) -> int:
        """Return how many calls of the daily allowance a call counts as: one, except for each part of a batch."""
        if call.segments == ("composite", "batch") and call.method == "POST":
            return len(CompositeApi(self._org, lambda _: Answer(200)).batch_parts(call))
        return 1

    def _handler(self, call: Call, user_id: str) -> Handler:
        handlers = self._handlers(call, user_id)
        if not handlers:
            raise missing()
        if (found := handlers.get("GET" if call.method == "HEAD" else call.method)) is None:
            message = f"HTTP Method '{call.method}' not allowed. Allowed are {','.join(sorted(handlers))}"
            raise SalesforceError("METHOD_NOT_ALLOWED", message, status=405)
        return found

    def _handlers(self, call: Call, user_id: str) -> Handlers:
        match call.segments:
            case ():
                return {"GET": lambda: Answer(200, resources(call.base))}
            case ("limits",):
                return {"GET": lambda: Answer(200, self._limits.as_json())}
            case ("query",):
                return {"GET": lambda: self._queries.query(call, self._org.schema, deleted=False)}
            case ("queryAll",):
                return {"GET": lambda: self._queries.query(call, self._org.schema, deleted=True)}
            case ("query" | "queryAll", locator):
                return {"GET": lambda: self._queries.more(call, locator)}
            case ("sobjects", *rest):
                return self._object_handlers(call, tuple(rest), user_id)
            case ("composite", *rest):
                return self._composite_handlers(call, tuple(rest), user_id)
            case _:
                return {}

    def _object_handlers(self, call: Call, segments: tuple[str, ...], user_id: str) -> Handlers:
        records = RecordsApi(self._org, self._writer(call, user_id))
        match segments:
            case ():
                return {"GET": lambda: Answer(200, describe_all(self._org.schema, call.base))}
            case (name,):
                return {
                    "GET": lambda: Answer(200, {"objectDescribe": summary(records.target(name), call.base)}),
                    "POST": lambda: records.create(call, name),
                }
            case (name, "describe"):
                return {"GET": lambda: Answer(200, describe_one(records.target(name), call.base))}
            case (name, "updated"):
                return {"GET": lambda: self._queries.updated(call, records.target(name))}
            case (name, "deleted"):
                return {"GET": lambda: self._queries.deleted(call, records.target(name))}
            case (name, record_id):
                return {
                    "GET": lambda: records.read(call, name, record_id),
                    "PATCH": lambda: records.update(call, name, record_id),
                    "DELETE": lambda: records.delete(name, record_id),
                }
            case (name, key, value):
                return {
                    "GET": lambda: records.read_by_key(call, name, key, value),
                    "PATCH": lambda: records.upsert(call, name, key, value),
                    "DELETE": lambda: records.delete_by_key(call, name, key, value),
                }
            case _:
                return {}

    def _composite_handlers(self, call: Call, segments: tuple[str, ...], user_id: str) -> Handlers:
        writer = self._writer(call, user_id)
        many = CollectionsApi(self._org, writer, RecordsApi(self._org, writer))
        several = CompositeApi(self._org, lambda part: self.answer(part, user_id))
        match segments:
            case ():
                return {"POST": lambda: several.composite(call)}
            case ("batch",):
                return {"POST": lambda: several.batch(call)}
            case ("graph",):
                return {"POST": lambda: several.graph(call)}
            case ("tree", name):
                return {"POST": lambda: many.tree(call, name)}
            case ("sobjects",):
                return {
                    "POST": lambda: many.create(call),
                    "PATCH": lambda: many.update(call),
                    "DELETE": lambda: many.delete(call),
                }
            case ("sobjects", name):
                return {"GET": lambda: many.read(call, name), "POST": lambda: many.read(call, name)}
            case ("sobjects", name, key):
                return {"PATCH": lambda: many.upsert(call, name, key)}
            case _:
                return {}

    def _writer(self, call: Call, user_id: str) -> Writer:
        allow_save = header_options(call.headers.get("sforce-duplicate-rule-header", "")).get("allowSave") == "true"
        author = Author(call.client, call.request_id)
        return Writer(self._org, self._guards, author, self._org.schema, user_id, allow_save)
