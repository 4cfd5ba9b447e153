"""Reads the query language with a real grammar; what the vendor calls malformed is refused in its words."""

import re
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Any, cast

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from sandbox.salesforce.errors import SalesforceError
from sandbox.salesforce.soql.tree import (
    AllFields,
    Chain,
    ChildQuery,
    Column,
    Comparison,
    Condition,
    InQuery,
    Literal_,
    Membership,
    Not,
    OrderBy,
    Path,
    Query,
)

__all__ = ["malformed", "parse_condition", "parse_query", "unescape"]

_GRAMMAR = (FilePath(__file__).parent / "grammar.lark").read_text()
_PARSER = Lark(_GRAMMAR, parser="lalr", start=["start", "condition"], maybe_placeholders=True)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_MAX_CHARACTERS = 100_000


def parse_query(text: str) -> Query:
    """Return the query; raises MALFORMED_QUERY with row and column."""
    if len(text) > _MAX_CHARACTERS:
        raise SalesforceError("QUERY_TOO_COMPLICATED", "The query is longer than 100,000 characters.")
    return cast("Query", _parsed(text, "start"))


def parse_condition(text: str) -> Condition:
    """Return a bare condition, as validation rules hold one."""
    return cast("Condition", _parsed(text, "condition"))


def unescape(quoted: str) -> str:
    """Return what a quoted text stands for."""
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), quoted)


def malformed(text: str, at: int, what: str) -> SalesforceError:
    """Return the vendor's answer to a query it cannot read."""
    before = text[:at]
    row, column = before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1
    around = text[max(0, at - 30) : at + 30].replace("\n", " ")
    pointer = " " * (at - max(0, at - 30)) + "^"
    message = f"\n{around}\n{pointer}\nERROR at Row:{row}:Column:{column}\n{what}"
    return SalesforceError("MALFORMED_QUERY", message)


def _parsed(text: str, start: str) -> object:
    try:
        return _Builder(text).transform(_PARSER.parse(text, start=start))
    except UnexpectedInput as error:
        raise malformed(text, _place(text, error), _complaint(text, error)) from error


def _place(text: str, error: UnexpectedInput) -> int:
    return len(text) if _at_end(error) else int(error.pos_in_stream or 0)


def _at_end(error: UnexpectedInput) -> bool:
    return isinstance(error, UnexpectedEOF) or (isinstance(error, UnexpectedToken) and error.token.type == "$END")


def _complaint(text: str, error: UnexpectedInput) -> str:
    if _at_end(error):
        return "unexpected token: '<EOF>'"
    if isinstance(error, UnexpectedToken):
        return f"unexpected token: '{error.token}'"
    if isinstance(error, UnexpectedCharacters):
        word = re.match(r"\w+|.", text[error.pos_in_stream or 0 :], re.DOTALL)
        return f"unexpected token: '{word[0] if word else ''}'"
    return "unexpected token"


