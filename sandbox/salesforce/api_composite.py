"""Several calls in one: composite (chained, optionally all or none), batch (independent) and graph."""

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeGuard

from sandbox.salesforce.errors import HALTED, SalesforceError
from sandbox.salesforce.org import Org
from sandbox.salesforce.references import names_in, resolve
from sandbox.salesforce.wire import Answer, Call, sub_call

__all__ = ["CompositeApi"]

_MOST_PARTS = 25
_MOST_QUERIES = 5
_MOST_GRAPHS = 75
_MOST_NODES = 500
_MOST_FAILED_GRAPHS = 14
_FIRST_ERROR = 300
_REFERENCE_ID = re.compile(r"[A-Za-z]\w*")
Json = dict[str, Any]
Answering = Callable[[Call], Answer]


class _PartFailedError(Exception):
    """One part of an all-or-none request failed; everything done so far is undone."""


class CompositeApi:
    """Answers calls on `composite`, `composite/batch` and `composite/graph`."""

    def __init__(self, org: Org, answer: Answering) -> None:
        """Hand the parts to `answer`, one at a time."""
        self._org = org
        self._answer = answer

    def composite(self, call: Call) -> Answer:
        """Run the parts in order; the answer is a 200 even when parts failed."""
        parts = _parts(call.fields.get("compositeRequest"))
        if len(parts) > _MOST_PARTS:
            raise SalesforceError(
                "LIMIT_EXCEEDED", f"Limit of {_MOST_PARTS} reached for subrequests in a composite request"
            )
        if sum(1 for part in parts if _is_query_or_collection(part["url"])) > _MOST_QUERIES:
            message = f"Limit of {_MOST_QUERIES} reached for query and sObject collections subrequests"
            raise SalesforceError("LIMIT_EXCEEDED", message)
        answers = self._run(call, parts, all_or_none=bool(call.fields.get("allOrNone", False)))
        return Answer(200, {"compositeResponse": answers})

    def graph(self, call: Call) -> Answer:
        """Run each graph as one transaction of its own."""
        graphs = call.fields.get("graphs")
        if not _are_objects(graphs) or not 0 < len(graphs) <= _MOST_GRAPHS:
            raise SalesforceError("INVALID_INPUT", f"A graph request holds 1 to {_MOST_GRAPHS} graphs.")
        all_parts = [_parts(graph.get("compositeRequest")) for graph in graphs]
        if sum(len(parts) for parts in all_parts) > _MOST_NODES:
            raise SalesforceError("LIMIT_EXCEEDED", f"A graph request holds at most {_MOST_NODES} nodes.")
        if any("/sobjects/" not in part["url"] for parts in all_parts for part in parts):
            raise SalesforceError("INVALID_INPUT", "Only sObject rows are supported in a graph.")
        shown: list[Json] = []
        failed = 0
        for graph, parts in zip(graphs, all_parts, strict=True):
            if failed >= _MOST_FAILED_GRAPHS:
                answers = [_shown(Answer(400, HALTED.as_rest()), part["referenceId"]) for part in parts]
            else:
                answers = self._run(call, parts, all_or_none=True)
            fine = all(one["httpStatusCode"] < _FIRST_ERROR for one in answers)
            failed += not fine
            response = {"compositeResponse": answers}
            shown.append({"graphId": graph.get("graphId"), "graphResponse": response, "isSuccessful": fine})
        return Answer(200, {"graphs": shown})

    def batch(self, call: Call) -> Answer:
        """Run independent calls; each commits for itself."""
        parts = self.batch_parts(call)
        halting = bool(call.fields.get("haltOnError", False))
        results: list[Json] = []
        has_errors = False
        for part in parts:
            if has_errors and halting:
                error = SalesforceError("BATCH_PROCESSING_HALTED", "Batch processing was halted", status=412)
                results.append({"statusCode": 412, "result": error.as_rest()})
                continue
            try:
                sub = sub_call(call, str(part.get("method", "GET")), str(part.get("url", "")), part.get("richInput"))
            except ValueError as problem:
                raise SalesforceError("INVALID_INPUT", str(problem)) from problem
            answer = self._answer(sub)
            has_errors = has_errors or answer.status >= _FIRST_ERROR
            results.append({"statusCode": answer.status, "result": answer.body})
        return Answer(200, {"hasErrors": has_errors, "results": results})

    def batch_parts(self, call: Call) -> list[Json]:
        """Return the calls of a batch, each of which counts against the allowance."""
        parts = call.fields.get("batchRequests")
        if not _are_objects(parts) or not 0 < len(parts) <= _MOST_PARTS:
            raise SalesforceError("LIMIT_EXCEEDED", f"A batch holds 1 to {_MOST_PARTS} requests.")
        return list(parts)

    def _run(self, call: Call, parts: list[Json], *, all_or_none: bool) -> list[Json]:
        answers: list[Json] = []
        if not all_or_none:
            answers.extend(self._in_order(call, parts))
            return answers
        try:
            with self._org.store.transaction():
                for shown in self._in_order(call, parts):
                    answers.append(shown)
                    _stop_at(shown)
        except _PartFailedError:
            culprit = answers[-1]
            halted = Answer(400, HALTED.as_rest())
            return [
                culprit if part["referenceId"] == culprit["referenceId"] else _shown(halted, part["referenceId"])
                for part in parts
            ]
        return answers

    def _in_order(self, call: Call, parts: list[Json]) -> Iterator[Json]:
        results: dict[str, Any] = {}
        broken: set[str] = set()
        for part in parts:
            reference = part["referenceId"]
            used = names_in(part["url"]) | names_in(part.get("body"))
            answer = Answer(400, HALTED.as_rest()) if used & broken else self._part(call, part, results)
            if answer.status >= _FIRST_ERROR:
                broken.add(reference)
            results[reference] = answer.body
            yield _shown(answer, reference)

    def _part(self, call: Call, part: Json, results: dict[str, Any]) -> Answer:
        try:
            url, body = resolve(part["url"], results), resolve(part.get("body"), results)
            return self._answer(sub_call(call, part.get("method", "GET"), url, body, part.get("httpHeaders")))
        except SalesforceError as error:
            return Answer(error.status, error.as_rest())
        except ValueError as problem:
            return Answer(400, SalesforceError("INVALID_INPUT", str(problem)).as_rest())


