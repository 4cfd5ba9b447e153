"""A parsed query, before its names are looked up in the schema."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

__all__ = [
    "AllFields", "Chain", "ChildQuery", "Column", "Comparison", "Condition", "InQuery", "Literal_", "Membership",
    "Not", "OrderBy", "Path", "Query", "SelectItem",
]  # fmt: skip

LiteralKind = Literal["text", "number", "boolean", "null", "date", "datetime", "date_word"]


@dataclass(frozen=True)
class Path:
    """A dotted name and where it starts in the text, for the error message."""

    names: tuple[str, ...]
    at: int

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True)
class Literal_:  # noqa: N801 - typing owns the plain name
    """A value as written; `text` keeps the escapes that LIKE needs."""

    kind: LiteralKind
    value: str | Decimal | bool | None


@dataclass(frozen=True)
class Comparison:
    """One field against one value; `like` is an operator too."""

    path: Path
    operator: str
    value: Literal_


@dataclass(frozen=True)
class Membership:
    """One field against a list; `includes` asks a multi-select pick-list."""

    path: Path
    operator: Literal["in", "not in", "includes", "excludes"]
    values: tuple[Literal_, ...]


@dataclass(frozen=True)
class InQuery:
    """A field whose value another query must return (or must not)."""

    path: Path
    negated: bool
    query: "Query"


@dataclass(frozen=True)
class Not:
    """The opposite of a condition."""

    inner: "Condition"


@dataclass(frozen=True)
class Chain:
    """Conditions joined by one word; the language wants parentheses where both words occur."""

    word: Literal["and", "or"]
    parts: Sequence["Condition"]


Condition = Comparison | Membership | InQuery | Not | Chain


@dataclass(frozen=True)
class Column:
    """A selected or sorted field, or an aggregate over one; `path` is None in COUNT()."""

    path: Path | None
    function: str | None = None
    alias: str | None = None


@dataclass(frozen=True)
class AllFields:
    """FIELDS(ALL), FIELDS(STANDARD) or FIELDS(CUSTOM)."""

    group: str


@dataclass(frozen=True)
class ChildQuery:
    """The child records of each row."""

    query: "Query"


SelectItem = Column | AllFields | ChildQuery


@dataclass(frozen=True)
class OrderBy:
    """One sort key."""

    column: Column
    descending: bool
    nulls_last: bool


@dataclass(frozen=True)
class Query:
    """A whole query, or one in parentheses."""

    select: tuple[SelectItem, ...]
    source: Path
    alias: str | None
    where: Condition | None = None
    group: tuple[Path, ...] = ()
    order: tuple[OrderBy, ...] = ()
    limit: int | None = None
    offset: int = 0
    text: str = field(default="", compare=False)
