from __future__ import annotations

from datetime import datetime

from mappings.answers import Answers
from mappings.approvals import approval_facts, approval_slots
from mappings.booking import PROCESS, Booking, Sides
from mappings.customer_identity import customer_key
from mappings.customer_match import Match, match_customer
from mappings.existing_records import compare_with_erp
from mappings.findings import Finding, Severity, blocker_of, on_contract
from mappings.line_prices import net_prices, sold_lines
from mappings.plan_basis import basis_of
from mappings.plan_findings import (
    TERMS_ONLY,
    amendment_findings,
    copied_findings,
    framework_findings,
    match_findings,
    other_terms,
    renumbered_findings,
    several_findings,
    tax_findings,
)
from mappings.plan_operations import plan_operations
from mappings.rule_choices import Choices, choose_rules
from mappings.rulebook import RuleBook
from mappings.sow_checks import check_terms, signed_on
from mappings.survey_question import customer_external_key
from mappings.told_apart import says_so, without_pointer_to, without_told_apart
from models.base import Canonical
from models.desk import GivenAnswer
from models.ids import ConnectionId, ContractNumber, EngagementId, FirmId
from models.match_undo import MatchUndo
from models.plan import Plan, PlannedOperation, PlanVerdict, RuleRef, VerdictKind
from models.records import Guard
from models.survey import Chart, ErpTraits, Survey
from models.terms import ContractStatus, DealState, SignedTerms

__all__ = ["DealCase", "PlanningCase", "plan_contract", "plan_without_erp"]


class DealCase(Canonical):
    """What is known of a deal before any ERP is asked."""

    firm: FirmId
    engagement: EngagementId
    terms: SignedTerms
    answers: tuple[GivenAnswer, ...] = ()
    applied_terms_digest: str = ""
    bound_to_other_deal: str | None = None
    """The deal that holds this contract or its project already, with its CRM account where that is another one."""
    set_up_as: ContractNumber | None = None
    """Another contract of this very deal that has a project already."""


class PlanningCase(DealCase):
    """All that a plan is made from. The same case gives the same plan, on every machine."""

    chart: Chart
    traits: ErpTraits
    survey: Survey
    crm_connection: ConnectionId
    write_back_guard: Guard
    erp_connection: ConnectionId
    is_first_erp: bool = True
    erp_rule: RuleRef | None = None
    """The rule that chose the ERP."""
    told_apart: tuple[MatchUndo, ...] = ()
    """Customers of this ERP that people said this account is not."""
    now: datetime


def plan_contract(case: PlanningCase, book: RuleBook) -> PlanVerdict:
    """Make the plan of one signed contract, or say what stops it and who can help."""
    return _early_verdict(case, book) or _verdict_with_erp(case, book)


def plan_without_erp(case: DealCase, unrouted: Finding, book: RuleBook) -> PlanVerdict:
    """What can be said of a contract although no rule says in which ERP it is booked."""
    return _early_verdict(case, book) or _blocked(case, book, [unrouted])


def _early_verdict(case: DealCase, book: RuleBook) -> PlanVerdict | None:
    """Whatever the ERP holds: what is not to be set up, and what must be mended at the source first."""
    answers = Answers(case.answers)
    early = _not_to_be_set_up(case.terms, book, answers)
    if early is not None:
        return early
    before = [
        *copied_findings(case.terms, case.bound_to_other_deal),
        *renumbered_findings(case.terms, case.set_up_as, answers),
        *several_findings(case.terms),
        *amendment_findings(case.terms),
        *framework_findings(case.terms),
        *other_terms(case.terms, (), case.applied_terms_digest),
        *_without_customer(case.terms),
    ]
    return _blocked(case, book, before) if before else None


def _verdict_with_erp(case: PlanningCase, book: RuleBook) -> PlanVerdict:
    answers = Answers(case.answers)
    case = case.model_copy(update={"survey": without_told_apart(case.survey, case.told_apart)})
    terms = without_pointer_to(answers.applied_to(case.terms), case.told_apart)
    if terms.buyer is None:
        raise AssertionError("terms without a buyer are stopped before the ERP is asked")
    on = signed_on(terms)
    choices = choose_rules(terms, book, case.chart, answers, on=on)
    match = match_customer(terms.buyer, case.survey.candidates, answer=answers.value("match"))
    match = says_so(match, case.told_apart)
    findings = [
        *check_terms(terms, case.chart, answers),
        *choices.findings,
        *match_findings(terms, match, answers),
        *(tax_findings(terms, seller_country=choices.entity.country, on=on) if choices.entity else ()),
    ]
    stops = [item for item in findings if item.severity is Severity.STOP]
    if stops:
        return _blocked(case, book, stops)
    plan = _plan(case, book, terms, choices, match, findings)
    changed = list(other_terms(case.terms, plan.operations, case.applied_terms_digest))
    if changed:
        return _blocked(case, book, changed)
    return PlanVerdict(kind=VerdictKind.PLAN, plan=plan)


