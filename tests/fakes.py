"""An ERP and a CRM in memory that implement the ports, with a journal of what they applied and switchable trouble."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from models.base import digest_of
from models.errors import NeedsRepair
from models.events import ContractOfDeal
from models.ids import ConnectionId, DealId, ExternalKey
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
    WriteBackDeal,
)
from models.records import BilledRow, Effect, Guard, Links, ReadBack, RecordKind, RecordRef, WorkDone
from models.survey import Chart, ChartEntity, CustomerCandidate, ErpTraits, ExistingRecord, Survey, SurveyQuestion
from models.terms import DealState, SignedTerms

__all__ = ["FakeCrm", "FakeErp", "demo_chart"]

Trouble = Callable[[str, str], Exception | None]
"""(moment, kind) -> what to raise; moment is `before` or `after` the effect."""


def demo_chart() -> Chart:
    return Chart(
        entities=tuple(
            ChartEntity.model_validate(
                {"code": code, "record_id": str(row), "name": name, "functional_currency": currency, "country": country}
            )
            for row, (code, name, currency, country) in enumerate(
                [
                    ("LE-US", "Harbour & Finch Consulting Inc.", "USD", "US"),
                    ("LE-FED", "Harbour & Finch Federal LLC", "USD", "US"),
                    ("LE-UK", "Harbour & Finch Ltd", "GBP", "GB"),
                    ("LE-DE", "Harbour & Finch GmbH", "EUR", "DE"),
                    ("LE-JP", "Harbour & Finch KK", "JPY", "JP"),
                ],
                start=1,
            )
        ),
        currencies={"USD": 2, "GBP": 2, "EUR": 2, "JPY": 0, "BHD": 3, "KWD": 3},
        terms=("NET15", "NET30", "NET45", "NET60", "DUE_ON_RECEIPT"),
        cost_centres=("ADV", "TEC", "OPS", "EDU", "ENG"),
        items=("SVC-FIXED", "SVC-TM", "SVC-RETAINER", "SVC-COSTPLUS", "SVC-FEE"),
    )


class FakeErp:
    """Keeps our keys unique, so its writes are *proof*."""

    def __init__(self) -> None:
        self.connection = ConnectionId("erp-main")
        self.traits = ErpTraits(
            one_billing_type_per_project=True,
            customer=Guard.PROOF,
            contact=Guard.PROOF,
            cost_centre=Guard.PROOF,
            project=Guard.PROOF,
            billing_schedule=Guard.PROOF,
            contract=Guard.PROOF,
            hold=Guard.PROOF,
        )
        self.records: dict[tuple[RecordKind, str], tuple[RecordRef, Any]] = {}
        self.candidates: list[CustomerCandidate] = []
        self.journal: list[tuple[str, str]] = []
        self.calls: list[str] = []
        self.trouble: Trouble = lambda _moment, _kind: None
        self.chart = demo_chart()
        self.change_read_back: Callable[[ReadBack], ReadBack] = lambda read: read
        self.at_risk: RecordRef | None = None
        self.purchase_orders: dict[str, tuple[str, str]] = {}
        self.held: set[str] = set()
        self.cancelled: set[str] = set()
        self.work_done = WorkDone()

    async def survey(self, question: SurveyQuestion) -> Survey:
        self.calls.append("survey")
        self._raise("before", "survey")
        existing = [
            ExistingRecord(ref=ref, key=ExternalKey(key), contract_number=getattr(request, "contract_number", ""))
            for (kind, key), (ref, request) in self.records.items()
            if key in question.keys and kind is not RecordKind.CUSTOMER
        ]
        known = [
            request
            for (kind, _), (_, request) in self.records.items()
            if kind is RecordKind.CUSTOMER and request.account_id == question.account_id
        ][-1:]
        made = [
            CustomerCandidate(
                ref=self.records[(RecordKind.CUSTOMER, request.key)][0],
                external_key=request.key,
                account_id=request.account_id,
                name=request.name,
                address=request.address,
                tax_number=request.tax_number,
                registration_number=request.registration_number,
                duns=request.duns,
            )
            for request in known
        ]
        taken = {ref.record_id for ref, _ in self.records.values()}
        waits = self.at_risk if self.at_risk and self.at_risk.record_id not in taken else None
        return Survey(
            candidates=(*self.candidates, *made), existing=tuple(existing),
            at_risk=waits if question.takes_on_project else None,
        )  # fmt: skip

    async def get_chart(self, *, fresh: bool = False) -> Chart:
        self.calls.append("chart, fresh" if fresh else "chart")
        return self.chart

    async def read_back(self, contract: RecordRef, project: RecordRef, schedules: tuple[RecordRef, ...]) -> ReadBack:
        self.calls.append("billed")
        wanted = {contract.record_id, *(ref.record_id for ref in schedules)}
        rows: list[BilledRow] = []
        hold = ""
        for ref, request in self.records.values():
            if ref.record_id not in wanted:
                continue
            if isinstance(request, EnsureContract):
                hold = request.billing_hold
                rows += [BilledRow(source="line", code=line.code, amount=line.amount) for line in request.lines]
            if isinstance(request, EnsureBillingSchedule):
                rows += [
                    BilledRow(source="milestone", code=row.code, amount=row.amount, due_on=row.due_on)
                    for row in request.rows
                ]
        read = ReadBack(
            rows=tuple(rows), project_number=f"PRJ-{project.record_id}", contract_number=f"SO-{contract.record_id}",
            billing_hold=hold,
        )  # fmt: skip
        return self.change_read_back(read)

    async def get_work_done(self, project: RecordRef, contract: RecordRef) -> WorkDone:
        self.calls.append("work done")
        return self.work_done

    async def find_customer(self, request: EnsureCustomer, links: Links) -> Effect | None:
        return self._find(RecordKind.CUSTOMER, request.key)

    async def ensure_customer(self, request: EnsureCustomer, links: Links) -> Effect:
        if request.adopt is not None:
            return Effect(ref=request.adopt, created=False, changed=False)
        return self._ensure(RecordKind.CUSTOMER, request.key, request)

    async def find_contact(self, request: EnsureContact, links: Links) -> Effect | None:
        return self._find(RecordKind.CONTACT, request.key)

    async def ensure_contact(self, request: EnsureContact, links: Links) -> Effect:
        links.of(request.customer_step)
        return self._ensure(RecordKind.CONTACT, request.key, request)

    async def find_cost_centre(self, request: EnsureCostCentre, links: Links) -> Effect | None:
        return self._find(RecordKind.COST_CENTRE, request.code)

    async def ensure_cost_centre(self, request: EnsureCostCentre, links: Links) -> Effect:
        return self._ensure(RecordKind.COST_CENTRE, request.code, request)

    async def find_project(self, request: EnsureProject, links: Links) -> Effect | None:
        return self._find(RecordKind.PROJECT, request.key)

    async def ensure_project(self, request: EnsureProject, links: Links) -> Effect:
        links.of(request.customer_step)
        return self._ensure(RecordKind.PROJECT, request.key, request)

    async def find_billing_schedule(self, request: EnsureBillingSchedule, links: Links) -> Effect | None:
        return self._find(RecordKind.BILLING_SCHEDULE, request.key)

    async def ensure_billing_schedule(self, request: EnsureBillingSchedule, links: Links) -> Effect:
        links.of(request.project_step)
        return self._ensure(RecordKind.BILLING_SCHEDULE, request.key, request)

    async def find_contract(self, request: EnsureContract, links: Links) -> Effect | None:
        return self._find(RecordKind.CONTRACT, request.key)

    async def ensure_contract(self, request: EnsureContract, links: Links) -> Effect:
        links.of(request.customer_step)
        return self._ensure(RecordKind.CONTRACT, request.key, request)

    async def find_hold(self, request: HoldEngagement, links: Links) -> Effect | None:
        held = request.project.record_id in self.held
        return Effect(ref=request.project, created=False) if held else None

    async def ensure_hold(self, request: HoldEngagement, links: Links) -> Effect:
        self.held.add(request.project.record_id)
        self.journal.append(("hold", request.project.record_id))
        return Effect(ref=request.project, created=False)

    async def find_release(self, request: ReleaseEngagement, links: Links) -> Effect | None:
        held = request.project.record_id in self.held
        return None if held else Effect(ref=request.project, created=False)

    async def ensure_release(self, request: ReleaseEngagement, links: Links) -> Effect:
        self.held.discard(request.project.record_id)
        self.cancelled.discard(request.project.record_id)
        self.journal.append(("release", request.project.record_id))
        return Effect(ref=request.project, created=False)

    async def find_cancellation(self, request: CancelEngagement, links: Links) -> Effect | None:
        is_there = request.project.record_id in self.cancelled
        return Effect(ref=request.project, created=False) if is_there else None

    async def ensure_cancellation(self, request: CancelEngagement, links: Links) -> Effect:
        self._raise("before", "cancellation")
        self.cancelled.add(request.project.record_id)
        self.journal.append(("cancel", request.project.record_id))
        self._raise("after", "cancellation")
        return Effect(ref=request.project, created=False)

    async def find_purchase_order(self, request: EnterPurchaseOrder, links: Links) -> Effect | None:
        entered = self.purchase_orders.get(request.contract.record_id) == (request.po_number, request.lifts)
        return Effect(ref=request.contract, created=False) if entered else None

    async def ensure_purchase_order(self, request: EnterPurchaseOrder, links: Links) -> Effect:
        self._raise("before", "purchase order")
        self.purchase_orders[request.contract.record_id] = (request.po_number, request.lifts)
        self.journal.append(("po", request.po_number))
        self._raise("after", "purchase order")
        return Effect(ref=request.contract, created=False)

    def _find(self, kind: RecordKind, key: str) -> Effect | None:
        self.calls.append(f"find {kind}")
        self._raise("before", f"find {kind}")
        found = self.records.get((kind, key))
        return Effect(ref=found[0], created=False, changed=False) if found else None

    def _ensure(self, kind: RecordKind, key: str, request: Any) -> Effect:
        self.calls.append(f"ensure {kind}")
        self._raise("before", str(kind))
        created = (kind, key) not in self.records
        if created and getattr(request, "adopt", None) is not None:
            created, ref = False, request.adopt
            self.records[(kind, key)] = (ref, request)
        elif created:
            number = str(1000 + len(self.records))
            ref = RecordRef(
                connection=self.connection, kind=kind, record_id=number, number=f"{kind[:1].upper()}-{number}"
            )
            self.records[(kind, key)] = (ref, request)
        else:
            ref = self.records[(kind, key)][0]
            self.records[(kind, key)] = (ref, request)
        self.journal.append(("create" if created else "update", f"{kind}:{key}"))
        self._raise("after", str(kind))
        return Effect(ref=ref, created=created)

    def _raise(self, moment: str, kind: str) -> None:
        error = self.trouble(moment, kind)
        if error is not None:
            raise error


class FakeCrm:
    """Deals as signed terms; what we write back is kept by key."""

    def __init__(self) -> None:
        self.connection = ConnectionId("crm-main")
        self.deals: dict[DealId, SignedTerms] = {}
        self.shown: dict[str, WriteBackDeal] = {}
        self.journal: list[tuple[str, str]] = []
        self.calls: list[str] = []
        self.trouble: Trouble = lambda _moment, _kind: None

    def put(self, terms: SignedTerms) -> None:
        self.deals[terms.deal_id] = terms

    def change(self, deal: DealId, **changes: object) -> None:
        """As a salesperson would: the deal changes, and so does its change stamp."""
        self.deals[deal] = SignedTerms.model_validate(
            {**self.deals[deal].model_dump(), "source_version": datetime.now(UTC), **changes}
        )

    async def check_access(self) -> None:
        self._raise("before", "access")

    async def find_contracts(self, deals: Sequence[DealId]) -> tuple[ContractOfDeal, ...]:
        self.calls.append("find contracts")
        return tuple(_contract(self.deals[deal]) for deal in deals if deal in self.deals)

    async def list_won_deals(self) -> tuple[ContractOfDeal, ...]:
        self.calls.append("list won")
        return tuple(_contract(terms) for terms in self.deals.values() if terms.deal_state is DealState.WON)

    async def get_signed_terms(self, deal: DealId) -> SignedTerms:
        self.calls.append("read")
        self._raise("before", "read")
        if deal not in self.deals:
            raise NeedsRepair(f"Deal {deal} does not exist in the CRM. Check the id.", record=deal)
        return self.deals[deal]

    def guard_of_write_back(self) -> Guard:
        return Guard.PROOF

    async def find_write_back(self, request: WriteBackDeal, links: Links) -> Effect | None:
        self.calls.append("find write-back")
        shown = self.shown.get(request.key)
        if shown is None or digest_of(shown) != digest_of(request):
            return None
        return Effect(ref=self._ref(request), created=False, changed=False)

    async def ensure_write_back(self, request: WriteBackDeal, links: Links) -> Effect:
        self.calls.append("write-back")
        self._raise("before", "write-back")
        created = request.key not in self.shown
        self.shown[request.key] = request
        self.journal.append(("write-back", f"{request.status}:{request.key}"))
        self._raise("after", "write-back")
        return Effect(ref=self._ref(request), created=created)

    def _ref(self, request: WriteBackDeal) -> RecordRef:
        return RecordRef(connection=self.connection, kind=RecordKind.DEAL, record_id=request.deal_id)

    def _raise(self, moment: str, kind: str) -> None:
        error = self.trouble(moment, kind)
        if error is not None:
            raise error


def _contract(terms: SignedTerms) -> ContractOfDeal:
    return ContractOfDeal(
        deal_id=terms.deal_id,
        contract_number=terms.contract_number,
        amendment_number=terms.amendment_number,
        is_won=terms.deal_state is DealState.WON,
        source_version=terms.source_version,
    )
