"""SuiteQL: read as the vendor's Oracle-like dialect, run on the tables of the read model."""

import sqlite3
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp

from sandbox.netsuite.errors import Detail, NsError
from sandbox.netsuite.read_model import DATE_COLUMNS, ReadModel

__all__ = ["SuiteQl"]

Row = dict[str, str]


@dataclass(frozen=True)
class _Plan:
    sql: str
    columns: list[str]


class SuiteQl:
    """Answers queries; every value leaves as a string, nulls are missing, keys are lower case."""

    def __init__(self, model: ReadModel) -> None:
        """Query this read model."""
        self._model = model
        self._plans: dict[str, _Plan] = {}

    def run(self, query: str, params: list[Any]) -> list[Row]:
        """Return all rows; raises NsError 400 in the vendor's words when it cannot read the query."""
        plan = self._plans.get(query) or self._planned(query)
        self._plans[query] = plan
        self._model.refresh()
        bound = [str(one) if not isinstance(one, (str, int, type(None))) else one for one in params]
        try:
            rows = self._model.db.execute(plan.sql, bound).fetchall()
        except sqlite3.ProgrammingError:
            raise _invalid("The number of query parameters does not match the placeholders.") from None
        except sqlite3.OperationalError as error:
            raise _invalid(_in_vendor_words(str(error))) from None
        return [
            {name: _text(value) for name, value in zip(plan.columns, row, strict=True) if value is not None}
            for row in rows
        ]

    def _planned(self, query: str) -> _Plan:
        try:
            statements = sqlglot.parse(query, read="oracle")
        except sqlglot.errors.SqlglotError:
            raise _invalid("Invalid or unsupported search.") from None
        tree = statements[0] if len(statements) == 1 else None
        if not isinstance(tree, exp.Query):
            raise _invalid("Only a single SELECT statement is supported.")
        if any(isinstance(one.args.get("limit"), exp.Limit) for one in tree.find_all(exp.Query)):
            raise _invalid("Invalid or unsupported search. LIMIT is not known; use FETCH FIRST n ROWS ONLY.")
        _replace_rownum(tree)
        columns = self._expand_star(tree)
        _qualify_status(tree)
        _translate(tree)
        if isinstance(tree, exp.Select):
            _show_dates(tree)
        return _Plan(tree.sql(dialect="sqlite"), columns)

    def _expand_star(self, tree: exp.Query) -> list[str]:
        select = tree.selects
        names: list[str] = []
        for number, one in enumerate(select, start=1):
            if isinstance(one, exp.Star) or (isinstance(one, exp.Column) and isinstance(one.this, exp.Star)):
                return self._all_columns(tree)
            named = isinstance(one, (exp.Alias, exp.Column))
            names.append(one.alias_or_name.lower() if named else f"expr{number}")
        return names

    def _all_columns(self, tree: exp.Query) -> list[str]:
        source = tree.args.get("from_") or tree.args.get("from")
        table = source.this.name.lower() if source is not None and isinstance(tree, exp.Select) else ""
        columns = list(self._model.columns.get(_renamed(table), {}))
        if not columns or not isinstance(tree, exp.Select) or len(tree.selects) > 1 or tree.args.get("joins"):
            raise _invalid("SELECT * is supported for one table only.")
        tree.set("expressions", [exp.column(name) for name in columns])
        return columns


def _renamed(name: str) -> str:
    # `transaction` is a reserved word where the query runs.
    return "transaction_" if name.lower() == "transaction" else name.lower()


def _translate(tree: exp.Query) -> None:
    # Innermost first: what is replaced is made of parts that were replaced before.
    for node in reversed(list(tree.walk(bfs=False))):
        new = _translated(node)
        if new is not node:
            node.replace(new)


