from __future__ import annotations

from pydantic import AwareDatetime, Field

from models.base import Canonical, digest_of
from models.ids import ConnectionId, ContractNumber, DealId, ExternalKey, FirmId, external_key
from models.invoice import CurrencyTotals, DocumentKind, Invoice, NextMilestone
from models.roles import Role

__all__ = [
    "AccountCard",
    "CardOutcome",
    "DealCard",
    "EngagementProgress",
    "FeedWindow",
    "FeedbackResult",
    "FeedbackRun",
    "InvoiceCard",
    "InvoicePage",
    "PageCall",
    "PageDone",
    "Tally",
    "TroubleCall",
    "invoice_key",
]


class FeedWindow(Canonical):
    """The time of which changes are read, on the source's own clock; both ends count."""

    since: AwareDatetime | None
    """None: everything there ever was."""
    until: AwareDatetime
    mark: str = Field(default="", max_length=100)
    """What the connector wants to be told again: for example the end in the account's own time."""


class InvoicePage(Canonical):
    """Some changed documents, oldest change first."""

    invoices: tuple[Invoice, ...] = Field(default=(), max_length=1000)
    after: str = Field(default="", max_length=200)
    """Where the next page begins, in the connector's own words."""
    is_last: bool


class EngagementProgress(Canonical):
    """How far the work of a contract is in the ERP."""

    contract_number: ContractNumber
    project_status: str = ""
    open_milestones: tuple[NextMilestone, ...] = Field(default=(), max_length=500)
    """Rights to invoice that are not ticked off in the ERP, earliest first."""


class InvoiceCard(Canonical):
    """What the CRM shows of one invoice or credit note."""

    key: ExternalKey
    number: str
    kind: DocumentKind
    deal_id: DealId | None = None
    customer_id: str = ""
    """The ERP's id of the customer, by which the CRM finds its account."""
    document: str
    settlement: str
    flags: str = ""
    is_overdue: bool = False
    invoice: Invoice
    sentence: str

    @property
    def digest(self) -> str:
        """Fingerprint of what is shown; when the document was read does not count."""
        return digest_of(self.invoice.content, self, without=frozenset({"invoice"}))


class DealCard(Canonical):
    """What the CRM shows on a deal of its billing: sums, next milestone, project, hold. DOM-7.7, 7.8."""

    deal_id: DealId
    contract_number: ContractNumber
    totals: tuple[CurrencyTotals, ...] = Field(default=(), max_length=20)
    next_milestone: NextMilestone | None = None
    project_status: str = ""
    hold: str = ""
    sentence: str = ""


class AccountCard(Canonical):
    """What the CRM shows on an account: sums per currency over all its contracts, and its holds."""

    customer_id: str
    totals: tuple[CurrencyTotals, ...] = Field(default=(), max_length=20)
    hold: str = ""


class CardOutcome(Canonical):
    """What became of one row of a bulk write: the call itself succeeds even when rows fail."""

    key: str
    is_shown: bool
    code: str = ""
    message: str = ""
    may_work_later: bool = False


class Tally(Canonical):
    """What was done, counted."""

    read: int = 0
    shown: int = 0
    """Rows written to the CRM."""
    older: int = 0
    """Late pictures of earlier states, ignored."""
    refused: int = 0
    totals: int = 0
    """Deals and accounts whose sums were written."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            read=self.read + other.read,
            shown=self.shown + other.shown,
            older=self.older + other.older,
            refused=self.refused + other.refused,
            totals=self.totals + other.totals,
        )


class FeedbackRun(Canonical):
    """State of one run of the feedback, carried on when it continues as a new one."""

    firm: FirmId
    connection: ConnectionId
    """The ERP account."""
    look_back_s: int = Field(default=900, ge=0)
    """How far before the last sweep's start this one begins: saves that were committed late lie there."""
    tries_refused_again: bool = False
    window: FeedWindow | None = None
    after: str = ""
    reads_done: bool = False
    is_rung: bool = False
    """Somebody rang since the window was opened: after this sweep comes another."""
    tally: Tally = Tally()
    sweeps: int = 0


class PageCall(Canonical):
    """Show one page of changes."""

    firm: FirmId
    connection: ConnectionId
    window: FeedWindow
    after: str = ""
    tries_refused_again: bool = False


class PageDone(Canonical):
    """What became of a page."""

    after: str = ""
    is_last: bool
    tally: Tally = Tally()


class FeedbackResult(Canonical):
    """How a run of the feedback ended."""

    tally: Tally = Tally()
    sweeps: int = 0
    trouble: str = ""


class TroubleCall(Canonical):
    """A sweep could not go on: shown on the desk until one has."""

    firm: FirmId
    connection: ConnectionId
    code: str
    message: str
    owner: Role = Role.INTEGRATION


def invoice_key(firm: FirmId, connection: ConnectionId, record_id: str) -> ExternalKey:
    """Our key of a document in the CRM: by firm, ERP account and the ERP's own id."""
    return external_key(firm, connection, "invoice", record_id)
