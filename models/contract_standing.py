from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from models.base import Canonical
from models.ids import ContractNumber, LegalEntityCode
from models.money import Money
from models.records import RecordRef
from models.terms import BillingType, MilestoneTrigger
from models.values import SoldValues

__all__ = [
    "AppliedAmendment",
    "ContractStanding",
    "ContractState",
    "CreditRef",
    "InvoiceRef",
    "RowEffect",
    "RowState",
    "StandingLine",
    "StandingRate",
    "StandingRow",
    "WorkItem",
]


class RowState(StrEnum):
    """Life of a schedule row: only planned and ready rows may change. DOM-6.4."""

    PLANNED = "planned"
    READY = "ready"
    """Accepted, may be invoiced: PMO takes it back before it changes."""
    INVOICED = "invoiced"
    SETTLED = "settled"
    CANCELLED = "cancelled"


class ContractState(StrEnum):
    """Whether a contract can be amended."""

    PENDING = "pending"
    """Being set up: an amendment waits for it."""
    ACTIVE = "active"
    CLOSED = "closed"


class StandingLine(Canonical):
    """One line of the contract as it stands in the ERP."""

    code: str
    description: str = ""
    billing_type: BillingType
    amount: Money
    """For time and materials: the estimate."""
    schedule: str = ""
    """Record id of the schedule that bills it; empty when it has none (time and materials)."""
    project: RecordRef | None = None
    start_on: date | None = None
    end_on: date | None = None
    is_option: bool = False
    """Not exercised yet: it counts in the value with options only."""


class StandingRow(Canonical):
    """One row of a billing schedule as it stands in the ERP."""

    code: str
    name: str = ""
    due_on: date
    amount: Money
    state: RowState = RowState.PLANNED
    trigger: MilestoneTrigger = MilestoneTrigger.DATE
    schedule: str = ""
    """Record id of its schedule; empty for a row that opens a schedule of its own."""
    line_code: str = ""
    invoice: str = ""
    """Number of the invoice that billed it."""
    service_from: date | None = None
    service_until: date | None = None

    @property
    def is_unbilled(self) -> bool:
        """Planned or ready: an amendment may change it."""
        return self.state in {RowState.PLANNED, RowState.READY}

    @property
    def is_billed(self) -> bool:
        """Invoiced or settled: history, never rewritten."""
        return self.state in {RowState.INVOICED, RowState.SETTLED}


class CreditRef(Canonical):
    """A credit note against an invoice, net; a proposed one counts from the day it is proposed."""

    number: str
    amount: Money
    is_posted: bool = True
    amendment: str = ""
    """The amendment it was proposed for, if any."""


class InvoiceRef(Canonical):
    """An invoice of this contract, net of tax."""

    number: str
    record: RecordRef | None = None
    issued_on: date
    net: Money
    balance: Money
    """What the customer still owes on it, net of tax; zero when paid."""
    credits: tuple[CreditRef, ...] = ()
    is_draft: bool = False

    @property
    def credited(self) -> Money:
        """Credit notes, posted or proposed."""
        return Money.total((credit.amount for credit in self.credits), self.net.currency)

    @property
    def open_after_proposals(self) -> Money:
        """Balance once the proposed credit notes are posted (posted ones have lowered it already)."""
        waiting = (credit.amount for credit in self.credits if not credit.is_posted)
        return self.balance - Money.total(waiting, self.net.currency)


class StandingRate(Canonical):
    """What an hour costs from a day on, as the ERP has it."""

    role: str
    rate_per_hour: Decimal
    valid_from: date | None = None


class WorkItem(Canonical):
    """Approved time or an expense that this contract bills, at the rate or amount it carries now."""

    code: str
    role: str = ""
    worked_on: date
    hours: Decimal = Decimal(0)
    amount: Money
    invoice: str = ""
    """Number of the invoice that billed it; empty: unbilled."""
    is_expense: bool = False
    is_parked: bool = False
    """Waits over the cap or the funding."""


class RowEffect(Canonical):
    """What an amendment did to one row or line; None: it was not there (before), or is cancelled (after)."""

    code: str
    before: Money | None = None
    after: Money | None = None


class AppliedAmendment(Canonical):
    """An amendment that the contract holds already, and what it did, so that a later one can withdraw it."""

    number: str
    predecessor: str = ""
    terms_digest: str = ""
    """Fingerprint of the signed amendment: the same number with another one is other terms."""
    skipped: bool = False
    """Voided, or replaced before it was applied: a later amendment need not wait for it."""
    withdrew: tuple[str, ...] = Field(default=(), max_length=100)
    """Earlier amendments whose effect it took out; that is not undone when it is replaced itself."""
    value_change: SoldValues = SoldValues()
    """Differences, not totals, without what it withdrew; so are rows and lines."""
    rows: tuple[RowEffect, ...] = Field(default=(), max_length=2000)
    lines: tuple[RowEffect, ...] = Field(default=(), max_length=2000)


class ContractStanding(Canonical):
    """The contract as it stands in the ERP now: what every amendment is compared with. DOM-6."""

    contract_number: ContractNumber
    contract: RecordRef | None = None
    project: RecordRef | None = None
    state: ContractState = ContractState.ACTIVE
    legal_entity: LegalEntityCode = LegalEntityCode("")
    customer_name: str = ""
    currency: str
    start_on: date | None = None
    end_on: date | None = None
    values: SoldValues
    """`exercised` is the binding value; of a contract with a schedule it equals its lines."""
    lines: tuple[StandingLine, ...] = Field(default=(), max_length=2000)
    rows: tuple[StandingRow, ...] = Field(default=(), max_length=2000)
    invoices: tuple[InvoiceRef, ...] = Field(default=(), max_length=2000)
    rates: tuple[StandingRate, ...] = Field(default=(), max_length=2000)
    work: tuple[WorkItem, ...] = Field(default=(), max_length=5000)
    applied: tuple[AppliedAmendment, ...] = Field(default=(), max_length=500)
    """In the order in which they were applied."""
    first_open_day: date | None = None
    """First day of the earliest open accounting period; None: the ERP does not tell, nothing is moved."""
    version: str
    """The ERP's change token, or a fingerprint of everything above: another one means the plan is stale."""

    @property
    def invoiced_net(self) -> Money:
        """Invoices less credit notes, net of tax. DOM-6.4."""
        nets = (invoice.net - invoice.credited for invoice in self.invoices)
        return Money.total(nets, self.currency)

    @property
    def unbilled_rows(self) -> tuple[StandingRow, ...]:
        """Rows that an amendment may change."""
        return tuple(row for row in self.rows if row.is_unbilled)
