from __future__ import annotations

from collections.abc import Sequence

from mappings.customer_identity import trading_name
from mappings.match_facts import compare_parties
from mappings.match_result import Match, MatchOutcome, called, choice_of, ended, same_as
from mappings.match_verdict import contradiction
from mappings.tax_numbers import TaxMatch
from models.blocker import Choice
from models.party import BuyerIdentity
from models.survey import CustomerCandidate

__all__ = ["match_by_pointer", "with_key_twins"]


def match_by_pointer(
    buyer: BuyerIdentity, candidates: Sequence[CustomerCandidate], *, bound_id: str, told_apart: bool, near_line: int
) -> Match | None:
    """What a binding, an ERP id on the CRM record or our CRM id on an ERP record says; None if there is no pointer.

    A pointer is believed only if its record is active and neither name nor country contradicts. DOM-3.1(1).
    `told_apart`: a person answered that the buyer is another company.
    """
    wanted = {record_id for record_id in (bound_id, buyer.erp_customer_id) if record_id}
    pointed = [one for one in candidates if _ids(one) & wanted]
    holders = [one for one in candidates if one.account_id and one.account_id == buyer.account_id]
    missing = sorted(wanted - {record_id for one in pointed for record_id in _ids(one)})
    if told_apart:  # the pointer was asked about: what contradicts the buyer is not asked about again
        pointed = [one for one in pointed if not contradiction(compare_parties(buyer, one, near_line))]
    elif missing:
        return _not_found(buyer, missing[0], candidates, near_line)
    found = _distinct(with_key_twins([*pointed, *holders], candidates))
    pointed_ids = {one.ref.record_id for one in pointed}
    survivors = [one for one in found if one.ref.record_id in pointed_ids or not _merged_into_one_of(one, found)]
    if not survivors:
        return None
    if len(survivors) > 1:
        return _several(buyer, survivors)
    return _one(buyer, survivors[0], candidates, near_line)


def with_key_twins(
    found: Sequence[CustomerCandidate], candidates: Sequence[CustomerCandidate]
) -> list[CustomerCandidate]:
    """The customers found and every other one that carries the external key of one of them."""
    keys = {one.external_key for one in found} - {""}
    return [*found, *(one for one in candidates if one.external_key in keys and one not in found)]


def _ids(candidate: CustomerCandidate) -> set[str]:
    return {candidate.ref.record_id, candidate.ref.number} - {""}


def _distinct(candidates: Sequence[CustomerCandidate]) -> list[CustomerCandidate]:
    return list({one.ref.record_id: one for one in candidates}.values())


def _merged_into_one_of(candidate: CustomerCandidate, others: Sequence[CustomerCandidate]) -> bool:
    return any(candidate.merged_into in _ids(other) for other in others if other is not candidate)


def _not_found(buyer: BuyerIdentity, record_id: str, candidates: Sequence[CustomerCandidate], near_line: int) -> Match:
    alike = [one for one in candidates if not contradiction(compare_parties(buyer, one, near_line))]
    return Match(
        outcome=MatchOutcome.ASK,
        evidence=(f"The CRM account points to customer {record_id}, which the ERP does not have.",),
        blocker_code="TL-CUS-003",
        question=f"The CRM account of {trading_name(buyer)} points to customer {record_id}, "
        "which the ERP does not have. Correct or clear the ERP customer id on the account, or choose.",
        choices=choice_of(alike),
    )


def _several(buyer: BuyerIdentity, holders: list[CustomerCandidate]) -> Match:
    names = " and ".join(called(one) for one in holders)
    seen = ended(f"{len(holders)} ERP customers carry the key of {trading_name(buyer)}: {names}")
    return Match(
        outcome=MatchOutcome.ASK,
        evidence=(seen,),
        blocker_code="TL-CUS-004",
        question=f"{seen} Which one stays?",
        choices=choice_of(holders, or_different=False),
    )


def _one(
    buyer: BuyerIdentity, candidate: CustomerCandidate, candidates: Sequence[CustomerCandidate], near_line: int
) -> Match:
    if candidate.merged_into or not candidate.is_active:
        return _closed(buyer, candidate, candidates)
    facts = compare_parties(buyer, candidate, near_line)
    bound = ended(f"The account is bound to customer {called(candidate)}")
    if reason := contradiction(facts):
        return Match(
            outcome=MatchOutcome.ASK,
            evidence=(bound, f"But {reason}.", *facts.evidence),
            blocker_code="TL-CUS-001",
            question=f"The CRM account of {trading_name(buyer)} points to customer {called(candidate)}, but {reason}. "
            "Same company?",
            choices=choice_of([candidate]),
        )
    changed = facts.tax in {TaxMatch.DIFFERENT, TaxMatch.OTHER_SITE}
    note = f"Customer {called(candidate)} has another tax number in the ERP than the CRM account. Check it."
    return Match(
        outcome=MatchOutcome.ADOPT,
        candidate=candidate,
        evidence=(bound, *facts.evidence),
        notes=(note,) if changed else (),
    )


def _closed(buyer: BuyerIdentity, closed: CustomerCandidate, candidates: Sequence[CustomerCandidate]) -> Match:
    """A closed record is never revived, and a merged one never replaced by a new one (pair 22)."""
    name, survivor_id = trading_name(buyer), closed.merged_into
    if not survivor_id:
        return Match(
            outcome=MatchOutcome.ASK,
            evidence=(f"The account is bound to customer {called(closed)}, which is inactive.",),
            blocker_code="TL-CUS-003",
            question=f"The CRM account of {name} points to customer {called(closed)}, which is inactive. "
            "Make it active in the ERP and look again, or say that it is another company.",
            choices=choice_of([]),
        )
    survivor = next((one for one in candidates if survivor_id in _ids(one)), None)
    choice = Choice(value=same_as(survivor_id), label=f"Same company as {survivor_id}")
    return Match(
        outcome=MatchOutcome.ASK,
        evidence=(f"The account is bound to customer {called(closed)}, which was merged into {survivor_id}.",),
        blocker_code="TL-CUS-003",
        question=f"The CRM account of {name} points to customer {called(closed)}, which was merged into "
        f"{called(survivor) if survivor else survivor_id}. Use that one?",
        choices=choice_of([survivor], or_different=False) if survivor else (choice,),
    )
