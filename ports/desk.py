from __future__ import annotations

from datetime import datetime
from typing import Protocol

from models.base import Canonical
from models.blocker import Blocker, OpenItem
from models.decision import Answer, Decision
from models.desk import EngagementRow, GivenAnswer, Signature
from models.ids import BlockerId, EngagementId, FirmId, PlanDigest
from models.plan import Plan
from models.roles import Role
from models.terms import SignedTerms

__all__ = ["Desk", "Judged", "PlanBook"]


class Judged(Canonical):
    """A decision with the verdict on it, ready to be recorded."""

    decision: Decision
    answer: Answer
    slot: str = ""
    answer_field: str = ""
    channel: str
    """update, signal, cli, api."""
    run: str = ""
    """The process that received it."""


class PlanBook(Protocol):
    """Plans as they were made; immutable under their digest."""

    async def save_plan(self, plan: Plan) -> PlanDigest:
        """Keep the plan. The same plan twice is one row."""
        ...

    async def save_terms(self, engagement: EngagementId, terms: SignedTerms) -> str:
        """Keep what was read from the CRM, as evidence and as input of planning. Equal content twice is one row.

        Returns the reference under which it is kept: the fingerprint of all its fields.
        """
        ...

    async def get_terms(self, reference: str) -> SignedTerms:
        """What was read under that reference. Raises Fatal if there is none."""
        ...

    async def find_latest_terms(self, engagement: EngagementId) -> SignedTerms | None:
        """What was read last for that engagement."""
        ...

    async def get_plan(self, digest: PlanDigest) -> Plan:
        """The plan of that digest. Raises Fatal if there is none."""
        ...


class Desk(Protocol):
    """What waits for people, and what they said. Every change writes its audit entry in the same transaction."""

    async def save_engagement(self, row: EngagementRow) -> None:
        """Show where the engagement stands."""
        ...

    async def find_engagement(self, engagement: EngagementId) -> EngagementRow | None:
        """One row of the status list."""
        ...

    async def list_engagements(self, firm: FirmId) -> tuple[EngagementRow, ...]:
        """All rows of the firm."""
        ...

    async def raise_blockers(
        self, blockers: tuple[Blocker, ...], workflow_id: str, due_at: tuple[datetime, ...]
    ) -> None:
        """Put blockers on the desk; the same one twice shows once; those of the engagement not named are closed."""
        ...

    async def ask_decision(self, plan: PlanDigest, workflow_id: str, due_at: datetime) -> None:
        """Put a plan that needs signatures on the desk; an older plan of the same engagement leaves it."""
        ...

    async def clear(self, engagement: EngagementId, *, reason: str) -> None:
        """Nothing of this engagement waits any more."""
        ...

    async def escalate(self, item: str, to: Role, *, note: str) -> None:
        """Nobody acted in time: show it to the next level as well."""
        ...

    async def list_open(self, firm: FirmId) -> tuple[OpenItem, ...]:
        """The queue: what waits for whom."""
        ...

    async def find_blocker(self, blocker: BlockerId) -> Blocker | None:
        """An open blocker."""
        ...

    async def record_decision(self, judged: Judged) -> Answer:
        """Store decision, signature or answer, and audit entry in one transaction, refused ones too.

        A decision id recorded before returns the first answer if it is the same decision and the same process; else
        Refusal.REPLAYED. A rejected or withdrawn plan loses the signatures it had.
        """
        ...

    async def list_signatures(self, plan: PlanDigest) -> tuple[Signature, ...]:
        """Accepted approvals of that plan."""
        ...

    async def list_answers(self, engagement: EngagementId) -> tuple[GivenAnswer, ...]:
        """Answers people gave for this engagement, oldest first."""
        ...
