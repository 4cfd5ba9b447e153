"""Runs a bound query over the records and shapes the rows as the vendor answers them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

from sandbox.salesforce.ids import to_18
from sandbox.salesforce.schema_notation import FieldDef
from sandbox.salesforce.soql.bound import Bound, BoundChain, BoundChild, BoundColumn, BoundCondition, BoundOrder, Test
from sandbox.salesforce.soql.judge import Judge, Row, Rows, comparable, follow, sort_value
from sandbox.salesforce.values import shown_value

__all__ = ["ChildPages", "Runner"]

Json = dict[str, Any]
_AGGREGATES: dict[str, Callable[[list[Any]], Any]] = {
    "count": len,
    "sum": lambda values: sum(values, Decimal(0)) if values else None,
    "avg": lambda values: sum(values, Decimal(0)) / len(values) if values else None,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
}


@dataclass(frozen=True)
class ChildPages:
    """How many children of a row one answer holds, and how the rest is fetched."""

    size: int
    locate: Callable[[Bound, list[str]], str]


class Runner:
    """Runs queries over one view of the records at one instant."""

    def __init__(self, rows: Rows, now: datetime, version: str, pages: ChildPages | None = None) -> None:
        """Query these records and link rows in this API version; `pages` cuts large child sets."""
        self._rows = rows
        self._version = version
        self._pages = pages
        self._judge = Judge(rows, now, self._inner_ids)

    def ids(self, bound: Bound) -> list[str]:
        """Return the ids of the records a query selects, in order."""
        return [row["Id"] for row in self._matching(bound, self._candidates(bound))]

    def count(self, bound: Bound) -> int:
        """Return how many records a COUNT() query counts."""
        return len(self._matching(bound, self._candidates(bound)))

    def holds(self, condition: BoundCondition, row: Row) -> bool:
        """Tell whether a record satisfies a condition."""
        return self._judge.holds(condition, row)

    def shown(self, bound: Bound, record_ids: Iterable[str]) -> list[Json]:
        """Read records again and shape them; those gone meanwhile are left out."""
        found = [self._rows.one(one) for one in record_ids]
        return [self.shape(bound, row) for row in found if row is not None]

    def shape(self, bound: Bound, row: Row) -> Json:
        """Return one record as the answer holds it."""
        shaped: Json = {"attributes": self._attributes(bound.target.name, row["Id"])}
        for column in bound.columns:
            if isinstance(column, BoundChild):
                shaped[column.relationship] = self._children(column, row["Id"])
            elif column.reach is not None:
                self._place(shaped, column.reach.steps, column.reach.field, row)
        return shaped

    def groups(self, bound: Bound) -> list[Json]:
        """Return the rows of an aggregate query."""
        buckets: dict[tuple[Any, ...], list[Row]] = {}
        for row in self._candidates(bound):
            if self._judge.holds(bound.where, row):
                key = tuple(sort_value(reach.field, follow(reach, row, self._rows)) for reach in bound.group)
                buckets.setdefault(key, []).append(row)
        if not bound.group and not buckets:
            buckets[()] = []
        members = list(buckets.values())
        if bound.order:
            members.sort(key=self._group_key(bound.order))
        stop = None if bound.limit is None else bound.offset + bound.limit
        return [self._group_row(bound, rows) for rows in members[bound.offset : stop]]

    def _attributes(self, kind: str, record_id: str) -> Json:
        return {"type": kind, "url": f"/services/data/v{self._version}/sobjects/{kind}/{record_id}"}

    def _place(self, shaped: Json, steps: tuple[FieldDef, ...], field: FieldDef, row: Row) -> None:
        here = shaped
        for step in steps:
            target = row.get(step.name)
            parent = self._rows.one(target) if target else None
            name = step.relationship or step.name
            if parent is None:
                here[name] = None
                return
            if here.get(name) is None:
                here[name] = {"attributes": self._attributes(step.reference_to[0], parent["Id"])}
            here, row = here[name], parent
        here[field.name] = shown_value(field, row)

    def _children(self, column: BoundChild, parent_id: str) -> Json | None:
        found = self._rows.where(column.query.target.name, column.link, parent_id)
        rows = self._matching(column.query, found)
        total = len(rows)
        if not rows:
            return None
        rest = None
        if self._pages is not None and len(rows) > self._pages.size:
            rest = self._pages.locate(column.query, [row["Id"] for row in rows])
            rows = rows[: self._pages.size]
        answer: Json = {"totalSize": total, "done": rest is None}
        if rest is not None:
            answer["nextRecordsUrl"] = rest
        answer["records"] = [self.shape(column.query, row) for row in rows]
        return answer

    def _matching(self, bound: Bound, candidates: list[Row]) -> list[Row]:
        found = [row for row in candidates if self._judge.holds(bound.where, row)]
        if bound.order:
            found.sort(key=cmp_to_key(lambda one, other: self._order(bound.order, one, other)))
        stop = None if bound.limit is None else bound.offset + bound.limit
        return found[bound.offset : stop]

    def _candidates(self, bound: Bound) -> list[Row]:
        kind = bound.target.name
        for test in _required(bound.where):
            field = test.reach.field
            blank = any(one.value in {None, ""} for one in test.values)
            if test.reach.steps or test.operator not in {"=", "in"} or blank:
                continue
            values = self._inner_ids(test.query) if test.query else [str(one.value) for one in test.values]
            if field.type == "id":
                rows = [self._rows.one(one) for one in dict.fromkeys(to_18(value) for value in values)]
                return [row for row in rows if row is not None and row["Id"].startswith(bound.target.prefix)]
            if self._rows.indexed(kind, field.name):
                unique = {row["Id"]: row for value in values for row in self._rows.where(kind, field.name, value)}
                return sorted(unique.values(), key=lambda row: str(row["Id"]))
        return self._rows.all(kind)

    def _inner_ids(self, bound: Bound) -> set[str]:
        column = bound.columns[0]
        if not isinstance(column, BoundColumn) or column.reach is None:
            return set()
        reach = column.reach
        values = (follow(reach, row, self._rows) for row in self._matching(bound, self._candidates(bound)))
        return {value for value in values if value is not None}

    def _order(self, keys: tuple[BoundOrder, ...], one: Row, other: Row) -> int:
        for key in keys:
            reach = key.column.reach
            if reach is not None:
                pair = [sort_value(reach.field, follow(reach, row, self._rows)) for row in (one, other)]
                if (result := _compared(key, pair[0], pair[1])) != 0:
                    return result
        return 0

    def _group_key(self, keys: tuple[BoundOrder, ...]) -> Callable[[list[Row]], Any]:
        def compare(one: list[Row], other: list[Row]) -> int:
            results = (
                _compared(key, self._aggregate(key.column, one), self._aggregate(key.column, other)) for key in keys
            )
            return next((result for result in results if result), 0)

        return cmp_to_key(compare)

    def _group_row(self, bound: Bound, rows: list[Row]) -> Json:
        shaped: Json = {"attributes": {"type": "AggregateResult"}}
        unnamed = 0
        for column in bound.columns:
            if not isinstance(column, BoundColumn):
                continue
            name = column.alias or (column.reach.field.name if column.reach and not column.function else None)
            if name is None:
                name = f"expr{unnamed}"
                unnamed += 1
            value = self._aggregate(column, rows)
            shaped[name] = float(value) if isinstance(value, Decimal) else value
        return shaped

    def _aggregate(self, column: BoundColumn, rows: list[Row]) -> Any:
        if column.reach is None:
            return len(rows)
        reach = column.reach
        values = [value for row in rows if (value := follow(reach, row, self._rows)) is not None]
        if column.function is None:
            return comparable(reach.field, values[0]) if values else None
        if column.function == "count_distinct":
            return len({sort_value(reach.field, value) for value in values})
        return _AGGREGATES[column.function](values)


def _required(condition: BoundCondition | None) -> list[Test]:
    if isinstance(condition, Test):
        return [condition]
    if isinstance(condition, BoundChain) and condition.word == "and":
        return [part for part in condition.parts if isinstance(part, Test)]
    return []


def _compared(key: BoundOrder, one: Any, other: Any) -> int:
    if one is None or other is None:
        if one is other:
            return 0
        return (1 if one is None else -1) * (1 if key.nulls_last else -1)
    if one == other:
        return 0
    return (1 if one > other else -1) * (-1 if key.descending else 1)
