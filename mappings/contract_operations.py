from __future__ import annotations

from mappings.booking import Booking, Operations
from mappings.survey_question import contract_key
from models.ids import Step, external_key
from models.money import Money
from models.operations import ContractLine, EnsureContract, WriteBackDeal
from models.plan import RuleRef
from models.terms import BillingType, SowLine

__all__ = ["plan_contract_and_write_back"]


def plan_contract_and_write_back(
    ops: Operations, projects: dict[BillingType, str], schedules: dict[BillingType, str]
) -> None:
    """The contract that invoices are raised from, and what the salesperson sees of it."""
    _contract(ops, projects, schedules)
    _write_back(ops)


def _contract(ops: Operations, projects: dict[BillingType, str], schedules: dict[BillingType, str]) -> None:
    b = ops.booking
    lines = tuple(row for line in b.lines for row in _lines(b, line, projects, schedules))
    total = Money.total((line.amount for line in lines), b.terms.currency)
    centres = sorted({line.cost_centre for line in lines})
    ops.add(
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
        guard=ops.sides.traits.contract,
        summary=f"Book contract {b.terms.contract_number}: {len(lines)} line{'s' if len(lines) > 1 else ''}, {total}",
        needs=("customer", "project", *projects.values(), *schedules.values(), *b.centre_steps(*centres)),
        amount=total,
        rules=(ops.book.ref(b.entity), ops.book.ref(b.payment_terms), *_line_rules(ops)),
    )


def _lines(
    b: Booking, line: SowLine, projects: dict[BillingType, str], schedules: dict[BillingType, str]
) -> tuple[ContractLine, ...]:
    """One line; for cost plus with a fee two, so that cost and fee have limits of their own (DOM-1, E6)."""
    if line.billing_type is None:
        raise AssertionError("a line without billing type is a blocker, never part of a plan")
    rule = b.billing[line.code]
    schedule = schedules.get(line.billing_type)
    whole = ContractLine(
        code=line.code,
        description=(line.description or line.service_line)[:200],
        item=rule.item,
        billing_type=line.billing_type,
        amount=b.price(line),
        quantity=line.quantity,
        cost_centre=b.services[line.code].cost_centre,
        start_on=line.start_on or b.terms.start_on,
        end_on=line.end_on or b.terms.end_on,
        project_step=Step(projects[line.billing_type]),
        schedule_step=Step(schedule) if schedule else None,
    )
    fee = line.fixed_fee
    if line.billing_type is not BillingType.COST_PLUS_FIXED_FEE or fee is None or fee.is_zero or not rule.fee_item:
        return (whole,)
    cost = whole.model_copy(update={"amount": whole.amount - fee})
    fee_line = whole.model_copy(
        update={"code": f"{line.code}-FEE", "description": "Fixed fee", "item": rule.fee_item, "amount": fee}
    )
    return (cost, fee_line)


def _line_rules(ops: Operations) -> tuple[RuleRef, ...]:
    refs = {ops.book.ref(rule) for rule in (*ops.booking.services.values(), *ops.booking.billing.values())}
    return tuple(sorted(refs, key=lambda ref: ref.rule))


def _write_back(ops: Operations) -> None:
    b, terms = ops.booking, ops.booking.terms
    hold = f"Not billable yet: {b.billing_hold}" if b.billing_hold else ""
    ops.add(
        "write-back",
        WriteBackDeal(
            key=external_key(f"{b.firm}/{terms.contract_number}", "deal"),
            deal_id=terms.deal_id,
            account_id=b.buyer.account_id,
            owner_id=terms.owner_id,
            contract_number=terms.contract_number,
            status="active",
            message=hold,
            customer_step=Step("customer") if ops.sides.is_first_erp else None,
            project_step=Step("project"),
            contract_step=Step("contract"),
            notify_subject=f"Contract {terms.contract_number}: the project is open",
            notify_text=f"Project, contract and billing of {terms.deal_name} are set up in the ERP. {hold}".strip(),
        ),
        guard=ops.sides.write_back,
        summary="Show project number and status on the deal, and tell its owner",
        needs=("customer", "project", "contract"),
        connection=ops.sides.crm,
    )
