from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

__all__ = [
    "METADATA",
    "AgreedRow",
    "AnswerRow",
    "AuditRow",
    "BillingTotalsRow",
    "BindingRow",
    "ChainHeadRow",
    "DealBindingRow",
    "DecisionRow",
    "DeskRow",
    "EngagementTable",
    "InboxTable",
    "MatchUndoRow",
    "OperationTable",
    "PlainText",
    "PlanRow",
    "ShownInvoiceRow",
    "SignatureRow",
    "TermsRow",
    "UtcInstant",
    "WatermarkRow",
    "plain",
    "table_of",
]

METADATA = MetaData()
"""The store's own tables and nothing else, whatever other code in the process declares."""

_BIG = BigInteger().with_variant(Integer, "sqlite")


def plain(text: str) -> str:
    """The text as both databases can hold it: PostgreSQL has no NUL, so a hostile one becomes a replacement mark."""
    return text.replace("\x00", "\ufffd")


class PlainText(TypeDecorator[str]):
    """Text from outside. One NUL in a decision or an event must not stop the store for good."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Any) -> str | None:
        """As both databases can hold it."""
        return None if value is None else plain(value)


class UtcInstant(TypeDecorator[datetime]):
    """Aware UTC in and out on every database; a naive one is our bug and refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Any) -> datetime | None:
        """To UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("An instant without time zone cannot be stored.")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Any) -> datetime | None:
        """SQLite forgets the zone; it is always UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _at(*, nullable: bool = False) -> Any:
    return Field(default=None, sa_type=UtcInstant, nullable=nullable)


def _text(**options: Any) -> Any:
    return Field(sa_type=PlainText, **options)


class _Record(SQLModel):
    """Base of every table of the store."""

    metadata = METADATA


def table_of(record: type[_Record]) -> Table:
    """The table behind a record class."""
    return cast("Table", record.__table__)  # type: ignore[attr-defined]


class OperationTable(_Record, table=True):
    """One external write, by business intent. Kept for ever."""

    __tablename__ = "operation"
    key: str = _text(primary_key=True)
    payload_hash: str = _text()
    state: str = _text()
    engagement: str = _text(index=True)
    step: str = _text()
    plan: str = _text()
    guard: str = _text()
    connection: str = _text()
    attempts: int = Field(default=1)
    effect: str | None = _text(default=None, nullable=True)
    intended_at: datetime = _at()
    settled_at: datetime | None = _at(nullable=True)


class BindingRow(_Record, table=True):
    """Our key and one outside record that stands for it."""

    __tablename__ = "binding"
    __table_args__ = (UniqueConstraint("connection", "kind", "record_id", "engagement", "step"),)
    id: int | None = Field(default=None, primary_key=True)
    operation_key: str = _text(unique=True)
    engagement: str = _text(index=True)
    step: str = _text()
    connection: str = _text()
    kind: str = _text()
    record_id: str = _text(index=True)
    number: str = _text(default="")
    bound_at: datetime = _at()


class PlanRow(_Record, table=True):
    """A plan as it was made."""

    __tablename__ = "plan"
    digest: str = _text(primary_key=True)
    engagement: str = _text(index=True)
    document: str = _text()
    made_at: datetime = _at()


class TermsRow(_Record, table=True):
    """Signed terms as they were read from the CRM."""

    __tablename__ = "terms"
    reference: str = _text(primary_key=True)
    engagement: str = _text(index=True)
    document: str = _text()
    read_at: datetime = _at()


class EngagementTable(_Record, table=True):
    """Where a contract stands."""

    __tablename__ = "engagement"
    engagement: str = _text(primary_key=True)
    firm: str = _text(index=True)
    document: str = _text()
    stage: str = _text()
    updated_at: datetime = _at()


class DeskRow(_Record, table=True):
    """A blocker or a plan that waits for somebody."""

    __tablename__ = "desk"
    item: str = _text(primary_key=True)
    kind: str = _text()
    engagement: str = _text(index=True)
    firm: str = _text()
    workflow_id: str = _text()
    document: str = _text()
    owner: str = _text()
    escalated_to: str | None = _text(default=None, nullable=True)
    is_open: bool = Field(default=True, index=True)
    raised_at: datetime = _at()
    due_at: datetime = _at()
    closed_at: datetime | None = _at(nullable=True)


class DecisionRow(_Record, table=True):
    """Every decision that arrived, accepted or refused."""

    __tablename__ = "decision"
    decision: str = _text(primary_key=True)
    content_hash: str = _text()
    engagement: str = _text(index=True)
    answer: str = _text()
    channel: str = _text()
    run: str = _text()
    recorded_at: datetime = _at()


