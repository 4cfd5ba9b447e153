"""The one question that tells how a contract stands: header, lines, schedule rows, invoices and credits."""

# ruff: noqa: S608 - only names from checked configuration stand in the text; every value is bound

from __future__ import annotations

from connectors.netsuite.config import NetSuiteConfig
from connectors.netsuite.queries import Query

__all__ = ["standing"]

_DAY = "'YYYY-MM-DD'"
# One shape for all branches, as a union needs it.
_COLUMNS = (
    "source", "id", "parent", "number_", "code", "name", "amount", "quantity", "billed", "day", "until_day", "flag",
    "status", "currency", "funded", "cap", "with_options", "hold", "item", "cost_centre", "project", "total", "open_",
    "entity", "billing_type",
)  # fmt: skip


def standing(contract: str, config: NetSuiteConfig) -> Query:
    """Everything an amendment is compared with, in one call, of the sales order with that id."""
    branches = (_order(config), _lines(config), _rows(config), _invoices(config), _credits(config), _projects())
    return Query(" UNION ALL ".join(branches) + " ORDER BY 1, 2", (contract,) * len(branches))


def _select(columns: dict[str, str]) -> str:
    return "SELECT " + ", ".join(f"{columns.get(name, 'NULL')} AS {name}" for name in _COLUMNS)


def _order(config: NetSuiteConfig) -> str:
    c = config.custom
    columns = {
        "source": "'order'", "id": "TO_CHAR(t.id)", "number_": "t.tranid", "code": f"t.{c.contract_number}",
        "amount": "TO_CHAR(t.foreigntotal)", "day": f"TO_CHAR(t.startdate, {_DAY})",
        "until_day": f"TO_CHAR(t.enddate, {_DAY})", "status": "t.status", "currency": "TO_CHAR(t.currency)",
        "hold": f"t.{c.contract_billing_hold}", "name": "BUILTIN.DF(t.entity)",
        "entity": "TO_CHAR(t.entity)",
    }  # fmt: skip
    for name, column in (
        ("funded", c.contract_funded), ("cap", c.contract_cap), ("with_options", c.contract_with_options),
    ):  # fmt: skip
        if column:
            columns[name] = f"TO_CHAR(t.{column})"
    if c.contract_amendments:
        columns["item"] = f"t.{c.contract_amendments}"
    return f"{_select(columns)} FROM transaction t WHERE t.type = 'SalesOrd' AND t.id = ?"


def _lines(config: NetSuiteConfig) -> str:
    c = config.custom
    columns = {
        "source": "'line'", "id": "TO_CHAR(l.id)", "parent": "TO_CHAR(l.billingschedule)", "code": f"l.{c.line_code}",
        "name": "l.memo", "amount": "TO_CHAR(ABS(l.foreignamount))", "quantity": "TO_CHAR(ABS(l.quantity))",
        "billed": "TO_CHAR(l.quantitybilled)", "flag": "l.isclosed", "item": "TO_CHAR(l.item)",
        "cost_centre": "TO_CHAR(l.department)", "project": "TO_CHAR(l.job)",
        "entity": "TO_CHAR(l.subsidiary)",
    }  # fmt: skip
    if c.line_billing_type:
        columns["billing_type"] = f"l.{c.line_billing_type}"
    return f"{_select(columns)} FROM transactionline l WHERE l.transaction = ? AND l.mainline = 'F' AND l.taxline = 'F'"


def _rows(config: NetSuiteConfig) -> str:
    columns = {
        "source": "'row'", "id": "TO_CHAR(m.milestoneid)", "parent": "TO_CHAR(m.billingschedule)", "code": "m.comments",
        "amount": "TO_CHAR(m.milestoneamount)", "day": f"TO_CHAR(m.milestonedate, {_DAY})",
        "flag": "m.milestonecompleted",
    }  # fmt: skip
    return (
        f"{_select(columns)} FROM {config.milestone_table} m WHERE m.billingschedule IN"
        " (SELECT l.billingschedule FROM transactionline l WHERE l.transaction = ? AND l.mainline = 'F')"
    )


def _invoices(config: NetSuiteConfig) -> str:
    c = config.custom
    columns = {
        "source": "'invoice'", "id": "TO_CHAR(t.id)", "number_": "t.tranid", "parent": f"l.{c.line_code}",
        "code": f"l.{c.line_schedule_row}" if c.line_schedule_row else "NULL", "name": "l.memo",
        "amount": "TO_CHAR(ABS(l.foreignamount))", "day": f"TO_CHAR(t.trandate, {_DAY})", "status": "t.status",
        "total": "TO_CHAR(t.foreigntotal)", "open_": "TO_CHAR(t.foreignamountunpaid)",
        "currency": "TO_CHAR(t.currency)",
    }  # fmt: skip
    return (
        f"{_select(columns)} FROM transaction t JOIN transactionline l ON l.transaction = t.id"
        " WHERE t.type = 'CustInvc' AND l.mainline = 'F' AND l.taxline = 'F' AND l.createdfrom = ?"
    )


def _credits(config: NetSuiteConfig) -> str:
    columns = {
        "source": "'credit'", "id": "TO_CHAR(t.id)", "parent": "TO_CHAR(l.createdfrom)", "number_": "t.tranid",
        "amount": "TO_CHAR(ABS(l.foreignamount))", "day": f"TO_CHAR(t.trandate, {_DAY})", "status": "t.status",
        "currency": "TO_CHAR(t.currency)", "item": "t.externalid",
    }  # fmt: skip
    del config
    return (
        f"{_select(columns)} FROM transaction t JOIN transactionline l ON l.transaction = t.id"
        " WHERE t.type = 'CustCred' AND l.mainline = 'F' AND l.taxline = 'F' AND l.createdfrom IN"
        " (SELECT o.transaction FROM transactionline o JOIN transaction i ON i.id = o.transaction"
        " WHERE i.type = 'CustInvc' AND o.createdfrom = ?)"
    )


def _projects() -> str:
    columns = {
        "source": "'project'", "id": "TO_CHAR(j.id)", "parent": "TO_CHAR(j.parent)", "number_": "j.entityid",
        "amount": "TO_CHAR(j.jobprice)", "day": f"TO_CHAR(j.startdate, {_DAY})",
        "until_day": f"TO_CHAR(j.projectedenddate, {_DAY})", "flag": "j.allowtime",
    }  # fmt: skip
    return (
        f"{_select(columns)} FROM job j WHERE j.id IN"
        " (SELECT l.job FROM transactionline l WHERE l.transaction = ? AND l.mainline = 'F')"
    )
