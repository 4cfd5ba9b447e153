from __future__ import annotations

from datetime import date, datetime

from mappings.answers import Answers
from mappings.approvals import approval_facts, approval_slots
from mappings.customer_identity import customer_key
from mappings.customer_match import Match, MatchOutcome, match_customer
from mappings.findings import Finding, Severity, blocker_of
from mappings.line_prices import net_prices
from mappings.plan_operations import PROCESS, Booking, Sides, plan_operations
from mappings.rule_choices import Choices, choose_rules
from mappings.rulebook import RuleBook
from mappings.sow_checks import check_terms
from mappings.tax_registration import TaxLevel, check_tax_registration
from models.base import Canonical, digest_of
from models.desk import GivenAnswer
from models.ids import ConnectionId, DealId, EngagementId, FirmId
from models.party import BuyerIdentity
from models.plan import FieldDiff, Plan, PlannedOperation, PlanVerdict, VerdictKind
from models.records import Guard
from models.survey import Chart, ErpTraits, Survey
from models.terms import ContractStatus, DealState, SignedTerms

__all__ = ["PlanningCase", "plan_contract"]

_ANSWERS = {"tax number": "tax_number", "route id": "route_id", "country": "country"}


class PlanningCase(Canonical):
    """All that a plan is made from. The same case gives the same plan, on every machine."""

    firm: FirmId
    engagement: EngagementId
    terms: SignedTerms
    chart: Chart
    traits: ErpTraits
    survey: Survey
    answers: tuple[GivenAnswer, ...] = ()
    crm_connection: ConnectionId
    write_back_guard: Guard
    erp_connection: ConnectionId
    applied_terms_digest: str = ""
    bound_to_other_deal: DealId | None = None
    now: datetime


def plan_contract(case: PlanningCase, book: RuleBook) -> PlanVerdict:
    """Make the plan of one signed contract, or say what stops it and who can help."""
    terms = case.terms
    refused = _refused(terms, book)
    if refused is not None:
        return refused
    if terms.deal_state is not DealState.WON:
        return _not_yet(f"The deal of contract {terms.contract_number} is not won.")
    if terms.contract_status not in {ContractStatus.APPROVED, None}:
        return _not_yet(f"Contract {terms.contract_number} is not approved yet.")
    answers = Answers(case.answers)
    terms = answers.applied_to(terms)
    signed_on = terms.company_signed_on or terms.customer_signed_on or terms.source_version.date()
    findings = [*_copied(case), *_framework(terms)]
    if terms.buyer is None or findings:
        return _blocked(case, book, findings)
    findings += check_terms(terms, case.chart)
    choices = choose_rules(terms, book, case.chart, answers, on=signed_on)
    findings += choices.findings
    match = _match(terms.buyer, case, answers)
    findings += _match_findings(terms, match)
    if choices.entity is not None:
        findings += _tax_findings(terms, terms.buyer, choices, signed_on)
    stops = [item for item in findings if item.severity is Severity.STOP]
    if stops:
        return _blocked(case, book, stops)
    plan = _plan(case, book, terms, choices, match, findings, signed_on)
    changed = _other_terms(case, plan)
    if changed is not None:
        return _blocked(case, book, [changed])
    return PlanVerdict(kind=VerdictKind.PLAN, plan=plan)


def _refused(terms: SignedTerms, book: RuleBook) -> PlanVerdict | None:
    """Work that no project is opened for at all."""
    lines = [line for line in terms.lines if not line.is_option]
    reasons = {book.not_services[line.service_line] for line in lines if line.service_line in book.not_services}
    if lines and all(line.service_line in book.not_services for line in lines):
        reason = f"Contract {terms.contract_number}: {' '.join(sorted(reasons))}"
        return PlanVerdict(kind=VerdictKind.REFUSED, reason_code="TL-CON-018", reason=reason)
    return None