class SignatureRow(_Record, table=True):
    """An accepted approval: one person per slot, one slot per person."""

    __tablename__ = "signature"
    __table_args__ = (UniqueConstraint("plan", "slot"), UniqueConstraint("plan", "person"))
    id: int | None = Field(default=None, primary_key=True)
    plan: str = _text(index=True)
    slot: str = _text()
    person: str = _text()
    decided_at: datetime = _at()


class AnswerRow(_Record, table=True):
    """What a person answered to a blocker."""

    __tablename__ = "answer"
    id: int | None = Field(default=None, primary_key=True)
    engagement: str = _text(index=True)
    field: str = _text()
    value: str = _text()
    person: str = _text()
    decided_at: datetime = _at()


class InboxTable(_Record, table=True):
    """An accepted event; the event id is remembered for ever."""

    __tablename__ = "inbox"
    __table_args__ = (UniqueConstraint("connection", "event_id"),)
    row: int | None = Field(default=None, primary_key=True)
    connection: str = _text()
    event_id: str = _text()
    document: str = _text()
    raw: bytes = Field(sa_type=LargeBinary)
    traceparent: str | None = _text(default=None, nullable=True)
    waits: bool = Field(default=True, index=True)
    attempts: int = Field(default=0)
    outcome: str = _text(default="")
    received_at: datetime = _at()
    handed_on_at: datetime | None = _at(nullable=True)


class DealBindingRow(_Record, table=True):
    """Which deal sold which contract."""

    __tablename__ = "deal_binding"
    __table_args__ = (
        UniqueConstraint("firm", "connection", "contract"),
        Index("ux_deal_binding_contract", "firm", "contract", unique=True),
    )
    id: int | None = Field(default=None, primary_key=True)
    firm: str = _text()
    connection: str = _text()
    contract: str = _text()
    deal: str = _text(index=True)
    bound_at: datetime = _at()


class AuditRow(_Record, table=True):
    """One link of the chain. The database refuses to change or delete it."""

    __tablename__ = "audit"
    seq: int = Field(primary_key=True, sa_type=_BIG)
    at: datetime = _at()
    kind: str = _text()
    engagement: str = _text(index=True)
    subject: str = _text()
    facts: str = _text()
    previous_hash: str = _text()
    hash: str = _text()


class ChainHeadRow(_Record, table=True):
    """The newest link; it serialises appends and shows a cut-off end."""

    __tablename__ = "chain_head"
    id: int = Field(primary_key=True)
    seq: int = Field(sa_type=_BIG)
    hash: str = _text()


class AgreedRow(_Record, table=True):
    """What an account and its customer last agreed on."""

    __tablename__ = "agreed"
    __table_args__ = (UniqueConstraint("firm", "connection", "account"),)
    id: int | None = Field(default=None, primary_key=True)
    firm: str = _text()
    connection: str = _text()
    account: str = _text()
    revision: int = Field(default=0)
    document: str = _text()
    updated_at: datetime = _at()


class MatchUndoRow(_Record, table=True):
    """A wish to undo a match, and what became of it."""

    __tablename__ = "match_undo"
    undo: str = _text(primary_key=True)
    firm: str = _text()
    connection: str = _text()
    account: str = _text(index=True)
    erp: str = _text()
    customer: str = _text(index=True)
    number: str = _text(default="")
    state: str = _text()
    document: str = _text()
    asked_at: datetime = _at()


class ShownInvoiceRow(_Record, table=True):
    """One invoice or credit note of an ERP as it was last read, and what of it the CRM shows."""

    __tablename__ = "shown_invoice"
    connection: str = _text(primary_key=True)
    record_id: str = _text(primary_key=True)
    firm: str = _text()
    contract: str = _text(index=True)
    customer: str = _text(index=True)
    deal: str = _text(default="")
    document: str = _text()
    shown: str = _text(default="")
    intended: str = _text(default="")
    trouble: str = _text(default="")
    due_on: str = _text(default="", index=True)
    """ISO date while something is open; empty: it can never become overdue."""
    is_overdue: bool = Field(default=False)
    updated_at: datetime = _at()


class BillingTotalsRow(_Record, table=True):
    """Sums of one contract or one customer, and whether they changed since the CRM shows them."""

    __tablename__ = "billing_totals"
    firm: str = _text(primary_key=True)
    kind: str = _text(primary_key=True)
    subject: str = _text(primary_key=True)
    deal: str = _text(default="")
    is_dirty: bool = Field(default=True, index=True)
    turn: int = Field(default=1)
    shown: str = _text(default="")
    trouble: str = _text(default="")
    updated_at: datetime = _at()


class WatermarkRow(_Record, table=True):
    """How far a sweep has come."""

    __tablename__ = "watermark"
    name: str = _text(primary_key=True)
    value: str = _text()
    updated_at: datetime = _at()
