from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from models.base import Canonical, digest_of
from models.ids import BlockerId, EngagementId
from models.money import Money
from models.roles import Role

__all__ = ["Blocker", "Choice", "Fix", "OpenItem", "blocker_id"]


class Fix(StrEnum):
    """What the person does about it. DOM-11."""

    CHOOSE = "choose"
    ENTER = "enter"
    SEND_BACK = "send-back"
    WAIT = "wait"
    DECIDE = "decide"


class Choice(Canonical):
    """One valid answer: `value` is what is sent, `label` what the person reads."""

    value: str
    label: str


class Blocker(Canonical):
    """A stop that needs a person. Names the record, the field and the fix in plain words."""

    blocker: BlockerId
    engagement: EngagementId
    code: str
    """Catalogue code, for example TL-CUS-014 (DOM-11)."""
    record: str
    field: str = ""
    message: str
    owner: Role
    fix: Fix
    answer_field: str = ""
    """Name under which the answer to choose or enter is kept, for example `match` or `project_template:Relocation`."""
    choices: tuple[Choice, ...] = ()
    stake: Money | None = None
    """What cannot be billed meanwhile."""
    due_hours: int = 8
    """Deadline in the owner's business hours (one business day is eight)."""


class OpenItem(Canonical):
    """One row of the desk: a blocker or a decision that waits for somebody."""

    item: str
    """Blocker id, or plan digest."""
    kind: str
    """`blocker` or `decision`."""
    engagement: EngagementId
    workflow_id: str
    code: str
    record: str
    message: str
    owner: Role
    escalated_to: Role | None = None
    fix: Fix
    answer_field: str = ""
    choices: tuple[Choice, ...] = ()
    stake: Money | None = None
    raised_at: datetime
    due_at: datetime


def blocker_id(engagement: EngagementId, code: str, record: str, field: str = "") -> BlockerId:
    """The same trouble gets the same id, so raising it twice shows it once."""
    return BlockerId("b-" + digest_of(engagement, code, record, field)[:16])
