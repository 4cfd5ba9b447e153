from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue, WorkflowIDReusePolicy
from temporalio.exceptions import FailureError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

from activities.feedback import FeedbackActivities
from models.feedback import FeedbackResult, FeedbackRun, FeedWindow, PageCall, PageDone, TroubleCall
from models.ids import ConnectionId, FirmId
from workflows.policies import STORE_STEP, TASK_TIMEOUT, VENDOR_STEP, Patience
from workflows.steps import StepStopped, run_long_step

__all__ = ["DOORBELL", "InvoiceFeedback", "InvoiceFeedbackClock", "feedback_id"]

DOORBELL = "doorbell"
_PAGES_IN_A_RUN = 100
_RINGS_TRIED = 5

Step = Callable[[Any, PageCall], Awaitable[PageDone]]


def feedback_id(firm: FirmId, connection: ConnectionId) -> str:
    """One sweep at a time for each ERP account, whoever asks for it."""
    return f"invoice-feedback/{firm}/{connection}"


@workflow.defn(name="invoice-feedback")
class InvoiceFeedback:
    """Invoices, payments, projects and milestones of one ERP account reach the CRM. DOM-7.

    Clock, doorbell and people all lead to this one process, so nothing is shown twice and nothing overtakes. It ends
    when nothing is left to show; who rings meanwhile makes it look once more.
    """

    @workflow.init
    def __init__(self, run: FeedbackRun) -> None:
        self._run = run
        self._is_rung = run.is_rung
        self._pages = 0

    @workflow.signal(dynamic=True)
    def ring(self, name: str, payloads: Sequence[RawValue]) -> None:
        """Something was saved in the ERP. Whatever is sent along is not believed, and cannot stop the process."""
        del name, payloads
        self._is_rung = True

    @workflow.run
    async def run(self, run: FeedbackRun) -> FeedbackResult:
        """Sweep until nobody rings any more."""
        del run
        while True:
            try:
                await self._sweep()
            except StepStopped as stop:
                return await self._stopped(stop)
            if not self._is_rung:
                return FeedbackResult(tally=self._run.tally, sweeps=self._run.sweeps)

    async def _sweep(self) -> None:
        if self._run.window is None:
            self._is_rung = False
            window = await run_long_step(
                FeedbackActivities.open_sweep, self._run, summary="Read the ERP's clock", patience=VENDOR_STEP
            )
            self._change(window=window)
        if not self._run.reads_done:
            await self._every_page(FeedbackActivities.show_changes, "Show what changed", moves=True)
            if self._run.tries_refused_again:
                self._change(after="")
                await self._every_page(FeedbackActivities.show_refused, "Show what was refused before", moves=True)
            self._change(after="", reads_done=True)
        await self._counted(FeedbackActivities.show_deleted, "Show what was deleted")
        await self._every_page(FeedbackActivities.show_overdue, "Show what became overdue")
        await self._step(FeedbackActivities.note_moved_projects, "Note projects that moved", VENDOR_STEP)
        await self._every_page(FeedbackActivities.show_deal_sums, "Show sums on deals")
        await self._every_page(FeedbackActivities.show_account_sums, "Show sums on accounts")
        await self._step(FeedbackActivities.close_sweep, "Keep how far the sweep came", STORE_STEP)
        self._change(window=None, after="", reads_done=False, sweeps=self._run.sweeps + 1)

    async def _every_page(self, step: Step, summary: str, *, moves: bool = False) -> None:
        """Page by page. After many, or a long history, the rest is done by a new run with the same window."""
        while True:
            done = await self._counted(step, summary)
            if moves:
                self._change(after=done.after)
            if done.is_last:
                return
            self._pages += 1
            if self._pages >= _PAGES_IN_A_RUN or workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(self._run.model_copy(update={"is_rung": self._is_rung}))

    async def _counted(self, step: Step, summary: str) -> PageDone:
        done = await self._step(step, summary, VENDOR_STEP)
        self._change(tally=self._run.tally + done.tally)
        return done

    async def _step(self, step: Step, summary: str, patience: Patience) -> PageDone:
        call = PageCall(
            firm=self._run.firm, connection=self._run.connection, window=self._window, after=self._run.after,
            tries_refused_again=self._run.tries_refused_again,
        )  # fmt: skip
        return await run_long_step(step, call, summary=summary, patience=patience)

    @property
    def _window(self) -> FeedWindow:
        if self._run.window is None:
            raise AssertionError("a sweep has a window before its first step")
        return self._run.window

    async def _stopped(self, stop: StepStopped) -> FeedbackResult:
        """It waits for nobody: the trouble is shown, and the next sweep begins where this one did."""
        trouble = stop.trouble
        call = TroubleCall(
            firm=self._run.firm, connection=self._run.connection, code=trouble.code, message=trouble.message,
            owner=trouble.owner,
        )  # fmt: skip
        await run_long_step(
            FeedbackActivities.tell_trouble, call, summary="Show why invoices stand still", patience=STORE_STEP
        )
        return FeedbackResult(tally=self._run.tally, sweeps=self._run.sweeps, trouble=trouble.message)

    def _change(self, **facts: Any) -> None:
        self._run = self._run.model_copy(update=facts)


@workflow.defn(name="invoice-feedback-clock")
class InvoiceFeedbackClock:
    """What the schedule starts: it starts the sweep, or rings at the one that runs."""

    @workflow.run
    async def run(self, run: FeedbackRun) -> str:
        """`started` or `rung`."""
        name = feedback_id(run.firm, run.connection)
        for _ in range(_RINGS_TRIED):
            try:
                await workflow.start_child_workflow(
                    InvoiceFeedback.run, run, id=name, task_timeout=TASK_TIMEOUT,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                    parent_close_policy=ParentClosePolicy.ABANDON,
                    static_summary=f"Invoices of {run.connection} to the CRM",
                )  # fmt: skip
            except WorkflowAlreadyStartedError:
                try:
                    await workflow.get_external_workflow_handle(name).signal(DOORBELL)
                except FailureError:
                    continue  # it ended between the two
                return "rung"
            return "started"
        return "rung"
