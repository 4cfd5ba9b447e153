from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from models.base import Canonical, digest_of
from models.ids import ContractNumber, DealId, TermsDigest
from models.money import Money
from models.party import Address, BuyerIdentity, ContactPerson
from models.values import SoldValues

__all__ = [
    "BilledIn",
    "BillingType",
    "CapScope",
    "ContractStatus",
    "DealState",
    "Milestone",
    "MilestoneTrigger",
    "PeriodAnchor",
    "RateRow",
    "SignedTerms",
    "SowLine",
]


class DealState(StrEnum):
    """Where the deal stands in the CRM, by its own won and closed flags (never by a stage label)."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class ContractStatus(StrEnum):
    """Where the paper stands."""

    DRAFT = "draft"
    IN_APPROVAL = "in-approval"
    APPROVED = "approved"
    CANCELLED = "cancelled"


class BillingType(StrEnum):
    """How a line earns the right to invoice. DOM-1."""

    MILESTONES = "milestones"
    PERCENT_COMPLETE = "percent-complete"
    TIME_AND_MATERIALS = "time-and-materials"
    TIME_AND_MATERIALS_CAPPED = "time-and-materials-capped"
    RETAINER = "retainer"
    COST_PLUS_FIXED_FEE = "cost-plus-fixed-fee"


class CapScope(StrEnum):
    """What counts against a not-to-exceed cap."""

    LABOUR = "labour"
    ALL = "all"


class BilledIn(StrEnum):
    """A retainer period is billed before or after it."""

    ADVANCE = "advance"
    ARREARS = "arrears"


class PeriodAnchor(StrEnum):
    """Retainer periods start on the contract's own day of the month, or on calendar months."""

    ANNIVERSARY = "anniversary"
    CALENDAR = "calendar"


class MilestoneTrigger(StrEnum):
    """What makes a milestone billable."""

    ACCEPTANCE = "acceptance"
    DATE = "date"


class SowLine(Canonical):
    """One sold line. Fields are optional because a paper can lack them; a missing one is a blocker, not a guess."""

    code: str
    description: str = ""
    service_line: str = ""
    billing_type: BillingType | None = None
    net_price: Money | None = None
    """Price of the line before the header discount, net of tax. For time and materials: the estimate."""
    quantity: Decimal = Decimal(1)
    start_on: date | None = None
    end_on: date | None = None
    cap: Money | None = None
    cap_scope: CapScope | None = None
    cost_budget: Money | None = None
    fixed_fee: Money | None = None
    progress_measure: str = ""
    bill_frequency: str = ""
    billed_in: BilledIn | None = None
    period_anchor: PeriodAnchor | None = None
    fee_per_period: Money | None = None
    periods: int | None = None
    indirect_rate_table: str = ""
    is_option: bool = False


class Milestone(Canonical):
    """A dated right to invoice. Source: signed statement of work."""

    code: str
    name: str = ""
    due_on: date | None = None
    amount: Money | None = None
    """Net of tax."""
    trigger: MilestoneTrigger | None = None
    accepting_person: str = ""
    line_codes: tuple[str, ...] = ()
    """The lines it bills; empty means all fixed-fee lines."""


class RateRow(Canonical):
    """What an hour costs the customer from a day on."""

    role: str
    person: str = ""
    rate_per_hour: Decimal | None = None
    currency: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    estimated_hours: Decimal | None = None
    line_code: str = ""


class SignedTerms(Canonical):
    """What was sold and signed, as the CRM holds it now: one contract, or one amendment of it."""

    deal_id: DealId
    deal_name: str
    deal_url: str = ""
    deal_state: DealState
    owner_id: str = ""
    owner_name: str = ""
    owner_email: str = ""
    source_version: datetime
    """The CRM's own change stamp of the deal (UTC)."""
    contract_number: ContractNumber
    amendment_number: str = ""
    contract_status: ContractStatus | None = None
    is_framework: bool = False
    is_at_risk: bool = False
    signing_entity: str = ""
    """Our company as named on the paper (DOM-5.1)."""
    customer_legal_name: str = ""
    customer_signed_on: date | None = None
    company_signed_on: date | None = None
    effective_on: date | None = None
    start_on: date | None = None
    end_on: date | None = None
    end_with_options_on: date | None = None
    notice_clause: str = ""
    currency: str = ""
    signed_total: Money | None = None
    """The total printed on the signed document."""
    values: SoldValues = SoldValues()
    cap_scope: CapScope | None = None
    header_discount_percent: Decimal = Decimal(0)
    estimated_cost: Money | None = None
    payment_terms: str = ""
    po_required: bool = False
    po_number: str = ""
    po_limit: Money | None = None
    expense_policy: str = ""
    acceptance_person: str = ""
    region: str = ""
    bill_to_name: str = ""
    bill_to: Address = Address()
    buyer: BuyerIdentity | None = None
    contacts: tuple[ContactPerson, ...] = Field(default=(), max_length=200)
    lines: tuple[SowLine, ...] = Field(default=(), max_length=2000)
    milestones: tuple[Milestone, ...] = Field(default=(), max_length=2000)
    rates: tuple[RateRow, ...] = Field(default=(), max_length=2000)
    erp_project_id: str = ""
    """ERP ids that stand on the deal already: a copied deal drags its original's along (DOM-2.3)."""
    erp_contract_number: str = ""

    @property
    def digest(self) -> TermsDigest:
        """Fingerprint of what was sold and signed.

        Who owns the deal, its change stamp, what we wrote back, contacts, customer master data and the customer's PO
        number do not count: they change without a new signature.
        """
        bookkeeping = frozenset(
            {"source_version", "deal_state", "deal_url", "owner_id", "owner_name", "owner_email", "erp_project_id",
             "erp_contract_number", "deal_id", "deal_name", "contract_status", "buyer", "contacts", "po_number"}
        )  # fmt: skip
        return TermsDigest(digest_of(self, self.buyer.account_id if self.buyer else None, without=bookkeeping))

    @property
    def requesters(self) -> tuple[str, ...]:
        """Who sold it: whoever may not decide on it (lower-case e-mail address and CRM id of the owner)."""
        return tuple(sorted({who for who in (self.owner_email.lower(), self.owner_id) if who}))

    @property
    def basis(self) -> str:
        """Fingerprint of everything a plan is made from.

        Our own write-back changes the deal's stamp and the ERP ids on it; neither makes a plan stale.
        """
        bookkeeping = frozenset({"source_version", "deal_url", "erp_project_id", "erp_contract_number"})
        buyer = self.buyer.model_copy(update={"erp_customer_id": ""}) if self.buyer else None
        return digest_of(self.model_copy(update={"buyer": buyer}), without=bookkeeping)
