from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

from temporalio import workflow

from activities.desk import DeskActivities
from models.process import EngagementRef, ParkCall, Parked, Planned, Remedy, Trouble
from workflows.application import Application
from workflows.policies import LOOK_AGAIN_AFTER, STORE_STEP
from workflows.showing import page_text, repair_hint, show_stage
from workflows.waiting import Waiting

__all__ = ["Parking"]

Result = TypeVar("Result")


class Parking(Waiting):
    """A process that applies plans, and parks where a person must act: shown on the desk and on its run page."""

    def __init__(self) -> None:
        super().__init__()
        self._application: Application | None = None

    async def _in_passes(
        self, one_pass: Callable[[], Awaitable[Result | None]], go_on_anew: Callable[[], NoReturn]
    ) -> Result:
        """Pass after pass until one has a result and nothing rang meanwhile; a run that grew too long goes on anew."""
        while True:
            result = await one_pass()
            grown = workflow.info().is_continue_as_new_suggested()
            if result is not None or grown:
                await workflow.wait_condition(workflow.all_handlers_finished)
            if result is not None and not self._news_unread():
                return result
            if grown:
                go_on_anew()

    async def _park(
        self, subject: EngagementRef, troubles: tuple[Trouble, ...], planned: Planned | None = None
    ) -> None:
        """Put the stops on the desk and wait."""
        await self._put_on_desk(subject, troubles, planned)
        await self._wait_for_repair(troubles)

    async def _put_on_desk(
        self, subject: EngagementRef, troubles: tuple[Trouble, ...], planned: Planned | None
    ) -> Parked:
        """From now on whoever may repair is heard."""
        # Who repairs at the moment it appears on the desk is judged when the process knows that it waits.
        async with self._turn:
            parked = await workflow.execute_activity_method(
                DeskActivities.park,
                ParkCall(
                    subject=subject, plan=planned.digest if planned else None,
                    stake=planned.value if planned else None, troubles=troubles,
                ),
                summary="Put it on the desk of the person who can repair it",
                **STORE_STEP,
            )  # fmt: skip
            self._ask(ladder=parked.ladder, blockers=parked.blockers)
        show_stage("parked", parked=True, owner=parked.owner)
        self._show_text("Waits for a person", planned, parked.sentences, repair_hint(subject))
        return parked

    async def _wait_for_repair(self, troubles: tuple[Trouble, ...]) -> None:
        """What only waits for a system is tried again by itself."""
        waits_for_system = any(trouble.remedy is Remedy.RETRY for trouble in troubles)
        await self._wait_for_people(look_again_after=LOOK_AGAIN_AFTER if waits_for_system else None)

    def _show(self, stage: str, sentence: str, planned: Planned, *, waits: tuple[str, ...], hint: str) -> None:
        show_stage(stage, parked=True, owner=planned.owner, planned=planned)
        self._show_text(sentence, planned, waits, hint)

    def _show_progress(self) -> None:
        application = self._application
        if application is not None:
            self._show_text(application.planned.sentence, application.planned, (), "")

    def _show_text(self, sentence: str, planned: Planned | None, waits: tuple[str, ...], hint: str) -> None:
        done = self._application.done if self._application else {}
        workflow.set_current_details(page_text(sentence, planned, done, waits, hint))
