from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from models.base import Canonical, digest_of
from models.ids import BlockerId, DecisionId, EngagementId, PersonId, PlanDigest

__all__ = ["Answer", "Decision", "DecisionClaims", "Refusal", "Verdict", "words_of"]


_STORABLE = r"^[^\x00]*$"
"""A zero character is kept by no PostgreSQL, so a decision that holds one could never be recorded."""


class Verdict(StrEnum):
    """What a person says."""

    APPROVE = "approve"
    REJECT = "reject"
    REPAIR = "repair"
    """The blocker's answer, or "I have fixed it at the source, look again" when `answer` is empty."""
    WITHDRAW = "withdraw"


def words_of(answer: str, reason: str) -> str:
    """Fingerprint of what a person says beside the verdict."""
    return digest_of(answer, reason)


class Decision(Canonical):
    """A person's decision on a plan or a blocker, however it arrives: update, signal, CLI. The token proves who."""

    decision: DecisionId = Field(max_length=80, pattern=_STORABLE)
    engagement: EngagementId = Field(max_length=300, pattern=_STORABLE)
    verdict: Verdict
    plan: PlanDigest | None = Field(default=None, max_length=64, pattern=_STORABLE)
    blocker: BlockerId | None = Field(default=None, max_length=64, pattern=_STORABLE)
    answer: str = Field(default="", max_length=500, pattern=_STORABLE)
    reason: str = Field(default="", max_length=2000, pattern=_STORABLE)
    token: str = Field(max_length=4000, pattern=_STORABLE)

    @property
    def words(self) -> str:
        """Fingerprint of answer and reason, as the signature covers it."""
        return words_of(self.answer, self.reason)


class DecisionClaims(Canonical):
    """What the person's signature covers. It must equal the decision it comes with, so it opens nothing else."""

    person: PersonId
    firm: str
    decision: DecisionId
    engagement: EngagementId
    verdict: Verdict
    subject: str
    """Plan digest or blocker id."""
    words: str
    """Fingerprint of answer and reason: what was typed in does not stand in the token itself."""
    issued_at: datetime
    expires_at: datetime


class Refusal(StrEnum):
    """Why a decision changed nothing."""

    BAD_FORM = "bad-form"
    BAD_TOKEN = "bad-token"  # noqa: S105 - a reason, not a secret
    EXPIRED_TOKEN = "expired-token"  # noqa: S105
    TOKEN_FOR_OTHER = "token-for-other"  # noqa: S105
    CHANGED_WORDS = "changed-words"
    UNKNOWN_PERSON = "unknown-person"
    SERVICE_ACCOUNT = "service-account"
    WRONG_ROLE = "wrong-role"
    OVER_LIMIT = "over-limit"
    OWN_REQUEST = "own-request"
    OWN_RULE = "own-rule"
    ALREADY_SIGNED = "already-signed"
    STALE_PLAN = "stale-plan"
    UNKNOWN_SUBJECT = "unknown-subject"
    NOT_WAITING = "not-waiting"
    BAD_ANSWER = "bad-answer"
    REPLAYED = "replayed"
    UNKNOWN_MESSAGE = "unknown-message"


class Answer(Canonical):
    """What the sender of a decision is told."""

    accepted: bool
    refusal: Refusal | None = None
    message: str
    person: PersonId | None = None
    complete: bool = False
    """True when this settled the matter: all signatures are there, or it was rejected, withdrawn or repaired."""
