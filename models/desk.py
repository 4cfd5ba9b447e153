from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from models.base import Canonical
from models.ids import ConnectionId, ContractNumber, DealId, EngagementId, FirmId, PersonId, PlanDigest
from models.money import Money

__all__ = ["SET_UP_STAGES", "EngagementRow", "GivenAnswer", "Signature", "Stage"]


class Stage(StrEnum):
    """Where an engagement stands, for people."""

    PLANNING = "planning"
    DECIDING = "deciding"
    PARKED = "parked"
    APPLYING = "applying"
    ACTIVE = "active"
    REFUSED = "refused"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    NOT_YET = "not-yet"
    FROZEN = "frozen"
    """Its deal was lost; frozen until a person decides."""
    LOST = "lost"
    """Its deal was lost after work had begun; open until a person decides."""
    ON_HOLD = "on-hold"
    """Its deal was lost; a person left it frozen."""
    CANCELLED = "cancelled"
    """Its deal was lost; a person closed it."""
    KEPT = "kept"
    """Its deal was lost; a person left it open."""
    CHANGE_ORDER = "change-order"


SET_UP_STAGES = frozenset(
    {Stage.ACTIVE, Stage.FROZEN, Stage.LOST, Stage.ON_HOLD, Stage.CANCELLED, Stage.KEPT, Stage.CHANGE_ORDER}
)
"""Stages of a contract that stands in the ERP."""


class EngagementRow(Canonical):
    """What `status` shows: one row per contract."""

    engagement: EngagementId
    firm: FirmId
    contract_number: ContractNumber
    deal_id: DealId
    workflow_id: str
    stage: Stage
    sentence: str
    customer_name: str = ""
    legal_entity: str = ""
    value: Money | None = None
    plan: PlanDigest | None = None
    terms_digest: str = ""
    """Digest of the signed terms that were last applied; empty until active."""
    waits_for: ConnectionId = ConnectionId("")
    """The paused connection that it waits for, if nothing else holds it up."""
    updated_at: datetime | None = None


class Signature(Canonical):
    """One accepted approval of a plan."""

    plan: PlanDigest
    slot: str
    person: PersonId
    decided_at: datetime


class GivenAnswer(Canonical):
    """A person's answer to a blocker, kept for this engagement and used by every later plan of it."""

    field: str
    value: str
    person: PersonId
    decided_at: datetime