def _are_objects(raw: Any) -> TypeGuard[list[Json]]:
    return isinstance(raw, list) and all(isinstance(one, dict) for one in raw)


def _parts(raw: Any) -> list[Json]:
    if not isinstance(raw, list) or not raw:
        raise SalesforceError("INVALID_INPUT", "compositeRequest must be a list with at least one subrequest.")
    seen: set[str] = set()
    for part in raw:
        if not isinstance(part, dict) or not isinstance(part.get("url"), str) or not part.get("method"):
            raise SalesforceError("INVALID_INPUT", "Each subrequest needs a method, a url and a referenceId.")
        reference = part.get("referenceId")
        if not isinstance(reference, str) or not _REFERENCE_ID.fullmatch(reference):
            raise SalesforceError("INVALID_INPUT", f"Provided referenceId '{reference}' has an invalid character.")
        if reference in seen:
            raise SalesforceError("INVALID_INPUT", f"Duplicate referenceId '{reference}' provided.")
        seen.add(reference)
    return raw


def _is_query_or_collection(url: str) -> bool:
    return re.search(r"/v[\d.]+/(query|queryAll|composite/sobjects)\b", url) is not None


def _stop_at(shown: Json) -> None:
    if _failed(shown):
        raise _PartFailedError


def _failed(shown: Json) -> bool:
    body = shown["body"]
    if shown["httpStatusCode"] >= _FIRST_ERROR:
        return True
    # A collection answers 200 with failed rows inside; under all-or-none they fail the whole.
    return isinstance(body, list) and any(isinstance(row, dict) and row.get("success") is False for row in body)


def _shown(answer: Answer, reference: str) -> Json:
    return {
        "body": answer.body,
        "httpHeaders": {key: value for key, value in answer.headers.items() if key == "Location"},
        "httpStatusCode": answer.status,
        "referenceId": reference,
    }
