from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from models.base import Canonical
from models.blocker import Choice
from models.plan import MatchDecision
from models.survey import CustomerCandidate

__all__ = ["DIFFERENT", "Match", "MatchOutcome", "called", "choice_of", "ended", "same_as"]

DIFFERENT = "different"
"""A person's answer: the buyer is none of the customers asked about."""


class MatchOutcome(StrEnum):
    """What is to be done about the buyer. DOM-3."""

    ADOPT = "adopt"
    CREATE = "create"
    ASK = "ask"
    REFUSE = "refuse"
    """The name stands for nobody: there is no customer to adopt or create."""


class Match(Canonical):
    """How the buyer stands to the ERP's customers, with what was compared, so that it can be explained and undone."""

    outcome: MatchOutcome
    candidate: CustomerCandidate | None = None
    """The ERP customer to adopt."""
    evidence: tuple[str, ...]
    """Sentences on what was compared; numbers are masked, so they may travel."""
    notes: tuple[str, ...] = ()
    """What a person should know about an adoption: another site, a former name, a second holder of the number."""
    blocker_code: str = ""
    question: str = ""
    """One sentence for the person, when the outcome is `ask` or `refuse`."""
    choices: tuple[Choice, ...] = ()
    decided_by: str = "rule"
    """`rule` or `person`."""

    @property
    def adopt(self) -> CustomerCandidate | None:
        """The customer to adopt, if that is the outcome."""
        return self.candidate if self.outcome is MatchOutcome.ADOPT else None

    @property
    def stands_apart(self) -> bool:
        """A person said that the buyer is not the customer it looks like: it needs a key of its own."""
        return self.outcome is MatchOutcome.CREATE and self.decided_by == "person"

    @property
    def decision(self) -> MatchDecision:
        """The part that a plan keeps."""
        return MatchDecision(
            outcome=self.outcome.value,
            evidence=(*self.evidence, *self.notes),
            candidate_id=self.candidate.ref.record_id if self.candidate else "",
            decided_by=self.decided_by,
        )


def called(candidate: CustomerCandidate) -> str:
    """What people call an ERP customer: its number and its name."""
    return f"{candidate.ref.number or candidate.ref.record_id} {candidate.name}".strip()


def ended(sentence: str) -> str:
    """The sentence with its full stop, which a name at the end may have brought along ("SNAP, INC.")."""
    return sentence if sentence.endswith(".") else f"{sentence}."


def same_as(record_id: str) -> str:
    """The answer that names this ERP customer."""
    return f"same:{record_id}"


def choice_of(candidates: Iterable[CustomerCandidate], *, or_different: bool = True) -> tuple[Choice, ...]:
    """One choice per customer that can be adopted, then that it is another company."""
    choices = {
        same_as(one.ref.record_id): Choice(value=same_as(one.ref.record_id), label=f"Same company as {called(one)}")
        for one in candidates
        if one.is_active and not one.merged_into
    }
    if or_different:
        choices[DIFFERENT] = Choice(value=DIFFERENT, label="Another company: create it as a new customer")
    return tuple(choices.values())