class _Builder(Transformer[Token, Any]):
    """Turns the parse tree into the nodes of tree.py."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def start(self, items: list[Any]) -> Query:
        return cast("Query", items[0])

    def path(self, items: list[Any]) -> Path:
        return Path(tuple(str(item) for item in items), items[0].start_pos)

    def source(self, items: list[Any]) -> tuple[Path, str | None]:
        return items[0], str(items[2]) if items[2] is not None else None

    def select_list(self, items: list[Any]) -> tuple[Any, ...]:
        return tuple(items)

    def column(self, items: list[Any]) -> Column:
        return Column(items[0])

    def aliased_column(self, items: list[Any]) -> Column:
        return Column(items[0], alias=str(items[1]))

    def count_all(self, items: list[Any]) -> Column:
        if str(items[0]).upper() != "COUNT":
            raise malformed(self._text, items[0].start_pos, "unexpected token: ')'")
        return Column(None, "count")

    def aggregate(self, items: list[Any]) -> Column:
        return Column(items[1], str(items[0]).lower(), str(items[2]) if items[2] is not None else None)

    def all_fields(self, items: list[Any]) -> AllFields:
        group = str(items[1]).lower()
        if group not in {"all", "standard", "custom"}:
            raise malformed(self._text, items[1].start_pos, f"unexpected token: '{items[1]}'")
        return AllFields(group)

    def child_query(self, items: list[Any]) -> ChildQuery:
        return ChildQuery(items[0])

    def where(self, items: list[Any]) -> Condition:
        return cast("Condition", items[1])

    def all_of(self, items: list[Any]) -> Chain:
        return Chain("and", items[::2])

    def any_of(self, items: list[Any]) -> Chain:
        return Chain("or", items[::2])

    def negated(self, items: list[Any]) -> Not:
        return Not(items[1])

    def comparison(self, items: list[Any]) -> Comparison:
        operator = "!=" if items[1] == "<>" else str(items[1])
        return Comparison(items[0], operator, items[2])

    def like(self, items: list[Any]) -> Comparison:
        return Comparison(items[0], "like", Literal_("text", str(items[2])[1:-1]))

    def one_of(self, items: list[Any]) -> Membership:
        return Membership(items[0], "in", tuple(items[2:]))

    def none_of(self, items: list[Any]) -> Membership:
        return Membership(items[0], "not in", tuple(items[3:]))

    def in_query(self, items: list[Any]) -> InQuery:
        return InQuery(items[0], negated=False, query=items[2])

    def not_in_query(self, items: list[Any]) -> InQuery:
        return InQuery(items[0], negated=True, query=items[3])

    def includes(self, items: list[Any]) -> Membership:
        return Membership(items[0], "includes", tuple(self.text([item]) for item in items[2:]))

    def excludes(self, items: list[Any]) -> Membership:
        return Membership(items[0], "excludes", tuple(self.text([item]) for item in items[2:]))

    def text(self, items: list[Any]) -> Literal_:
        return Literal_("text", unescape(str(items[0])[1:-1]))

    def datetime(self, items: list[Any]) -> Literal_:
        return Literal_("datetime", str(items[0]).upper())

    def date(self, items: list[Any]) -> Literal_:
        return Literal_("date", str(items[0]))

    def number(self, items: list[Any]) -> Literal_:
        return Literal_("number", Decimal(str(items[0])))

    def yes(self, _: list[Any]) -> Literal_:
        return Literal_("boolean", value=True)

    def no(self, _: list[Any]) -> Literal_:
        return Literal_("boolean", value=False)

    def null(self, _: list[Any]) -> Literal_:
        return Literal_("null", None)

    def date_word(self, items: list[Any]) -> Literal_:
        return Literal_("date_word", str(items[0]).upper())

    def group(self, items: list[Any]) -> tuple[Path, ...]:
        return tuple(items[1:])

    def order(self, items: list[Any]) -> tuple[OrderBy, ...]:
        return tuple(items[1:])

    def order_item(self, items: list[Any]) -> OrderBy:
        descending = items[1] is not None and str(items[1]).upper() == "DESC"
        nulls_last = items[2] is not None and str(items[2]).upper().endswith("LAST")
        return OrderBy(items[0], descending, nulls_last)

    def order_key(self, items: list[Any]) -> Column:
        return Column(items[0])

    def order_count(self, _: list[Any]) -> Column:
        return Column(None, "count")

    def order_aggregate(self, items: list[Any]) -> Column:
        return Column(items[1], str(items[0]).lower())

    def limit(self, items: list[Any]) -> int:
        return int(items[1])

    def offset(self, items: list[Any]) -> int:
        return int(items[1])

    def query(self, items: list[Any]) -> Query:
        _, select, _, (source, alias), where, group, order, limit, offset = items
        return Query(select, source, alias, where, group or (), order or (), limit, offset or 0, self._text)
