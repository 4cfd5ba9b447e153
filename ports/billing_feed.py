from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol, runtime_checkable

from models.base import Canonical
from models.feedback import (
    AccountCard,
    CardOutcome,
    DealCard,
    EngagementProgress,
    FeedWindow,
    InvoiceCard,
    InvoicePage,
)
from models.ids import ConnectionId, ContractNumber, DealId, ExternalKey, FirmId
from models.invoice import Invoice

__all__ = [
    "BillingBook",
    "BillingFeed",
    "DirtyTotals",
    "FeedsBilling",
    "InvoiceBoard",
    "KeptInvoice",
    "Places",
    "SettledTotals",
    "ShowsBilling",
]


class BillingFeed(Protocol):
    """What changed in the ERP's receivables and projects. Reads only."""

    @property
    def connection(self) -> ConnectionId:
        """The account it reads."""
        ...

    async def open_window(self, since: str) -> FeedWindow:
        """From that instant (ISO, empty: from the beginning) until now, by the source's own clock."""
        ...

    async def list_changed_since(self, window: FeedWindow, *, after: str, limit: int) -> InvoicePage:
        """The next documents changed in that time, by change time and id. At most `limit`."""
        ...

    async def find_invoices(self, record_ids: Sequence[str]) -> tuple[Invoice, ...]:
        """These documents as they are now; deleted ones are missing. One look for up to 200."""
        ...

    async def list_deleted_since(self, window: FeedWindow) -> tuple[str, ...]:
        """Ids of documents that were deleted in that time."""
        ...

    async def list_moved_contracts(self, window: FeedWindow) -> tuple[ContractNumber, ...]:
        """Contracts whose project, order or milestones changed in that time."""
        ...

    async def find_progress(self, contracts: Sequence[ContractNumber]) -> tuple[EngagementProgress, ...]:
        """Project status and open milestones of each; unknown ones are missing. One look for up to 200."""
        ...


@runtime_checkable
class FeedsBilling(Protocol):
    """An ERP adapter that can tell what changed."""

    def billing_feed(self) -> BillingFeed:
        """Its feed."""
        ...


class InvoiceBoard(Protocol):
    """Where account teams see invoices: records by our key, and sums on deals and accounts. Up to 200 in one call.

    Every write says the whole of what is shown under that key, so one that is repeated changes nothing.
    """

    @property
    def connection(self) -> ConnectionId:
        """The account it writes to."""
        ...

    async def find_cards(self, keys: Sequence[ExternalKey]) -> Mapping[ExternalKey, str]:
        """Digest of what each key shows now; keys without a record are missing."""
        ...

    async def ensure_cards(self, cards: Sequence[InvoiceCard]) -> tuple[CardOutcome, ...]:
        """Show these documents. One outcome for each, whatever became of the others."""
        ...

    async def ensure_deal_cards(self, cards: Sequence[DealCard]) -> tuple[CardOutcome, ...]:
        """Show these sums on their deals; an outcome's key is the deal's id."""
        ...

    async def ensure_account_cards(self, cards: Sequence[AccountCard]) -> tuple[CardOutcome, ...]:
        """Show these sums on the accounts of those customers; an outcome's key is the customer's id."""
        ...


@runtime_checkable
class ShowsBilling(Protocol):
    """A CRM adapter that can show invoices."""

    def invoice_board(self) -> InvoiceBoard:
        """Its board."""
        ...


class KeptInvoice(Canonical):
    """What we know of one document: as it was last read, and what of it is shown."""

    invoice: Invoice
    deal_id: DealId | None = None
    shown: str = ""
    """Digest of the card that the CRM certainly shows; empty: none."""
    intended: str = ""
    """Digest of the card that was about to be shown; it may or may not have landed."""
    trouble: str = ""
    """Why the CRM refused it."""
    is_overdue: bool = False
    """Whether the card says so."""


class DirtyTotals(Canonical):
    """Sums that may have changed since they were shown."""

    kind: str
    """`deal` or `account`."""
    subject: str
    """Contract number, or the ERP's id of the customer."""
    deal_id: DealId | None = None
    turn: int
    """Grows with each change, so that one that comes while it is shown is not forgotten."""
    shown: str = ""


class SettledTotals(Canonical):
    """What became of one card of sums."""

    row: DirtyTotals
    shown: str
    """Digest of the card that is shown now; empty when it was refused."""
    trouble: str = ""


class BillingBook(Protocol):
    """Our own memory of what the CRM shows. A second sweep that finds nothing new writes nothing."""

    async def find_deals(
        self, firm: FirmId, crm: ConnectionId, contracts: Sequence[ContractNumber]
    ) -> Mapping[ContractNumber, DealId]:
        """The deals that sold these contracts."""
        ...

    async def find_customers(self, firm: FirmId, erp: ConnectionId, customers: Sequence[str]) -> frozenset[str]:
        """Which of these ERP customers are bound to accounts of ours."""
        ...

    async def find_kept(self, connection: ConnectionId, record_ids: Sequence[str]) -> Mapping[str, KeptInvoice]:
        """What is known of these documents."""
        ...

    async def intend(self, firm: FirmId, kept: Sequence[KeptInvoice]) -> None:
        """Keep what is about to be shown, all in one transaction, before the first byte leaves."""
        ...

    async def settle(self, firm: FirmId, kept: Sequence[KeptInvoice]) -> None:
        """Keep what is shown now, and mark the sums of their deals and accounts as changed, in one transaction."""
        ...

    async def list_newly_overdue(
        self, firm: FirmId, connection: ConnectionId, *, on: date, limit: int
    ) -> tuple[KeptInvoice, ...]:
        """Open documents whose due date is over and whose card does not say so."""
        ...

    async def list_refused(
        self, firm: FirmId, connection: ConnectionId, *, after: str, limit: int
    ) -> tuple[KeptInvoice, ...]:
        """Documents that the CRM refused, by record id."""
        ...

    async def list_of_contract(self, firm: FirmId, contract: ContractNumber) -> tuple[KeptInvoice, ...]:
        """Every document billed from a contract, oldest first."""
        ...

    async def list_of_customer(self, firm: FirmId, customer: str) -> tuple[KeptInvoice, ...]:
        """Every document of an ERP customer, oldest first."""
        ...

    async def mark_dirty(self, firm: FirmId, deals: Mapping[ContractNumber, DealId]) -> None:
        """The sums or the progress of these contracts may have changed."""
        ...

    async def list_dirty(self, firm: FirmId, *, kind: str, limit: int) -> tuple[DirtyTotals, ...]:
        """Sums to be shown anew, oldest first."""
        ...

    async def settle_totals(self, firm: FirmId, done: Sequence[SettledTotals]) -> None:
        """What is shown now; a change that came meanwhile stays to be shown."""
        ...


class Places(Protocol):
    """How far each sweep has come."""

    async def get(self, name: str) -> str | None:
        """The kept place; None before the first sweep."""
        ...

    async def set(self, name: str, value: str) -> None:
        """Keep the place."""
        ...
