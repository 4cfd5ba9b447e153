from __future__ import annotations

from datetime import date, datetime

from mappings.rulebook import RuleBook
from models.base import Canonical
from models.blocker import Blocker, Fix
from models.decision import Answer, Decision, DecisionClaims, Refusal, Verdict
from models.desk import Signature
from models.ids import EngagementId, FirmId, PlanDigest
from models.plan import ApprovalSlot, Plan
from models.roles import Person, Role

__all__ = ["DecisionCase", "Judgement", "judge"]

_WITHDRAWERS = frozenset({Role.CONTRACTS})
_LONGEST_DELEGATION_DAYS = 30
_DECIDED_FIXES = frozenset({Fix.CHOOSE, Fix.DECIDE})
"""Repairs that are a decision: not for whoever sells the deal (DOM-9)."""


class DecisionCase(Canonical):
    """What a decision is judged against, as it stands at this moment."""

    firm: FirmId
    engagement: EngagementId
    person: Person | None
    delegators: tuple[Person, ...] = ()
    """Colleagues who named this person as their delegate."""
    waiting_for_plan: PlanDigest | None
    plan: Plan | None
    blocker: Blocker | None
    signatures: tuple[Signature, ...] = ()
    requested_by: tuple[str, ...] = ()
    """Owner and seller of the deal, for repairs that come before there is a plan."""


class Judgement(Canonical):
    """The answer, the slot it fills and the field it answers."""

    answer: Answer
    slot: str = ""
    answer_field: str = ""


class _Refused(Exception):
    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal
        self.message = message


def judge(decision: Decision, claims: DecisionClaims, case: DecisionCase, book: RuleBook, now: datetime) -> Judgement:
    """The one check every decision ends in, whichever way it came: signature, person, duties, role, limit, freshness.

    Nobody is exempt, admins included: not on one's own request, not on one's own rules (DESIGN section 5).
    """
    try:
        _same_decision(decision, claims, case, now)
        person = _person(case)
        if decision.verdict is Verdict.REPAIR:
            return _repair(decision, person, case, book, now.date())
        plan = _fresh_plan(decision, case)
        if decision.verdict is Verdict.WITHDRAW:
            return _withdraw(person, plan)
        _duties(person, plan, book)
        slot = _slot(person, plan, case, book, now.date())
        if decision.verdict is Verdict.REJECT:
            return _yes(
                person, f"{person.name} rejected the plan. Nothing of it is written.", slot=slot.slot, complete=True
            )
        open_slots = len(plan.approvals) - len(case.signatures) - 1
        text = "All signatures are there; it is applied now." if open_slots == 0 else f"{open_slots} more must sign."
        return _yes(person, f"{person.name} approved the plan. {text}", slot=slot.slot, complete=open_slots == 0)
    except _Refused as refused:
        person_id = case.person.person if case.person else None
        answer = Answer(accepted=False, refusal=refused.refusal, message=refused.message, person=person_id)
        return Judgement(answer=answer)


def _same_decision(decision: Decision, claims: DecisionClaims, case: DecisionCase, now: datetime) -> None:
    """The signature covers exactly this decision, for this firm and engagement, and is in time."""
    stray = decision.plan if decision.verdict is Verdict.REPAIR else (decision.blocker or decision.answer)
    if stray:
        raise _Refused(
            Refusal.BAD_FORM, f"To {decision.verdict.value} takes one subject: a plan, or for a repair a blocker."
        )
    if claims.expires_at <= now or claims.issued_at > now:
        raise _Refused(Refusal.EXPIRED_TOKEN, "The signature has expired or is from the future. Sign again.")
    if case.person is not None and case.person.person != claims.person:
        raise _Refused(Refusal.TOKEN_FOR_OTHER, "The signature is somebody else's. Sign with your own key.")
    subject = decision.blocker if decision.verdict is Verdict.REPAIR else decision.plan
    signed = (claims.firm, claims.decision, claims.engagement, claims.verdict, claims.subject)
    said = (case.firm, decision.decision, case.engagement, decision.verdict, subject or "")
    if signed != said or decision.engagement != case.engagement:
        raise _Refused(Refusal.TOKEN_FOR_OTHER, "The signature is for another decision. Sign this very one.")
    if claims.words != decision.words:
        raise _Refused(
            Refusal.CHANGED_WORDS, "The answer or the reason is not the one that was signed. Sign what you send."
        )


def _person(case: DecisionCase) -> Person:
    if case.person is None:
        raise _Refused(Refusal.UNKNOWN_PERSON, "The signer is not in the directory of this firm.")
    if case.person.is_service_account:
        raise _Refused(Refusal.SERVICE_ACCOUNT, "A service account carries decisions, it never takes them.")
    return case.person


def _fresh_plan(decision: Decision, case: DecisionCase) -> Plan:
    if case.waiting_for_plan is None:
        raise _Refused(Refusal.NOT_WAITING, "No plan of this contract waits for a decision. Look at its status.")
    if decision.plan != case.waiting_for_plan or case.plan is None or case.plan.engagement != case.engagement:
        raise _Refused(
            Refusal.STALE_PLAN,
            "This is not the plan that waits: it was made anew meanwhile. Read the new one and decide on it.",
        )
    return case.plan


def _duties(person: Person, plan: Plan, book: RuleBook) -> None:
    if _is_requester(person, plan.requested_by):
        raise _Refused(Refusal.OWN_REQUEST, "Nobody decides on their own deal. A colleague with the role must.")
    if person.person in {plan.rules_author, book.author}:
        raise _Refused(
            Refusal.OWN_RULE, "Nobody decides on a plan made by their own rules. A colleague with the role must."
        )