def _not_to_be_set_up(terms: SignedTerms, book: RuleBook, answers: Answers) -> PlanVerdict | None:
    """Not won or not approved: nothing to do yet. Goods, and frameworks that a person confirmed: never."""
    number = terms.contract_number
    if terms.deal_state is not DealState.WON:
        return _not_yet(f"The deal of contract {number} is {terms.deal_state.value}, not won; nothing is set up.")
    if terms.contract_status not in {ContractStatus.APPROVED, None}:
        return _not_yet(f"Contract {number} is {terms.contract_status.value}, not approved; nothing is set up yet.")
    lines = sold_lines(terms)
    if lines and all(line.service_line in book.not_services for line in lines):
        reasons = " ".join(sorted({book.not_services[line.service_line] for line in lines}))
        return _refused("TL-CON-018", f"Contract {number}: {reasons}")
    if terms.is_framework and answers.value("framework") == TERMS_ONLY:
        return _refused("TL-CON-012", f"Contract {number} is a framework agreement: only its terms are kept.")
    return None


def _not_yet(sentence: str) -> PlanVerdict:
    return PlanVerdict(kind=VerdictKind.NOT_YET, reason=sentence)


def _refused(code: str, reason: str) -> PlanVerdict:
    return PlanVerdict(kind=VerdictKind.REFUSED, reason_code=code, reason=reason)


def _blocked(case: DealCase, book: RuleBook, findings: list[Finding]) -> PlanVerdict:
    stake = case.terms.values.exercised or case.terms.signed_total
    unique = {(item.code, item.record, item.field): item for item in findings}
    blockers = tuple(blocker_of(item, case.engagement, book, stake) for item in unique.values())
    return PlanVerdict(kind=VerdictKind.BLOCKED, blockers=blockers)


def _without_customer(terms: SignedTerms) -> list[Finding]:
    if terms.buyer is not None:
        return []
    message = f": deal {terms.deal_name} has no customer. Choose its account in the CRM, then repair."
    return [on_contract(terms, "TL-CON-016", "account", message)]


def _plan(  # noqa: PLR0917 - everything a plan is made of
    case: PlanningCase, book: RuleBook, terms: SignedTerms, choices: Choices, match: Match, findings: list[Finding]
) -> Plan:
    booking = _booking(case, terms, choices, match, findings)
    sides = Sides(
        crm=case.crm_connection,
        erp=case.erp_connection,
        is_first_erp=case.is_first_erp,
        traits=case.traits,
        write_back=case.write_back_guard,
    )
    operations = tuple(compare_with_erp(item, case.survey) for item in plan_operations(booking, sides, book))
    facts = approval_facts(
        terms,
        book,
        prices=booking.prices,
        is_new_customer=match.adopt is None,
        terms_rule=booking.payment_terms,
        on=booking.signed_on,
    )
    warnings = [item.message for item in findings]
    if facts.margin_percent is None:
        warnings.append(f"Contract {terms.contract_number} states no estimated cost, so its margin was not checked.")
    return Plan(
        firm=case.firm,
        process=PROCESS,
        engagement=case.engagement,
        contract_number=terms.contract_number,
        amendment_number=terms.amendment_number,
        deal_id=terms.deal_id,
        legal_entity=booking.entity.code,
        customer_key=booking.customer_key,
        customer_name=booking.buyer.name,
        currency=terms.currency,
        signed_on=booking.signed_on,
        values=terms.values,
        match=match.decision,
        operations=operations,
        warnings=tuple(dict.fromkeys(warnings)),
        manual_steps=_manual_steps(case.traits, booking),
        approvals=approval_slots(facts, book, case.now.date()),
        rules=_cited(operations, choices, case.erp_rule),
        rules_version=book.version,
        rules_author=book.author,
        requested_by=terms.requesters,
        terms_digest=case.terms.digest,
        basis_digest=basis_of(case.terms, case.survey, book.version, case.answers),
        made_at=case.now,
    )


def _booking(
    case: PlanningCase, terms: SignedTerms, choices: Choices, match: Match, findings: list[Finding]
) -> Booking:
    if terms.buyer is None or choices.entity is None or choices.payment_terms is None or terms.start_on is None:
        raise AssertionError("a plan is only made of terms without findings that stop")
    holds = [item.message for item in findings if item.severity is Severity.HOLD]
    key = customer_key(terms.buyer, stands_apart=match.stands_apart or bool(case.told_apart))
    return Booking(
        firm=case.firm,
        terms=terms,
        buyer=terms.buyer,
        customer_key=key,
        adopt=match.adopt.ref if match.adopt is not None else None,
        is_ours=match.adopt is not None and match.adopt.external_key == customer_external_key(case.firm, key),
        entity=choices.entity,
        payment_terms=choices.payment_terms,
        services=choices.services,
        billing=choices.billing,
        prices=net_prices(terms),
        signed_on=signed_on(terms),
        start_on=terms.start_on,
        billing_hold=" ".join(holds),
        missing_cost_centres=choices.missing_cost_centres,
        at_risk_project=case.survey.at_risk,
    )


def _manual_steps(traits: ErpTraits, booking: Booking) -> tuple[str, ...]:
    """What a person must do by hand in this ERP for these billing types (DOM-1.7)."""
    told = [text.partition(": ") for text in traits.manual]
    types = {item.value for item in booking.billing_types}
    return tuple(sentence for billing_type, _, sentence in told if billing_type in types)


def _cited(
    operations: tuple[PlannedOperation, ...], choices: Choices, erp_rule: RuleRef | None
) -> tuple[RuleRef, ...]:
    refs = {ref for operation in operations for ref in operation.rules} | set(choices.checked)
    refs |= {erp_rule} if erp_rule is not None else set()
    return tuple(sorted(refs, key=lambda ref: ref.rule))
