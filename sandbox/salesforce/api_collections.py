"""Many records in one call: rows answered one by one, in order, inside a 200 that may hide failures."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.salesforce.api_records import RecordsApi
from sandbox.salesforce.errors import ROLLED_BACK, MultipleMatchesError, SalesforceError
from sandbox.salesforce.ids import is_id, to_18
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import ObjectDef
from sandbox.salesforce.wire import Answer, Call
from sandbox.salesforce.writes import Writer

__all__ = ["CollectionsApi", "TreeFailedError"]

_MOST_ROWS = 200
_MOST_READ = 2000
_DEEPEST = 5
Json = dict[str, Any]


@dataclass(frozen=True)
class _Tree:
    """What came of the nodes of a tree so far."""

    results: list[Json]
    failures: list[Json]


class TreeFailedError(Exception):
    """A tree with a bad node: nothing of it is kept."""

    def __init__(self, results: list[Json]) -> None:
        """Carry the errors of the bad nodes."""
        super().__init__(f"{len(results)} nodes failed")
        self.results = results


class _RowsFailedError(Exception):
    """An all-or-none collection with a failed row."""


class CollectionsApi:
    """Answers calls on `composite/sobjects` and `composite/tree` for one caller."""

    def __init__(self, org: Org, writer: Writer, records: RecordsApi) -> None:
        """Serve this caller."""
        self._org = org
        self._writer = writer
        self._records = records

    def create(self, call: Call) -> Answer:
        """Create up to 200 records, of several objects if need be."""

        def one(row: Json) -> Json:
            return _success(self._writer.insert(self._target_of(row), _without_type(row)))

        return self._each(call, one)

    def update(self, call: Call) -> Answer:
        """Change up to 200 records, each named by its id."""

        def one(row: Json) -> Json:
            target = self._target_of(row)
            record_id = str(row.get("id") or row.get("Id") or "")
            if not is_id(record_id):
                raise SalesforceError("MISSING_ARGUMENT", "Id not specified in an update call", fields=[])
            body = {key: value for key, value in _without_type(row).items() if key.lower() != "id"}
            self._writer.update(target, record_id, body)
            return _success(to_18(record_id))

        return self._each(call, one)

    def upsert(self, call: Call, name: str, key: str) -> Answer:
        """Upsert up to 200 records of one object by one external id."""
        target = self._records.target(name)
        field = self._records.key_field(target, key)
        rows = self._rows(call)
        values = [str(_value(row, field.name) or "") for row in rows]
        folded = [value if field.case_sensitive else value.lower() for value in values]
        repeated = {value for value, count in Counter(folded).items() if count > 1 and value}

        def one(row: Json) -> Json:
            value = str(_value(row, field.name) or "")
            if not value:
                raise SalesforceError("MISSING_ARGUMENT", f"{field.name} not specified", fields=[])
            if (value if field.case_sensitive else value.lower()) in repeated:
                raise SalesforceError(
                    "DUPLICATE_VALUE", f"Duplicate external id specified: {value}", fields=[field.name]
                )
            body = {name: item for name, item in _without_type(row).items() if name.lower() != field.name.lower()}
            record_id, created = self._writer.upsert(target, field, value, body, update_only=False)
            return {**_success(record_id), "created": created}

        return self._each(call, one)

    def delete(self, call: Call) -> Answer:
        """Delete up to 200 records by id."""
        ids = [one for one in call.query.get("ids", "").split(",") if one]
        rows = [{"id": one} for one in ids]

        def one(row: Json) -> Json:
            target = self._org.schema.of_id(str(row["id"]))
            if target is None or not is_id(str(row["id"])):
                raise SalesforceError("MALFORMED_ID", f"malformed id {row['id']}", fields=[])
            self._writer.delete(target, str(row["id"]))
            return _success(to_18(str(row["id"])))

        all_or_none = call.query.get("allOrNone", "false").lower() == "true"
        return Answer(200, self._run(_limited(rows), one, all_or_none=all_or_none))

    def read(self, call: Call, name: str) -> Answer:
        """Read up to 2,000 records by id; one that is missing is null."""
        target = self._records.target(name)
        if call.method == "GET":
            ids = call.query.get("ids", "").split(",")
            fields = call.query.get("fields", "Id").split(",")
        else:
            ids, fields = call.fields.get("ids", []), call.fields.get("fields", ["Id"])
        if not isinstance(ids, list) or not isinstance(fields, list):
            raise SalesforceError("JSON_PARSER_ERROR", "ids and fields must be lists at [line:1, column:2]")
        if len(ids) > _MOST_READ:
            raise SalesforceError("EXCEEDED_ID_LIMIT", "cannot retrieve more than 2000 records in this call")
        found = [self._records.find(target, str(one)) for one in ids]
        shown = [None if row is None else self._records.shown(call, target, row, list(fields)) for row in found]
        return Answer(200, shown)

    def tree(self, call: Call, name: str) -> Answer:
        """Create records with their children; all or nothing."""
        target = self._records.target(name)
        grown = _Tree([], [])
        try:
            with self._org.store.transaction():
                self._grow(grown, target, call.fields.get("records"), {}, level=1)
                _stop_at(grown.failures)
        except TreeFailedError as error:
            return Answer(400, {"hasErrors": True, "results": error.results})
        return Answer(201, {"hasErrors": False, "results": grown.results})

    def _grow(self, grown: "_Tree", target: ObjectDef, rows: Any, link: Json, *, level: int) -> None:
        _require_objects(rows)
        if level > _DEEPEST or len(grown.results) + len(rows) > _MOST_ROWS:
            raise SalesforceError("LIMIT_EXCEEDED", "A tree holds at most 200 records in 5 levels.")
        for row in rows:
            reference = _attributes(row).get("referenceId", "")
            nested = {key: value for key, value in row.items() if isinstance(value, dict) and "records" in value}
            plain = {key: value for key, value in row.items() if key not in nested}
            try:
                record_id = self._writer.insert(target, {**_without_type(plain), **link})
            except SalesforceError as error:
                grown.failures.append({"referenceId": reference, "errors": [error.as_row()]})
                continue
            grown.results.append({"referenceId": reference, "id": record_id})
            for relation, value in nested.items():
                found = target.children.get(relation.lower())
                if found is None:
                    raise SalesforceError("INVALID_FIELD", f"No such relation '{relation}' on entity '{target.name}'")
                child = self._records.target(found[1])
                self._grow(grown, child, value["records"], {found[2]: record_id}, level=level + 1)

    def _each(self, call: Call, one: Callable[[Json], Json]) -> Answer:
        all_or_none = bool(call.fields.get("allOrNone", False))
        return Answer(200, self._run(self._rows(call), one, all_or_none=all_or_none))

    def _rows(self, call: Call) -> list[Json]:
        rows = call.fields.get("records")
        return _limited(_require_objects(rows))

    def _run(self, rows: list[Json], one: Callable[[Json], Json], *, all_or_none: bool) -> list[Json]:
        results: list[Json] = []
        if not all_or_none:
            return [self._row(row, one) for row in rows]
        try:
            with self._org.store.transaction():
                results.extend(self._row(row, one) for row in rows)
                _require_all(results)
        except _RowsFailedError:
            halted = {"success": False, "errors": [ROLLED_BACK.as_row()]}
            return [halted if result["success"] else result for result in results]
        return results

    def _row(self, row: Json, one: Callable[[Json], Json]) -> Json:
        try:
            return one(row)
        except SalesforceError as error:
            return {"success": False, "errors": [error.as_row()]}
        except MultipleMatchesError as error:
            message = f"More than one record found for external id field: {', '.join(error.urls)}"
            return {"success": False, "errors": [SalesforceError("DUPLICATE_EXTERNAL_ID", message).as_row()]}

    def _target_of(self, row: Json) -> ObjectDef:
        name = str(_attributes(row).get("type", ""))
        target = self._org.schema.find(name)
        if target is None:
            message = f"sObject type '{name}' is not supported." if name else "attributes.type is missing"
            raise SalesforceError("INVALID_TYPE", message, fields=[])
        return self._writer.schema[target.name]


def _stop_at(failures: list[Json]) -> None:
    if failures:
        raise TreeFailedError(failures)


def _require_all(results: list[Json]) -> None:
    if not all(result["success"] for result in results):
        raise _RowsFailedError


def _limited(rows: list[Json]) -> list[Json]:
    if len(rows) > _MOST_ROWS:
        message = "record limit reached. cannot submit more than 200 records into this call"
        raise SalesforceError("EXCEEDED_ID_LIMIT", message)
    if not rows:
        raise SalesforceError("INVALID_INPUT", "The request must hold at least one record.")
    return rows


def _require_objects(rows: Any) -> list[Json]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SalesforceError("JSON_PARSER_ERROR", "records must be a list of objects at [line:1, column:2]")
    return rows


def _attributes(row: Json) -> Json:
    found = row.get("attributes")
    return found if isinstance(found, dict) else {}


def _without_type(row: Json) -> Json:
    return {key: value for key, value in row.items() if key != "attributes"}


def _value(row: Json, name: str) -> Any:
    return next((value for key, value in row.items() if key.lower() == name.lower()), None)


def _success(record_id: str) -> Json:
    return {"id": record_id, "success": True, "errors": []}
