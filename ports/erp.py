from __future__ import annotations

from typing import Protocol

from models.ids import ConnectionId
from models.operations import (
    CancelEngagement,
    EnsureBillingSchedule,
    EnsureContact,
    EnsureContract,
    EnsureCostCentre,
    EnsureCustomer,
    EnsureProject,
    EnterPurchaseOrder,
    HoldEngagement,
    ReleaseEngagement,
)
from models.records import Effect, Links, ReadBack, RecordRef, WorkDone
from models.survey import Chart, ErpTraits, Survey, SurveyQuestion

__all__ = [
    "BillingSchedules",
    "Contacts",
    "Contracts",
    "CostCentres",
    "Customers",
    "EngagementHolds",
    "Erp",
    "ErpReader",
    "Projects",
    "PurchaseOrders",
    "Surveys",
]


class Surveys(Protocol):
    """Read the ERP for planning."""

    async def survey(self, question: SurveyQuestion) -> Survey:
        """Candidates for the customer and records under our keys, in as few calls as the vendor allows (aim: one)."""
        ...

    async def get_chart(self, *, fresh: bool = False) -> Chart:
        """Legal entities, currencies, terms, cost centres and items.

        `fresh`: read anew whatever is kept, because somebody says that they have just set something up.
        """
        ...

    async def read_back(self, contract: RecordRef, project: RecordRef, schedules: tuple[RecordRef, ...]) -> ReadBack:
        """What finance will bill, and how people call it, read back after the writes (aim: one call)."""
        ...


    async def get_work_done(self, project: RecordRef, contract: RecordRef) -> WorkDone:
        """Invoices raised from the engagement and time booked to its projects, as the ERP has them now."""
        ...


class Customers(Protocol):
    """Buyers in the ERP."""

    async def find_customer(self, request: EnsureCustomer, links: Links) -> Effect | None:
        """Evidence that this customer exists under our key."""
        ...

    async def ensure_customer(self, request: EnsureCustomer, links: Links) -> Effect:
        """Adopt or create."""
        ...


class Contacts(Protocol):
    """People at the customer."""

    async def find_contact(self, request: EnsureContact, links: Links) -> Effect | None:
        """Evidence that this person exists under our key."""
        ...

    async def ensure_contact(self, request: EnsureContact, links: Links) -> Effect:
        """Adopt or create."""
        ...


class CostCentres(Protocol):
    """Ledger analysis keys."""

    async def find_cost_centre(self, request: EnsureCostCentre, links: Links) -> Effect | None:
        """Evidence that this cost centre exists."""
        ...

    async def ensure_cost_centre(self, request: EnsureCostCentre, links: Links) -> Effect:
        """Adopt or create."""
        ...


class Projects(Protocol):
    """What time and cost are booked to."""

    async def find_project(self, request: EnsureProject, links: Links) -> Effect | None:
        """Evidence that this project exists under our key. Two holders of one key raise NeedsRepair."""
        ...

    async def ensure_project(self, request: EnsureProject, links: Links) -> Effect:
        """Adopt the project with this key, or create it."""
        ...


class BillingSchedules(Protocol):
    """When and for how much we may invoice."""

    async def find_billing_schedule(self, request: EnsureBillingSchedule, links: Links) -> Effect | None:
        """Evidence that this schedule exists under our key."""
        ...

    async def ensure_billing_schedule(self, request: EnsureBillingSchedule, links: Links) -> Effect:
        """Adopt or create, rows included."""
        ...


class Contracts(Protocol):
    """What invoices are raised from."""

    async def find_contract(self, request: EnsureContract, links: Links) -> Effect | None:
        """Evidence that this contract exists under our key."""
        ...

    async def ensure_contract(self, request: EnsureContract, links: Links) -> Effect:
        """Adopt or create, lines included."""
        ...


class EngagementHolds(Protocol):
    """Freeze, unfreeze and close an engagement whose deal was lost (DOM-2.3)."""

    async def find_hold(self, request: HoldEngagement, links: Links) -> Effect | None:
        """Evidence that the engagement is frozen."""
        ...

    async def ensure_hold(self, request: HoldEngagement, links: Links) -> Effect:
        """No time on the project, no invoices from the contract."""
        ...

    async def find_release(self, request: ReleaseEngagement, links: Links) -> Effect | None:
        """Evidence that the engagement is open again."""
        ...

    async def ensure_release(self, request: ReleaseEngagement, links: Links) -> Effect:
        """Undo a freeze, or a cancellation."""
        ...

    async def find_cancellation(self, request: CancelEngagement, links: Links) -> Effect | None:
        """Evidence that project and contract are closed as cancelled."""
        ...

    async def ensure_cancellation(self, request: CancelEngagement, links: Links) -> Effect:
        """Close contract and project as cancelled; nothing is deleted, and a release can open them again."""
        ...


class PurchaseOrders(Protocol):
    """The customer's own number for what it ordered."""

    async def find_purchase_order(self, request: EnterPurchaseOrder, links: Links) -> Effect | None:
        """Evidence that the contract carries this number, and waits for it no more."""
        ...

    async def ensure_purchase_order(self, request: EnterPurchaseOrder, links: Links) -> Effect:
        """Enter the number; billing opens unless it waits for something else as well."""
        ...


class ErpReader(Surveys, Protocol):
    """The reading half of an ERP connection: all that planning may hold in its hands."""

    @property
    def connection(self) -> ConnectionId:
        """The account this adapter speaks to."""
        ...

    @property
    def traits(self) -> ErpTraits:
        """What it can and cannot do."""
        ...


class Erp(
    ErpReader,
    Customers,
    Contacts,
    CostCentres,
    Projects,
    BillingSchedules,
    Contracts,
    EngagementHolds,
    PurchaseOrders,
    Protocol,
):
    """Everything that quote to project needs of one ERP connection."""
