from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime, Field, model_validator

from models.base import Canonical, digest_of
from models.ids import ConnectionId, ContractNumber
from models.money import CurrencyMismatch, Money

__all__ = [
    "Amounts",
    "CurrencyTotals",
    "DocumentKind",
    "DocumentState",
    "Flag",
    "FlagKind",
    "HoldReason",
    "Invoice",
    "NextMilestone",
    "Settlement",
    "SourceVersion",
]


class DocumentKind(StrEnum):
    """A bill, or the note that takes one back."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit-note"


class DocumentState(StrEnum):
    """The first axis: life of the paper. DOM-7.1."""

    DRAFT = "draft"
    PENDING = "pending"
    POSTED = "posted"
    VOIDED = "voided"
    """As if never issued: same period, unsent."""
    DELETED = "deleted"
    """A draft that was thrown away."""


class Settlement(StrEnum):
    """The second axis: what became of the money, computed from amounts and never told. DOM-7.2."""

    UNPAID = "unpaid"
    PART_PAID = "part-paid"
    PAID = "paid"
    CREDITED = "credited"
    WRITTEN_OFF = "written-off"


class FlagKind(StrEnum):
    """The third axis: flags come and go, several at once. Overdue is computed, so it is none of them. DOM-7.1."""

    ON_HOLD = "on-hold"
    """By us, before it is sent."""
    DISPUTED = "disputed"
    """By the customer."""
    REJECTED = "rejected"
    """By a portal or an e-invoice network."""


class HoldReason(StrEnum):
    """Why an invoice is held: a closed list. DOM-7.9."""

    PO_MISSING = "po-missing"
    PO_USED_UP = "po-used-up"
    TAX_NUMBER = "tax-number"
    WRONG_BILL_TO = "wrong-bill-to"
    ACCEPTANCE_MISSING = "acceptance-missing"
    RATE_OR_HOURS = "rate-or-hours"
    AMENDMENT_PENDING = "amendment-pending"
    OVER_CAP_OR_FUNDING = "over-cap-or-funding"
    PORTAL_SET_UP = "portal-set-up"
    CREDIT_HOLD = "credit-hold"
    DUPLICATE_SUSPECTED = "duplicate-suspected"
    PERIOD = "period"
    OTHER = "other"


class Flag(Canonical):
    """One flag with reason, who set it and since when. DOM-7.3."""

    kind: FlagKind
    reason: HoldReason | None = None
    text: str = Field(default="", max_length=255)
    who: str = ""
    since: date | None = None
    po_number: str = ""
    missing: Money | None = None
    """How much a purchase order, a cap or a funding falls short."""

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if self.kind is FlagKind.ON_HOLD and self.reason is None:
            raise ValueError("A hold has a reason of the closed list.")
        if self.reason is HoldReason.OTHER and not self.text:
            raise ValueError("The reason `other` needs a text.")
        return self


class Amounts(Canonical):
    """What an invoice asks for and what was done about it, all in the document's own currency. DOM-7.2, 7.7."""

    gross: Money
    paid: Money
    credited: Money
    written_off: Money
    withheld: Money
    """Tax that the customer keeps back for its own tax office."""

    @model_validator(mode="after")
    def _one_currency(self) -> Self:
        others = {self.paid.currency, self.credited.currency, self.written_off.currency, self.withheld.currency}
        if others != {self.gross.currency}:
            raise CurrencyMismatch(f"An invoice in {self.gross.currency} has amounts in {', '.join(sorted(others))}.")
        return self

    @property
    def currency(self) -> str:
        """The document's currency."""
        return self.gross.currency

    @property
    def balance(self) -> Money:
        """What is still open; negative: credit on account."""
        return self.gross - self.paid - self.credited - self.written_off - self.withheld


class SourceVersion(Canonical):
    """How new a picture of a document is. DOM-7.4.

    Both instants are of the source's own clock, so ours may be wrong. `read_at` is when the source was asked: a later
    look shows a state at least as new, whatever stamps say (clocks are set back once a year, and by mistake).
    """

    changed_at: AwareDatetime
    read_at: AwareDatetime


class Invoice(Canonical):
    """One invoice or credit note as the ERP shows it."""

    connection: ConnectionId
    record_id: str = Field(min_length=1)
    kind: DocumentKind = DocumentKind.INVOICE
    number: str
    contract_number: ContractNumber = ContractNumber("")
    """Empty: not billed from a contract of ours."""
    customer_id: str = ""
    """The ERP's id of the customer."""
    document: DocumentState
    issued_on: date | None = None
    due_on: date | None = None
    amounts: Amounts
    flags: tuple[Flag, ...] = Field(default=(), max_length=10)
    credit_notes: tuple[str, ...] = Field(default=(), max_length=50)
    """Numbers of the credit notes applied to it."""
    credits_invoice: str = ""
    """On a credit note: number of the invoice it takes back."""
    replaced_by: str = ""
    """Number under which it was issued again."""
    payment_returned_on: date | None = None
    """Day of the newest payment that the bank returned."""
    rows: tuple[str, ...] = Field(default=(), max_length=200)
    """Codes of the schedule rows it bills."""
    version: SourceVersion

    @property
    def content(self) -> str:
        """Fingerprint of everything but when it was changed and read."""
        return digest_of(self, without=frozenset({"version"}))

    @property
    def changed_at(self) -> datetime:
        """When the source last changed it, by the source's clock."""
        return self.version.changed_at


class CurrencyTotals(Canonical):
    """What was invoiced in one currency and what became of it. Never added up across currencies. DOM-7.7."""

    invoiced: Money
    """Gross of posted invoices; void ones count as never issued."""
    credited: Money
    paid: Money
    balance: Money
    overdue: Money


class NextMilestone(Canonical):
    """The next right to invoice that is not billed yet."""

    code: str
    due_on: date
    amount: Money
