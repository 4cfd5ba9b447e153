from __future__ import annotations

from datetime import date

from mappings.rulebook import BillingRule, LegalEntityRule, RuleBook, ServiceLineRule, TermsRule
from mappings.schedules import milestone_rows, retainer_rows
from mappings.survey_question import contract_key, customer_external_key, project_key, schedule_key
from models.base import Canonical
from models.ids import ConnectionId, CustomerKey, FirmId, OperationKey, Step, external_key, operation_key
from models.money import Money
from models.operations import (
    ContractLine,
    EnsureBillingSchedule,
    EnsureContact,
    EnsureContract,
    EnsureCostCentre,
    EnsureCustomer,
    EnsureProject,
    OperationRequest,
    ScheduleRow,
    WriteBackDeal,
)
from models.party import BuyerIdentity
from models.plan import PlannedOperation, RuleRef
from models.records import Guard, RecordRef
from models.survey import ErpTraits
from models.terms import BillingType, SignedTerms, SowLine

__all__ = ["Booking", "Sides", "plan_operations"]

PROCESS = "quote-to-project"


class Booking(Canonical):
    """Sold facts with the firm's choices made: what the operations are built from."""

    firm: FirmId
    terms: SignedTerms
    buyer: BuyerIdentity
    customer_key: CustomerKey
    adopt: RecordRef | None
    entity: LegalEntityRule
    payment_terms: TermsRule
    services: dict[str, ServiceLineRule]
    """By line code."""
    billing: dict[str, BillingRule]
    """By line code."""
    prices: dict[str, Money]
    signed_on: date
    start_on: date
    billing_hold: str = ""
    missing_cost_centres: tuple[str, ...] = ()


class Sides(Canonical):
    """The two connections a plan writes to."""

    crm: ConnectionId
    erp: ConnectionId
    traits: ErpTraits
    write_back: Guard


class _Builder:
    """Collects operations in the order of their needs."""

    def __init__(self, booking: Booking, sides: Sides, book: RuleBook) -> None:
        self._b = booking
        self._sides = sides
        self._book = book
        self.operations: list[PlannedOperation] = []

    def add(
        self, step: str, request: OperationRequest, *, guard: Guard, summary: str, needs: tuple[str, ...] = (),
        action: str = "create", amount: Money | None = None, rules: tuple[RuleRef, ...] = (),
        key: OperationKey | None = None, connection: ConnectionId | None = None,
    ) -> None:  # fmt: skip
        terms = self._b.terms
        self.operations.append(
            PlannedOperation(
                step=Step(step),
                connection=connection or self._sides.erp,
                action=action,
                guard=guard,
                request=request,
                needs=tuple(Step(need) for need in needs),
                summary=summary,
                amount=amount,
                rules=rules,
                key=key or operation_key(self._b.firm, PROCESS, terms.contract_number, terms.amendment_number, step),
            )
        )


def plan_operations(booking: Booking, sides: Sides, book: RuleBook) -> tuple[PlannedOperation, ...]:
    """Every external write this contract leads to, in an order that can be applied."""
    builder = _Builder(booking, sides, book)
    _customer(builder, booking, sides)
    _contacts(builder, booking, sides)
    _cost_centres(builder, booking, sides)
    projects = _projects(builder, booking, sides, book)
    schedules = _schedules(builder, booking, sides, book, projects)
    _contract(builder, booking, sides, book, projects, schedules)
    _write_back(builder, booking, sides)
    return tuple(builder.operations)


def _customer(builder: _Builder, b: Booking, sides: Sides) -> None:
    buyer = b.buyer
    request = EnsureCustomer(
        key=customer_external_key(b.firm, b.customer_key),
        adopt=b.adopt,
        name=buyer.legal_name or b.terms.customer_legal_name or buyer.name,
        legal_entity=b.entity.code,
        currency=b.terms.currency,
        address=buyer.address,
        account_id=buyer.account_id,
        tax_number=buyer.tax_number,
        tax_country=buyer.address.country,
        registration_number=buyer.registration_number,
        duns=buyer.duns,
        lei=buyer.lei,
        invoice_email=buyer.invoice_email,
        payment_terms_code=b.payment_terms.code,
    )
    verb = (
        f"Take existing customer {b.adopt.number or b.adopt.record_id}"
        if b.adopt
        else f"Create customer {request.name}"
    )
    builder.add(
        "customer", request, guard=sides.traits.customer, summary=verb, action="adopt" if b.adopt else "create",
        key=OperationKey(f"{b.firm}/customer/{sides.erp}/{b.customer_key}"),
    )  # fmt: skip