def _not_yet(sentence: str) -> PlanVerdict:
    return PlanVerdict(kind=VerdictKind.NOT_YET, reason=sentence)


def _blocked(case: PlanningCase, book: RuleBook, findings: list[Finding]) -> PlanVerdict:
    stake = case.terms.values.exercised
    if case.terms.buyer is None and not findings:
        findings = [
            Finding(
                code="TL-CON-016", record=case.terms.deal_id, field="account",
                message=f"Deal {case.terms.deal_name} has no customer. Choose its account in the CRM, then repair.",
            )
        ]  # fmt: skip
    unique = {(item.code, item.record, item.field): item for item in findings}
    blockers = tuple(blocker_of(item, case.engagement, book, stake) for item in unique.values())
    return PlanVerdict(kind=VerdictKind.BLOCKED, blockers=blockers)


def _copied(case: PlanningCase) -> list[Finding]:
    if case.bound_to_other_deal is None:
        return []
    return [
        Finding(
            code="TL-CON-014", record=case.terms.contract_number, field="contract number",
            message=f"Deal {case.terms.deal_name} carries the contract or project number of deal "
            f"{case.bound_to_other_deal} (copied record). Clear the numbers on the copy in the CRM, then repair.",
        )
    ]  # fmt: skip


def _framework(terms: SignedTerms) -> list[Finding]:
    if not terms.is_framework:
        return []
    return [
        Finding(
            code="TL-CON-012", record=terms.contract_number, field="framework",
            message=f"Contract {terms.contract_number} is a framework agreement; there is nothing to bill until a call-off. "
            "Confirm that only its terms are kept.",
        )
    ]  # fmt: skip


def _match(buyer: BuyerIdentity, case: PlanningCase, answers: Answers) -> Match:
    return match_customer(buyer, case.survey.candidates, answer=answers.value("match"))


def _match_findings(terms: SignedTerms, match: Match) -> list[Finding]:
    if match.outcome in {MatchOutcome.ADOPT, MatchOutcome.CREATE}:
        if match.adopt is not None and match.adopt.on_credit_hold:
            return [
                Finding(
                    code="TL-CUS-008", record=match.adopt.name, field="credit",
                    message=f"{match.adopt.name} is on credit hold. Release it in the ERP, or keep it and wait.",
                )
            ]  # fmt: skip
        return []
    return [
        Finding(
            code=match.blocker_code, record=terms.buyer.name if terms.buyer else terms.contract_number, field="customer",
            message=match.question, choices=match.choices, answer_field="match",
        )
    ]  # fmt: skip


def _tax_findings(terms: SignedTerms, buyer: BuyerIdentity, choices: Choices, on: date) -> list[Finding]:
    if choices.entity is None:
        return []
    found = check_tax_registration(
        buyer,
        seller_country=choices.entity.country,
        contract_currency=terms.currency,
        value=terms.values.exercised,
        has_service_address=bool(terms.bill_to.street or buyer.address.street),
        on=on,
    )
    severity = {
        TaxLevel.BLOCK_SETUP: Severity.STOP,
        TaxLevel.BLOCK_INVOICING: Severity.HOLD,
        TaxLevel.WARN: Severity.WARN,
    }
    return [
        Finding(
            code=item.code, severity=severity[item.level], record=item.record, field=item.field,
            message=item.sentence, answer_field=_ANSWERS.get(item.field, ""),
        )
        for item in found
    ]  # fmt: skip


