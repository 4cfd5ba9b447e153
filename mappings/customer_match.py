from __future__ import annotations

from collections.abc import Sequence

from mappings.customer_identity import trading_name
from mappings.match_answer import apply_answer
from mappings.match_facts import NEAR_LINE, Facts, NameFit, compare_parties
from mappings.match_pointer import match_by_pointer, with_key_twins
from mappings.match_result import DIFFERENT, Match, MatchOutcome, called, choice_of, ended
from mappings.match_verdict import Likeness, Verdict, judge_facts
from mappings.name_markers import is_consumer_mail, is_placeholder
from models.party import BuyerIdentity
from models.survey import CustomerCandidate

__all__ = ["DIFFERENT", "Match", "MatchOutcome", "match_customer"]

_MOST_REASONS = 10
_CODE_ORDER = {"": "0", "TL-CUS-002": "1", "TL-CUS-001": "2"}

_Finding = tuple[CustomerCandidate, Facts, Verdict]


def match_customer(
    buyer: BuyerIdentity,
    candidates: Sequence[CustomerCandidate],
    *,
    bound_id: str = "",
    answer: str = "",
    near_line: int = NEAR_LINE,
) -> Match:
    """Find the ERP customer that is the buyer, or say that there is none, or which question a person must answer.

    The order of evidence is that of DOM-3.1: a binding (`bound_id`, the ERP id on the CRM record, our CRM id on the ERP
    record), registration number or LEI, tax number, D-U-N-S, names. Only DOM-3.5 decides alone; everything fuzzy asks.
    `answer` is a person's earlier answer (`same:<record id>` or `different`); it is used only if it still fits.
    """
    name = trading_name(buyer)
    if is_placeholder(name):
        return _refused(name)
    candidates = sorted(candidates, key=lambda one: one.ref.record_id)  # an ERP's order must not make another plan
    told_apart = answer == DIFFERENT
    by_pointer = match_by_pointer(buyer, candidates, bound_id=bound_id, told_apart=told_apart, near_line=near_line)
    ruled = by_pointer or _by_comparison(buyer, candidates, near_line)
    return apply_answer(ruled, candidates, answer)


def _refused(name: str) -> Match:
    shown = name or "(no name)"
    return Match(
        outcome=MatchOutcome.REFUSE,
        evidence=(f'The name "{shown}" stands for nobody in particular.',),
        blocker_code="TL-CUS-005",
        question=f'"{shown}" is a placeholder, not a customer. Enter the legal name of the buyer on the CRM account.',
    )


def _by_comparison(buyer: BuyerIdentity, candidates: Sequence[CustomerCandidate], near_line: int) -> Match:
    findings = [
        (candidate, facts := compare_parties(buyer, candidate, near_line), judge_facts(facts))
        for candidate in candidates
        if not is_placeholder(candidate.name)
    ]
    certain = [found for found in findings if found[2].likeness is Likeness.SAME]
    certain = certain or [found for found in findings if found[2].likeness is Likeness.OTHER_SITE]
    doubtful = [found for found in findings if found[2].likeness is Likeness.DOUBTFUL]
    usable = [found for found in certain if _is_usable(found[0])]
    twins = {one.ref.record_id for one in with_key_twins([found[0] for found in usable], candidates)}
    usable = [found for found in findings if found[0].ref.record_id in twins and _is_usable(found[0])]
    if len(usable) == 1:
        return _adopted(usable[0], [found for found in certain if found is not usable[0]], doubtful)
    if usable:
        return _two_hits(buyer, usable)
    if certain or doubtful:
        return _asked(buyer, [*certain, *doubtful])
    return _created(findings)


def _is_usable(candidate: CustomerCandidate) -> bool:
    return candidate.is_active and not candidate.merged_into


def _adopted(found: _Finding, unusable: list[_Finding], doubtful: list[_Finding]) -> Match:
    candidate, facts, verdict = found
    closed = [f"Customer {called(other)} fits too, but it is inactive or merged." for other, _, _ in unusable]
    near = [
        f"Customer {called(other)} may be a second record: {doubt.reason}."
        for other, seen, doubt in doubtful
        if doubt.code == "TL-CUS-002" or seen.name is NameFit.EQUAL
    ]
    return Match(
        outcome=MatchOutcome.ADOPT,
        candidate=candidate,
        evidence=(f"Customer {called(candidate)} is the buyer: {verdict.reason}.", *facts.evidence),
        notes=(*((verdict.note,) if verdict.note else ()), *closed, *near),
    )


def _two_hits(buyer: BuyerIdentity, found: list[_Finding]) -> Match:
    hits = [candidate for candidate, _, _ in found]
    names = " and ".join(called(candidate) for candidate in hits)
    return Match(
        outcome=MatchOutcome.ASK,
        evidence=_reasons(found),
        blocker_code="TL-CUS-004",
        question=f"{ended(f'{trading_name(buyer)} fits {len(hits)} ERP customers: {names}')} Which one is it?",
        choices=choice_of(hits),
    )


def _asked(buyer: BuyerIdentity, found: list[_Finding]) -> Match:
    """One question about the customer that is nearest; the others that are near are choices as well."""
    leading = min(found, key=_urgency)
    candidate, facts, verdict = leading
    name, near = trading_name(buyer), f"customer {called(candidate)}"
    code = verdict.code or "TL-CUS-003"
    verb = "looks like" if verdict.code else "is"
    if not _is_usable(candidate):
        question = f"{name} {verb} {near}, which is inactive or merged. {_closed_fix(candidate)}"
    elif code == "TL-CUS-002":
        question = f"{name} and {near}: {verdict.reason}. Same company?"
    else:
        question = f"{ended(f'{name} looks like {near}')} Same company?"
    more = len(found) - 1
    return Match(
        outcome=MatchOutcome.ASK,
        evidence=(*_reasons(found), *_mail_evidence(buyer), *facts.evidence),
        blocker_code=code,
        question=f"{question} ({more} more to choose from.)" if more else question,
        choices=choice_of(candidate for candidate, _, _ in found),
    )


def _urgency(found: _Finding) -> tuple[bool, bool, str, str]:
    """Certain but closed first, then usable ones, equal numbers before equal names, and always in the same order."""
    candidate, _, verdict = found
    return bool(verdict.code), not _is_usable(candidate), _CODE_ORDER[verdict.code], candidate.ref.record_id


def _closed_fix(candidate: CustomerCandidate) -> str:
    if candidate.merged_into:
        return (
            f"Put the surviving customer {candidate.merged_into} on the CRM account, or say that it is another company."
        )
    return "Make it active in the ERP and look again, or say that it is another company."


def _created(findings: list[_Finding]) -> Match:
    seen = f"Compared with {len(findings)} ERP customers; none of them is the buyer." if findings else ""
    return Match(
        outcome=MatchOutcome.CREATE,
        evidence=(seen or "The ERP has no customer near this buyer.", *_reasons(findings)),
    )


def _reasons(found: list[_Finding]) -> tuple[str, ...]:
    return tuple(f"Customer {called(candidate)}: {verdict.reason}." for candidate, _, verdict in found[:_MOST_REASONS])


def _mail_evidence(buyer: BuyerIdentity) -> tuple[str, ...]:
    if is_consumer_mail(buyer.domain or buyer.invoice_email):
        return ("The mail domain is open to everybody, so it says nothing about the company.",)
    return ()
