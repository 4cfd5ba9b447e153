from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from models.blocker import Blocker, Fix, blocker_id
from models.ids import EngagementId, FirmId
from models.roles import Role
from ports.desk import Desk

__all__ = ["EventProblems"]

CODE = "TL-INT-040"
_DUE_HOURS = 8


class EventProblems:
    """Events that lead to no contract: shown on the desk under the CRM record, since no engagement exists yet."""

    def __init__(
        self, desk: Desk, firm: FirmId, due_at: Callable[[Blocker], datetime]
    ) -> None:
        self._desk = desk
        self._firm = firm
        self._due_at = due_at

    async def show(
        self, record: str, message: str, *, owner: Role = Role.SALES_OPERATIONS, code: str = CODE
    ) -> None:
        """Put it on the desk; the same record shows once."""
        engagement = self._place_of(record)
        blocker = Blocker(
            blocker=blocker_id(engagement, CODE, record),
            engagement=engagement,
            code=code,
            record=record,
            message=message,
            owner=owner,
            fix=Fix.WAIT,
            due_hours=_DUE_HOURS,
        )
        await self._desk.raise_blockers((blocker,), "", (self._due_at(blocker),))

    async def settle(self, record: str) -> None:
        """A later event of the record left nothing to repair: what was shown leaves the desk."""
        engagement = self._place_of(record)
        if await self._desk.find_blocker(blocker_id(engagement, CODE, record)) is not None:
            await self._desk.clear(engagement, reason="After a later event of this record there is nothing to repair.")

    def _place_of(self, record: str) -> EngagementId:
        return EngagementId(f"{self._firm}/event:{record}")