def _plan(  # noqa: PLR0917 - everything a plan is made of
    case: PlanningCase, book: RuleBook, terms: SignedTerms, choices: Choices, match: Match,
    findings: list[Finding], signed_on: date,
) -> Plan:  # fmt: skip
    if terms.buyer is None or choices.entity is None or choices.payment_terms is None or terms.start_on is None:
        raise AssertionError("a plan is only made of terms without findings that stop")
    key = customer_key(terms.buyer, stands_apart=match.stands_apart)
    holds = [item.message for item in findings if item.severity is Severity.HOLD]
    booking = Booking(
        firm=case.firm,
        terms=terms,
        buyer=terms.buyer,
        customer_key=key,
        adopt=match.adopt.ref if match.adopt is not None else None,
        entity=choices.entity,
        payment_terms=choices.payment_terms,
        services=choices.services,
        billing=choices.billing,
        prices=net_prices(terms),
        signed_on=signed_on,
        start_on=terms.start_on,
        billing_hold=" ".join(holds),
        missing_cost_centres=choices.missing_cost_centres,
    )
    sides = Sides(
        crm=case.crm_connection, erp=case.erp_connection, traits=case.traits, write_back=case.write_back_guard
    )
    operations = tuple(_compared(item, case) for item in plan_operations(booking, sides, book))
    facts = approval_facts(
        terms, book, is_new_customer=match.adopt is None, terms_rule=choices.payment_terms, on=signed_on
    )
    billing_types = {line.billing_type for line in terms.lines if line.billing_type is not None}
    return Plan(
        firm=case.firm,
        process=PROCESS,
        engagement=case.engagement,
        contract_number=terms.contract_number,
        amendment_number=terms.amendment_number,
        deal_id=terms.deal_id,
        legal_entity=choices.entity.code,
        customer_key=key,
        customer_name=terms.buyer.name,
        currency=terms.currency,
        signed_on=signed_on,
        values=terms.values,
        match=match.decision,
        operations=operations,
        warnings=tuple(item.message for item in findings if item.severity is not Severity.STOP),
        manual_steps=tuple(
            text.partition(": ")[2]
            for text in case.traits.manual
            if text.partition(": ")[0] in {item.value for item in billing_types}
        ),
        approvals=approval_slots(facts, book, signed_on),
        rules=tuple(sorted({ref for item in operations for ref in item.rules}, key=lambda ref: ref.rule)),
        rules_version=book.version,
        rules_author=book.author,
        requested_by=tuple(sorted({who for who in (terms.owner_email.lower(), terms.owner_id) if who})),
        terms_digest=terms.digest,
        basis_digest=digest_of(terms.basis, case.survey, book.version, *case.answers),
        made_at=case.now,
    )


def _compared(operation: PlannedOperation, case: PlanningCase) -> PlannedOperation:
    """Against what stands in the ERP under the same key: nothing, the same, or something else field by field."""
    key = getattr(operation.request, "key", "")
    there = next((item for item in case.survey.existing if item.key == key), None)
    if there is None:
        return operation
    diffs = tuple(
        FieldDiff(field=name, before=value, after=wanted)
        for name, value in sorted(there.fields.items())
        if (wanted := _wanted(operation, name)) is not None and wanted != value
    )
    return operation.model_copy(update={"action": "amend" if diffs else "unchanged", "diffs": diffs})


def _wanted(operation: PlannedOperation, name: str) -> str | None:
    """The planned value of a field the survey reported, as text; None when the plan does not say anything about it."""
    value = getattr(operation.request, name, None)
    if name == "amount":
        value = operation.amount.amount if operation.amount is not None else None
    return None if value is None else str(value)


def _other_terms(case: PlanningCase, plan: Plan) -> Finding | None:
    """Records under our keys that differ: somebody set this contract up on other terms, so it is a change order."""
    amended = [item for item in plan.operations if item.action == "amend"]
    changed = case.applied_terms_digest and case.applied_terms_digest != plan.terms_digest
    if not amended and not changed:
        return None
    what = "; ".join(
        f"{item.step}: {diff.field} is {diff.before}, would be {diff.after}" for item in amended for diff in item.diffs
    )
    return Finding(
        code="TL-CHG-000", record=plan.contract_number, field="terms",
        message=f"Contract {plan.contract_number} stands in the ERP on other terms{f' ({what})' if what else ''}. "
        "Changed terms need a signed change order; nothing was written.",
    )  # fmt: skip
