"""A query whose names were found in the schema, ready to run."""

from dataclasses import dataclass

from sandbox.salesforce.schema import ObjectDef
from sandbox.salesforce.schema_notation import FieldDef
from sandbox.salesforce.soql.tree import Literal_

__all__ = [
    "Bound", "BoundChain", "BoundChild", "BoundColumn", "BoundCondition", "BoundNot", "BoundOrder", "Reach", "Test",
]  # fmt: skip


@dataclass(frozen=True)
class Reach:
    """A field and the references to follow to get to it."""

    steps: tuple[FieldDef, ...]
    field: FieldDef


@dataclass(frozen=True)
class Test:
    """One bound condition on one field; `query` is set for a semi-join."""

    reach: Reach
    operator: str
    values: tuple[Literal_, ...]
    query: "Bound | None" = None


@dataclass(frozen=True)
class BoundNot:
    """The opposite of a bound condition."""

    inner: "BoundCondition"


@dataclass(frozen=True)
class BoundChain:
    """Bound conditions joined by one word."""

    word: str
    parts: tuple["BoundCondition", ...]


BoundCondition = Test | BoundNot | BoundChain


@dataclass(frozen=True)
class BoundColumn:
    """A selected field, or an aggregate over one."""

    reach: Reach | None
    function: str | None = None
    alias: str | None = None


@dataclass(frozen=True)
class BoundChild:
    """The child records of each row, under the relationship's name."""

    relationship: str
    link: str
    query: "Bound"


@dataclass(frozen=True)
class BoundOrder:
    """One sort key."""

    column: BoundColumn
    descending: bool
    nulls_last: bool


@dataclass(frozen=True)
class Bound:
    """A query that can be run."""

    target: ObjectDef
    columns: tuple[BoundColumn | BoundChild, ...]
    where: BoundCondition | None
    group: tuple[Reach, ...]
    order: tuple[BoundOrder, ...]
    limit: int | None
    offset: int

    @property
    def counts_only(self) -> bool:
        """Tell whether this is SELECT COUNT(), which answers no rows."""
        column = self.columns[0]
        return isinstance(column, BoundColumn) and column.function == "count" and column.reach is None

    @property
    def aggregates(self) -> bool:
        """Tell whether the rows are groups and not records."""
        return bool(self.group) or any(isinstance(one, BoundColumn) and one.function for one in self.columns)
