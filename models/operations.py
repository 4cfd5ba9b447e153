from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from models.amending import (
    AmendContract,
    AmendSchedule,
    CloseForTime,
    ProposeAdjustments,
    ProposeCreditNote,
    ReleaseParked,
)
from models.base import Canonical
from models.customer_sync import ReleaseCustomer, ShowCustomer, UpdateContact, UpdateCustomer
from models.ids import ContractNumber, DealId, ExternalKey, LegalEntityCode, PlanDigest, Step
from models.money import Money
from models.party import Address, ContactPerson
from models.records import RecordRef
from models.terms import BillingType, MilestoneTrigger

__all__ = [
    "CancelEngagement",
    "ContractLine",
    "EnsureBillingSchedule",
    "EnsureContact",
    "EnsureContract",
    "EnsureCostCentre",
    "EnsureCustomer",
    "EnsureProject",
    "EnterPurchaseOrder",
    "HoldEngagement",
    "OperationRequest",
    "ReleaseEngagement",
    "ScheduleRow",
    "WriteBackDeal",
]


class EnsureCustomer(Canonical):
    """Adopt the customer that was matched, or create it under our key."""

    kind: Literal["ensure-customer"] = "ensure-customer"
    key: ExternalKey
    adopt: RecordRef | None = None
    """The existing ERP record that evidence (or a person) named; nothing is written to it."""
    name: str
    legal_entity: LegalEntityCode
    currency: str
    address: Address
    account_id: str
    tax_number: str = ""
    tax_country: str = ""
    registration_number: str = ""
    duns: str = ""
    lei: str = ""
    invoice_email: str = ""
    payment_terms_code: str = ""


class EnsureContact(Canonical):
    """Adopt or create a person at the customer."""

    kind: Literal["ensure-contact"] = "ensure-contact"
    key: ExternalKey
    customer_step: Step
    legal_entity: LegalEntityCode
    person: ContactPerson


class EnsureCostCentre(Canonical):
    """The ledger's analysis key for a service line; created only if the ERP does not have it."""

    kind: Literal["ensure-cost-centre"] = "ensure-cost-centre"
    code: str
    name: str
    legal_entity: LegalEntityCode


class EnsureProject(Canonical):
    """Adopt or create the project that time and cost are booked to."""

    kind: Literal["ensure-project"] = "ensure-project"
    key: ExternalKey
    contract_number: ContractNumber
    name: str
    customer_step: Step
    parent_step: Step | None = None
    """Set on the part projects of a mixed contract where the ERP knows one billing type per project."""
    legal_entity: LegalEntityCode
    currency: str
    billing_type: BillingType | None
    """None for the parent of a mixed contract."""
    template: str
    cost_centre: str
    start_on: date
    end_on: date | None = None
    price: Money | None = None
    """Fixed price, if there is one; an estimate never stands here."""
    cap: Money | None = None
    cost_budget: Money | None = None
    is_at_risk: bool = False
    adopt: RecordRef | None = None
    """The project that was opened by hand before the signature: it becomes ours, no second one is made (DOM-1.5)."""


class ScheduleRow(Canonical):
    """When and for how much we may invoice. The amount is sent, never a percentage (DOM-0.4)."""

    code: str
    name: str = ""
    due_on: date
    amount: Money
    trigger: MilestoneTrigger
    service_from: date | None = None
    service_until: date | None = None


class EnsureBillingSchedule(Canonical):
    """The rows of one fixed-fee or retainer project. DOM-0.8: they add up to its contract lines."""

    kind: Literal["ensure-billing-schedule"] = "ensure-billing-schedule"
    key: ExternalKey
    name: str
    project_step: Step
    billing_rule: str
    payment_terms_code: str = ""
    rows: tuple[ScheduleRow, ...] = Field(max_length=600)


class ContractLine(Canonical):
    """One line of the ERP contract, header discount already spread into it (DOM-1, E1)."""

    code: str
    description: str
    item: str
    billing_type: BillingType
    amount: Money
    quantity: Decimal = Decimal(1)
    cost_centre: str
    start_on: date | None = None
    end_on: date | None = None
    project_step: Step
    schedule_step: Step | None = None


class EnsureContract(Canonical):
    """Adopt or create the contract that invoices are raised from."""

    kind: Literal["ensure-contract"] = "ensure-contract"
    key: ExternalKey
    contract_number: ContractNumber
    customer_step: Step
    project_step: Step
    legal_entity: LegalEntityCode
    currency: str
    signed_on: date
    start_on: date
    end_on: date | None = None
    payment_terms_code: str
    po_number: str = ""
    funded: Money | None = None
    cap: Money | None = None
    with_options: Money | None = None
    billing_hold: str = ""
    """Plain reason why nothing may be invoiced yet; empty means billable."""
    lines: tuple[ContractLine, ...] = Field(max_length=2000)


class WriteBackDeal(Canonical):
    """What the salesperson sees on the deal, and one note to its owner. Written as one atomic call."""

    kind: Literal["write-back"] = "write-back"
    key: ExternalKey
    deal_id: DealId
    account_id: str = ""
    owner_id: str = ""
    contract_number: ContractNumber
    status: Literal["active", "waiting", "refused", "frozen", "cancelled"]
    message: str = ""
    """Why it waits or was refused, in one sentence."""
    customer_step: Step | None = None
    project_step: Step | None = None
    contract_step: Step | None = None
    plan_digest: PlanDigest | None = None
    notify_subject: str = ""
    notify_text: str = ""


class HoldEngagement(Canonical):
    """Freeze: no time on the project, no invoices from the contract. DOM-2.3."""

    kind: Literal["hold-engagement"] = "hold-engagement"
    key: ExternalKey
    project: RecordRef
    contract: RecordRef
    reason: str


class ReleaseEngagement(Canonical):
    """Undo of a freeze."""

    kind: Literal["release-engagement"] = "release-engagement"
    key: ExternalKey
    project: RecordRef
    contract: RecordRef


class CancelEngagement(Canonical):
    """Close what was set up and never billed: nothing is deleted, the customer stays. DOM-2.3."""

    kind: Literal["cancel-engagement"] = "cancel-engagement"
    key: ExternalKey
    project: RecordRef
    contract: RecordRef
    reason: str


class EnterPurchaseOrder(Canonical):
    """The customer's PO number came after the set-up: enter it, and lift the hold that waited for it. DOM-2.2."""

    kind: Literal["enter-purchase-order"] = "enter-purchase-order"
    key: ExternalKey
    project: RecordRef
    contract: RecordRef
    po_number: str
    lifts: str = ""
    """The sentence of the billing hold that is true no more; other reasons to wait stay."""


OperationRequest = Annotated[
    EnsureCustomer
    | EnsureContact
    | EnsureCostCentre
    | EnsureProject
    | EnsureBillingSchedule
    | EnsureContract
    | WriteBackDeal
    | HoldEngagement
    | ReleaseEngagement
    | CancelEngagement
    | EnterPurchaseOrder
    | AmendSchedule
    | AmendContract
    | ProposeCreditNote
    | ProposeAdjustments
    | ReleaseParked
    | CloseForTime
    | UpdateCustomer
    | UpdateContact
    | ShowCustomer
    | ReleaseCustomer,
    Field(discriminator="kind"),
]
