"""SuiteQL for what changed in receivables and projects, by change time and id: rows shift, so offsets lose some."""

# ruff: noqa: S608 - only names from checked configuration stand in the texts; every value is bound

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.netsuite.config import NetSuiteConfig
from connectors.netsuite.queries import Query

__all__ = [
    "CLOCK",
    "INSTANT",
    "Span",
    "changed_documents",
    "deleted_documents",
    "documents",
    "moved_contracts",
    "progress",
    "settled_by",
]

INSTANT = "%Y-%m-%d %H:%M:%S"
_MASK = "'YYYY-MM-DD HH24:MI:SS'"
_DAY = "'YYYY-MM-DD'"
_AT = f"TO_TIMESTAMP(?, {_MASK})"
CLOCK = Query(f"SELECT TO_CHAR(SYSDATE, {_MASK}) AS now_ FROM dual")


@dataclass(frozen=True)
class Span:
    """A time in the account's own zone, as SuiteQL compares it; without start: from the beginning."""

    start: str
    end: str

    def where(self, column: str) -> str:
        """The condition on that column."""
        return f"{column} >= {_AT} AND {column} <= {_AT}" if self.start else f"{column} <= {_AT}"

    @property
    def params(self) -> tuple[str, ...]:
        """What is bound to it."""
        return (self.start, self.end) if self.start else (self.end,)


def changed_documents(span: Span, after: tuple[str, str] | None, limit: int, config: NetSuiteConfig) -> Query:
    """The next documents behind (change time, id)."""
    where, params = span.where("t.lastmodifieddate"), span.params
    if after is not None:
        where += f" AND (t.lastmodifieddate > {_AT} OR (t.lastmodifieddate = {_AT} AND t.id > ?))"
        params += (after[0], after[0], after[1])
    order = f"ORDER BY t.lastmodifieddate, t.id FETCH FIRST {int(limit)} ROWS ONLY"
    return Query(f"{_heads(config)} AND {where} {order}", params)


def documents(ids: Sequence[str], config: NetSuiteConfig) -> Query:
    """These documents as they are."""
    return Query(f"{_heads(config)} AND t.id IN ({_marks(ids)}) ORDER BY t.id", tuple(ids))


def _heads(config: NetSuiteConfig) -> str:
    c = config.custom
    columns = {
        "id": "TO_CHAR(t.id)", "type": "t.type", "number_": "t.tranid", "status": "t.status",
        "changed": f"TO_CHAR(t.lastmodifieddate, {_MASK})", "total": "TO_CHAR(t.foreigntotal)",
        "unpaid": "TO_CHAR(t.foreignamountunpaid)", "currency": "TO_CHAR(t.currency)",
        "issued": f"TO_CHAR(t.trandate, {_DAY})", "due": f"TO_CHAR(t.duedate, {_DAY})",
        "contract": f"t.{c.contract_number}", "po": "t.otherrefnum",
        # A project can be the buyer on an invoice; the customer stands above it.
        "customer": "TO_CHAR(COALESCE(j.parent, t.entity))",
    }  # fmt: skip
    if c.invoice_hold_reason:
        columns["hold"] = f"BUILTIN.DF(t.{c.invoice_hold_reason})"
    for name, field in (
        ("hold_text", c.invoice_hold_text), ("hold_since", c.invoice_hold_since), ("disputed", c.invoice_disputed),
        ("hold_missing", c.invoice_hold_missing), ("rejected", c.invoice_rejected),
        ("replaced_by", c.invoice_replaced_by),
    ):  # fmt: skip
        if field:
            columns[name] = f"t.{field}"
    shown = ", ".join(f"{text} AS {name}" for name, text in columns.items())
    return (
        f"SELECT {shown} FROM transaction t LEFT JOIN job j ON j.id = t.entity"
        " WHERE t.type IN ('CustInvc', 'CustCred')"
    )


