from __future__ import annotations

from models.base import digest_of
from models.desk import GivenAnswer
from models.survey import Survey
from models.terms import SignedTerms

__all__ = ["basis_of"]


def basis_of(terms: SignedTerms, survey: Survey, rules_version: str, answers: tuple[GivenAnswer, ...]) -> str:
    """Fingerprint of what a plan was made from; when it moves, the plan is stale and needs a new decision.

    The order in which the ERP lists its records does not count.
    """
    ordered = Survey(
        candidates=tuple(sorted(survey.candidates, key=lambda one: (one.ref.connection, one.ref.record_id))),
        existing=tuple(sorted(survey.existing, key=lambda one: (one.ref.kind, one.key, one.ref.record_id))),
    )
    return digest_of(terms.basis, ordered, rules_version, *answers)
