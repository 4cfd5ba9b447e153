"""Up to a hundred records in one call: read, create, update, upsert and archive, whole or row by row."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from sandbox.hubspot.account import Account
from sandbox.hubspot.errors import HubSpotError, missing
from sandbox.hubspot.render import Renderer, Wanted
from sandbox.hubspot.schema import ObjectType
from sandbox.hubspot.wire import Answer, Call
from sandbox.hubspot.writes import Writer

__all__ = ["BatchApi", "batch_answer"]

Json = dict[str, Any]
_MOST = 100
_CREATED, _OK = 201, 200


class BatchApi:
    """Answers .../batch/{action} of the objects interface."""

    def __init__(self, account: Account, writer: Callable[[Call], Writer]) -> None:
        """Serve this account; `writer` gives the writer of a call."""
        self._account = account
        self._writer = writer
        self._render = Renderer(account)

    def handle(self, call: Call, one: ObjectType, action: str) -> Answer:
        """Answer one batch."""
        body = call.body()
        inputs = _inputs(body, needs_id=action != "create")
        if action == "read":
            return self._read(one, body, inputs, archived=call.flag("archived"))
        if action == "archive":
            with self._account.store.transaction():
                for row in inputs:
                    if self._account.find(one.name, str(row["id"])):
                        self._writer(call).archive(one, str(row["id"]))
            return Answer(204)
        writer = self._writer(call)
        if action == "create":
            return self._rows(inputs, lambda row: self._create(writer, one, row), _CREATED)
        if action == "update":
            _refuse_doubles(inputs)
            return self._rows(inputs, lambda row: self._update(writer, one, row), _OK)
        if action == "upsert":
            _refuse_doubles(inputs)
            return self._rows(inputs, lambda row: self._upsert(writer, one, row, call.assume_new), _OK)
        raise missing()

    def _rows(self, inputs: list[Json], save: Callable[[Json], Json], status: int) -> Answer:
        """Write the rows: each for itself where every row has a trace id, otherwise all or none."""
        started = self._account.stamp
        traced = all(row.get("objectWriteTraceId") for row in inputs)
        results: list[Json] = []
        errors: list[Json] = []
        with nullcontext() if traced else self._account.store.transaction():
            for row in inputs:
                try:
                    saved = save(row)
                except HubSpotError as error:
                    # Without trace ids, too, a row whose record is missing is reported beside the others (from memory).
                    if not traced and not _is_missing_record(error):
                        raise
                    errors.append(_row_error(error, row))
                    continue
                trace = row.get("objectWriteTraceId")
                results.append({**saved, "objectWriteTraceId": trace} if trace else saved)
        return batch_answer(self._account, started, results, errors, status=status)

    def _create(self, writer: Writer, one: ObjectType, row: Json) -> Json:
        properties = _properties(row)
        return self._shown(one, writer.create(one, properties, row.get("associations")), properties)

    def _update(self, writer: Writer, one: ObjectType, row: Json) -> Json:
        properties = _properties(row)
        record_id, _ = self._account.addressed(one, str(row["id"]), self._id_property(one, row, "hs_object_id"))
        return self._shown(one, writer.update(one, record_id, properties), properties)

    def _upsert(self, writer: Writer, one: ObjectType, row: Json, assume_new: frozenset[str]) -> Json:
        properties = _properties(row)
        name = self._id_property(one, row, "")
        key = str(row["id"])
        prop = self._account.catalog.unique_property(one, name or "hs_object_id")
        holder = None if key in assume_new else self._account.holder(one.name, prop.name, key)
        if holder is None:
            record_id = writer.create(one, {prop.name: key, **properties})
        else:
            record_id = writer.update(one, holder, properties)
        return {**self._shown(one, record_id, properties), "new": holder is None}

    def _id_property(self, one: ObjectType, row: Json, default: str) -> str:
        name = row.get("idProperty")
        if name:
            # Even the record id is refused when it is named: updates by id leave idProperty out.
            self._account.catalog.unique_property(one, str(name))
        return str(name or default)

    def _shown(self, one: ObjectType, record_id: str, properties: Json) -> Json:
        found = self._account.find(one.name, record_id)
        if found is None:
            raise missing()
        return self._render.changed(one, found[1], properties)

    def _read(self, one: ObjectType, body: Json, inputs: list[Json], *, archived: bool) -> Answer:
        started = self._account.stamp
        name = body.get("idProperty")
        wanted = Wanted(body.get("properties") or (), body.get("propertiesWithHistory") or ())
        results: list[Json] = []
        gone: list[str] = []
        # An id asked for twice is answered once.
        for key in dict.fromkeys(str(row["id"]) for row in inputs):
            if archived:
                kept = self._account.archived(one.name, key)
                if kept is None:
                    gone.append(key)
                else:
                    results.append(self._render.archived(one, kept, wanted))
                continue
            try:
                _, record = self._account.addressed(one, key, name)
            except HubSpotError as error:
                if not _is_missing_record(error):
                    raise
                gone.append(key)
            else:
                results.append(self._render.record(one, record, wanted))
        errors = [_not_found(one, gone)] if gone else []
        return batch_answer(self._account, started, results, errors, status=_OK, count=len(gone))


def batch_answer(
    account: Account, started: str, results: list[Json], errors: list[Json], *, status: int, count: int | None = None
) -> Answer:
    """Return the answer of a batch; with errors its status is the one of a partial success."""
    if account.world.flag("batch_shuffles"):
        # The vendor promises no order; the reverse one finds every caller that counts on it.
        results.reverse()
    body: Json = {"status": "COMPLETE", "results": results, "startedAt": started, "completedAt": account.stamp}
    if not errors:
        return Answer(status, body)
    partial = int(account.world.number("partial_status"))
    return Answer(partial, {**body, "numErrors": len(errors) if count is None else count, "errors": errors})


def _inputs(body: Json, *, needs_id: bool) -> list[Json]:
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(row, dict) for row in inputs):
        raise HubSpotError("VALIDATION_ERROR", "Invalid input JSON: inputs must be a list of objects")
    if not inputs:
        raise HubSpotError("VALIDATION_ERROR", "The request has no inputs")
    if needs_id and not all("id" in row for row in inputs):
        raise HubSpotError("VALIDATION_ERROR", "Invalid input JSON: every input needs an id")
    if len(inputs) > _MOST:
        message = f"The number of inputs, {len(inputs)}, exceeds the maximum of {_MOST} per batch"
        raise HubSpotError("VALIDATION_ERROR", message)
    return inputs


def _properties(row: Json) -> Json:
    properties = row.get("properties")
    if not isinstance(properties, dict) or any(isinstance(value, dict | list) for value in properties.values()):
        raise HubSpotError("VALIDATION_ERROR", "Invalid input JSON: properties must be an object of plain values")
    return properties


def _refuse_doubles(inputs: list[Json]) -> None:
    ids = [str(row.get("id", "")) for row in inputs]
    doubles = sorted({one for one in ids if ids.count(one) > 1})
    if doubles:
        message = f"Duplicate IDs found in batch input: [{', '.join(doubles)}]. IDs must be unique"
        raise HubSpotError("VALIDATION_ERROR", message)


def _is_missing_record(error: HubSpotError) -> bool:
    return error.status == 404 and not error.category  # noqa: PLR2004 - not found


def _row_error(error: HubSpotError, row: Json) -> Json:
    shown = error.as_row(row.get("objectWriteTraceId"))
    if _is_missing_record(error):
        shown["message"] = "Could not get some objects, they may be deleted or not exist. Check that ids are valid."
        shown["context"]["ids"] = [str(row["id"])]
    return shown


def _not_found(one: ObjectType, ids: list[str]) -> Json:
    message = f"Could not get some {one.shouted} objects, they may be deleted or not exist. Check that ids are valid."
    return HubSpotError("OBJECT_NOT_FOUND", message, status=404, context={"ids": ids}).as_row()
