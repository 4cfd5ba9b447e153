from __future__ import annotations

from temporalio import workflow

from activities.crm import CrmActivities
from activities.desk import DeskActivities
from models.process import (
    EngagementRef,
    FinishCall,
    Outcome,
    Planned,
    QuoteToProjectResult,
    StatusCall,
    Trouble,
)
from workflows.parking import Parking
from workflows.policies import STORE_STEP, VENDOR_STEP
from workflows.showing import show_stage
from workflows.steps import StepStopped, run_step

__all__ = ["Endings"]

_LONGEST_STATUS = 4000
_SAID_AT_END = {Outcome.NOTHING_TO_DO: "active", Outcome.WITHDRAWN: "cancelled", Outcome.NOT_YET: "waiting"}
"""What the deal shows at an end that follows a stop; the other ends say it themselves."""
_STOPS = ("waiting: ", "frozen: ", "refused: ")


class Endings(Parking):
    """What the process of one deal says at its stops and at its end: on the deal for sales, on the desk for all."""

    def __init__(self) -> None:
        super().__init__()
        self._told = ""
        """What the deal shows by word of this run; empty while it said nothing."""

    async def _park(
        self,
        subject: EngagementRef,
        troubles: tuple[Trouble, ...],
        planned: Planned | None = None,
        *,
        tell: bool = True,
    ) -> None:
        """Put the stops on the desk, say them on the deal, and wait."""
        parked = await self._put_on_desk(subject, troubles, planned)
        if tell:
            more = f" ({len(parked.sentences) - 1} more)" if len(parked.sentences) > 1 else ""
            await self._tell_crm(subject, "waiting", f"{parked.sentences[0]}{more}")
        await self._wait_for_repair(troubles)

    async def _tell_crm(self, subject: EngagementRef, status: str, message: str, *, note: str = "") -> None:
        """Nobody in sales meets silence. A CRM that does not answer does not stop the process; the desk shows it."""
        # Names come from outside and have no end of their own; an exception here would be retried for ever.
        said = message[:_LONGEST_STATUS]
        if self._told == f"{status}: {said}":
            return
        call = StatusCall.model_validate(
            {
                "subject": subject,
                "terms_reference": self._terms.reference if self._terms else "",
                "status": status,
                "message": said,
                "note": note,
            }
        )
        try:
            await run_step(CrmActivities.show_status, call, summary="Show the status on the deal", patience=VENDOR_STEP)
        except StepStopped as stop:
            workflow.logger.warning("crm.status.not-shown", extra={"code": stop.trouble.code})
        else:
            self._told = f"{status}: {said}"

    async def _finish(
        self, subject: EngagementRef, outcome: Outcome, sentence: str, planned: Planned | None = None
    ) -> QuoteToProjectResult:
        if self._told.startswith(_STOPS) and outcome in _SAID_AT_END:
            status = _SAID_AT_END[outcome]
            await self._tell_crm(subject, status, "" if status == "active" else sentence)
        call = FinishCall(
            subject=subject,
            outcome=outcome,
            sentence=sentence,
            plan=planned.digest if planned else None,
            terms_digest=self._terms.terms_digest if self._terms else "",
        )
        await run_step(DeskActivities.finish, call, summary="Record how it ended", patience=STORE_STEP)
        show_stage("active" if outcome is Outcome.NOTHING_TO_DO else outcome.value)
        self._show_text(sentence, planned, (), "")
        return QuoteToProjectResult(outcome=outcome, sentence=sentence, plan=call.plan)