def _contacts(builder: _Builder, b: Booking, sides: Sides) -> None:
    for number, person in enumerate(b.terms.contacts, start=1):
        step = f"contact:{number}"
        builder.add(
            step,
            EnsureContact(
                key=external_key(b.firm, "contact", person.code),
                customer_step=Step("customer"),
                legal_entity=b.entity.code,
                person=person,
            ),
            guard=sides.traits.contact,
            summary=f"Add the {person.role.value} contact to the customer",
            needs=("customer",),
            key=OperationKey(f"{b.firm}/contact/{sides.erp}/{person.code}"),
        )


def _cost_centres(builder: _Builder, b: Booking, sides: Sides) -> None:
    names = {rule.cost_centre: rule.cost_centre_name for rule in b.services.values()}
    for code in b.missing_cost_centres:
        builder.add(
            f"cost-centre:{code}",
            EnsureCostCentre(code=code, name=names[code], legal_entity=b.entity.code),
            guard=sides.traits.cost_centre,
            summary=f"Create cost centre {names[code]}",
            key=OperationKey(f"{b.firm}/cost-centre/{sides.erp}/{code}"),
        )


def _sold(b: Booking) -> tuple[SowLine, ...]:
    return tuple(line for line in b.terms.lines if not line.is_option)


def _types(b: Booking) -> tuple[BillingType, ...]:
    return tuple(dict.fromkeys(line.billing_type for line in _sold(b) if line.billing_type is not None))


def _projects(builder: _Builder, b: Booking, sides: Sides, book: RuleBook) -> dict[BillingType, str]:
    """The project step of each billing type."""
    types = _types(b)
    split = len(types) > 1 and sides.traits.one_billing_type_per_project
    first = b.services[_sold(b)[0].code]
    _project(builder, b, sides, "project", types[0] if len(types) == 1 else None, first, book, parent=None)
    if not split:
        return dict.fromkeys(types, "project")
    for billing_type in types:
        line = next(item for item in _sold(b) if item.billing_type is billing_type)
        _project(
            builder,
            b,
            sides,
            f"project:{billing_type.value}",
            billing_type,
            b.services[line.code],
            book,
            parent="project",
        )
    return {billing_type: f"project:{billing_type.value}" for billing_type in types}


def _project(  # noqa: PLR0917 - one call site per kind of project, each argument a different fact
    builder: _Builder, b: Booking, sides: Sides, step: str, billing_type: BillingType | None,
    service: ServiceLineRule, book: RuleBook, parent: str | None,
) -> None:  # fmt: skip
    fixed = billing_type in {BillingType.MILESTONES, BillingType.PERCENT_COMPLETE, BillingType.RETAINER}
    lines = [line for line in _sold(b) if line.billing_type is billing_type]
    price = Money.total((b.prices[line.code] for line in lines if line.code in b.prices), b.terms.currency)
    budgets = [line.cost_budget for line in lines if line.cost_budget is not None]
    part = step.partition(":")[2]
    builder.add(
        step,
        EnsureProject(
            key=project_key(b.firm, b.terms, part),
            contract_number=b.terms.contract_number,
            name=f"{b.buyer.name} - {b.terms.contract_number}{f' ({part})' if part else ''}"[:80],
            customer_step=Step("customer"),
            parent_step=Step(parent) if parent else None,
            legal_entity=b.entity.code,
            currency=b.terms.currency,
            billing_type=billing_type,
            template=service.template,
            cost_centre=service.cost_centre,
            start_on=b.start_on,
            end_on=b.terms.end_on,
            price=price if fixed else None,
            cap=next((line.cap for line in lines if line.cap is not None), b.terms.values.cap),
            cost_budget=Money.total(budgets, b.terms.currency) if budgets else b.terms.estimated_cost,
            is_at_risk=b.terms.is_at_risk,
        ),
        guard=sides.traits.project,
        summary=f"Open project {b.terms.contract_number}{f', part {part}' if part else ''} ({service.template})",
        needs=("customer", *([parent] if parent else []), *_centres(b, service.cost_centre)),
        amount=price if fixed else None,
        rules=(book.ref(service),),
    )


def _centres(b: Booking, code: str) -> tuple[str, ...]:
    return (f"cost-centre:{code}",) if code in b.missing_cost_centres else ()


