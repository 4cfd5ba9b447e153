from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import Field

from models.base import Canonical
from models.ids import ConnectionId, Step
from models.money import Money

__all__ = ["BilledRow", "Effect", "Guard", "Links", "ReadBack", "RecordKind", "RecordRef", "WorkDone"]


class RecordKind(StrEnum):
    """What a record is, in our words."""

    CUSTOMER = "customer"
    CONTACT = "contact"
    PROJECT = "project"
    CONTRACT = "contract"
    BILLING_SCHEDULE = "billing-schedule"
    COST_CENTRE = "cost-centre"
    ACCOUNT = "account"
    DEAL = "deal"
    INVOICE = "invoice"
    CREDIT_NOTE = "credit-note"


class Guard(StrEnum):
    """How a connector makes sure that one write has one effect. DESIGN section 4."""

    PROOF = "proof"
    """The vendor keeps our key unique, or upserts atomically."""
    GUARDED = "guarded"
    """Look up, wait out the vendor's index lag, create, check again in reconciliation."""
    MANUAL = "manual"
    """A person does it; the plan says so."""


class RecordRef(Canonical):
    """One record in one outside system."""

    connection: ConnectionId
    kind: RecordKind
    record_id: str
    number: str = ""
    """What people call it, if it differs from the id."""
    url: str = ""


class Effect(Canonical):
    """What a write did. `created` is False when a record was adopted or already as wanted."""

    ref: RecordRef
    created: bool
    changed: bool = True
    """False when nothing had to be written at all."""


class Links(Canonical):
    """Records that earlier steps of the same plan ensured, by step."""

    refs: dict[Step, RecordRef] = Field(default_factory=dict)

    def of(self, step: Step) -> RecordRef:
        """Record of an earlier step. Raises KeyError when the plan's order is wrong (our bug)."""
        return self.refs[step]


class BilledRow(Canonical):
    """What the ERP will bill, read back: a contract line or a schedule row."""

    source: str
    """`line` or `milestone`."""
    code: str = ""
    amount: Money
    due_on: date | None = None


class ReadBack(Canonical):
    """An engagement as it stands in the ERP after the writes."""

    rows: tuple[BilledRow, ...]
    customer_number: str = ""
    project_number: str = ""
    contract_number: str = ""
    """What people call these in the ERP; its answers to our writes may name their ids only."""
    billing_hold: str = ""
    """Why the ERP bills nothing of it now; empty: it bills."""


class WorkDone(Canonical):
    """Whether an engagement was billed, or time booked to it: from then on no machine may close it (DOM-2.3)."""

    invoices: tuple[str, ...] = Field(default=(), max_length=1000)
    """Numbers of the invoices raised from it, void ones too: they are in the books."""
    time_entries: int = 0

    @property
    def has_begun(self) -> bool:
        """Anything at all."""
        return bool(self.invoices or self.time_entries)
