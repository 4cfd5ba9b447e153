from __future__ import annotations

from typing import NoReturn

from temporalio import workflow

from activities.customer_sync import CustomerPlanning, CustomerSyncActivities
from activities.desk import DeskActivities
from activities.match_undo import MatchUndoActivities
from models.change_process import STALE
from models.customer_process import ChangedAccount, CustomerSyncResult, number_of_account, sync_of
from models.decision import Verdict
from models.ids import DealId
from models.process import Carried, ConfirmCall, EngagementRef, FinishCall, Outcome, Planned, PlannedKind
from workflows.application import Application
from workflows.parking import Parking
from workflows.policies import STORE_STEP, VENDOR_STEP
from workflows.showing import decide_hint, repair_hint, show_stage
from workflows.steps import StepStopped, run_step

__all__ = ["CustomerSync"]


@workflow.defn(name="customer-sync")
class CustomerSync(Parking):
    """One account and its customer: read both, plan, decide where money could go astray, apply, confirm. DOM-5.8."""

    @workflow.run
    async def run(self, changed: ChangedAccount) -> CustomerSyncResult:
        """Run until both sides are in order; the next change starts it again."""
        subject = EngagementRef(
            firm=changed.firm,
            engagement=sync_of(changed.firm, changed.account_id),
            deal_id=DealId(changed.account_id),
            contract_number=number_of_account(changed.account_id),
            workflow_id=workflow.info().workflow_id,
        )
        if changed.carried is not None:
            self._asked, self._rungs = changed.carried.asked, changed.carried.ladder
        self._subject = subject

        def go_on_anew() -> NoReturn:
            carried = Carried(asked=self._asked, ladder=self._rungs)
            workflow.continue_as_new(changed.model_copy(update={"carried": carried}))

        return await self._in_passes(lambda: self._one_pass(subject), go_on_anew)

    async def _one_pass(self, subject: EngagementRef) -> CustomerSyncResult | None:
        """Once from reading both sides to an end. None: something changed, was written or repaired, look again."""
        try:
            self._looking = True
            self._news.clear()
            undo = await run_step(
                MatchUndoActivities.plan_undo, subject, summary="Is its match to be undone?", patience=STORE_STEP
            )
            if undo.kind is not PlannedKind.NOT_YET:
                return await self._follow(subject, undo)
            planned = await run_step(
                CustomerPlanning.plan_customer,
                subject,
                summary="Read the account and its customer, and compare",
                patience=VENDOR_STEP,
            )
            return await self._follow(subject, planned)
        except StepStopped as stop:
            await self._park(subject, (stop.trouble,))
            return None
        finally:
            self._looking = False

    async def _follow(self, subject: EngagementRef, planned: Planned) -> CustomerSyncResult | None:
        match planned.kind:
            case PlannedKind.APPLY:
                return await self._apply(subject, planned)
            case PlannedKind.DECIDE:
                return await self._decide(subject, planned)
            case PlannedKind.BLOCKED:
                self._ask(ladder=planned.ladder, blockers=planned.blockers)
                self._show(
                    "parked", planned.sentence, planned, waits=planned.blocker_sentences, hint=repair_hint(subject)
                )
                await self._wait_for_people()
                return None
            case PlannedKind.REJECTED | PlannedKind.REFUSED:
                return await self._finish(subject, Outcome.REJECTED, planned)
            case PlannedKind.NOT_YET:
                return await self._finish(subject, Outcome.NOTHING_TO_DO, planned)

    async def _decide(self, subject: EngagementRef, planned: Planned) -> CustomerSyncResult | None:
        """Wait for the second person. After a yes both sides are read again, so a stale plan dies."""
        self._ask(ladder=planned.ladder, plan=planned.digest)
        self._show("deciding", planned.sentence, planned, waits=planned.blocker_sentences, hint=decide_hint(subject))
        await self._wait_for_people()
        if self._verdict in {Verdict.REJECT, Verdict.WITHDRAW}:
            if _undoes(planned):
                call = FinishCall(
                    subject=subject, outcome=Outcome.REJECTED, sentence=planned.sentence, plan=planned.digest
                )
                await run_step(
                    MatchUndoActivities.refuse_undo, call, summary="The match stays", patience=STORE_STEP
                )
            said_no = planned.model_copy(update={"sentence": "Rejected: nothing was written to the ERP."})
            return await self._finish(subject, Outcome.REJECTED, said_no)
        return None

    async def _apply(self, subject: EngagementRef, planned: Planned) -> CustomerSyncResult | None:
        application = self._application = Application(subject, planned, on_progress=self._show_progress)
        self._looking = False
        show_stage("applying", planned=planned)
        self._show_progress()
        if not await application.write_to_erp():
            if any(trouble.code == STALE for trouble in application.troubles):
                await run_step(
                    CustomerSyncActivities.drop_customer_plan, subject,
                    summary="The customer changed in the ERP: plan anew", patience=STORE_STEP,
                )  # fmt: skip
                return None
            await self._park(subject, application.troubles, planned)
            return None
        call = ConfirmCall(subject=subject, plan=application.digest, links=application.links)
        confirm = MatchUndoActivities.confirm_undo if _undoes(planned) else CustomerPlanning.confirm_customer
        confirmed = await run_step(confirm, call, summary="Read both sides back", patience=VENDOR_STEP)
        done = planned.model_copy(update={"sentence": confirmed.sentence})
        await self._record(subject, Outcome.ACTIVE, done)
        self._application = None
        if _undoes(planned):
            return CustomerSyncResult(outcome=Outcome.ACTIVE, sentence=confirmed.sentence)
        return None  # what only a person can settle may be left

    async def _finish(self, subject: EngagementRef, outcome: Outcome, planned: Planned) -> CustomerSyncResult:
        await self._record(subject, outcome, planned)
        return CustomerSyncResult(outcome=outcome, sentence=planned.sentence)

    async def _record(self, subject: EngagementRef, outcome: Outcome, planned: Planned) -> None:
        call = FinishCall(subject=subject, outcome=outcome, sentence=planned.sentence, plan=planned.digest)
        await run_step(DeskActivities.finish, call, summary="Record how it ended", patience=STORE_STEP)
        show_stage("active" if outcome in {Outcome.NOTHING_TO_DO, Outcome.ACTIVE} else outcome.value)
        self._show_text(planned.sentence, planned, (), "")


def _undoes(planned: Planned) -> bool:
    """The plan tells the account and its customer apart, instead of keeping them equal."""
    return any(operation.request_kind == "release-customer" for operation in planned.operations)
