from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from models.base import Canonical
from models.ids import ContractNumber, DealId, EngagementId, ExternalKey, FirmId, PlanDigest, external_key
from models.process import Carried, EngagementRef, Outcome, Planned

__all__ = [
    "CHANGE_ORDER",
    "STALE",
    "AmendedContract",
    "ChangeOrdersResult",
    "ChangesPlanned",
    "DealNote",
    "NotesCall",
    "PlanChangesCall",
    "base_of",
    "change_orders_id",
    "changes_of",
    "changes_under",
    "note_key",
]

STALE = "TL-CHG-020"
"""Somebody changed the contract in the ERP between plan and write: nothing was written, a new plan is made."""
CHANGE_ORDER = "change-order"
"""Name of the process in the keys of its writes."""
_CHANGES = ".changes"


def changes_of(firm: FirmId, contract: ContractNumber) -> EngagementId:
    """What the changes of an engagement are known by: what waits of them never hides what waits of the contract."""
    return EngagementId(f"{firm}/{contract}{_CHANGES}")


def changes_under(engagement: EngagementId) -> EngagementId:
    """The changes of an engagement that is known by its id."""
    return EngagementId(f"{engagement}{_CHANGES}")


def base_of(engagement: EngagementId) -> EngagementId | None:
    """The engagement that these changes are of; None when it is an engagement itself."""
    return EngagementId(engagement.removesuffix(_CHANGES)) if engagement.endswith(_CHANGES) else None


def change_orders_id(firm: FirmId, contract: ContractNumber) -> str:
    """Workflow id of the change orders of an engagement: `change-orders/{firm}/{contract}`."""
    return f"change-orders/{firm}/{contract}"


def note_key(firm: FirmId, contract: ContractNumber, amendment: str) -> ExternalKey:
    """Our key of what the CRM keeps about one amendment."""
    return external_key(f"{firm}/{contract}", "deal", amendment)


class AmendedContract(Canonical):
    """Start of change orders: which contract has amendments. What they say is read from the CRM, never believed."""

    firm: FirmId
    engagement: EngagementId
    """See `changes_of`."""
    contract_number: ContractNumber
    carried: Carried | None = None


class DealNote(Canonical):
    """What the owner of an amendment's deal is told while it is on its way."""

    deal_id: DealId
    amendment_number: str
    owner_id: str = ""
    status: Literal["waiting", "refused", "active"]
    message: str = Field(max_length=4000)


class ChangesPlanned(Canonical):
    """What planning the amendments came to."""

    planned: Planned
    notes: tuple[DealNote, ...] = Field(default=(), max_length=500)
    look_again_at: datetime | None = None
    """When the day itself changes the answer: an effective date, the end of the wait for a missing amendment."""
    more_to_do: bool = False
    """Other amendments of the contract wait behind these."""


class NotesCall(Canonical):
    """Tell the owners of these deals."""

    subject: EngagementRef
    notes: tuple[DealNote, ...] = Field(max_length=500)


class PlanChangesCall(Canonical):
    """Plan the amendments of a contract."""

    subject: EngagementRef
    applying: PlanDigest | None = None
    """The approved plan on its way: it goes on unless what it was made from says something else by now."""


class ChangeOrdersResult(Canonical):
    """What became of the amendments."""

    outcome: Outcome
    sentence: str
