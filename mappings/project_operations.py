from __future__ import annotations

from mappings.booking import Booking, Operations
from mappings.line_prices import FIXED_PRICE
from mappings.rulebook import ServiceLineRule
from mappings.schedules import milestone_rows, retainer_rows
from mappings.survey_question import project_key, schedule_key
from models.ids import Step
from models.money import Money
from models.operations import EnsureBillingSchedule, EnsureProject, ScheduleRow
from models.terms import BillingType, SowLine

__all__ = ["plan_projects", "plan_schedules"]

_CAPPED = frozenset({BillingType.TIME_AND_MATERIALS, BillingType.TIME_AND_MATERIALS_CAPPED})


def plan_projects(ops: Operations) -> dict[BillingType, str]:
    """The project of the contract; where the ERP knows one billing type per project, a part project per type.

    Returns the project step of each billing type.
    """
    types = ops.booking.billing_types
    _project(ops, "project", types[0] if len(types) == 1 else None, parent="")
    if len(types) == 1 or not ops.sides.traits.one_billing_type_per_project:
        return dict.fromkeys(types, "project")
    for billing_type in types:
        _project(ops, f"project:{billing_type.value}", billing_type, parent="project")
    return {billing_type: f"project:{billing_type.value}" for billing_type in types}


def _project(ops: Operations, step: str, billing_type: BillingType | None, *, parent: str) -> None:
    b = ops.booking
    lines = b.lines_of(billing_type) if billing_type is not None else b.lines
    service: ServiceLineRule = b.services[lines[0].code]
    price = b.total(lines) if billing_type in FIXED_PRICE else None
    part = step.partition(":")[2]
    taken_on = b.at_risk_project if step == "project" else None
    opened = f"Open project {b.terms.contract_number}{f', part {part}' if part else ''} ({service.template})"
    if taken_on is not None:
        there = taken_on.number or taken_on.record_id
        opened = f"Take on project {there}, which was opened at risk, and make it billable"
    ops.add(
        step,
        EnsureProject(
            key=project_key(b.firm, b.terms, part),
            contract_number=b.terms.contract_number,
            name=f"{b.buyer.name[:40].strip()} - {b.terms.contract_number}{f' ({part})' if part else ''}"[:80],
            customer_step=Step("customer"),
            parent_step=Step(parent) if parent else None,
            legal_entity=b.entity.code,
            currency=b.terms.currency,
            billing_type=billing_type,
            template=service.template,
            cost_centre=service.cost_centre,
            start_on=b.start_on,
            end_on=b.terms.end_on,
            price=price,
            cap=_cap(b, billing_type, lines),
            cost_budget=_budget(b, lines, whole=not parent),
            adopt=taken_on,
        ),
        guard=ops.sides.traits.project,
        summary=opened,
        action="adopt" if taken_on is not None else "create",
        needs=("customer", *((parent,) if parent else ()), *b.centre_steps(service.cost_centre)),
        amount=price,
        rules=(ops.book.ref(service),),
    )


def _cap(b: Booking, billing_type: BillingType | None, lines: tuple[SowLine, ...]) -> Money | None:
    """A cap limits work by time; the one of the whole contract counts where all of it is one type."""
    if billing_type not in _CAPPED:
        return None
    own = [line.cap for line in lines if line.cap is not None]
    if own:
        return Money.total(own, b.terms.currency)
    return b.terms.values.cap if len(b.billing_types) == 1 else None


def _budget(b: Booking, lines: tuple[SowLine, ...], *, whole: bool) -> Money | None:
    own = [line.cost_budget for line in lines if line.cost_budget is not None]
    if len(own) == len(lines):
        return Money.total(own, b.terms.currency)
    return b.terms.estimated_cost if whole else None


def plan_schedules(ops: Operations, projects: dict[BillingType, str]) -> dict[BillingType, str]:
    """The billing schedule of each type that has dated rows: milestones and retainers. DOM-1.

    Returns the schedule step of each of these types.
    """
    b = ops.booking
    steps: dict[BillingType, str] = {}
    for billing_type in (BillingType.MILESTONES, BillingType.RETAINER):
        lines = b.lines_of(billing_type)
        rows = _rows(b, billing_type, lines)
        if not rows:
            continue
        part = billing_type.value if len(b.billing_types) > 1 else ""
        step = f"billing-schedule:{part}" if part else "billing-schedule"
        steps[billing_type] = step
        rule = b.billing[lines[0].code]
        total = Money.total((row.amount for row in rows), b.terms.currency)
        ops.add(
            step,
            EnsureBillingSchedule(
                key=schedule_key(b.firm, b.terms, part),
                name=f"{b.terms.contract_number} {part or 'billing'}"[:60],
                project_step=Step(projects[billing_type]),
                billing_rule=rule.billing_rule,
                payment_terms_code=b.payment_terms.code,
                rows=rows,
            ),
            guard=ops.sides.traits.billing_schedule,
            summary=f"Set up the billing schedule: {len(rows)} row{'s' if len(rows) > 1 else ''}, {total}",
            needs=(projects[billing_type],),
            amount=total,
            rules=(ops.book.ref(rule), ops.book.ref(b.payment_terms)),
        )
    return steps


def _rows(b: Booking, billing_type: BillingType, lines: tuple[SowLine, ...]) -> tuple[ScheduleRow, ...]:
    if not lines:
        return ()
    if billing_type is BillingType.MILESTONES:
        return milestone_rows(b.terms.milestones)
    rows = [row for line in lines for row in retainer_rows(b.terms, line, b.price(line))]
    return tuple(sorted(rows, key=lambda row: (row.due_on, row.code)))
