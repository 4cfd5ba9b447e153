from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from connectors.tryton.chart import ReferenceBook, read_reference_data
from connectors.tryton.client import TrytonClient
from connectors.tryton.config import TrytonConfig
from connectors.tryton.errors import AlreadyExists
from connectors.tryton.events import to_event
from connectors.tryton.freezing import Freezing
from connectors.tryton.holders import MODELS, Holder, Holders, inactive, ref_of
from connectors.tryton.mapping import (
    Values,
    internal_id,
    to_analytic_account,
    to_contact,
    to_customer,
    to_project,
    to_sale,
    to_schedule,
)
from connectors.tryton.purchase_order import PurchaseOrders
from connectors.tryton.schemas import AnalyticRow, CountryRow, EventRow, PartyRow, SaleRow, WorkRow
from connectors.tryton.surveying import Surveying
from connectors.tryton.traits import traits_of
from models.errors import NeedsRepair
from models.events import ErpEvent
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
from models.records import Effect, Links, ReadBack, RecordKind, RecordRef, WorkDone
from models.roles import Role
from models.survey import Chart, ErpTraits, Survey, SurveyQuestion

__all__ = ["TrytonErp"]

_TO_CONFIRM = {"draft": ("quote", "confirm"), "quotation": ("confirm",)}