def _schedules(
    builder: _Builder, b: Booking, sides: Sides, book: RuleBook, projects: dict[BillingType, str]
) -> dict[BillingType, str]:
    """The schedule step of each billing type that has dated rows."""
    many = len(_types(b)) > 1
    steps: dict[BillingType, str] = {}
    for billing_type in (BillingType.MILESTONES, BillingType.RETAINER):
        lines = [line for line in _sold(b) if line.billing_type is billing_type]
        rows = _rows(b, billing_type, lines)
        if not rows:
            continue
        part = billing_type.value if many else ""
        step = f"billing-schedule:{part}" if part else "billing-schedule"
        steps[billing_type] = step
        rule = b.billing[lines[0].code]
        total = Money.total((row.amount for row in rows), b.terms.currency)
        builder.add(
            step,
            EnsureBillingSchedule(
                key=schedule_key(b.firm, b.terms, part),
                name=f"{b.terms.contract_number} {part or 'billing'}"[:60],
                project_step=Step(projects[billing_type]),
                billing_rule=rule.billing_rule,
                payment_terms_code=b.payment_terms.code,
                rows=rows,
            ),
            guard=sides.traits.billing_schedule,
            summary=f"Set up the billing schedule: {len(rows)} rows, {total}",
            needs=(projects[billing_type],),
            amount=total,
            rules=(book.ref(rule), book.ref(b.payment_terms)),
        )
    return steps


def _rows(b: Booking, billing_type: BillingType, lines: list[SowLine]) -> tuple[ScheduleRow, ...]:
    if not lines:
        return ()
    if billing_type is BillingType.MILESTONES:
        return milestone_rows(b.terms.milestones)
    rows = [row for line in lines for row in retainer_rows(b.terms, line, b.prices[line.code])]
    return tuple(sorted(rows, key=lambda row: (row.due_on, row.code)))


def _contract(  # noqa: PLR0917 - the contract brings all earlier parts together
    builder: _Builder, b: Booking, sides: Sides, book: RuleBook,
    projects: dict[BillingType, str], schedules: dict[BillingType, str],
) -> None:  # fmt: skip
    lines = tuple(
        ContractLine(
            code=line.code,
            description=(line.description or line.service_line)[:200],
            item=b.billing[line.code].item,
            billing_type=line.billing_type,
            amount=b.prices.get(line.code, Money.zero(b.terms.currency)),
            quantity=line.quantity,
            cost_centre=b.services[line.code].cost_centre,
            start_on=line.start_on or b.terms.start_on,
            end_on=line.end_on or b.terms.end_on,
            project_step=Step(projects[line.billing_type]),
            schedule_step=Step(schedules[line.billing_type]) if line.billing_type in schedules else None,
        )
        for line in _sold(b)
        if line.billing_type is not None
    )
    total = Money.total((line.amount for line in lines), b.terms.currency)
    needs = ("customer", *sorted({"project", *projects.values()}), *schedules.values())
    centres = tuple(f"cost-centre:{code}" for code in b.missing_cost_centres)
    builder.add(
        "contract",
        EnsureContract(
            key=contract_key(b.firm, b.terms),
            contract_number=b.terms.contract_number,
            customer_step=Step("customer"),
            project_step=Step("project"),
            legal_entity=b.entity.code,
            currency=b.terms.currency,
            signed_on=b.signed_on,
            start_on=b.start_on,
            end_on=b.terms.end_on,
            payment_terms_code=b.payment_terms.code,
            po_number=b.terms.po_number,
            funded=b.terms.values.funded,
            cap=b.terms.values.cap,
            with_options=b.terms.values.with_options,
            billing_hold=b.billing_hold,
            lines=lines,
        ),
        guard=sides.traits.contract,
        summary=f"Book contract {b.terms.contract_number}: {len(lines)} lines, {total}",
        needs=(*needs, *centres),
        amount=total,
        rules=(book.ref(b.entity), book.ref(b.payment_terms), *_line_rules(b, book)),
    )


def _line_rules(b: Booking, book: RuleBook) -> tuple[RuleRef, ...]:
    refs = {book.ref(rule) for rule in (*b.services.values(), *b.billing.values())}
    return tuple(sorted(refs, key=lambda ref: ref.rule))


def _write_back(builder: _Builder, b: Booking, sides: Sides) -> None:
    terms = b.terms
    hold = f" Not billable yet: {b.billing_hold}" if b.billing_hold else ""
    builder.add(
        "write-back",
        WriteBackDeal(
            key=external_key(f"{b.firm}/{terms.contract_number}", "deal"),
            deal_id=terms.deal_id,
            account_id=b.buyer.account_id,
            owner_id=terms.owner_id,
            contract_number=terms.contract_number,
            status="active",
            message=hold.strip(),
            customer_step=Step("customer"),
            project_step=Step("project"),
            contract_step=Step("contract"),
            notify_subject=f"Contract {terms.contract_number}: the project is open",
            notify_text=f"Project, contract and billing of {terms.deal_name} are set up in the ERP.{hold}",
        ),
        guard=sides.write_back,
        summary="Show project number and status on the deal, and tell its owner",
        needs=("customer", "project", "contract"),
        connection=sides.crm,
    )
