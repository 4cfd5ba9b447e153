"""Looks the names of a parsed query up in the schema, in any case, and refuses what the vendor refuses."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from sandbox.salesforce.errors import SalesforceError
from sandbox.salesforce.ids import is_id
from sandbox.salesforce.schema import ObjectDef, Schema
from sandbox.salesforce.schema_notation import NUMERIC, FieldDef
from sandbox.salesforce.soql.bound import (
    Bound,
    BoundChain,
    BoundChild,
    BoundColumn,
    BoundCondition,
    BoundNot,
    BoundOrder,
    Reach,
    Test,
)
from sandbox.salesforce.soql.date_words import span
from sandbox.salesforce.soql.parse import malformed
from sandbox.salesforce.soql.tree import (
    AllFields,
    Chain,
    ChildQuery,
    Column,
    Condition,
    InQuery,
    Literal_,
    Membership,
    Not,
    OrderBy,
    Path,
    Query,
)

__all__ = ["bind_condition", "bind_query"]

_MAX_HOPS = 5
_ZONE = re.compile(r"([+-]\d{2})(\d{2})$")
_MAX_OFFSET = 2000
_FIELDS_LIMIT = 200
_WORDS = {"date": {"date", "date_word"}, "datetime": {"datetime", "date_word"}, "boolean": {"boolean"}}
_SHOWN_TYPE = {"datetime": "dateTime", "percent": "double", "currency": "double"}


def bind_query(schema: Schema, query: Query) -> Bound:
    """Bind a top-level query."""
    return _Binder(schema, query.text).top(query)


def bind_condition(schema: Schema, target: ObjectDef, condition: Condition, text: str) -> BoundCondition:
    """Bind a bare condition over one object."""
    return _Binder(schema, text).condition(condition, target, None)


class _Binder:
    """Binds one query text."""

    def __init__(self, schema: Schema, text: str) -> None:
        self._schema = schema
        self._text = text

    def top(self, query: Query) -> Bound:
        name = str(query.source)
        target = self._schema.find(name)
        if target is None:
            hint = _hint("__c", "entity", "custom object")
            raise SalesforceError(
                "INVALID_TYPE", self._at(query.source, f"sObject type '{name}' is not supported. {hint}")
            )
        return self.bound(query, target)

    def bound(self, query: Query, target: ObjectDef, depth: int = 0) -> Bound:
        if query.offset > _MAX_OFFSET:
            raise SalesforceError("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
        columns: list[BoundColumn | BoundChild] = []
        for item in query.select:
            if isinstance(item, ChildQuery):
                columns.append(self._child(item, target, depth))
            elif isinstance(item, AllFields):
                columns.extend(self._all_fields(item, query, target))
            else:
                columns.append(self._column(item, target, query.alias))
        found = Bound(
            target,
            tuple(columns),
            None if query.where is None else self.condition(query.where, target, query.alias),
            tuple(self.reach(path, target, query.alias) for path in query.group),
            tuple(self._sortable(one, target, query.alias) for one in query.order),
            query.limit,
            query.offset,
        )
        self._check_groups(found, query)
        return found

    def reach(self, path: Path, target: ObjectDef, alias: str | None) -> Reach:
        names = path.names
        if len(names) > 1 and (names[0].lower() == (alias or "").lower() or self._names_target(names, target)):
            names = names[1:]
        if len(names) - 1 > _MAX_HOPS:
            raise malformed(self._text, path.at, f"Only {_MAX_HOPS} levels of parent relationships are allowed: {path}")
        steps: list[FieldDef] = []
        here = target
        for name in names[:-1]:
            link = here.parent(name)
            if link is None or (parent := self._schema.find(link.reference_to[0])) is None:
                hint = _hint("__r", "relationship", "custom relationship")
                message = f"Didn't understand relationship '{name}' in field path. {hint}"
                raise SalesforceError("INVALID_FIELD", self._at(path, message))
            steps.append(link)
            here = parent
        field = here.field(names[-1])
        if field is None:
            hint = _hint("__c", "field name", "custom field")
            message = f"No such column '{names[-1]}' on entity '{here.name}'. {hint}"
            raise SalesforceError("INVALID_FIELD", self._at(path, message))
        return Reach(tuple(steps), field)

    def condition(self, node: Condition, target: ObjectDef, alias: str | None) -> BoundCondition:
        if isinstance(node, Chain):
            return BoundChain(node.word, tuple(self.condition(part, target, alias) for part in node.parts))
        if isinstance(node, Not):
            return BoundNot(self.condition(node.inner, target, alias))
        reach = self.reach(node.path, target, alias)
        if not reach.field.filterable:
            raise SalesforceError(
                "INVALID_FIELD", self._at(node.path, f"field '{reach.field.name}' can not be filtered in a query call")
            )
        if isinstance(node, InQuery):
            return Test(reach, "not in" if node.negated else "in", (), self._semi_join(node))
        values: Sequence[Literal_] = node.values if isinstance(node, Membership) else (node.value,)
        for value in values:
            self._check_value(node.path, reach.field, value, node.operator)
        return Test(reach, node.operator, tuple(values))

    def _names_target(self, names: tuple[str, ...], target: ObjectDef) -> bool:
        return names[0].lower() == target.name.lower() and target.parent(names[0]) is None

    def _semi_join(self, node: InQuery) -> Bound:
        inner = self.top(node.query)
        column = inner.columns[0]
        if len(inner.columns) != 1 or not isinstance(column, BoundColumn) or column.reach is None or inner.aggregates:
            raise malformed(self._text, node.path.at, "Semi join sub-selects must select exactly one field")
        if column.reach.field.type not in {"id", "reference"}:
            name = column.reach.field.name
            raise malformed(self._text, node.path.at, f"Inner select field '{name}' must be an ID or a reference field")
        return inner

    def _column(self, item: Column, target: ObjectDef, alias: str | None) -> BoundColumn:
        if item.path is None:
            return BoundColumn(None, item.function)
        reach = self.reach(item.path, target, alias)
        if item.function in {"sum", "avg"} and reach.field.type not in NUMERIC:
            raise malformed(
                self._text, item.path.at, f"field {reach.field.name} does not support aggregate operator SUM"
            )
        return BoundColumn(reach, item.function, item.alias)

    def _all_fields(self, item: AllFields, query: Query, target: ObjectDef) -> list[BoundColumn]:
        if item.group != "standard" and not (query.limit is not None and query.limit <= _FIELDS_LIMIT):
            raise malformed(self._text, 0, "The SOQL FIELDS function must have a LIMIT of at most 200")
        wanted = {"all": (True, False), "standard": (False,), "custom": (True,)}[item.group]
        return [
            BoundColumn(Reach((), field)) for field in target.fields.values() if field.name.endswith("__c") in wanted
        ]

    def _child(self, item: ChildQuery, target: ObjectDef, depth: int) -> BoundChild:
        name = item.query.source.names[-1]
        found = target.children.get(name.lower())
        child = None if found is None else self._schema.find(found[1])
        if found is None or child is None or depth >= _MAX_HOPS - 1:
            hint = _hint("__r", "relationship", "custom relationship")
            message = f"Didn't understand relationship '{name}' in FROM part of query call. {hint}"
            raise SalesforceError("INVALID_TYPE", self._at(item.query.source, message))
        return BoundChild(found[0], found[2], self.bound(item.query, child, depth + 1))

    def _check_groups(self, bound: Bound, query: Query) -> None:
        if bound.counts_only and (len(bound.columns) > 1 or bound.group):
            raise malformed(self._text, 0, "unexpected token: COUNT() must be the only element of the select list")
        if not bound.aggregates or bound.counts_only:
            return
        for column in bound.columns:
            if isinstance(column, BoundChild):
                raise malformed(self._text, 0, "Nested queries are not allowed with aggregates")
            if column.function is None and column.reach not in bound.group:
                name = column.reach.field.name if column.reach else ""
                raise malformed(self._text, query.source.at, f"Field must be grouped or aggregated: {name}")
        aliases = [column.alias.lower() for column in bound.columns if isinstance(column, BoundColumn) and column.alias]
        if len(set(aliases)) < len(aliases):
            raise malformed(self._text, 0, f"duplicate alias: {max(aliases, key=aliases.count)}")

    def _check_value(self, path: Path, field: FieldDef, value: Literal_, operator: str) -> None:
        if value.kind == "null":
            return
        shown = _SHOWN_TYPE.get(field.type, field.type)
        wanted = _WORDS.get(field.type, {"number"} if field.type in NUMERIC else {"text"})
        if value.kind not in wanted:
            quoted = (
                "and should not be enclosed in quotes" if value.kind == "text" else "and should be enclosed in quotes"
            )
            ending = f" {quoted}" if value.kind == "text" or wanted == {"text"} else ""
            shown = "string" if wanted == {"text"} else shown
            message = f"value of filter criterion for field '{field.name}' must be of type {shown}{ending}"
            raise SalesforceError("INVALID_FIELD", self._at(path, message))
        if field.type in {"id", "reference"} and operator != "like" and value.value and not is_id(value.value):
            raise SalesforceError("INVALID_QUERY_FILTER_OPERATOR", self._at(path, f"invalid ID field: {value.value}"))

        if value.kind in {"date", "datetime", "date_word"} and not _is_on_calendar(str(value.value)):
            raise malformed(self._text, path.at, f"Invalid date or time: {value.value}")

    def _sortable(self, order: OrderBy, target: ObjectDef, alias: str | None) -> BoundOrder:
        column = self._column(order.column, target, alias)
        if column.reach is not None and order.column.path is not None and not column.reach.field.filterable:
            message = f"field '{column.reach.field.name}' can not be sorted in a query call"
            raise SalesforceError("INVALID_FIELD", self._at(order.column.path, message))
        return BoundOrder(column, order.descending, order.nulls_last)

    def _at(self, path: Path, message: str) -> str:
        before = self._text[: path.at]
        row, column = before.count("\n") + 1, path.at - (before.rfind("\n") + 1) + 1
        start = max(0, path.at - 30)
        around = re.sub(r"\s", " ", self._text[start : path.at + 30])
        return f"\n{around}\n{' ' * (path.at - start)}^\nERROR at Row:{row}:Column:{column}\n{message}"


def _is_on_calendar(text: str) -> bool:
    try:
        if text[0].isalpha():
            span(text, datetime.now(UTC).date())
        else:
            datetime.fromisoformat(_ZONE.sub(r"\1:\2", text))
    except (ValueError, OverflowError):
        return False
    return True


def _hint(ending: str, what: str, custom: str) -> str:
    return (
        f"If you are attempting to use a {custom}, be sure to append the '{ending}' after the "
        f"{'custom field name' if what == 'field name' else f'{what} name' if what == 'entity' else f'{custom} name'}. "
        "Please reference your WSDL or the describe call for the appropriate names."
    )