class TrytonErp:
    """Implements `ports.erp.Erp` for one database.

    With the module `tieline` every record is found or created in one transaction of the ERP, by an external id that
    its database keeps unique. Without it parties are unique by their code; the rest is looked up, then created.
    """

    def __init__(self, client: TrytonClient, config: TrytonConfig) -> None:
        self._client = client
        self._config = config
        self._traits = traits_of(config)
        self._surveying = Surveying(client, config)
        self._freezing = Freezing(client)
        self._purchase_orders = PurchaseOrders(client)
        self._holders = Holders(client, config)
        self._book = ReferenceBook(lambda: read_reference_data(client, config), config.chart_ttl_s)

    @property
    def connection(self) -> ConnectionId:
        """The database this adapter speaks to."""
        return self._config.connection

    @property
    def traits(self) -> ErpTraits:
        """What Tryton can and cannot do."""
        return self._traits

    async def survey(self, question: SurveyQuestion) -> Survey:
        """Candidates for the customer and records under our keys: three calls at once."""
        return await self._surveying.survey(question, await self._book.current())

    async def get_chart(self, *, fresh: bool = False) -> Chart:
        """Reference data that plans are checked against: eight calls, four at once, kept for some minutes."""
        if fresh:
            self._book.forget()
        return (await self._book.current()).chart()

    async def read_back(self, contract: RecordRef, project: RecordRef, schedules: tuple[RecordRef, ...]) -> ReadBack:
        """Contract lines and milestones as finance will bill them, and how people call both: two calls at once."""
        return await self._surveying.read_back(contract, project, schedules)

    async def get_work_done(self, project: RecordRef, contract: RecordRef) -> WorkDone:
        """Invoices and time of an engagement: three calls."""
        return await self._freezing.work_done(project, contract)

    async def list_events(self, after: int) -> list[ErpEvent]:
        """Changes of our records since a row of the outbox; needs the module `tieline`."""
        fields = ("model", "record", "external_id", "kind", "create_date")
        rows = await self._client.search(
            "tieline.event", EventRow, [["id", ">", after]], fields=fields, record="its outbox", most=10_000
        )
        return [to_event(row, self.connection) for row in rows]

    async def find_customer(self, request: EnsureCustomer, links: Links) -> Effect | None:
        """The customer under our key. Two holders of the CRM account's id raise NeedsRepair."""
        del links
        if request.adopt is not None:
            return Effect(ref=request.adopt, created=False, changed=False)
        if (found := await self._holders.find(RecordKind.CUSTOMER, request.key)) is not None:
            await self._holders.check_customer(request, found)
        return _effect(found)

    async def ensure_customer(self, request: EnsureCustomer, links: Links) -> Effect:
        """Adopt the matched customer without a write, or create it."""
        del links
        if request.adopt is not None:
            return Effect(ref=request.adopt, created=False, changed=False)
        data, subdivision = await asyncio.gather(self._book.current(), self._subdivision(request))
        values = to_customer(request, data, self._config, subdivision)
        company = data.company(request.legal_entity).id
        return await self._ensure(RecordKind.CUSTOMER, request.key, values, record=request.name, company=company)

    async def find_contact(self, request: EnsureContact, links: Links) -> Effect | None:
        """The person under our key."""
        del links
        return _effect(await self._holders.find(RecordKind.CONTACT, request.key))

    async def ensure_contact(self, request: EnsureContact, links: Links) -> Effect:
        """Create the person, related to the customer."""
        data = await self._book.current()
        customer = links.of(request.customer_step)
        company = data.company(request.legal_entity).id
        values = to_contact(request, customer, data)
        return await self._ensure(RecordKind.CONTACT, request.key, values, record=values["name"], company=company)

    async def find_cost_centre(self, request: EnsureCostCentre, links: Links) -> Effect | None:
        """The analytic account of that code in the legal entity, as it is now."""
        del links
        data = await self._book.current()
        rows = await self._client.search(
            "analytic_account.account",
            AnalyticRow,
            [["code", "=", request.code], ["type", "=", "normal"],
             ["company", "=", data.company(request.legal_entity).id], ["active", "in", [True, False]]],
            fields=("code", "active"),
            record=f"cost centre {request.code}",
        )  # fmt: skip
        refs = [ref_of(self._config, RecordKind.COST_CENTRE, row.id, row.code) for row in rows]
        if len(refs) > 1:
            raise NeedsRepair(
                f"Tryton has {len(refs)} analytic accounts with the code {request.code}. Keep one, then press Retry.",
                record=request.code, field="code", owner=Role.FINANCE_OPERATIONS,
            )  # fmt: skip
        if rows and not rows[0].active:
            raise inactive(refs[0], request.code)
        return Effect(ref=refs[0], created=False, changed=False) if refs else None

    async def ensure_cost_centre(self, request: EnsureCostCentre, links: Links) -> Effect:
        """The analytic account of that code; an existing one stays as it is."""
        if (found := await self.find_cost_centre(request, links)) is not None:
            return found
        data = await self._book.current()
        key = f"cost-centre-{request.legal_entity}-{request.code}"
        values = to_analytic_account(request, data)
        try:
            effect = await self._ensure(
                RecordKind.COST_CENTRE, key, values, record=f"cost centre {request.code}", company=values["company"],
                has_looked=True,
            )  # fmt: skip
        except AlreadyExists:
            # Another deal made it since we looked.
            if (found := await self.find_cost_centre(request, links)) is None:
                raise
            effect = found
        self._book.forget()
        return effect

    async def find_project(self, request: EnsureProject, links: Links) -> Effect | None:
        """The project under our key."""
        del links
        return _effect(await self._holders.find(RecordKind.PROJECT, request.key))

    async def ensure_project(self, request: EnsureProject, links: Links) -> Effect:
        """Create the project of its customer, or a part of a mixed contract's project."""
        data = await self._book.current()
        parent = links.of(request.parent_step) if request.parent_step else None
        values = to_project(request, links.of(request.customer_step), parent, data, self._note(request.key))
        return await self._ensure(
            RecordKind.PROJECT, request.key, values, record=request.name, company=values["company"]
        )

    async def find_billing_schedule(self, request: EnsureBillingSchedule, links: Links) -> Effect | None:
        """The schedule under our key; it was written with all its rows or not at all."""
        del links
        return _effect(await self._holders.find(RecordKind.BILLING_SCHEDULE, request.key))

    async def ensure_billing_schedule(self, request: EnsureBillingSchedule, links: Links) -> Effect:
        """Create the schedule as a task of the project with one task a row."""
        project = links.of(request.project_step)
        data, rows = await asyncio.gather(
            self._book.current(),
            self._client.search(
                "project.work", WorkRow, [["id", "=", internal_id(project)]],
                fields=("company.party.code", "company.currency.code"), record=request.name,
            ),
        )  # fmt: skip
        company = rows[0].company if rows else None
        if company is None:
            raise _gone("project", project)
        foreign = {row.amount.currency for row in request.rows} - {company.currency.code}
        if foreign:
            raise NeedsRepair(
                f"Tryton bills projects of {company.party.code} in {company.currency.code} only, and {request.name} is "
                f"in {', '.join(sorted(foreign))}. Bill it by hand from the sale, or sell it through a company with "
                "that currency.",
                code="TL-CON-006", record=request.name, field="currency", owner=Role.FINANCE_OPERATIONS,
            )  # fmt: skip
        item = data.item(self._config.schedule_items.get(request.billing_rule, request.billing_rule)).product
        values = to_schedule(request, project, company.id, item, self._note(request.key))
        return await self._ensure(
            RecordKind.BILLING_SCHEDULE, request.key, values, record=request.name, company=company.id
        )

    async def find_contract(self, request: EnsureContract, links: Links) -> Effect | None:
        """The contract under our key, if it is as far as it should be; else `ensure_contract` takes it there."""
        del links
        found = await self._holders.find(RecordKind.CONTRACT, request.key)
        if found is None:
            await self._holders.check_contract(request)
        return None if found is None or _missing_steps(found.state, request) else _effect(found)

    async def ensure_contract(self, request: EnsureContract, links: Links) -> Effect:
        """Create and confirm the contract; while there is a reason not to bill it is a draft, its projects closed."""
        data = await self._book.current()
        customer = links.of(request.customer_step)
        company = data.company(request.legal_entity).id
        name = f"contract {request.contract_number}"
        if request.billing_hold:
            steps = dict.fromkeys([request.project_step, *(line.project_step for line in request.lines)])
            for project in (links.of(step) for step in steps):
                await self._client.write(
                    "project.work", internal_id(project), {"project_invoice_method": "manual"}, record=name,
                    company=company,
                )  # fmt: skip
        values = to_sale(request, customer, await self._address(customer, name), data, self._note(request.key))
        effect = await self._ensure(
            RecordKind.CONTRACT, request.key, values, record=name, company=company,
            steps=() if request.billing_hold else _TO_CONFIRM["draft"],
        )  # fmt: skip
        if effect.created and self._config.has_uniqueness_module:
            return effect
        return await self._taken_on(request, effect, name, company)

    async def find_hold(self, request: HoldEngagement, links: Links) -> Effect | None:
        """Evidence that the projects take no time and bill nothing."""
        del links
        is_frozen = await self._freezing.is_frozen(request.project)
        return Effect(ref=request.project, created=False, changed=False) if is_frozen else None

    async def ensure_hold(self, request: HoldEngagement, links: Links) -> Effect:
        """No time on the projects, no invoices from them; the contract invoices nothing by itself."""
        del links
        await self._freezing.freeze(request.project, request.reason)
        return Effect(ref=request.project, created=False)

    async def find_release(self, request: ReleaseEngagement, links: Links) -> Effect | None:
        """Evidence that the engagement is open again."""
        del links
        is_open = await self._freezing.is_open(request.project)
        return Effect(ref=request.project, created=False, changed=False) if is_open else None

    async def ensure_release(self, request: ReleaseEngagement, links: Links) -> Effect:
        """Undo a freeze or a cancellation."""
        del links
        await self._freezing.release(request.project)
        return Effect(ref=request.project, created=False)

    async def find_cancellation(self, request: CancelEngagement, links: Links) -> Effect | None:
        """Evidence that the projects are closed as cancelled."""
        del links
        is_cancelled = await self._freezing.is_cancelled(request.project)
        return Effect(ref=request.project, created=False, changed=False) if is_cancelled else None

    async def ensure_cancellation(self, request: CancelEngagement, links: Links) -> Effect:
        """Close the projects as cancelled; the contract invoices nothing by itself."""
        del links
        await self._freezing.cancel(request.project, request.reason)
        return Effect(ref=request.project, created=False)

    async def find_purchase_order(self, request: EnterPurchaseOrder, links: Links) -> Effect | None:
        """Evidence that the contract carries this number, and waits for it no more."""
        del links
        has_it = await self._purchase_orders.has_po(request)
        return Effect(ref=request.contract, created=False, changed=False) if has_it else None

    async def ensure_purchase_order(self, request: EnterPurchaseOrder, links: Links) -> Effect:
        """Enter the customer's number and lift the hold that waited for it."""
        del links
        await self._purchase_orders.enter_po(request)
        return Effect(ref=request.contract, created=False)

    async def _ensure(
        self,
        kind: RecordKind,
        key: str,
        values: Values,
        *,
        record: str,
        company: int,
        steps: Sequence[str] = (),
        has_looked: bool = False,
    ) -> Effect:
        """Find by our key or create; whoever comes second takes what is there."""
        model = MODELS[kind]
        try:
            if self._config.has_uniqueness_module:
                record_id, created = await self._client.ensure(
                    model, key, values, record=record, steps=steps, company=company
                )
                return Effect(ref=ref_of(self._config, kind, record_id), created=created, changed=created)
            if model == "party.party":
                values = values | {"code": key}
            elif not has_looked and (found := await self._holders.find(kind, key)) is not None:
                return Effect(ref=found.ref, created=False, changed=False)
            record_id = await self._client.create(model, values, record=record, company=company)
        except AlreadyExists:
            if kind is RecordKind.COST_CENTRE or (found := await self._holders.find(kind, key)) is None:
                raise
            return Effect(ref=found.ref, created=False, changed=False)
        return Effect(ref=ref_of(self._config, kind, record_id), created=True)

    async def _taken_on(self, request: EnsureContract, effect: Effect, name: str, company: int) -> Effect:
        """Confirm a contract that is not as far as it should be, perhaps by a lost attempt of ours."""
        record_id = internal_id(effect.ref)
        fields = ("state", "number")
        rows = await self._client.search("sale.sale", SaleRow, [["id", "=", record_id]], fields=fields, record=name)
        if not rows:
            raise _gone("contract", effect.ref)
        steps = _missing_steps(rows[0].state, request)
        for step in steps:
            await self._client.press("sale.sale", record_id, step, record=name, company=company)
        return effect.model_copy(update={"changed": effect.changed or bool(steps)})

    async def _address(self, customer: RecordRef, name: str) -> int:
        rows = await self._client.search(
            "party.party", PartyRow, [["id", "=", internal_id(customer)]], fields=("addresses.id",), record=name
        )
        if not rows:
            raise _gone("customer", customer)
        if not rows[0].addresses:
            who = customer.number or customer.record_id
            raise NeedsRepair(
                f"Customer {who} has no address in Tryton, and a contract needs one. Add it there, then press Retry.",
                record=who, field="address", owner=Role.MASTER_DATA,
            )  # fmt: skip
        return rows[0].addresses[0].id

    async def _subdivision(self, request: EnsureCustomer) -> int | None:
        """The state or province, if the ERP lists it."""
        country, region = request.address.country, request.address.region
        if not country or not region:
            return None
        domain: list[Any] = [["country.code", "=", country],
                             ["OR", ["code", "=", f"{country}-{region}"], ["name", "=", region]]]  # fmt: skip
        rows = await self._client.search(
            "country.subdivision", CountryRow, domain, fields=("code",), record=request.name
        )
        return rows[0].id if len(rows) == 1 else None

    def _note(self, key: str) -> str:
        return "" if self._config.has_uniqueness_module else key


def _missing_steps(state: str, request: EnsureContract) -> tuple[str, ...]:
    return () if request.billing_hold else _TO_CONFIRM.get(state, ())


def _effect(found: Holder | None) -> Effect | None:
    return Effect(ref=found.ref, created=False, changed=False) if found is not None else None


def _gone(kind: str, ref: RecordRef) -> NeedsRepair:
    name = f"{kind} {ref.number or ref.record_id}"
    return NeedsRepair(
        f"Tryton has no {name} any more. Look who deleted it there, then press Retry.",
        record=name, owner=Role.FINANCE_OPERATIONS,
    )  # fmt: skip
