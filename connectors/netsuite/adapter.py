from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.netsuite.amending import GUARDS, Amending
from connectors.netsuite.at_risk import take_on
from connectors.netsuite.billing_feed import NetSuiteBillingFeed
from connectors.netsuite.chart import ReferenceBook, ReferenceData, UnknownReference
from connectors.netsuite.client import NetSuiteClient
from connectors.netsuite.config import NetSuiteConfig
from connectors.netsuite.customers import CustomerChanges
from connectors.netsuite.errors import AlreadyExists, ChangedMeanwhile
from connectors.netsuite.freezing import Freezing
from connectors.netsuite.holders import Holders
from connectors.netsuite.mapping import (
    Body,
    ContractRefs,
    external_id,
    to_contact,
    to_customer,
    to_department,
    to_job,
    to_sales_order,
    to_schedule,
)
from connectors.netsuite.reading import Reader, inactive
from connectors.netsuite.schemas import RecordHead
from connectors.netsuite.surveying import Surveying
from models.contract_standing import ContractStanding
from models.customer_sync import CustomerState, KnownPerson, UpdateContact, UpdateCustomer
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
from models.records import Effect, Guard, Links, ReadBack, RecordKind, RecordRef, WorkDone
from models.survey import Chart, ErpTraits, Survey, SurveyQuestion
from ports.amendments import ContractChange

__all__ = ["TRAITS", "NetSuiteErp"]

_BY_HAND_COST_PLUS = (
    "cost-plus-fixed-fee: NetSuite's charge rules are not available over the interface: set up the cost and fee charge "
    "rules of the project there by hand before the first invoice."
)
_BY_HAND_CAP = (
    "time-and-materials-capped: NetSuite checks no cap over the interface, it only stands on the contract: enter it in "
    "the project's charge rules there by hand before the first invoice."
)
TRAITS = ErpTraits(
    one_billing_type_per_project=True,
    # Every write is a PUT by external id: the vendor keeps it unique over the record group and creates or updates in
    # one step, so a repeated write converges on the same record. Sheet 3.1.
    customer=Guard.PROOF,
    contact=Guard.PROOF,
    cost_centre=Guard.PROOF,
    project=Guard.PROOF,
    billing_schedule=Guard.PROOF,
    contract=Guard.PROOF,
    # A freeze sets fields of records that exist: setting them twice is setting them once.
    hold=Guard.PROOF,
    manual=(_BY_HAND_COST_PLUS, _BY_HAND_CAP),
)


@dataclass(frozen=True)
class _Kind:
    """How one of our kinds of record is called and looked up."""

    record_type: str
    number_field: str
    has_inactive: bool = True
    replace: tuple[str, ...] = ()


_KINDS = {
    RecordKind.CUSTOMER: _Kind("customer", "entityId", replace=("addressBook", "taxRegistration")),
    RecordKind.CONTACT: _Kind("contact", "entityId"),
    RecordKind.PROJECT: _Kind("job", "entityId"),
    RecordKind.CONTRACT: _Kind("salesOrder", "tranId", has_inactive=False, replace=("item",)),
    RecordKind.BILLING_SCHEDULE: _Kind("billingSchedule", "name", replace=("milestone",)),
    RecordKind.COST_CENTRE: _Kind("department", "name"),
}
_MOST_REMEMBERED = 10_000


