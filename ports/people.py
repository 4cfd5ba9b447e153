from __future__ import annotations

from typing import Protocol

from models.decision import DecisionClaims
from models.errors import TielineError
from models.ids import PersonId
from models.roles import Person

__all__ = ["InvalidToken", "People"]


class InvalidToken(TielineError):
    """A decision's signature does not hold. `expired` tells the one harmless reason apart."""

    def __init__(self, message: str, *, expired: bool = False) -> None:
        super().__init__(message)
        self.expired = expired


class People(Protocol):
    """Who works here, read fresh for each decision: a role that was taken away this morning is gone."""

    def find_person(self, person: PersonId) -> Person | None:
        """The colleague, or None."""
        ...

    def list_delegators(self, person: PersonId) -> tuple[Person, ...]:
        """Colleagues who ever named this person as their delegate; on which days, they say themselves."""
        ...

    def verify(self, token: str) -> DecisionClaims:
        """Check the person's own signature. Raises InvalidToken."""
        ...
