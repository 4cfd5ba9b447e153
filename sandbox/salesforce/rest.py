"""Finds what answers a call of the REST interface, and turns refusals into the vendor's error bodies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

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
from sandbox.salesforce.schema import Schema
from sandbox.salesforce.wire import Answer, Call, header_options
from sandbox.salesforce.writes import Writer

__all__ = ["Rest"]


@dataclass(frozen=True)
class _Caller:
    """What answers the calls of one signed-in user."""

    schema: Schema
    limits: Limits
    queries: QueryApi
    records: RecordsApi
    many: CollectionsApi
    several: CompositeApi


Handler = Callable[..., Answer]
Methods = Mapping[str, Handler]


def _run(caller: _Caller, call: Call) -> Answer:
    return caller.queries.query(call, caller.schema, deleted=False)


def _run_all(caller: _Caller, call: Call) -> Answer:
    return caller.queries.query(call, caller.schema, deleted=True)


def _describe(caller: _Caller, call: Call, name: str) -> Answer:
    return Answer(200, describe_one(caller.records.target(name), call.base))


def _summary(caller: _Caller, call: Call, name: str) -> Answer:
    return Answer(200, {"objectDescribe": summary(caller.records.target(name), call.base)})


_READ_MANY: Handler = lambda caller, call, name: caller.many.read(call, name)  # noqa: E731 - one row of the table
_PAGE: Handler = lambda caller, call, locator: caller.queries.more(call, locator)  # noqa: E731 - one row of the table

# Path segments after the version ("*" is a name, id or key, handed to the handler) and what answers each method.
# The first row that fits counts.
_ROUTES: tuple[tuple[tuple[str, ...], Methods], ...] = (
    ((), {"GET": lambda _, call: Answer(200, resources(call.base))}),
    (("limits",), {"GET": lambda caller, _: Answer(200, caller.limits.as_json())}),
    (("query",), {"GET": _run}),
    (("queryAll",), {"GET": _run_all}),
    (("query", "*"), {"GET": _PAGE}),
    (("queryAll", "*"), {"GET": _PAGE}),
    (("sobjects",), {"GET": lambda caller, call: Answer(200, describe_all(caller.schema, call.base))}),
    (("sobjects", "*"), {"GET": _summary, "POST": lambda caller, call, name: caller.records.create(call, name)}),
    (("sobjects", "*", "describe"), {"GET": _describe}),
    (
        ("sobjects", "*", "updated"),
        {"GET": lambda caller, call, name: caller.queries.updated(call, caller.records.target(name))},
    ),
    (
        ("sobjects", "*", "deleted"),
        {"GET": lambda caller, call, name: caller.queries.deleted(call, caller.records.target(name))},
    ),
    (
        ("sobjects", "*", "*"),
        {
            "GET": lambda caller, call, name, record_id: caller.records.read(call, name, record_id),
            "PATCH": lambda caller, call, name, record_id: caller.records.update(call, name, record_id),
            "DELETE": lambda caller, _, name, record_id: caller.records.delete(name, record_id),
        },
    ),
    (
        ("sobjects", "*", "*", "*"),
        {
            "GET": lambda caller, call, name, key, value: caller.records.read_by_key(call, name, key, value),
            "PATCH": lambda caller, call, name, key, value: caller.records.upsert(call, name, key, value),
            "DELETE": lambda caller, call, name, key, value: caller.records.delete_by_key(call, name, key, value),
        },
    ),
    (("composite",), {"POST": lambda caller, call: caller.several.composite(call)}),
    (("composite", "batch"), {"POST": lambda caller, call: caller.several.batch(call)}),
    (("composite", "graph"), {"POST": lambda caller, call: caller.several.graph(call)}),
    (("composite", "tree", "*"), {"POST": lambda caller, call, name: caller.many.tree(call, name)}),
    (
        ("composite", "sobjects"),
        {
            "POST": lambda caller, call: caller.many.create(call),
            "PATCH": lambda caller, call: caller.many.update(call),
            "DELETE": lambda caller, call: caller.many.delete(call),
        },
    ),
    (("composite", "sobjects", "*"), {"GET": _READ_MANY, "POST": _READ_MANY}),
    (
        ("composite", "sobjects", "*", "*"),
        {"PATCH": lambda caller, call, name, key: caller.many.upsert(call, name, key)},
    ),
)


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
            handler, names = _found(call)
            return handler(self._caller(call, user_id), call, *names)
        except MultipleMatchesError as error:
            return Answer(300, error.urls)
        except SalesforceError as error:
            return Answer(error.status, error.as_rest())

    def cost(self, call: Call) -> int:
        """Return how many calls of the daily allowance a call counts as: one, except for each part of a batch."""
        if call.segments == ("composite", "batch") and call.method == "POST":
            return len(CompositeApi(self._org, lambda _: Answer(200)).batch_parts(call))
        return 1

    def _caller(self, call: Call, user_id: str) -> _Caller:
        allow_save = header_options(call.headers.get("sforce-duplicate-rule-header", "")).get("allowSave") == "true"
        author = Author(call.client, call.request_id)
        schema = self._org.schema
        writer = Writer(self._org, self._guards, author, schema, user_id, allow_save)
        records = RecordsApi(self._org, writer)
        several = CompositeApi(self._org, lambda part: self.answer(part, user_id))
        many = CollectionsApi(self._org, writer, records)
        return _Caller(schema, self._limits, self._queries, records, many, several)


def _found(call: Call) -> tuple[Handler, list[str]]:
    for pattern, methods in _ROUTES:
        if len(pattern) != len(call.segments):
            continue
        pairs = list(zip(pattern, call.segments, strict=True))
        if any(shape not in {"*", segment} for shape, segment in pairs):
            continue
        if (handler := methods.get("GET" if call.method == "HEAD" else call.method)) is None:
            message = f"HTTP Method '{call.method}' not allowed. Allowed are {','.join(sorted(methods))}"
            raise SalesforceError("METHOD_NOT_ALLOWED", message, status=405)
        return handler, [segment for shape, segment in pairs if shape == "*"]
    raise missing()
