"""The HTTP side of the record service: `/record/v1/...`."""

from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import unquote

from sandbox.kit import Author, Request, Response, World
from sandbox.netsuite.collections import page
from sandbox.netsuite.directory import Directory
from sandbox.netsuite.errors import Detail, NsError, no_such_record
from sandbox.netsuite.filters import Filter
from sandbox.netsuite.jobs import COLLECTION, SINGULAR, Jobs, Work
from sandbox.netsuite.metadata import metadata_answer
from sandbox.netsuite.records import Records, WriteOptions, Written
from sandbox.netsuite.render import Renderer, View
from sandbox.netsuite.schema import RecordType, type_named

__all__ = ["RecordRoutes"]

_MOST_IN_BATCH = 100
_MODES = {"error", "warning", "ignore"}


@dataclass(frozen=True)
class _Call:
    request: Request
    base: str
    kind: RecordType
    type_name: str
    rest: list[str]
    options: WriteOptions

    @property
    def is_async(self) -> bool:
        """Tell whether the caller wants a job."""
        return "respond-async" in self.request.header("prefer")


class RecordRoutes:
    """Maps method and path to the record service and dresses its results."""

    def __init__(self, world: World, directory: Directory, records: Records, jobs: Jobs) -> None:
        """Serve these records."""
        self._world = world
        self._directory = directory
        self._records = records
        self._jobs = jobs

    def answer(self, request: Request, base: str, parts: list[str], author: Author) -> Response:
        """Answer one call; `parts` is the path after `record/v1`."""
        parts = [unquote(part) for part in parts]
        if not parts or parts[0] == "metadata-catalog":
            return metadata_answer(request, base, parts[1:])
        if any(" " in part for part in parts):
            raise NsError(400, Detail("Invalid url. Spaces are not allowed in the URL.", "INVALID_REQUEST"))
        kind = type_named(parts[0])
        if kind is None:
            text = f"Record type '{parts[0]}' does not exist."
            raise NsError(404, Detail(text, "NONEXISTENT_ID", url=f"/services/rest/record/v1/{parts[0]}"))
        call = _Call(request, base, kind, parts[0], parts[1:], _write_options(request, author))
        if call.is_async:
            return self._submit(call)
        return self._now(call)

    def _now(self, call: _Call) -> Response:
        depth, method = len(call.rest), call.request.method
        if depth == 0 and method in {"GET", "POST"}:
            return self._list(call) if method == "GET" else self._created(call)
        if depth == 1 and method in {"GET", "PATCH", "PUT", "DELETE"}:
            return self._one(call)
        if depth == 3 and call.rest[1] == "!transform" and method == "POST":  # noqa: PLR2004 - {id}/!transform/{target}
            return self._transformed(call)
        if depth == 4 and call.rest[1] in {"!attach", "!detach"} and method == "POST":  # noqa: PLR2004 - {id}/!attach/contact/{id}
            self._records.attach(
                call.kind, call.rest[0], call.rest[3], call.options.author, attach=call.rest[1] == "!attach"
            )
            return Response(204)
        if depth > 1 and method == "GET" and call.rest[1] in call.kind.fields:
            return self._sub_resource(call)
        raise _wrong_verb(call.request)

    def _one(self, call: _Call) -> Response:
        key, method = call.rest[0], call.request.method
        if method == "GET":
            record_id, record = self._records.locate(call.kind, key)
            view = View(call.request.query)
            shown = self._renderer(call).record(call.kind, record_id, record, view, call.type_name)
            return Response.of_json(200, shown, content_type=SINGULAR)
        if method == "DELETE":
            self._records.delete(call.kind, key, call.options.author)
            return Response(204)
        if method == "PUT" and not key.startswith("eid:"):
            raise _wrong_verb(call.request)
        body = _body(call.request)
        if method == "PATCH":
            return self._written(call, self._records.update(call.kind, key, body, call.options))
        return self._written(call, self._records.upsert(call.kind, key.removeprefix("eid:"), body, call.options))

    def _created(self, call: _Call) -> Response:
        accept = call.request.header("accept")
        if "create-form" in accept:
            return Response.of_json(200, {"links": []}, content_type=SINGULAR)
        return self._written(call, self._records.create(call.kind, _body(call.request), call.options))

    def _transformed(self, call: _Call) -> Response:
        target = type_named(call.rest[2])
        if target is None:
            raise NsError(404, Detail(f"Record type '{call.rest[2]}' does not exist.", "NONEXISTENT_ID"))
        body = _body(call.request) if call.request.body else {}
        return self._written(call, self._records.transform(call.kind, call.rest[0], target, body, call.options))

    def _sub_resource(self, call: _Call) -> Response:
        record_id, record = self._records.locate(call.kind, call.rest[0])
        view = View({"expandSubResources": "true"})
        shown: Any = self._renderer(call).record(call.kind, record_id, record, view, call.type_name)
        name = call.rest[1]
        if name not in shown:
            raise no_such_record()
        found = shown[name]
        if len(call.rest) == 2:  # noqa: PLR2004 - {id}/{sublist}
            return Response.of_json(200, found, content_type=COLLECTION)
        ending = f"/{name}/{call.rest[2]}"
        for line in found.get("items", []):
            if line["links"] and line["links"][0]["href"].endswith(ending):
                return Response.of_json(200, line, content_type=SINGULAR)
        raise no_such_record()

    def _list(self, call: _Call) -> Response:
        query = call.request.query
        wanted = Filter(call.kind, query["q"], self._world.text("date_format")) if query.get("q") else None
        renderer = self._renderer(call)
        items = [
            {"links": [{"rel": "self", "href": renderer.href(call.kind, record_id)}], "id": record_id}
            for record_id, record in self._world.store.rows(call.kind.name)
            if wanted is None or wanted.wants(record_id, record)
        ]
        body = page(items, query, f"{call.base}/record/v1/{call.type_name}")
        return Response.of_json(200, body, content_type=COLLECTION)

    def _submit(self, call: _Call) -> Response:
        is_batch = "type=collection" in call.request.header("content-type") or "ids" in call.request.query
        if call.rest or not is_batch:
            return self._jobs.submit(call.request, call.base, [_guarded(lambda: self._now(call))])
        works = self._by_ids(call) if "ids" in call.request.query else self._by_items(call)
        if len(works) > _MOST_IN_BATCH:
            raise NsError(400, Detail("A batch holds at most 100 records.", "INVALID_REQUEST"))
        return self._jobs.submit(call.request, call.base, works)

    def _by_ids(self, call: _Call) -> list[Work]:
        keys = [key for key in call.request.query["ids"].split(",") if key]
        calls = [_Call(call.request, call.base, call.kind, call.type_name, [key], call.options) for key in keys]
        return [_guarded(partial(self._one, one)) for one in calls]

    def _by_items(self, call: _Call) -> list[Work]:
        items = _body(call.request).get("items")
        if not isinstance(items, list):
            raise _malformed()
        return [_guarded(partial(self._item, call, item)) for item in items]

    def _item(self, call: _Call, item: dict[str, Any]) -> Response:
        method = call.request.method
        if method == "POST":
            return self._written(call, self._records.create(call.kind, item, call.options))
        external_id = item.get("externalId")
        if method == "PUT" and external_id:
            return self._written(call, self._records.upsert(call.kind, str(external_id), item, call.options))
        if method == "PATCH" and (item.get("id") or external_id):
            key = str(item["id"]) if item.get("id") else f"eid:{external_id}"
            return self._written(call, self._records.update(call.kind, key, item, call.options))
        raise _malformed()

    def _written(self, call: _Call, written: Written) -> Response:
        headers = [("Location", self._renderer(call).href(written.kind, written.record_id))]
        if written.ignored and call.options.name_validation == "warning":
            headers.append(("X-NetSuite-PropertyValidation", ",".join(written.ignored)))
        return Response(204, headers)

    def _renderer(self, call: _Call) -> Renderer:
        return Renderer(self._world.store, self._directory, call.base)


def _write_options(request: Request, author: Author) -> WriteOptions:
    mode = request.header("x-netsuite-propertynamevalidation", "warning").lower()
    if mode not in _MODES:
        header = "X-NetSuite-PropertyNameValidation"
        raise NsError(400, Detail(f"Invalid value '{mode}' of the header {header}.", "INVALID_HEADER", header=header))
    query = request.query
    replace = frozenset(name.strip() for name in query.get("replace", "").split(",") if name.strip())
    return WriteOptions(author, mode, replace, query.get("replaceSelectedFields", "").lower() == "true")


def _guarded(work: Work) -> Work:
    def run() -> Response:
        try:
            return work()
        except NsError as refusal:
            return refusal.response()

    return run


def _body(request: Request) -> dict[str, Any]:
    try:
        found = request.json()
    except ValueError:
        raise _malformed() from None
    if not isinstance(found, dict):
        raise _malformed()
    return found


def _malformed() -> NsError:
    text = "The request could not be understood by the server due to malformed syntax."
    return NsError(400, Detail(text, "INVALID_REQUEST"))


def _wrong_verb(request: Request) -> NsError:
    return NsError(405, Detail(f"Method {request.method} is not allowed for this resource.", "METHOD_NOT_ALLOWED"))