def _translated(node: exp.Expr) -> exp.Expr:  # noqa: PLR0911 - one line per construct of the dialect
    if isinstance(node, exp.Dot) and node.this.name.upper() == "BUILTIN":
        call = node.expression
        argument = call.expressions[0]
        if call.name.upper() == "DF":
            name = exp.Literal.string(argument.alias_or_name.lower())
            return exp.Anonymous(this="NS_DF", expressions=[name, argument.unalias()])
    if isinstance(node, exp.ToChar) and node.args.get("format"):
        return exp.Anonymous(this="NS_TO_CHAR", expressions=[node.this, node.args["format"]])
    if isinstance(node, (exp.StrToTime, exp.StrToDate, exp.TsOrDsToDate)) and node.args.get("format"):
        return exp.Anonymous(this="NS_TO_TIME", expressions=[node.this, node.args["format"]])
    if isinstance(node, (exp.CurrentTimestamp, exp.CurrentDate)):
        return exp.Anonymous(this="NS_NOW", expressions=[])
    if isinstance(node, (exp.Add, exp.Sub)) and _is_date(node.this):
        days = exp.Neg(this=exp.paren(node.expression)) if isinstance(node, exp.Sub) else node.expression
        return exp.Anonymous(this="NS_SHIFT", expressions=[node.this, days])
    if isinstance(node, exp.Identifier) and node.name.lower() == "transaction":
        return exp.to_identifier("transaction_")
    if isinstance(node, exp.Table) and node.name.lower() == "dual":
        return exp.select("1 AS dummy").subquery("dual")
    return node


def _is_date(node: exp.Expr) -> bool:
    named = isinstance(node, exp.Column) and node.name.lower() in DATE_COLUMNS
    return named or (isinstance(node, exp.Anonymous) and node.name in {"NS_NOW", "NS_TO_TIME", "NS_SHIFT"})


def _qualify_status(tree: exp.Query) -> None:
    # What a status letter means depends on the transaction's type, so the display function gets both.
    if not any(table.name.lower() == "transaction" for table in tree.find_all(exp.Table)):
        return
    for call in [node for node in tree.find_all(exp.Anonymous) if node.name.upper() == "DF"]:
        column = call.expressions[0]
        if column.name.lower() == "status":
            kind = exp.column("type", table=column.args.get("table"))
            both = exp.DPipe(this=exp.DPipe(this=kind, expression=exp.Literal.string(":")), expression=column.copy())
            call.set("expressions", [exp.alias_(both, "status")])


def _show_dates(tree: exp.Select) -> None:
    shown: list[exp.Expr] = []
    for one in tree.selects:
        inner = one.this if isinstance(one, exp.Alias) else one
        if isinstance(inner, exp.Column) and inner.name.lower() in DATE_COLUMNS:
            shown.append(exp.alias_(exp.Anonymous(this="NS_DATE", expressions=[inner.copy()]), one.alias_or_name))
        else:
            shown.append(one)
    tree.set("expressions", shown)


def _replace_rownum(tree: exp.Query) -> None:
    for select in list(tree.find_all(exp.Select)):
        where = select.args.get("where")
        if where is None:
            continue
        kept: list[exp.Expr] = []
        for part in where.this.flatten() if isinstance(where.this, exp.And) else [where.this]:
            if isinstance(part, (exp.LTE, exp.LT)) and part.this.name.upper() == "ROWNUM":
                most = int(part.expression.name) - (1 if isinstance(part, exp.LT) else 0)
                select.limit(most, copy=False)
            else:
                kept.append(part)
        select.set("where", exp.Where(this=exp.and_(*kept)) if kept else None)


def _in_vendor_words(error: str) -> str:
    kind, _, name = error.partition(": ")
    if kind == "no such column":
        return f"Search error occurred: Field '{name.split('.')[-1]}' was not found."
    if kind == "no such table":
        return f"Search error occurred: Record '{name.removesuffix('_')}' was not found."
    return "Search error occurred: Invalid or unsupported search."


def _invalid(text: str) -> NsError:
    detail = f"Invalid search query. Detailed unprocessed description follows. {text}"
    return NsError(400, Detail(detail, "INVALID_PARAMETER", query="q"))


def _text(value: Any) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)
