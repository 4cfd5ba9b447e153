from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from models.base import Canonical
from models.ids import EngagementId, OperationKey, PlanDigest, Step
from models.records import Effect, Guard

__all__ = ["Intent", "Ledger", "OperationRow", "OperationState"]


class OperationState(StrEnum):
    """Where one external write stands. Only evidence leaves `unknown`."""

    INTENDED = "intended"
    APPLIED = "applied"
    NOT_APPLIED = "not-applied"
    UNKNOWN = "unknown"


class Intent(Canonical):
    """What is about to be written, and why."""

    key: OperationKey
    payload_hash: str
    engagement: EngagementId
    step: Step
    plan: PlanDigest
    guard: Guard
    connection: str
    workflow_id: str
    run_id: str


class OperationRow(Canonical):
    """The stored row of one write."""

    key: OperationKey
    payload_hash: str
    state: OperationState
    engagement: EngagementId
    step: Step
    plan: PlanDigest
    connection: str = ""
    attempts: int
    """How often the intent was stated since it was last certain that nothing of it had an effect.

    More than one means that an earlier attempt may have had its effect.
    """
    is_first: bool = False
    """True only in the answer to the call that created the row."""
    effect: Effect | None = None
    intended_at: datetime
    settled_at: datetime | None = None


class Ledger(Protocol):
    """One row per business intent, committed before the first byte leaves, kept for ever. DESIGN section 4.

    Every change writes its audit entry in the same transaction.
    """

    async def intend(self, intent: Intent) -> OperationRow:
        """Create the row, or count another attempt on it, and return it as it is now.

        A row that is `applied` is returned untouched. On a row that is `not-applied`, hash and plan are replaced
        by the new ones, attempts start again at one and the state becomes `intended` again with `is_first` True:
        nothing of it ever had an effect. On a row that is `intended` or `unknown`, hash and plan stay: they say what
        may have landed.
        """
        ...

    async def settle_applied(
        self, key: OperationKey, effect: Effect, *, evidence: str, written: Intent | None = None
    ) -> None:
        """The effect is there: row, binding and audit entry in one transaction. Idempotent.

        `written` is the intent that was written just now; its hash and plan become the row's. Leave it out when the
        effect was found: then the row keeps what an earlier attempt meant to write.
        Raises Fatal when the key was applied to another record before: one of the two is a double.
        """
        ...

    async def settle_not_applied(self, key: OperationKey, *, reason: str) -> None:
        """The vendor refused this attempt, or it never left.

        The row becomes `not-applied` if this was the only attempt. If an earlier one may have landed, its fate is as
        open as before and the row is `unknown`: only evidence leaves that.
        """
        ...

    async def mark_unknown(self, key: OperationKey, *, reason: str) -> None:
        """The answer was lost."""
        ...

    async def list_operations(self, engagement: EngagementId) -> tuple[OperationRow, ...]:
        """All writes of one engagement, oldest first."""
        ...
