from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow

from activities.desk import DeskActivities
from models.ids import BlockerId, PlanDigest
from models.process import EscalateCall, LadderRung, TermsRead
from workflows.conversation import Conversation
from workflows.policies import STORE_STEP

__all__ = ["Waiting"]


class Waiting(Conversation):
    """A process that waits for people: with a deadline, reminders and escalation, for as long as it takes.

    An unanswered decision never becomes yes or no (DOM-9.3).
    """

    def __init__(self) -> None:
        super().__init__()
        self._terms: TermsRead | None = None
        self._asked: tuple[str, ...] = ()
        self._rungs: tuple[LadderRung, ...] = ()

    def _ask(
        self,
        *,
        ladder: tuple[LadderRung, ...],
        plan: PlanDigest | None = None,
        blockers: tuple[BlockerId, ...] = (),
    ) -> None:
        """From now on somebody may decide or repair. What was asked before, and is asked again, keeps its deadlines."""
        self._verdict, self._repaired, self._looking = None, False, False
        self._plan_waiting, self._blockers_waiting = plan, blockers
        asked = (plan,) if plan else tuple(sorted(blockers))
        if asked != self._asked:
            self._asked, self._rungs = asked, ladder

    async def _wait_for_people(self, *, look_again_after: timedelta | None = None) -> None:
        """Return when somebody decided or repaired, the CRM has news, or it is time to look again."""
        look_again_at = None if look_again_after is None else workflow.now() + look_again_after
        while not self._woken():
            rung = self._rungs[0] if self._rungs else None
            until = min((at for at in (rung.at if rung else None, look_again_at) if at is not None), default=None)
            if await self._woken_until(until) or (look_again_at is not None and until == look_again_at):
                break
            if rung is not None:
                self._rungs = self._rungs[1:]
                await self._climb(rung, self._asked)
        # Whoever is being judged at this moment is judged on what waited, and it counts.
        async with self._turn:
            self._plan_waiting, self._blockers_waiting = None, ()

    def _woken(self) -> bool:
        return (
            self._repaired
            or self._verdict is not None
            or self._news_unread()
            or workflow.info().is_continue_as_new_suggested()
        )

    def _news_unread(self) -> bool:
        """News about an older or the same state of the deal that we have read is no news."""
        read = self._terms.source_version if self._terms else None
        return any(item.source_version is None or read is None or item.source_version > read for item in self._news)

    async def _woken_until(self, until: datetime | None) -> bool:
        if until is None:
            await workflow.wait_condition(self._woken)
            return True
        try:
            await workflow.wait_condition(
                self._woken,
                timeout=max(until - workflow.now(), timedelta(0)),
                timeout_summary=f"Until {until:%d %b %Y %H:%M} UTC, then remind or escalate",
            )
        except TimeoutError:
            return False
        return True

    async def _climb(self, rung: LadderRung, items: tuple[str, ...]) -> None:
        await workflow.execute_activity_method(
            DeskActivities.escalate,
            EscalateCall(subject=self._known_subject(), items=items, action=rung.action, to=rung.to),
            summary=f"Nobody acted in time: {rung.action} {rung.to.value}",
            **STORE_STEP,
        )