def _is_requester(person: Person, requested_by: tuple[str, ...]) -> bool:
    return bool({person.person.lower(), person.email.lower()} & {item.lower() for item in requested_by})


def _slot(person: Person, plan: Plan, case: DecisionCase, book: RuleBook, on: date) -> ApprovalSlot:
    """The open slot this person may fill, in their own right or as a delegate.

    The one that fewest roles may fill goes first, so that a higher role does not take the place of a lower one.
    """
    if any(given.person == person.person for given in case.signatures):
        raise _Refused(Refusal.ALREADY_SIGNED, "You signed this plan already; the next signature is somebody else's.")
    filled = {given.slot for given in case.signatures}
    free = sorted(
        (slot for slot in plan.approvals if slot.slot not in filled), key=lambda slot: len(_roles_for(slot, book))
    )
    if not free:
        raise _Refused(Refusal.NOT_WAITING, "Every signature of this plan is there already.")
    over_limit = False
    for slot in free:
        for acting in (person, *_delegators(person, case, on)):
            if not acting.roles & _roles_for(slot, book):
                continue
            if _within_limit(acting, slot) and _within_limit(person, slot):
                return slot
            over_limit = True
    wanted = " or ".join(sorted({role.value for slot in free for role in _roles_for(slot, book)}))
    if over_limit:
        raise _Refused(Refusal.OVER_LIMIT, f"The contract is over your limit. It needs {wanted} with a higher one.")
    raise _Refused(Refusal.WRONG_ROLE, f"You have no role for this decision. It is for {wanted}.")


def _roles_for(slot: ApprovalSlot, book: RuleBook) -> frozenset[Role]:
    """The slot's roles and those that stand in for them."""
    return frozenset(role for asked in slot.roles for role in book.may_act_as(asked))


def _within_limit(person: Person, slot: ApprovalSlot) -> bool:
    return person.limit_usd is None or slot.value_usd <= person.limit_usd


def _delegators(person: Person, case: DecisionCase, on: date) -> list[Person]:
    """Colleagues this person stands in for today; no chains, at most 30 days, never for the requester (DOM-9.2).

    Whoever has signed, or may not sign for a reason of duties, cannot do so through a delegate.
    """
    requested_by = case.plan.requested_by if case.plan else case.requested_by
    requesters = {item.lower() for item in requested_by}
    author = case.plan.rules_author if case.plan else None
    signed = {given.person for given in case.signatures}
    found: list[Person] = []
    for colleague in case.delegators:
        barred = _is_requester(colleague, requested_by) or (person.reports_to or "").lower() in requesters
        if barred or colleague.person in signed or colleague.person == author:
            continue
        for row in colleague.delegations:
            first, last = date.fromisoformat(row.from_on), date.fromisoformat(row.until_on)
            if row.delegate == person.person and first <= on <= last and (last - first).days < _LONGEST_DELEGATION_DAYS:
                found.append(colleague)
    return found


def _repair(decision: Decision, person: Person, case: DecisionCase, book: RuleBook, on: date) -> Judgement:
    blocker = case.blocker
    if blocker is None:
        raise _Refused(Refusal.NOT_WAITING, "That blocker is not open. Look at the queue.")
    if blocker.fix in _DECIDED_FIXES and decision.answer and _is_requester(person, case.requested_by):
        raise _Refused(Refusal.OWN_REQUEST, "Nobody decides this for their own deal. A colleague with the role must.")
    may_repair = book.may_act_as(blocker.owner) | {book.next_level.get(blocker.owner, blocker.owner)}
    if not any(may_repair & acting.roles for acting in (person, *_delegators(person, case, on))):
        wanted = " or ".join(sorted(role.value for role in may_repair))
        raise _Refused(Refusal.WRONG_ROLE, f"You have no role for this repair. It is for {wanted}.")
    if decision.answer and not blocker.answer_field:
        raise _Refused(
            Refusal.BAD_ANSWER, "This blocker takes no answer: fix it at its source, then repair without one."
        )
    values = {choice.value for choice in blocker.choices}
    if decision.answer and values and decision.answer not in values:
        raise _Refused(Refusal.BAD_ANSWER, f"'{decision.answer}' is not one of: {', '.join(sorted(values))}.")
    answered = blocker.answer_field if decision.answer else ""
    text = f"{person.name} says it is fixed."
    if decision.answer:  # what was typed in (a tax number) does not travel further with the message
        text = (
            f"{person.name} answered '{decision.answer}'."
            if values
            else f"{person.name} entered the {blocker.field or 'answer'}."
        )
    return _yes(person, f"{text} It is looked at again now.", complete=True, answer_field=answered)


def _withdraw(person: Person, plan: Plan) -> Judgement:
    if not _is_requester(person, plan.requested_by) and not person.roles & _WITHDRAWERS:
        raise _Refused(Refusal.WRONG_ROLE, "Only whoever made the request, or contracts, may withdraw it.")
    return _yes(person, f"{person.name} withdrew the request. Nothing of it is written.", complete=True)


def _yes(person: Person, message: str, *, complete: bool, slot: str = "", answer_field: str = "") -> Judgement:
    answer = Answer(accepted=True, message=message, person=person.person, complete=complete)
    return Judgement(answer=answer, slot=slot, answer_field=answer_field)
