"""The `q` parameter of collections: `field OPERATOR value` with AND, OR and parentheses."""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox.kit import Record
from sandbox.netsuite.errors import Detail, NsError
from sandbox.netsuite.schema import Field, RecordType

__all__ = ["DATE_FORMATS", "Filter"]

DATE_FORMATS = {"M/D/YYYY": "%m/%d/%Y", "D/M/YYYY": "%d/%m/%Y", "YYYY-MM-DD": "%Y-%m-%d", "DD.MM.YYYY": "%d.%m.%Y"}
_TOKEN = re.compile(r"""\s*(\(|\)|\[[^\]]*\]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s()\[\]]+)""")
_DATE_OPERATORS = {"AFTER", "BEFORE", "ON", "ON_OR_AFTER", "ON_OR_BEFORE"}
Test = Callable[[Record], bool]


class Filter:
    """One parsed `q`, which tells of a record whether it is wanted."""

    def __init__(self, kind: RecordType, text: str, date_format: str) -> None:
        """Parse; raises NsError INVALID_PARAMETER on anything the vendor would not understand."""
        self._kind = kind
        self._format = date_format
        self._tokens = _TOKEN.findall(text)
        self._at = 0
        self._test = self._any_of()
        if self._at < len(self._tokens):
            raise _invalid(f"Unexpected '{self._tokens[self._at]}'.")

    def wants(self, record_id: str, record: Record) -> bool:
        """Tell whether a record matches."""
        return self._test({**record, "id": record_id})

    def _any_of(self) -> Test:
        tests = [self._all_of()]
        while self._accept("OR"):
            tests.append(self._all_of())
        return lambda record: any(test(record) for test in tests)

    def _all_of(self) -> Test:
        tests = [self._one()]
        while self._accept("AND"):
            tests.append(self._one())
        return lambda record: all(test(record) for test in tests)

    def _one(self) -> Test:
        if self._accept("("):
            inner = self._any_of()
            if not self._accept(")"):
                raise _invalid("A closing parenthesis is missing.")
            return inner
        name, operator = self._next("a field"), self._next("an operator").upper()
        spec = self._kind.fields.get(name)
        if spec is None:
            raise NsError(400, Detail(f"Search error occurred: Field '{name}' was not found.", "INVALID_PARAMETER"))
        if operator in {"EMPTY", "EMPTY_NOT"}:
            return lambda record: (_plain(record.get(name)) is None) == (operator == "EMPTY")
        return self._comparison(spec, operator, self._next("a value"))

    def _comparison(self, spec: Field, operator: str, literal: str) -> Test:
        negated = operator.endswith("_NOT") or operator == "IS_NOT"
        base = operator.removesuffix("_NOT") if operator != "IS_NOT" else "IS"
        values = [_unquoted(one) for one in literal.strip("[]").split(",")]
        if base in _DATE_OPERATORS:
            compare = self._dates(base, values[0])
        elif base in _OPERATORS:
            compare = _OPERATORS[base](values)
        else:
            raise _invalid(f"The operator {operator} is not known for the field {spec.name}.")

        def test(record: Record) -> bool:
            value = _plain(record.get(spec.name))
            return (value is not None and compare(value) != negated) or (value is None and negated)

        return test

    def _dates(self, operator: str, literal: str) -> Callable[[str], bool]:
        try:
            wanted = datetime.strptime(literal, DATE_FORMATS[self._format]).date()  # noqa: DTZ007 - a bare date
        except ValueError:
            raise _invalid(f'Parse of date/time "{literal}" failed with date format "{self._format}"') from None
        tests: dict[str, Callable[[date], bool]] = {
            "AFTER": lambda day: day > wanted, "BEFORE": lambda day: day < wanted, "ON": lambda day: day == wanted,
            "ON_OR_AFTER": lambda day: day >= wanted, "ON_OR_BEFORE": lambda day: day <= wanted,
        }  # fmt: skip
        return lambda value: tests[operator](date.fromisoformat(value[:10]))

    def _accept(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at].upper() == word:
            self._at += 1
            return True
        return False

    def _next(self, expected: str) -> str:
        if self._at >= len(self._tokens):
            raise _invalid(f"Expected {expected}.")
        self._at += 1
        return str(self._tokens[self._at - 1])


def _invalid(text: str) -> NsError:
    return NsError(400, Detail(f"Search error occurred: {text}", "INVALID_PARAMETER", query="q"))


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1].replace('\\"', '"') if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _plain(value: Any) -> str | None:
    if isinstance(value, dict):
        return str(value["id"]) if "id" in value else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError:
        raise _invalid(f"'{text}' is not a number.") from None


_OPERATORS: dict[str, Callable[[list[str]], Callable[[str], bool]]] = {
    "IS": lambda want: lambda have: have.lower() == want[0].lower(),
    "START_WITH": lambda want: lambda have: have.lower().startswith(want[0].lower()),
    "CONTAIN": lambda want: lambda have: want[0].lower() in have.lower(),
    "ENDWITH": lambda want: lambda have: have.lower().endswith(want[0].lower()),
    "EQUAL": lambda want: lambda have: _number(have) == _number(want[0]),
    "GREATER": lambda want: lambda have: _number(have) > _number(want[0]),
    "GREATER_OR_EQUAL": lambda want: lambda have: _number(have) >= _number(want[0]),
    "LESS": lambda want: lambda have: _number(have) < _number(want[0]),
    "LESS_OR_EQUAL": lambda want: lambda have: _number(have) <= _number(want[0]),
    "ANY_OF": lambda want: lambda have: have in want,
    "BETWEEN": lambda want: lambda have: _number(want[0]) <= _number(have) <= _number(want[-1]),
}
