from __future__ import annotations

from datetime import timedelta
from typing import NoReturn

from temporalio import workflow

from activities.amending import AmendingActivities
from activities.change_planning import ChangePlanningActivities
from models.change_process import (
    STALE,
    AmendedContract,
    ChangeOrdersResult,
    ChangesPlanned,
    DealNote,
    NotesCall,
    PlanChangesCall,
)
from models.decision import Verdict
from models.ids import DealId
from models.process import Carried, ConfirmCall, EngagementRef, FinishCall, Outcome, PlannedKind, Trouble
from workflows.application import Application
from workflows.parking import Parking
from workflows.policies import STORE_STEP, VENDOR_STEP
from workflows.showing import decide_hint, repair_hint, show_stage
from workflows.steps import StepStopped, run_step

__all__ = ["ChangeOrders"]


@workflow.defn(name="change-orders")
class ChangeOrders(Parking):
    """All signed amendments of one engagement, strictly in order: read, plan, decide, apply, confirm, tell. DOM-6.

    Whatever rings, the CRM is asked which amendments there are: order and number of the events mean nothing.
    """

    @workflow.run
    async def run(self, contract: AmendedContract) -> ChangeOrdersResult:
        """Run until nothing waits any more; the next amendment starts it again."""
        subject = EngagementRef(
            firm=contract.firm,
            engagement=contract.engagement,
            deal_id=DealId(""),
            contract_number=contract.contract_number,
            workflow_id=workflow.info().workflow_id,
        )
        self._take_over(subject, contract.carried)
        self._subject = subject

        def go_on_anew() -> NoReturn:
            workflow.continue_as_new(contract.model_copy(update={"carried": self._handed_over()}))

        return await self._in_passes(lambda: self._one_pass(subject), go_on_anew)

    async def _one_pass(self, subject: EngagementRef) -> ChangeOrdersResult | None:
        """Once from reading both sides to an end. None: something changed, was applied or repaired, look again."""
        try:
            self._looking = True
            self._news.clear()
            if self._answered:
                self._answered, self._application = False, None
            running = self._application
            changes = await run_step(
                ChangePlanningActivities.plan_changes,
                PlanChangesCall(subject=subject, applying=running.digest if running else None),
                summary="Read the amendments and the contract in the ERP, and plan",
                patience=VENDOR_STEP,
            )
            return await self._follow(subject, changes)
        except StepStopped as stop:
            await self._park(subject, (stop.trouble,))
            return None
        finally:
            self._looking = False

    async def _follow(self, subject: EngagementRef, changes: ChangesPlanned) -> ChangeOrdersResult | None:
        planned = changes.planned
        match planned.kind:
            case PlannedKind.APPLY:
                running = self._application
                if running is None or running.planned.digest != planned.digest:
                    self._application = Application(subject, planned, on_progress=self._show_progress)
                return await self._apply(subject, changes)
            case PlannedKind.DECIDE:
                return await self._decide(subject, changes)
            case PlannedKind.BLOCKED:
                self._ask(ladder=planned.ladder, blockers=planned.blockers)
                self._show(
                    "parked", planned.sentence, planned, waits=planned.blocker_sentences, hint=repair_hint(subject)
                )
                await self._tell(subject, changes.notes)
                await self._wait_for_people(look_again_after=_until(changes))
                return None
            case PlannedKind.REFUSED:
                return await self._finish(subject, Outcome.REFUSED, changes)
            case PlannedKind.REJECTED:
                return await self._finish(subject, Outcome.REJECTED, changes)
            case PlannedKind.NOT_YET:
                return await self._finish(subject, Outcome.NOTHING_TO_DO, changes)

    async def _decide(self, subject: EngagementRef, changes: ChangesPlanned) -> ChangeOrdersResult | None:
        """Wait for signatures on this very plan. After a yes both sides are read again, so a stale plan dies."""
        planned = changes.planned
        self._ask(ladder=planned.ladder, plan=planned.digest)
        self._show("deciding", planned.sentence, planned, waits=planned.blocker_sentences, hint=decide_hint(subject))
        await self._tell(subject, changes.notes)
        await self._wait_for_people(look_again_after=_until(changes))
        if self._verdict in {Verdict.REJECT, Verdict.WITHDRAW}:
            said_no = "rejected" if self._verdict is Verdict.REJECT else "withdrawn"
            sentence = f"The change was {said_no}; nothing of it was written to the ERP."
            outcome = Outcome.REJECTED if self._verdict is Verdict.REJECT else Outcome.WITHDRAWN
            refused = tuple(
                note.model_copy(update={"status": "refused", "message": sentence}) for note in changes.notes
            )
            no = changes.model_copy(
                update={"planned": planned.model_copy(update={"sentence": sentence}), "notes": refused}
            )
            return await self._finish(subject, outcome, no)
        return None

    async def _apply(self, subject: EngagementRef, changes: ChangesPlanned) -> ChangeOrdersResult | None:
        application = self._application
        if application is None:
            raise AssertionError("a plan is applied by its application")
        self._looking = False
        show_stage("applying", planned=application.planned)
        self._show_progress()
        if not await application.write_to_erp():
            stale = any(trouble.code == STALE for trouble in application.troubles)
            if stale and not application.done:
                await self._plan_anew(subject)
                return None
            troubles = application.troubles if not stale else tuple(map(_half_way, application.troubles))
            await self._park(subject, troubles, application.planned)
            return None
        call = ConfirmCall(subject=subject, plan=application.digest, links=application.links)
        confirmed = await run_step(
            ChangePlanningActivities.confirm_changes,
            call,
            summary="Read the contract back and compare",
            patience=VENDOR_STEP,
        )
        if not await application.write_back():
            await self._park(subject, application.troubles, application.planned)
            return None
        done = changes.model_copy(
            update={"planned": application.planned.model_copy(update={"sentence": confirmed.sentence}), "notes": ()}
        )
        result = await self._finish(subject, Outcome.ACTIVE, done)
        self._application = None
        return None if changes.more_to_do else result

    async def _plan_anew(self, subject: EngagementRef) -> None:
        """The ERP moved between plan and write: what was planned is no more, what was written of it stays counted."""
        self._application = None
        await run_step(
            AmendingActivities.drop_plan, subject, summary="The contract changed in the ERP: plan anew",
            patience=STORE_STEP,
        )  # fmt: skip

    async def _tell(self, subject: EngagementRef, notes: tuple[DealNote, ...]) -> None:
        """Nobody in sales meets silence. A CRM that does not answer does not stop the process; the desk shows it."""
        if not notes:
            return
        call = NotesCall(subject=subject, notes=notes)
        try:
            await run_step(
                AmendingActivities.show_on_deals, call, summary="Show the status on the deals", patience=VENDOR_STEP
            )
        except StepStopped as stop:
            workflow.logger.warning("crm.status.not-shown", extra={"code": stop.trouble.code})

    async def _finish(self, subject: EngagementRef, outcome: Outcome, changes: ChangesPlanned) -> ChangeOrdersResult:
        sentence = changes.planned.sentence
        await self._tell(subject, changes.notes)
        call = FinishCall(subject=subject, outcome=outcome, sentence=sentence, plan=changes.planned.digest)
        await run_step(AmendingActivities.finish_changes, call, summary="Record how it ended", patience=STORE_STEP)
        show_stage("active" if outcome is Outcome.NOTHING_TO_DO else outcome.value)
        self._show_text(sentence, changes.planned, (), "")
        return ChangeOrdersResult(outcome=outcome, sentence=sentence)

    def _take_over(self, subject: EngagementRef, carried: Carried | None) -> None:
        """Go on where a run stopped that had grown too long."""
        if carried is None:
            return
        self._asked, self._rungs = carried.asked, carried.ladder
        if carried.applying is not None:
            self._application = Application(subject, carried.applying, on_progress=self._show_progress)

    def _handed_over(self) -> Carried:
        """What was done of a plan is in the ledger, so it is not done again."""
        return Carried(
            applying=self._application.planned if self._application else None, asked=self._asked, ladder=self._rungs
        )


def _half_way(trouble: Trouble) -> Trouble:
    """Some of the plan is written already: what becomes of the rest is not decided by a machine."""
    message = (
        f"{trouble.message} Some of the change is in the ERP already, so it is not planned anew: take back what was "
        "changed there meanwhile, then repair; the same change goes on."
    )
    return trouble.model_copy(update={"message": message})


def _until(changes: ChangesPlanned) -> timedelta | None:
    """How long until the day itself changes the answer."""
    if changes.look_again_at is None:
        return None
    return max(changes.look_again_at - workflow.now(), timedelta(seconds=1))
