"""Queries, their pages, and the changed-since resources."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.salesforce.coerce import instant
from sandbox.salesforce.errors import SalesforceError
from sandbox.salesforce.ids import to_18
from sandbox.salesforce.org import Org, View
from sandbox.salesforce.schema import ObjectDef, Schema
from sandbox.salesforce.soql import Bound, ChildPages, Runner, bind_query, parse_query
from sandbox.salesforce.values import parse_stamp, stamp_text
from sandbox.salesforce.wire import Answer, Call, header_options

__all__ = ["QueryApi"]

_PAGE = 2000
_SMALLEST_PAGE = 200
_LOCATOR_LIVES = timedelta(days=2)
_LONGEST_WINDOW = timedelta(days=30)
_SHORTEST_WINDOW = timedelta(minutes=1)


@dataclass(frozen=True)
class _Locator:
    """A query's snapshot: the ids it selected; their fields are read again for each page."""

    bound: Bound
    ids: list[str]
    size: int
    deleted: bool
    expires: datetime


class QueryApi:
    """Answers `query`, `queryAll`, `updated` and `deleted`."""

    def __init__(self, org: Org) -> None:
        """Start without open locators."""
        self._org = org
        self._locators: dict[str, _Locator] = {}

    def query(self, call: Call, schema: Schema, *, deleted: bool) -> Answer:
        """Run a query and answer its first page."""
        if not (text := call.query.get("q", "")):
            raise SalesforceError("MALFORMED_QUERY", "A query string has to be specified")
        bound = bind_query(schema, parse_query(text))
        size = self._page_size(call.headers)
        runner = self._runner(call, size, deleted=deleted)
        if bound.counts_only:
            return Answer(200, {"totalSize": runner.count(bound), "done": True, "records": []})
        if bound.aggregates:
            rows = runner.groups(bound)
            return Answer(200, {"totalSize": len(rows), "done": True, "records": rows})
        ids = runner.ids(bound)
        if len(ids) <= size:
            return Answer(200, {"totalSize": len(ids), "done": True, "records": runner.shown(bound, ids)})
        return self._page(call, self._open(bound, ids, size, deleted=deleted), 0)

    def more(self, call: Call, address: str) -> Answer:
        """Answer a further page."""
        locator, _, offset = address.rpartition("-")
        if locator not in self._locators or not offset.isdigit() or self._locators[locator].expires < self._org.now:
            self._locators.pop(locator, None)
            raise SalesforceError("INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(call, locator, int(offset))

    def updated(self, call: Call, target: ObjectDef) -> Answer:
        """List the ids of records created or changed in a window of time."""
        start, end = self._window(call)
        covered = min(end, self._org.covered_until(end))
        rows = View(self._org).all(target.name)
        ids = [row["Id"] for row in rows if start <= parse_stamp(row["SystemModstamp"]) < end]
        return Answer(200, {"ids": ids, "latestDateCovered": stamp_text(covered)})

    def deleted(self, call: Call, target: ObjectDef) -> Answer:
        """List the records deleted in a window of time."""
        start, end = self._window(call)
        gone = []
        for entry in self._org.deletions(target.name):
            at = datetime.fromisoformat(entry.at)
            if start <= at < end:
                gone.append({"id": entry.record_id, "deletedDate": stamp_text(at)})
        answer = {
            "deletedRecords": gone,
            "earliestDateAvailable": stamp_text(self._org.now - timedelta(days=15)),
            "latestDateCovered": stamp_text(min(end, self._org.covered_until(end))),
        }
        return Answer(200, answer)

    def _runner(self, call: Call, size: int, *, deleted: bool) -> Runner:
        view = View(self._org, deleted=deleted)

        def locate(bound: Bound, ids: list[str]) -> str:
            return f"{call.base}/query/{self._open(bound, ids, size, deleted=deleted)}-{size}"

        return Runner(view, self._org.now, call.version, ChildPages(size, locate))

    def _page_size(self, headers: Mapping[str, str]) -> int:
        wanted = header_options(headers.get("sforce-query-options", "")).get("batchSize", str(_PAGE))
        size = int(wanted) if wanted.isdigit() else _PAGE
        # The wish is only a hint: the vendor may answer fewer rows, which `max_page_rows` makes it do.
        return min(max(size, _SMALLEST_PAGE), _PAGE, int(self._org.world.number("max_page_rows")))

    def _open(self, bound: Bound, ids: list[str], size: int, *, deleted: bool) -> str:
        name = self._org.ids.next("01g")
        self._locators[name] = _Locator(bound, ids, size, deleted, self._org.now + _LOCATOR_LIVES)
        return name

    def _page(self, call: Call, name: str, offset: int) -> Answer:
        found = self._locators[name]
        end = offset + found.size
        runner = self._runner(call, found.size, deleted=found.deleted)
        done = end >= len(found.ids)
        answer: dict[str, Any] = {"totalSize": len(found.ids), "done": done}
        if not done:
            answer["nextRecordsUrl"] = f"{call.base}/query/{name}-{end}"
        answer["records"] = runner.shown(found.bound, (to_18(one) for one in found.ids[offset:end]))
        return Answer(200, answer)

    def _window(self, call: Call) -> tuple[datetime, datetime]:
        start, end = (_to_the_minute(call.query.get(name, ""), name) for name in ("start", "end"))
        if end - start < _SHORTEST_WINDOW:
            raise SalesforceError("INVALID_REPLICATION_DATE", "startDate has to be at least one minute before endDate")
        if self._org.now - start > _LONGEST_WINDOW:
            raise SalesforceError("INVALID_REPLICATION_DATE", "startDate cannot be more than 30 days ago")
        return start, end


def _to_the_minute(text: str, name: str) -> datetime:
    # A plus sign that was not percent-encoded arrives as a blank.
    try:
        found = instant(re.sub(r" (?=\d{2}:?\d{2}$)", "+", text))
    except SalesforceError as error:
        message = f"{name} is not an ISO 8601 instant: {text or 'missing'}"
        raise SalesforceError("INVALID_REPLICATION_DATE", message) from error
    return found.astimezone(UTC).replace(second=0, microsecond=0)