def settled_by(ids: Sequence[str], config: NetSuiteConfig) -> Query:
    """What was applied to these documents, which schedule rows they bill, and what credit notes take back."""
    c = config.custom
    kind = f"n.{c.credit_kind}" if c.credit_kind else "NULL"
    row = f"l.{c.line_schedule_row}" if c.line_schedule_row else "NULL"
    text = (
        "SELECT 'link' AS source, TO_CHAR(k.previousdoc) AS doc, n.type AS type, n.status AS status,"
        f" n.tranid AS number_, TO_CHAR(ABS(k.foreignamount)) AS amount, TO_CHAR(n.trandate, {_DAY}) AS day,"
        f" {kind} AS kind FROM previoustransactionlink k JOIN transaction n ON n.id = k.nextdoc"
        f" WHERE k.linktype = 'Payment' AND k.previousdoc IN ({_marks(ids)})"
        f" UNION ALL SELECT 'row', TO_CHAR(l.transaction), NULL, NULL, {row}, NULL, NULL, NULL FROM transactionline l"
        f" WHERE l.mainline = 'F' AND l.taxline = 'F' AND l.transaction IN ({_marks(ids)})"
        " UNION ALL SELECT 'origin', TO_CHAR(l.transaction), NULL, NULL, o.tranid, NULL, NULL, NULL"
        " FROM transactionline l JOIN transaction o ON o.id = l.createdfrom"
        f" WHERE l.mainline = 'T' AND o.type = 'CustInvc' AND l.transaction IN ({_marks(ids)}) ORDER BY 2, 1, 5"
    )
    return Query(text, tuple(ids) * 3)


def deleted_documents(span: Span, config: NetSuiteConfig) -> Query:
    """Invoices and credit memos that were deleted in that time."""
    text = (
        f"SELECT TO_CHAR(d.recordid) AS id FROM {config.deleted_table} d"
        f" WHERE LOWER(d.recordtypeid) IN ('invoice', 'creditmemo') AND {span.where('d.deleteddate')} ORDER BY 1"
    )
    return Query(text, span.params)


def moved_contracts(span: Span, config: NetSuiteConfig) -> Query:
    """Contracts whose project or order was saved in that time. Schedules have no change time that SuiteQL shows."""
    c = config.custom
    text = (
        f"SELECT j.{c.project_contract_number} AS contract FROM job j"
        f" WHERE j.{c.project_contract_number} IS NOT NULL AND {span.where('j.lastmodifieddate')}"
        f" UNION SELECT t.{c.contract_number} FROM transaction t"
        f" WHERE t.type = 'SalesOrd' AND t.{c.contract_number} IS NOT NULL AND {span.where('t.lastmodifieddate')}"
        " ORDER BY 1"
    )
    return Query(text, span.params * 2)


def progress(contracts: Sequence[str], config: NetSuiteConfig) -> Query:
    """Project status and open milestones of these contracts."""
    c, marks = config.custom, _marks(contracts)
    text = (
        f"SELECT 'project' AS source, j.{c.project_contract_number} AS contract,"
        " BUILTIN.DF(j.entitystatus) AS status, NULL AS code, NULL AS day, NULL AS amount,"
        f" TO_CHAR(j.currency) AS currency FROM job j WHERE j.{c.project_contract_number} IN ({marks})"
    )
    params = tuple(contracts)
    if config.milestone_table:
        text += (
            f" UNION SELECT 'row', t.{c.contract_number}, NULL, m.comments, TO_CHAR(m.milestonedate, {_DAY}),"
            " TO_CHAR(m.milestoneamount), TO_CHAR(t.currency) FROM transaction t"
            " JOIN transactionline l ON l.transaction = t.id"
            f" JOIN {config.milestone_table} m ON m.billingschedule = l.billingschedule"
            " WHERE t.type = 'SalesOrd' AND l.mainline = 'F' AND m.milestonecompleted = 'F'"
            f" AND t.{c.contract_number} IN ({marks})"
        )
        params *= 2
    return Query(f"{text} ORDER BY 2, 1, 5", params)


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" for _ in values)
