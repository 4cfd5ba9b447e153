from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from models.base import Canonical, digest_of
from models.contract_standing import RowState
from models.ids import ContractNumber, DealId
from models.money import Money
from models.roles import Role
from models.terms import BillingType, MilestoneTrigger
from models.values import SoldValues

__all__ = [
    "Amendment",
    "BillingChange",
    "ChangeKind",
    "ChangePlan",
    "ChangeRow",
    "CreditProposal",
    "LineChange",
    "NamedField",
    "RateChange",
    "RetainerChange",
    "RowAction",
    "RowChange",
    "Termination",
    "WorkAdjustment",
]


class ChangeKind(StrEnum):
    """What an amendment does, by its content; the label on the paper is only a hint. DOM-6.1."""

    SCOPE = "scope"
    DE_SCOPE = "de-scope"
    RATE = "rate"
    DATE = "date"
    BILLING_RULE = "billing-rule"
    FUNDING_ONLY = "funding-only"
    OPTION_EXERCISED = "option-exercised"
    ADMINISTRATIVE = "administrative"
    CLOSE_OUT = "close-out"
    TERMINATION = "termination"
    NAME_CHANGE = "name-change"
    NOVATION = "novation"


class RowAction(StrEnum):
    """What an amendment says about one schedule row."""

    ADD = "add"
    AMEND = "amend"
    CANCEL = "cancel"
    SPLIT = "split"
    """Into `parts` equal rows (DOM-0.2), one due date per part in `part_dates`."""
    MERGE = "merge"
    """The rows in `merges` go into this one, at the later date. A billed row never merges."""


class RowChange(Canonical):
    """A schedule row that the amendment names."""

    action: RowAction
    code: str
    name: str = ""
    amount: Money | None = None
    """The new amount, never a difference."""
    due_on: date | None = None
    trigger: MilestoneTrigger | None = None
    line_code: str = ""
    parts: int = Field(default=0, ge=0, le=600)
    part_dates: tuple[date, ...] = Field(default=(), max_length=600)
    merges: tuple[str, ...] = Field(default=(), max_length=600)


class LineChange(Canonical):
    """A contract line that the amendment names: its new price, an added line, or an option that is exercised."""

    code: str
    description: str = ""
    billing_type: BillingType | None = None
    """Needed for a line that is new."""
    amount: Money
    start_on: date | None = None
    end_on: date | None = None
    exercises_option: bool = False


class RateChange(Canonical):
    """A rate from a day on; the work date picks the rate. DOM-6.8."""

    role: str
    rate_per_hour: Decimal = Field(gt=0)
    valid_from: date
    is_in_signed_card: bool = False
    """The signed rate card announced this increase already."""


class RetainerChange(Canonical):
    """A retainer that lasts longer or costs another fee per period from a day on. DOM-6 X7, X8."""

    line_code: str = ""
    fee_per_period: Money | None = None
    fee_from: date | None = None
    periods: int | None = Field(default=None, gt=0, le=600)
    """Periods of the whole term after the change, billed ones included; the price is spread over those left."""


class BillingChange(Canonical):
    """The open remainder is billed in another way from a day on. DOM-6 X11."""

    line_code: str = ""
    billing_type: BillingType
    from_on: date
    earned: Money | None = None
    """Value earned until then, as finance measured it."""
    keeps_total: bool = True
    """The paper keeps the old total as the most that may be billed."""


class Termination(Canonical):
    """Work stops on a day; what is settled for it is the last row. DOM-6 X12."""

    stops_on: date
    settlement: Money
    work_in_progress: Money | None = None
    """Earned and not billed; a difference to the settlement goes to the revenue owner."""


class NamedField(Canonical):
    """A text that changes without money: contact, address, PO number, pay office."""

    field: str
    before: str = ""
    after: str


