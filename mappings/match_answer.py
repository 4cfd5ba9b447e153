from __future__ import annotations

from collections.abc import Sequence

from mappings.match_result import DIFFERENT, Match, MatchOutcome, called, choice_of, ended
from models.survey import CustomerCandidate

__all__ = ["apply_answer"]


def apply_answer(ruled: Match, candidates: Sequence[CustomerCandidate], answer: str) -> Match:
    """The rules' outcome with a person's answer to it, if the answer still fits what the ERP holds now.

    A person may name any customer that was read and can be used. "Different" answers a question; it does not undo a
    customer that the rules find by its numbers now, for that may be the very one created after the answer.
    """
    if not answer or ruled.outcome is MatchOutcome.REFUSE:
        return ruled
    if answer == DIFFERENT:
        return _told_apart(ruled)
    chosen = next((one for one in candidates if answer == f"same:{one.ref.record_id}"), None)
    chosen = chosen or next((one for one in candidates if one.ref.number and answer == f"same:{one.ref.number}"), None)
    if chosen is None:
        return _unused(ruled, f'The answer "{answer}" names no customer that was read from the ERP.')
    if chosen.merged_into or not chosen.is_active:
        return _unused(ruled, f"The answer names customer {called(chosen)}, which is inactive or merged.")
    by_rule = ruled.adopt
    if by_rule and by_rule.ref.record_id == chosen.ref.record_id:
        return ruled
    against = (ended(f"The rules alone would have taken customer {called(by_rule)}"),) if by_rule else ()
    return Match(
        outcome=MatchOutcome.ADOPT,
        candidate=chosen,
        evidence=(ended(f"A person decided that the buyer is customer {called(chosen)}"), *ruled.evidence),
        notes=against,
        decided_by="person",
    )


def _told_apart(ruled: Match) -> Match:
    if ruled.outcome is MatchOutcome.ADOPT:
        return ruled
    if ruled.outcome is MatchOutcome.ASK and DIFFERENT not in {choice.value for choice in ruled.choices}:
        return _unused(ruled, "The answer says that it is another company, but here a customer must be chosen.")
    return Match(
        outcome=MatchOutcome.CREATE,
        evidence=("A person decided that the buyer is a company the ERP does not have yet.", *ruled.evidence),
        decided_by="person",
    )


def _unused(ruled: Match, why: str) -> Match:
    """The answer is not used; what the rules would create alone, they now ask about: a person meant something else."""
    if ruled.outcome is not MatchOutcome.CREATE:
        return ruled.model_copy(update={"evidence": (*ruled.evidence, why)})
    return Match(
        outcome=MatchOutcome.ASK,
        evidence=(*ruled.evidence, why),
        blocker_code="TL-CUS-001",
        question=f"{why} No other customer fits. Create the buyer as a new customer?",
        choices=choice_of([]),
    )
