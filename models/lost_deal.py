from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from models.base import Canonical
from models.blocker import Choice
from models.process import EngagementRef

__all__ = ["HoldCall", "HoldTurn", "Loss", "LossAnswer", "LossCall"]


class LossAnswer(StrEnum):
    """What a person says about an engagement whose deal was lost or reopened after its set-up (TL-CON-013)."""

    FREEZE = "freeze"
    CANCEL = "cancel"
    KEEP = "keep"


class HoldTurn(StrEnum):
    """What is done to an engagement as a whole."""

    HOLD = "hold"
    RELEASE = "release"
    CANCEL = "cancel"


class HoldCall(Canonical):
    """Freeze, release or close what was set up for an engagement."""

    subject: EngagementRef
    turn: HoldTurn
    reason: str
    version: str
    """Which change of the deal this answers; part of the key, so a second freeze after a release is a new operation."""


class LossCall(Canonical):
    """See what stands in the ERP of an engagement whose deal is not won any more."""

    subject: EngagementRef
    sentence: str


class Loss(Canonical):
    """How far an engagement had come when its deal was lost, and what a person may choose. DOM-2.3."""

    settled: LossAnswer | None = None
    """This loss was decided and carried out before."""
    under_way: LossAnswer | None = None
    """This loss was decided before, and perhaps only half of it carried out."""
    is_frozen: bool = False
    """Known to be. A freeze whose worker was killed is made again under its own key."""
    may_be_frozen: bool = False
    """It is, or a freeze began and may have landed: whoever keeps it open opens it again."""
    has_begun: bool = False
    """Billed, or time booked: nothing is frozen without a person, and a machine closes nothing."""
    sentence: str
    choices: tuple[Choice, ...] = Field(default=(), max_length=10)
