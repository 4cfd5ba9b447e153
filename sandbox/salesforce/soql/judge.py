"""Decides whether a record satisfies a bound condition, by the vendor's rules about case, nulls and dates."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from sandbox.salesforce.ids import to_18
from sandbox.salesforce.schema_notation import NUMERIC, FieldDef
from sandbox.salesforce.soql.bound import Bound, BoundChain, BoundCondition, BoundNot, Reach, Test
from sandbox.salesforce.soql.date_words import span
from sandbox.salesforce.soql.parse import unescape
from sandbox.salesforce.soql.tree import Literal_
from sandbox.salesforce.values import stamp_text

__all__ = ["Judge", "Row", "Rows", "follow", "sort_value"]

Row = Mapping[str, Any]


class Rows(Protocol):
    """Where a query finds records."""

    def all(self, kind: str) -> "list[Row]":
        """Return the records of an object, oldest first."""
        ...

    def one(self, record_id: str) -> "Row | None":
        """Return a record by id, whatever its object."""
        ...

    def where(self, kind: str, field: str, value: object) -> "list[Row]":
        """Return the records with one value in one indexed field."""
        ...

    def indexed(self, kind: str, field: str) -> bool:
        """Tell whether `where` may be asked for a field."""
        ...


def follow(reach: Reach, row: Row, rows: Rows) -> Any:
    """Return a field's value, reached over references; None where a reference is blank."""
    here: Row | None = row
    for step in reach.steps:
        target = here.get(step.name) if here else None
        here = rows.one(target) if target else None
    if here is None:
        return None
    return comparable(reach.field, here.get(reach.field.name))


def comparable(field: FieldDef, value: Any) -> Any:
    """Return a stored value as it compares; a checkbox is never blank."""
    if field.type == "boolean":
        return bool(value)
    if value is not None and field.type in NUMERIC:
        return value if isinstance(value, Decimal) else Decimal(str(value))
    return value


def sort_value(field: FieldDef, value: Any) -> Any:
    """Return a value as it sorts: text without regard to case."""
    return value.lower() if isinstance(value, str) and field.type not in {"id", "date", "datetime"} else value


class Judge:
    """Judges records against conditions at one instant."""

    def __init__(self, rows: Rows, now: datetime, run_inner: Callable[[Bound], set[str]]) -> None:
        """Judge with these records; `run_inner` answers a semi-join's ids."""
        self._rows = rows
        self._today = now.date()
        self._run_inner = run_inner
        self._inner: dict[int, set[str]] = {}

    def holds(self, condition: BoundCondition | None, row: Row) -> bool:
        """Tell whether a record satisfies a condition."""
        if condition is None:
            return True
        if isinstance(condition, BoundChain):
            joined = all if condition.word == "and" else any
            return joined(self.holds(part, row) for part in condition.parts)
        if isinstance(condition, BoundNot):
            return not self.holds(condition.inner, row)
        value = follow(condition.reach, row, self._rows)
        if condition.query is not None:
            return (value in self._ids(condition)) == (condition.operator == "in")
        return self._test(condition, value)

    def _ids(self, test: Test) -> set[str]:
        if test.query is None:
            return set()
        return self._inner.setdefault(id(test), self._run_inner(test.query))

    def _test(self, test: Test, value: Any) -> bool:
        field = test.reach.field
        match test.operator:
            case "in":
                return any(self._compare(field, "=", value, one) for one in test.values)
            case "not in":
                return not any(self._compare(field, "=", value, one) for one in test.values)
            case "includes" | "excludes":
                chosen = set((value or "").split(";")) - {""}
                found = any(set(str(one.value).split(";")) <= chosen for one in test.values)
                return found == (test.operator == "includes")
            case _:
                return self._compare(field, test.operator, value, test.values[0])

    def _compare(self, field: FieldDef, operator: str, value: Any, literal: Literal_) -> bool:
        if operator == "like":
            return value is not None and _like(str(literal.value)).fullmatch(str(value)) is not None
        if literal.kind == "null" or literal.value == "":
            return (value is None or value == "") == (operator == "=") and operator in {"=", "!="}
        if literal.kind in {"date", "datetime", "date_word"}:
            return self._compare_time(field, operator, value, literal)
        wanted = literal.value
        if isinstance(wanted, str):
            if field.type in {"id", "reference"}:
                wanted = to_18(wanted)
            elif not field.case_sensitive:
                wanted, value = wanted.lower(), value.lower() if isinstance(value, str) else value
        return _ordered(operator, value, wanted, wanted)

    def _compare_time(self, field: FieldDef, operator: str, value: Any, literal: Literal_) -> bool:
        if literal.kind == "datetime":
            moment = stamp_text(datetime.fromisoformat(re.sub(r"([+-]\d{2})(\d{2})$", r"\1:\2", str(literal.value))))
            return _ordered(operator, value, moment, moment)
        if literal.kind == "date":
            return _ordered(operator, value, literal.value, literal.value)
        first, after = span(str(literal.value), self._today)
        last = after - timedelta(1)
        if field.type == "datetime":
            return _ordered(operator, value, _midnight(first), stamp_text(_instant(after) - timedelta(milliseconds=1)))
        return _ordered(operator, value, first.isoformat(), last.isoformat())


def _instant(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _midnight(day: date) -> str:
    return stamp_text(_instant(day))


def _ordered(operator: str, value: Any, low: Any, high: Any) -> bool:
    """Compare with a span; a single value is a span of one. Only != holds for a blank."""
    if value is None:
        return operator == "!="
    inside = low <= value <= high
    holds = {
        "=": inside,
        "!=": not inside,
        "<": value < low,
        "<=": value <= high,
        ">": value > high,
        ">=": value >= low,
    }
    return bool(holds[operator])


def _like(pattern: str) -> re.Pattern[str]:
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    return re.compile("".join(wild.get(part) or re.escape(unescape(part)) for part in parts), re.IGNORECASE | re.DOTALL)
