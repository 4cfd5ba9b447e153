"""Links between records: of one record, in batches, and the labels the account has for them."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.hubspot.account import Account
from sandbox.hubspot.api_batch import batch_answer
from sandbox.hubspot.api_labels import LabelsApi
from sandbox.hubspot.association_types import AssociationType
from sandbox.hubspot.errors import HubSpotError, missing, not_associated
from sandbox.hubspot.schema import ObjectType
from sandbox.hubspot.wire import Answer, Call
from sandbox.hubspot.writes import Writer

__all__ = ["AssociationsApi"]

Json = dict[str, Any]
_MOST_PER_PAGE, _MOST_WRITTEN, _MOST_READ = 500, 2_000, 1_000
_BY_ID, _DEFAULT = 5, 6


class AssociationsApi:
    """Answers .../associations of the objects interface and the associations interface."""

    def __init__(self, account: Account, writer: Callable[[Call], Writer]) -> None:
        """Serve this account; `writer` gives the writer of a call."""
        self._account = account
        self._writer = writer
        self._labels = LabelsApi(account)

    def of_record(self, call: Call) -> Answer:
        """Answer {type}/{id}/associations/{other type}[/{other id}] and .../associations/default/...."""
        kind, record_id, _, *rest = call.segments
        one = self._account.catalog.type_of(kind)
        if call.method == "PUT" and len(call.segments) == _DEFAULT and rest[0] == "default":
            other = self._account.catalog.type_of(rest[1])
            started = self._account.stamp
            self._writer(call).link(one, record_id, other, rest[2], [])
            results = self._both_ways(one, record_id, other, rest[2])
            return batch_answer(self._account, started, results, [], status=200)
        other = self._account.catalog.type_of(rest[0])
        if call.method == "GET" and len(rest) == 1:
            return self._listed(call, one, record_id, other)
        if len(call.segments) != _BY_ID:
            raise missing()
        if call.method == "PUT":
            types = self._writer(call).link(one, record_id, other, rest[1], list(call.body_value()))
            return Answer(201, _labelled_pair((one, record_id), (other, rest[1]), types))
        if call.method == "DELETE":
            self._account.links.remove((one.name, record_id), (other.name, rest[1]), call.author)
            return Answer(204)
        raise missing()

    def handle(self, call: Call) -> Answer:
        """Answer a call of the associations interface: {from}/{to}/batch/... and {from}/{to}/labels."""
        if len(call.segments) < 3:  # noqa: PLR2004 - two types and an action
            raise missing()
        one, other = (self._account.catalog.type_of(word) for word in call.segments[:2])
        if call.segments[2] == "labels":
            return self._labels.handle(call, one, other)
        if call.method != "POST":
            raise missing()
        actions: Mapping[tuple[str, ...], Callable[[Call, ObjectType, ObjectType], Answer]] = {
            ("batch", "read"): self._batch_read,
            ("batch", "create"): self._batch_create,
            ("batch", "associate", "default"): self._batch_default,
            ("batch", "archive"): self._batch_archive,
            ("batch", "labels", "archive"): self._batch_labels_archive,
        }
        action = actions.get(call.segments[2:])
        if action is None:
            raise missing()
        return action(call, one, other)

    def _listed(self, call: Call, one: ObjectType, record_id: str, other: ObjectType) -> Answer:
        if call.version in self._account.world.text("no_association_get_versions").split(","):
            raise missing()
        found = self._account.find(one.name, record_id)
        if found is None:
            raise missing()
        rows = self._account.links.of((one.name, found[0]), other.name)
        if call.version == "v3":
            return Answer(200, {"results": _ends_of_v3(rows)})
        return Answer(200, _page(call, rows, call.parameter("after"), call.limit(_MOST_PER_PAGE, _MOST_PER_PAGE)))

    def _batch_read(self, call: Call, one: ObjectType, other: ObjectType) -> Answer:
        started = self._account.stamp
        results, errors = [], []
        for row in _inputs(call, _MOST_READ):
            record_id = self._account.resolve(one.name, str(row["id"]))
            linked = self._account.links.of((one.name, record_id), other.name)
            if not linked:
                errors.append(not_associated(one.singular, str(row["id"]), other.singular).as_row())
                continue
            if call.version == "v3":
                results.append({"from": {"id": str(row["id"])}, "to": _ends_of_v3(linked)})
            else:
                page = _page(call, linked, str(row.get("after") or ""), _MOST_PER_PAGE)
                paging = {"paging": page["paging"]} if "paging" in page else {}
                results.append({"from": {"id": str(row["id"])}, "to": page["results"], **paging})
        return batch_answer(self._account, started, results, errors, status=200)

    def _batch_create(self, call: Call, one: ObjectType, other: ObjectType) -> Answer:
        def link(row: Json) -> list[Json]:
            types = self._writer(call).link(one, row["from"]["id"], other, row["to"]["id"], row["types"])
            return [_labelled_pair((one, str(row["from"]["id"])), (other, str(row["to"]["id"])), types)]

        return self._written(call, link, 201)

    def _batch_default(self, call: Call, one: ObjectType, other: ObjectType) -> Answer:
        def link(row: Json) -> list[Json]:
            self._writer(call).link(one, row["from"]["id"], other, row["to"]["id"], [])
            return self._both_ways(one, str(row["from"]["id"]), other, str(row["to"]["id"]))

        return self._written(call, link, 200)

    def _written(self, call: Call, link: Callable[[Json], list[Json]], status: int) -> Answer:
        started = self._account.stamp
        results: list[Json] = []
        errors: list[Json] = []
        for row in _inputs(call, _MOST_WRITTEN):
            try:
                results += link(row)
            except HubSpotError as error:
                if error.status != 404:  # noqa: PLR2004 - not found
                    raise
                errors.append(error.as_row())
        return batch_answer(self._account, started, results, errors, status=status)

    def _batch_archive(self, call: Call, one: ObjectType, other: ObjectType) -> Answer:
        for row in _inputs(call, _MOST_WRITTEN):
            for end in row["to"]:
                place = (one.name, str(row["from"]["id"]))
                self._account.links.remove(place, (other.name, str(end["id"])), call.author)
        return Answer(204)

    def _batch_labels_archive(self, call: Call, one: ObjectType, other: ObjectType) -> Answer:
        for row in _inputs(call, _MOST_WRITTEN):
            gone = [
                self._account.association_types.named(
                    one, other, str(spec["associationCategory"]), int(spec["associationTypeId"])
                )
                for spec in row["types"]
            ]
            ends = ((one.name, str(row["from"]["id"])), (other.name, str(row["to"]["id"])))
            self._account.links.remove_types(*ends, gone, call.author)
        return Answer(204)

    def _both_ways(self, one: ObjectType, record_id: str, other: ObjectType, other_id: str) -> list[Json]:
        types = self._account.association_types
        return [
            _default_pair(record_id, other_id, types.plain(one, other)),
            _default_pair(other_id, record_id, types.plain(other, one)),
        ]


def _inputs(call: Call, most: int) -> list[Json]:
    inputs = call.body().get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise HubSpotError("VALIDATION_ERROR", "Invalid input JSON: inputs must be a list with at least one item")
    if len(inputs) > most:
        raise HubSpotError("VALIDATION_ERROR", f"The number of inputs, {len(inputs)}, exceeds the maximum of {most}")
    return inputs


def _page(call: Call, rows: list[tuple[str, list[AssociationType]]], after: str, limit: int) -> Json:
    left = [row for row in rows if not after or int(row[0]) > int(after)]
    # Version 4 answers numbers, the dated generation texts.
    shown = [
        {"toObjectId": to_id if call.is_dated else int(to_id), "associationTypes": [kind.as_json() for kind in kinds]}
        for to_id, kinds in left[:limit]
    ]
    if len(left) <= limit:
        return {"results": shown}
    last = left[limit - 1][0]
    return {"results": shown, "paging": {"next": {"after": last, "link": f"{call.base_path}?after={last}"}}}


def _ends_of_v3(rows: list[tuple[str, list[AssociationType]]]) -> list[Json]:
    """Return linked records as version 3 lists them: once for each type of the link."""
    return [{"id": to_id, "type": kind.name} for to_id, kinds in rows for kind in kinds]


def _labelled_pair(one: tuple[ObjectType, str], other: tuple[ObjectType, str], types: list[AssociationType]) -> Json:
    return {
        "fromObjectTypeId": one[0].type_id,
        "fromObjectId": one[1],
        "toObjectTypeId": other[0].type_id,
        "toObjectId": other[1],
        "labels": [kind.label for kind in types if kind.label],
    }


def _default_pair(from_id: str, to_id: str, kind: AssociationType) -> Json:
    spec = {"associationCategory": kind.category, "associationTypeId": kind.type_id}
    return {"from": {"id": from_id}, "to": {"id": to_id}, "associationSpec": spec}
