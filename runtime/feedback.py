from __future__ import annotations

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
    WorkflowHandle,
)
from temporalio.common import WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from models.feedback import FeedbackResult, FeedbackRun
from models.ids import ConnectionId, FirmId
from workflows.invoice_feedback import DOORBELL, InvoiceFeedback, InvoiceFeedbackClock, feedback_id
from workflows.policies import TASK_TIMEOUT

__all__ = ["FeedbackStarter"]

_CATCH_UP = timedelta(minutes=1)


class FeedbackStarter:
    """Starts the sweep of an ERP account's invoices, or rings at the one that runs; and sets its clock."""

    def __init__(self, client: Client, firm: FirmId, task_queue: str, *, look_back_s: int = 900) -> None:
        self._client = client
        self._firm = firm
        self._task_queue = task_queue
        self._look_back_s = look_back_s

    async def ring(
        self, connection: ConnectionId, *, look_back_s: int | None = None, tries_refused_again: bool = False
    ) -> WorkflowHandle[InvoiceFeedback, FeedbackResult]:
        """Look now. Rung twice, or while the clock strikes, it is still one process at a time."""
        run = self._run(connection).model_copy(update={"tries_refused_again": tries_refused_again})
        if look_back_s is not None:
            run = run.model_copy(update={"look_back_s": look_back_s})
        return await self._client.start_workflow(
            InvoiceFeedback.run,
            run,
            id=feedback_id(self._firm, connection),
            task_queue=self._task_queue,
            task_timeout=TASK_TIMEOUT,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal=DOORBELL,
            static_summary=f"Invoices of {connection} to the CRM",
        )

    async def keep_time(self, connection: ConnectionId, every_s: float) -> None:
        """A schedule that looks every so often; the same call again changes it, 0 takes it away. Idempotent."""
        name = feedback_id(self._firm, connection)
        if every_s == 0:
            await self._take_away(name)
            return
        schedule = Schedule(
            action=ScheduleActionStartWorkflow(
                InvoiceFeedbackClock.run,
                self._run(connection),
                id=f"{name}/clock",
                task_queue=self._task_queue,
                task_timeout=TASK_TIMEOUT,
                static_summary=f"Time to look at the invoices of {connection}",
            ),
            spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(seconds=every_s))]),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=_CATCH_UP),
        )

        def renewed(seen: ScheduleUpdateInput) -> ScheduleUpdate:
            # Whoever paused it keeps it paused.
            schedule.state = seen.description.schedule.state
            return ScheduleUpdate(schedule=schedule)

        try:
            await self._client.create_schedule(name, schedule)
        except ScheduleAlreadyRunningError:
            await self._client.get_schedule_handle(name).update(renewed)

    async def _take_away(self, name: str) -> None:
        try:
            await self._client.get_schedule_handle(name).delete()
        except RPCError as gone:
            if gone.status is not RPCStatusCode.NOT_FOUND:
                raise

    def _run(self, connection: ConnectionId) -> FeedbackRun:
        return FeedbackRun(firm=self._firm, connection=connection, look_back_s=self._look_back_s)