class Amendment(Canonical):
    """A signed change of a contract, as the CRM holds it. It never edits history, it adds a version."""

    deal_id: DealId
    deal_name: str = ""
    deal_url: str = ""
    owner_id: str = ""
    owner_name: str = ""
    account_id: str = ""
    source_version: datetime
    """The CRM's own change stamp of the deal (UTC); the newest of one amendment counts."""
    contract_number: ContractNumber
    number: str
    """The contract's own amendment number: `78`, `M0001`, `500`."""
    predecessor: str | None = None
    """Number of the amendment before it; empty: the base contract; None: the paper does not say, see `sequence`."""
    label: str = ""
    """What the paper calls itself, for people."""
    labelled_kind: ChangeKind | None = None
    replaces: tuple[str, ...] = Field(default=(), max_length=100)
    is_voided: bool = False
    customer_signed_on: date | None = None
    company_signed_on: date | None = None
    effective_on: date | None = None
    currency: str
    value_change: SoldValues = SoldValues()
    """Differences, as the paper says them; `values_after` goes before."""
    values_after: SoldValues = SoldValues()
    """Totals as they stand after this amendment."""
    unbilled_percent: Decimal | None = Field(default=None, ge=-100, le=1000)
    """A change of everything unbilled, in percent (-5: five percent off)."""
    end_on: date | None = None
    lines: tuple[LineChange, ...] = Field(default=(), max_length=2000)
    rows: tuple[RowChange, ...] = Field(default=(), max_length=2000)
    rates: tuple[RateChange, ...] = Field(default=(), max_length=2000)
    retainer: RetainerChange | None = None
    billing: BillingChange | None = None
    termination: Termination | None = None
    fields: tuple[NamedField, ...] = Field(default=(), max_length=200)
    customer_name_after: str = ""
    customer_after: str = ""
    """CRM id of another customer that takes the contract over (novation)."""
    requested_by: tuple[str, ...] = Field(default=(), max_length=20)
    """Who sold it: whoever may not decide on it."""

    @property
    def signed_on(self) -> date | None:
        """The later of the signatures that are there."""
        there = [day for day in (self.customer_signed_on, self.company_signed_on) if day is not None]
        return max(there) if there else None

    @property
    def digest(self) -> str:
        """Fingerprint of what was signed; who owns the deal and its change stamp do not count.

        Only what the paper says counts, so a field that is added to this model later changes no fingerprint.
        """
        bookkeeping = {
            "deal_id", "deal_name", "deal_url", "owner_id", "owner_name", "account_id", "source_version",
            "requested_by",
        }  # fmt: skip
        said = self.model_dump(mode="json", exclude=bookkeeping, exclude_defaults=True)
        return digest_of(json.dumps(said, sort_keys=True))


class ChangeRow(Canonical):
    """One row of the plan as people read it: before, invoiced, after, difference. DOM-6.9."""

    code: str
    name: str = ""
    due_on: date
    before: Money
    invoiced: Money
    after: Money
    difference: Money
    state: RowState
    """After the change; `cancelled` when nothing is billed by it any more."""


class CreditProposal(Canonical):
    """A credit note to propose in the ERP against one invoice; finance issues it. DOM-6.5."""

    invoice: str
    amount: Money
    amendment: str
    is_paid: bool = False
    """The invoice is paid already: refund or on account is a person's choice."""


class WorkAdjustment(Canonical):
    """A line on the next invoice that corrects billed work: hours x (new rate - old rate). DOM-6.8."""

    work: str
    invoice: str
    worked_on: date
    hours: Decimal
    amount: Money


class ChangePlan(Canonical):
    """What the amendments do to the contract, to the minor unit; goes with the plan that is decided on. DOM-6.9."""

    amendments: tuple[str, ...]
    """Numbers, in the order in which they apply."""
    skipped: tuple[str, ...] = ()
    kinds: tuple[ChangeKind, ...]
    effective_on: date
    posting_on: date
    apply_on: date
    """Not written before this day: the ERP does not date rows, so it waits."""
    rows: tuple[ChangeRow, ...] = Field(default=(), max_length=2000)
    values_before: SoldValues
    values_after: SoldValues
    invoiced: Money
    """Net of credit notes that were there before."""
    still_to_bill: Money
    to_credit: Money
    to_release: Money
    credits: tuple[CreditProposal, ...] = Field(default=(), max_length=200)
    adjustments: tuple[WorkAdjustment, ...] = Field(default=(), max_length=2000)
    affected_work: tuple[str, ...] = Field(default=(), max_length=5000)
    """Unbilled entries that get another rate."""
    told: tuple[Role, ...] = ()
    to_do: tuple[str, ...] = Field(default=(), max_length=50)
    """Sentences for people who must act, first who."""
