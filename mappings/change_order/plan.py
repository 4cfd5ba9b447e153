from __future__ import annotations

from datetime import date

from mappings.change_order.bring_in import BroughtIn, bring_in, order_of, unsigned
from mappings.change_order.case import PROCESS, ChangeCase
from mappings.change_order.checks import credit_findings, timing_findings
from mappings.change_order.effective import timing_of
from mappings.change_order.outcome import outcome_of, with_work
from mappings.change_order.position import Position
from mappings.change_order.route_facts import route_facts
from mappings.change_order.routing import change_slots
from mappings.change_order.waiting import gap_findings, not_active_findings, twice_findings, unsigned_findings
from mappings.change_order.writes import writes_of
from mappings.findings import Finding, blocker_of
from mappings.rulebook import RuleBook
from models.base import digest_of
from models.blocker import Blocker
from models.change_order import ChangeKind, ChangePlan
from models.contract_standing import ContractStanding, ContractState
from models.ids import TermsDigest
from models.plan import MatchDecision, Plan, PlannedOperation, PlanVerdict, VerdictKind
from models.records import Guard

__all__ = ["basis_of_change", "plan_change"]


def plan_change(case: ChangeCase, book: RuleBook) -> PlanVerdict:
    """Plan every amendment of a contract that can be brought in now, in sequence, or say what stops them. DOM-6.

    A plan may come with blockers: of amendments that wait for an earlier one or for a person, while those before them
    are applied.
    """
    standing = case.standing
    if not case.amendments:
        return _nothing(f"Contract {case.contract_number} has no signed amendment.")
    if standing is None or standing.state is ContractState.PENDING or standing.contract is None:
        return _blocked(case, book, list(not_active_findings(case)))
    sequence = order_of(case, standing)
    late = unsigned(case, standing)
    waits = [*unsigned_findings(case, late), *gap_findings(case, sequence.gaps, late, book)]
    conflicts = list(twice_findings(case, sequence))
    if conflicts:
        return _blocked(case, book, [*conflicts, *waits])
    if not sequence.ready:
        done = f"Contract {case.contract_number}: every amendment that counts is in the ERP already."
        return _blocked(case, book, waits) if waits else _nothing(done)
    brought = bring_in(case, standing, sequence)
    position = with_work(brought.position, brought, standing)
    chosen = _chosen_day(case, brought)
    timing = timing_of(
        brought.amendments, standing, today=case.today, erp_dates_changes=case.erp_dates_changes, chosen_posting=chosen
    )
    stops = [
        *brought.findings,
        *credit_findings(case, position),
        *timing_findings(case, brought.amendments[-1], timing, standing),
    ]
    if stops:
        return _blocked(case, book, [*stops, *waits])
    change = outcome_of(case, standing, brought, position, timing)
    plan = _plan(case, book, standing, brought, position, change)
    return PlanVerdict(kind=VerdictKind.PLAN, plan=plan, blockers=_blockers(case, book, [*brought.held, *waits]))


def basis_of_change(case: ChangeCase, rules_version: str) -> str:
    """Fingerprint of what a plan was made from: amendments (in any order), the ERP as it stands, answers, rules."""
    known = sorted({f"{item.number}\x1f{item.deal_id}\x1f{item.digest}" for item in case.amendments})
    return digest_of(*known, case.standing, rules_version, *case.answers)


def _plan(  # noqa: PLR0917 - everything a plan is made of
    case: ChangeCase, book: RuleBook, standing: ContractStanding, brought: BroughtIn, position: Position,
    change: ChangePlan,
) -> Plan:  # fmt: skip
    last = brought.amendments[-1]
    operations = writes_of(case, standing, position, change, brought.amendments)
    slots = change_slots(route_facts(standing, brought, position, book, case.today), book, case.today)
    requesters = {who for item in brought.amendments for who in item.requested_by}
    return Plan(
        firm=case.firm,
        process=PROCESS,
        engagement=case.engagement,
        contract_number=case.contract_number,
        amendment_number=last.number,
        deal_id=last.deal_id,
        legal_entity=standing.legal_entity,
        customer_key=case.customer_key,
        customer_name=standing.customer_name,
        currency=standing.currency,
        signed_on=last.signed_on or case.today,
        values=position.values,
        match=MatchDecision(outcome="adopt", evidence=("The contract in force names its customer.",)),
        operations=operations,
        warnings=_warnings(brought, change, case.today),
        manual_steps=(*change.to_do, *_by_hand(operations)),
        approvals=slots,
        rules=tuple(sorted({slot.rule for slot in slots}, key=lambda ref: ref.rule)),
        rules_version=book.version,
        rules_author=book.author,
        requested_by=tuple(sorted(requesters)),
        terms_digest=TermsDigest(digest_of(*(item.digest for item in brought.amendments))),
        basis_digest=basis_of_change(case, book.version),
        made_at=case.now,
        change=change,
    )


def _warnings(brought: BroughtIn, change: ChangePlan, today: date) -> tuple[str, ...]:
    """What the approver should know besides the rows."""
    found = []
    signed = [item.signed_on for item in brought.amendments if item.signed_on is not None]
    if signed and change.effective_on < min(signed):
        found.append(f"It counts from {change.effective_on:%d %b %Y}, before it was signed.")
    if change.posting_on > change.effective_on:
        found.append(f"Adjustments are booked on {change.posting_on:%d %b %Y}: the period before is closed.")
    if change.apply_on > today:
        found.append(f"It is written on {change.apply_on:%d %b %Y}, not before, after another look at the ERP.")
    if change.affected_work:
        found.append(f"{len(change.affected_work)} unbilled entries get the new rate of their work date.")
    if ChangeKind.TERMINATION in change.kinds or ChangeKind.BILLING_RULE in change.kinds:
        found.append("How revenue treats the change is the revenue owner's call; nothing of it is booked here.")
    return tuple(found)


def _by_hand(operations: tuple[PlannedOperation, ...]) -> tuple[str, ...]:
    """What this ERP does not let a program do."""
    return tuple(f"By hand in the ERP: {item.summary}." for item in operations if item.guard is Guard.MANUAL)


def _chosen_day(case: ChangeCase, brought: BroughtIn) -> date | None:
    said = case.said.value(f"posting:{brought.amendments[-1].number}")
    try:
        return date.fromisoformat(said) if said else None
    except ValueError:
        return None


def _blockers(case: ChangeCase, book: RuleBook, findings: list[Finding]) -> tuple[Blocker, ...]:
    unique = {(item.code, item.record, item.field): item for item in findings}
    return tuple(blocker_of(item, case.engagement, book, None) for item in unique.values())


def _blocked(case: ChangeCase, book: RuleBook, findings: list[Finding]) -> PlanVerdict:
    return PlanVerdict(kind=VerdictKind.BLOCKED, blockers=_blockers(case, book, findings))


def _nothing(sentence: str) -> PlanVerdict:
    return PlanVerdict(kind=VerdictKind.NOT_YET, reason=sentence)
