from __future__ import annotations

from collections.abc import Sequence

from mappings.match_facts import NEAR_LINE, compare_parties
from mappings.match_result import Match
from mappings.match_verdict import Likeness, judge_facts
from models.match_undo import MatchUndo
from models.party import BuyerIdentity
from models.survey import CustomerCandidate, Survey
from models.terms import SignedTerms

__all__ = ["looks_like_somebody", "says_so", "without_pointer_to", "without_told_apart"]


def looks_like_somebody(buyer: BuyerIdentity, survey: Survey) -> bool:
    """Whether the ERP has anybody the buyer could be taken for: else nobody need ask who was told apart."""
    return bool(survey.candidates and buyer.erp_customer_id) or any(
        one.account_id == buyer.account_id
        or judge_facts(compare_parties(buyer, one, NEAR_LINE)).likeness is not Likeness.OTHER
        for one in survey.candidates
    )


def without_told_apart(survey: Survey, undos: Sequence[MatchUndo]) -> Survey:
    """The ERP as it stands, without the customers that people said this account is not. DOM-3.6."""
    if not undos:
        return survey
    left = tuple(one for one in survey.candidates if not _is_told_apart(one, undos))
    return survey.model_copy(update={"candidates": left})


def without_pointer_to(terms: SignedTerms, undos: Sequence[MatchUndo]) -> SignedTerms:
    """The terms without an ERP id on the account that names one of them: a pointer that came back is no evidence."""
    buyer = terms.buyer
    named = {name for undo in undos for name in (undo.customer.record_id, undo.customer.number) if name}
    if buyer is None or buyer.erp_customer_id not in named:
        return terms
    return terms.model_copy(update={"buyer": buyer.model_copy(update={"erp_customer_id": ""})})


def says_so(match: Match, undos: Sequence[MatchUndo]) -> Match:
    """The match with what people said before, for whoever asks why."""
    return match.model_copy(update={"evidence": (*match.evidence, *(undo.sentence for undo in undos))})


def _is_told_apart(candidate: CustomerCandidate, undos: Sequence[MatchUndo]) -> bool:
    ids = {(undo.customer.connection, undo.customer.record_id) for undo in undos}
    return (candidate.ref.connection, candidate.ref.record_id) in ids
