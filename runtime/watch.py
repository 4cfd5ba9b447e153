from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from temporalio.client import Client
from temporalio.service import RPCError

from models.blocker import Blocker, Fix, blocker_id
from models.ids import EngagementId, FirmId
from models.roles import Role
from ports.desk import Desk
from runtime.log_events import log_event

__all__ = ["EngineWatch"]

CODE = "TL-INT-030"
_DUE_HOURS = 4
_LOOK_EVERY_S = 30.0
_MOST_SHOWN = 200


class EngineWatch:
    """Processes that cannot go on for a reason of ours, put on the desk of the integration team.

    A bug in workflow code fails nothing: the engine tries the same step for ever, and only its own list says so
    (`TemporalReportedProblems`). What goes on again leaves the desk by itself. Several workers may watch at once.
    """

    def __init__(
        self,
        client: Client,
        desk: Desk,
        *,
        firm: FirmId,
        task_queue: str,
        due_at: Callable[[Blocker], datetime],
        look_every_s: float = _LOOK_EVERY_S,
    ) -> None:
        self._client = client
        self._desk = desk
        self._firm = firm
        self._due_at = due_at
        self._look_every_s = look_every_s
        self._stopping = asyncio.Event()
        self._query = (
            f"TemporalReportedProblems IS NOT NULL AND ExecutionStatus = 'Running' AND TaskQueue = '{task_queue}'"
        )

    async def run(self) -> None:
        """Look until stopped. An engine that does not answer is the health endpoint's matter; the next look follows."""
        while not self._stopping.is_set():
            try:
                await self.look()
            except RPCError as away:
                log_event("engine.not-watched", level=logging.WARNING, reason=away.status.name)
            except Exception as broken:  # noqa: BLE001 - the loop's edge: it must outlive a store that is away
                log_event("engine.not-watched", level=logging.WARNING, exc=broken)
            try:
                await asyncio.wait_for(self._stopping.wait(), self._look_every_s)
            except TimeoutError:
                continue

    def stop(self) -> None:
        """End after the look that is under way."""
        self._stopping.set()

    async def look(self) -> tuple[str, ...]:
        """Look once: show what is stuck, take down what goes on again. Returns the stuck workflow ids."""
        stuck = [row.id async for row in self._client.list_workflows(self._query, limit=_MOST_SHOWN)]
        shown = {item.engagement: item for item in await self._desk.list_open(self._firm) if item.code == CODE}
        for workflow in stuck:
            if self._place_of(workflow) not in shown:
                await self._show(workflow)
        places = {self._place_of(workflow) for workflow in stuck}
        for engagement in sorted(shown):
            if self._is_ours(engagement) and engagement not in places and len(stuck) < _MOST_SHOWN:
                await self._desk.clear(engagement, reason="The process goes on, or has ended.")
        return tuple(stuck)

    async def _show(self, workflow: str) -> None:
        place = self._place_of(workflow)
        blocker = Blocker(
            blocker=blocker_id(place, CODE, workflow),
            engagement=place,
            code=CODE,
            record=workflow,
            message=f"Process {workflow} cannot go on: our own code fails at its next step. Nothing is lost. Look at "
            f"`temporal workflow describe --workflow-id {workflow}` for the error, and deploy the correction.",
            owner=Role.INTEGRATION,
            fix=Fix.WAIT,
            due_hours=_DUE_HOURS,
        )
        await self._desk.raise_blockers((blocker,), workflow, (self._due_at(blocker),))
        log_event("process.stuck", level=logging.ERROR, workflow=workflow)

    def _place_of(self, workflow: str) -> EngagementId:
        """A place of its own on the desk: what waits for people in that contract must stay there."""
        return EngagementId(f"{self._firm}/engine:{workflow}")

    def _is_ours(self, engagement: EngagementId) -> bool:
        return engagement.startswith(f"{self._firm}/engine:")
