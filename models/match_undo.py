from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from models.base import Canonical
from models.ids import ConnectionId, FirmId, PersonId
from models.records import RecordRef

__all__ = ["MatchUndo", "UndoState", "undo_subject"]


class UndoState(StrEnum):
    """What became of the wish to undo a match."""

    ASKED = "asked"
    UNDONE = "undone"
    """Account and customer are told apart: the one is never taken for the other again."""
    REFUSED = "refused"


class MatchUndo(Canonical):
    """A person says that an account is not the customer it was taken for. DOM-3.6: nothing is written over history."""

    undo: str = Field(max_length=80)
    firm: FirmId
    crm: ConnectionId
    account_id: str
    account_name: str = ""
    customer: RecordRef
    requested_by: PersonId
    """Does not decide on it."""
    reason: str
    evidence: tuple[str, ...] = Field(default=(), max_length=200)
    """Why both were taken for one when the undo was asked for."""
    state: UndoState = UndoState.ASKED
    decided_by: tuple[PersonId, ...] = ()
    outcome: str = ""
    asked_at: datetime
    decided_at: datetime | None = None

    @property
    def customer_name(self) -> str:
        """What people call the customer."""
        return self.customer.number or self.customer.record_id

    @property
    def sentence(self) -> str:
        """The wish and what became of it, for whoever asks why an account is which customer."""
        name = self.account_name or self.account_id
        asked = f"{self.requested_by} asked on {self.asked_at:%d %b %Y} ({self.reason})"
        if self.state is UndoState.UNDONE and self.decided_at is not None:
            by = f"undone by {', '.join(self.decided_by)} on {self.decided_at:%d %b %Y}"
            return f"{name} is not customer {self.customer_name}: {asked}, {by}."
        if self.state is UndoState.REFUSED:
            return f"{name} stays customer {self.customer_name}: {asked}. {self.outcome}"
        return f"{name} and customer {self.customer_name} shall be told apart: {asked}; master data decides."


def undo_subject(customer: RecordRef) -> str:
    """What the person signs: this customer, and no other."""
    return f"undo:{customer.connection}:{customer.record_id}"[:64]