class NetSuiteErp:
    """Implements `ports.erp.Erp` for one account.

    `ensure_*` writes at once, in one call: whoever calls it has looked before when that was needed. A collision is
    settled by reading back by our key.
    """

    def __init__(self, client: NetSuiteClient, config: NetSuiteConfig) -> None:
        self._client = client
        self._config = config
        self._reader = Reader(config)
        self._surveying = Surveying(client, config, self._reader)
        self._freezing = Freezing(client, config, self._reader)
        self._holders = Holders(client, config, self._reader)
        self._book = ReferenceBook(self._surveying.read_chart, config.chart_ttl_s)
        self._amending = Amending(client, config, self._reader, self._book)
        self._customers = CustomerChanges(client, config, self._reader, self._book)
        # A 204 does not tell creation from update; what this process has seen of our keys does, as far as it goes.
        self._seen: OrderedDict[str, None] = OrderedDict()

    @property
    def connection(self) -> ConnectionId:
        """The account this adapter speaks to."""
        return self._config.connection

    @property
    def traits(self) -> ErpTraits:
        """What NetSuite can and cannot do."""
        return TRAITS

    def billing_feed(self) -> NetSuiteBillingFeed:
        """What changed in receivables and projects."""
        return NetSuiteBillingFeed(self._client, self._config, self._book)

    async def survey(self, question: SurveyQuestion) -> Survey:
        """Candidates for the customer and records under our keys: one call."""
        found = await self._surveying.survey(question, await self._book.current())
        for record in found.existing:
            self._remember(record.ref.kind, external_id(self._prefix(record.ref.kind), record.key))
        for candidate in found.candidates:
            if candidate.external_key:
                self._remember(RecordKind.CUSTOMER, self._config.prefixes.customer + candidate.external_key)
        return found

    async def get_chart(self, *, fresh: bool = False) -> Chart:
        """Reference data that plans are checked against: one call, kept for some minutes."""
        if fresh:
            self._book.forget()
        return (await self._book.current()).chart()

    async def read_back(self, contract: RecordRef, project: RecordRef, schedules: tuple[RecordRef, ...]) -> ReadBack:
        """Contract lines and schedule rows as finance will bill them, and how people call both records."""
        return await self._surveying.read_back(contract, project, schedules, await self._book.current())

    async def get_work_done(self, project: RecordRef, contract: RecordRef) -> WorkDone:
        """Invoices and time of an engagement."""
        return await self._freezing.work_done(project, contract)

    async def find_customer(self, request: EnsureCustomer, links: Links) -> Effect | None:
        """The customer under our key. Two holders of the CRM account's id raise NeedsRepair."""
        del links
        if request.adopt is not None:
            return Effect(ref=request.adopt, created=False, changed=False)
        found = await self._find(RecordKind.CUSTOMER, request.key)
        await self._holders.check_customer(request, found)
        return _effect(found)

    async def ensure_customer(self, request: EnsureCustomer, links: Links) -> Effect:
        """Adopt the matched customer without a write, or create it."""
        del links
        if request.adopt is not None:
            return Effect(ref=request.adopt, created=False, changed=False)
        return await self._upsert(
            RecordKind.CUSTOMER, request.key, request.name, lambda data: to_customer(request, data, self._config)
        )

    async def find_contact(self, request: EnsureContact, links: Links) -> Effect | None:
        """The person under our key."""
        del links
        return _effect(await self._find(RecordKind.CONTACT, request.key))

    async def ensure_contact(self, request: EnsureContact, links: Links) -> Effect:
        """Create the person, or adopt the one of that name at this customer; a namesake elsewhere is another person."""
        customer = links.of(request.customer_step)
        who = f"the {request.person.role.value} contact of customer {customer.number or customer.record_id}"
        try:
            return await self._upsert(
                RecordKind.CONTACT, request.key, who, lambda data: to_contact(request, customer, data)
            )
        except AlreadyExists as taken:
            found = await self._holders.find_namesake(request, customer, taken)
        if found is not None:
            return Effect(ref=found, created=False, changed=False)
        return await self._upsert(
            RecordKind.CONTACT,
            request.key,
            who,
            lambda data: to_contact(request, customer, data, name_suffix=f"({request.person.code})"),
        )

    async def find_cost_centre(self, request: EnsureCostCentre, links: Links) -> Effect | None:
        """The department of that code."""
        del links
        return _effect(await self._find(RecordKind.COST_CENTRE, request.code))

    async def ensure_cost_centre(self, request: EnsureCostCentre, links: Links) -> Effect:
        """The department of that code; an existing one stays as it is, because other legal entities may use it too."""
        del links
        data = await self._book.current()
        if (record_id := data.ids.get((RecordKind.COST_CENTRE.value, request.code))) is not None:
            ref = self._reader.ref(RecordKind.COST_CENTRE, record_id, request.code)
            return Effect(ref=ref, created=False, changed=False)
        effect = await self._upsert(
            RecordKind.COST_CENTRE, request.code, request.name, lambda now: to_department(request, now)
        )
        self._book.forget()
        return effect

    async def find_project(self, request: EnsureProject, links: Links) -> Effect | None:
        """The project under our key. Another holder of its contract number raises NeedsRepair."""
        del links
        found = await self._find(RecordKind.PROJECT, request.key)
        await self._holders.check_project(request, found)
        return _effect(found)

    async def ensure_project(self, request: EnsureProject, links: Links) -> Effect:
        """Create the project under its customer or its parent project, or take on the one that was opened at risk."""
        parent = links.of(request.parent_step or request.customer_step)
        if request.adopt is not None:
            eid = external_id(self._prefix(RecordKind.PROJECT), request.key)
            body = await self._body(lambda data: to_job(request, parent, data, self._config))
            return await take_on(self._client, request.adopt, eid, body)
        return await self._upsert(
            RecordKind.PROJECT, request.key, request.name, lambda data: to_job(request, parent, data, self._config)
        )

    async def find_billing_schedule(self, request: EnsureBillingSchedule, links: Links) -> Effect | None:
        """The schedule under our key."""
        del links
        return _effect(await self._find(RecordKind.BILLING_SCHEDULE, request.key))

    async def ensure_billing_schedule(self, request: EnsureBillingSchedule, links: Links) -> Effect:
        """Create the schedule; its rows become exactly those of the request."""
        project = links.of(request.project_step)
        return await self._upsert(
            RecordKind.BILLING_SCHEDULE,
            request.key,
            request.name,
            lambda data: to_schedule(request, project, data, self._config),
        )

    async def find_contract(self, request: EnsureContract, links: Links) -> Effect | None:
        """The contract under our key. Another holder of its number raises NeedsRepair."""
        del links
        found = await self._find(RecordKind.CONTRACT, request.key)
        await self._holders.check_contract(request, found)
        return _effect(found)

    async def ensure_contract(self, request: EnsureContract, links: Links) -> Effect:
        """Create the contract; its lines become exactly those of the request."""
        refs = ContractRefs(
            customer=links.of(request.customer_step),
            project=links.of(request.project_step),
            projects={line.code: links.of(line.project_step) for line in request.lines},
            schedules={line.code: links.of(line.schedule_step) for line in request.lines if line.schedule_step},
        )
        return await self._upsert(
            RecordKind.CONTRACT,
            request.key,
            f"contract {request.contract_number}",
            lambda data: to_sales_order(request, refs, data, self._config),
        )

    async def find_hold(self, request: HoldEngagement, links: Links) -> Effect | None:
        """Evidence that time is closed on all projects of the engagement and that nothing is invoiced."""
        del links
        is_frozen = await self._freezing.is_frozen(request.project, request.contract)
        return Effect(ref=request.project, created=False, changed=False) if is_frozen else None

    async def ensure_hold(self, request: HoldEngagement, links: Links) -> Effect:
        """No time on the projects, no invoices from the contract."""
        del links
        await self._freezing.freeze(request.project, request.contract, request.reason)
        return Effect(ref=request.project, created=False)

    async def find_release(self, request: ReleaseEngagement, links: Links) -> Effect | None:
        """Evidence that the engagement is open again."""
        del links
        is_open = await self._freezing.is_open(request.project, request.contract)
        return Effect(ref=request.project, created=False, changed=False) if is_open else None

    async def ensure_release(self, request: ReleaseEngagement, links: Links) -> Effect:
        """Undo a freeze or a cancellation; a reason not to bill that stood before it stays."""
        del links
        await self._freezing.release(request.project, request.contract)
        return Effect(ref=request.project, created=False)

    async def find_cancellation(self, request: CancelEngagement, links: Links) -> Effect | None:
        """Evidence that projects and contract are closed as cancelled."""
        del links
        is_cancelled = await self._freezing.is_cancelled(request.project, request.contract)
        return Effect(ref=request.project, created=False, changed=False) if is_cancelled else None

    async def ensure_cancellation(self, request: CancelEngagement, links: Links) -> Effect:
        """Close projects and contract as cancelled."""
        del links
        await self._freezing.cancel(request.project, request.contract, request.reason)
        return Effect(ref=request.project, created=False)

    def guard_of_customer_change(self) -> Guard:
        """How a change of a customer or a person is kept to one effect."""
        return self._customers.guard()

    async def get_customer(self, record_id: str, people: Sequence[KnownPerson]) -> CustomerState | None:
        """The customer with those people as it is now."""
        return await self._customers.get_customer(record_id, people)

    async def find_update(self, request: UpdateCustomer | UpdateContact) -> Effect | None:
        """Evidence that the record says what this change wants."""
        return await self._customers.find(request)

    async def apply_update(self, request: UpdateCustomer | UpdateContact) -> Effect:
        """Make the change if what it touches still is as planned."""
        return await self._customers.apply(request)

    def guard_of_change(self, kind: str) -> Guard:
        """How a change of a contract in force is kept to one effect."""
        return GUARDS.get(kind, Guard.MANUAL)

    async def get_standing(self, contract: RecordRef) -> ContractStanding:
        """The contract as it stands now: one call."""
        return await self._amending.get_standing(contract)

    async def find_change(self, request: ContractChange, links: Links) -> Effect | None:
        """Evidence that the contract stands as this change wants it."""
        del links
        return await self._amending.find(request)

    async def apply_change(self, request: ContractChange, links: Links) -> Effect:
        """Make the change if the contract still stands as planned."""
        del links
        return await self._amending.apply(request)

    async def find_purchase_order(self, request: EnterPurchaseOrder, links: Links) -> Effect | None:
        """Evidence that the contract carries this number, and waits for it no more."""
        del links
        has_it = await self._freezing.has_po(request.contract, request.po_number, request.lifts)
        return Effect(ref=request.contract, created=False, changed=False) if has_it else None

    async def ensure_purchase_order(self, request: EnterPurchaseOrder, links: Links) -> Effect:
        """Enter the customer's number and lift the hold that waited for it."""
        del links
        await self._freezing.enter_po(request.contract, request.po_number, request.lifts)
        return Effect(ref=request.contract, created=False)

    async def _find(self, kind: RecordKind, key: str) -> RecordRef | None:
        how = _KINDS[kind]
        eid = external_id(self._prefix(kind), key)
        fields = ["id", "externalId", how.number_field] + (["isInactive"] if how.has_inactive else [])
        head = await self._client.get_record(
            how.record_type, f"eid:{eid}", RecordHead, record=f"{kind} {eid}", fields=fields
        )
        if head is None:
            return None
        ref = self._reader.ref(kind, head.id, head.tran_id or head.entity_id or head.name)
        if head.is_inactive:
            raise inactive(ref, eid)
        self._remember(kind, eid)
        return ref

    async def _upsert(self, kind: RecordKind, key: str, record: str, build: Callable[[ReferenceData], Body]) -> Effect:
        how = _KINDS[kind]
        eid = external_id(self._prefix(kind), key)
        body = await self._body(build)
        was_seen = f"{kind}/{eid}" in self._seen
        replace = [name for name in how.replace if name in body]
        try:
            record_id = await self._client.put_record(how.record_type, eid, body, record=record, replace=replace)
        except (AlreadyExists, ChangedMeanwhile):
            # Somebody was first: under our key it is ours (perhaps a lost attempt), under another it is a namesake.
            if (found := await self._find(kind, key)) is None:
                raise
            return Effect(ref=found, created=False, changed=False)
        self._remember(kind, eid)
        return Effect(ref=self._reader.ref(kind, record_id), created=not was_seen)

    async def _body(self, build: Callable[[ReferenceData], dict[str, Any]]) -> dict[str, Any]:
        data = await self._book.current()
        try:
            return build(data)
        except UnknownReference:
            return build(await self._book.newer_than(data))

    def _prefix(self, kind: RecordKind) -> str:
        prefixes = self._config.prefixes
        return {
            RecordKind.CUSTOMER: prefixes.customer,
            RecordKind.CONTACT: prefixes.contact,
            RecordKind.PROJECT: prefixes.project,
            RecordKind.CONTRACT: prefixes.contract,
            RecordKind.BILLING_SCHEDULE: prefixes.billing_schedule,
            RecordKind.COST_CENTRE: prefixes.cost_centre,
        }[kind]

    def _remember(self, kind: RecordKind, eid: str) -> None:
        self._seen[f"{kind}/{eid}"] = None
        self._seen.move_to_end(f"{kind}/{eid}")
        if len(self._seen) > _MOST_REMEMBERED:
            self._seen.popitem(last=False)


def _effect(found: RecordRef | None) -> Effect | None:
    return None if found is None else Effect(ref=found, created=False, changed=False)
