from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.boundary import business_boundary
from activities.erp import ErpActivities
from models.ids import Step
from models.plan import PlannedOperation
from models.process import AppliedTogether, ApplyStep, ApplyTogether, Remedy, StepDone, StoppedStep, Trouble
from models.records import Links
from ports.desk import PlanBook

__all__ = ["TogetherActivities"]

_TIME_S = 2.0
"""Well below the time-out of a step on the fast path, so that what was done is told."""
_NO_ANSWER = "No answer in time at: {}. We are checking; nothing is repeated until we know."
_BROKEN = (
    "Tieline itself failed at: {} ({}). The integration team must look; nothing is repeated without evidence."
)


class TogetherActivities:
    """The ERP operations of a plan in one go, for the deal that meets no obstacle: most of them.

    Each operation is the same step as when it is done alone, with its own row in the ledger and its own outcome. What
    did not succeed here is done again alone, with its own patience; a crash repeats all, and the rows say what is done.
    """

    def __init__(self, erp: ErpActivities, plans: PlanBook) -> None:
        self._plans = plans
        self._step_of: dict[str, Callable[[ApplyStep], Awaitable[StepDone]]] = {
            "ensure-customer": erp.ensure_customer,
            "ensure-contact": erp.ensure_contact,
            "ensure-cost-centre": erp.ensure_cost_centre,
            "ensure-project": erp.ensure_project,
            "ensure-billing-schedule": erp.ensure_billing_schedule,
            "ensure-contract": erp.ensure_contract,
        }

    @activity.defn
    @business_boundary
    async def apply_together(self, call: ApplyTogether) -> AppliedTogether:
        """Do these operations in order of need, independent ones side by side; say what is done and what stopped."""
        plan = await self._plans.get_plan(call.plan)
        wanted = [operation for operation in plan.operations if operation.step in call.steps]
        done: dict[Step, StepDone] = {}
        stopped: list[StoppedStep] = []
        work: dict[Step, asyncio.Task[None]] = {}

        async def one(operation: PlannedOperation) -> None:
            if before := [work[need] for need in operation.needs if need in work]:
                await asyncio.wait(before)
            refs = {**call.links.refs, **{step: item.ref for step, item in done.items()}}
            if any(need not in refs for need in operation.needs):
                return
            links = Links(refs={need: refs[need] for need in operation.needs})
            try:
                done[operation.step] = await self._step_of[operation.request.kind](
                    ApplyStep(subject=call.subject, plan=call.plan, step=operation.step, links=links)
                )
            except ApplicationError as refused:
                stopped.append(StoppedStep(step=operation.step, trouble=_trouble_of(refused, operation)))
            except asyncio.CancelledError:
                stopped.append(StoppedStep(step=operation.step, trouble=_late(operation)))

        for operation in wanted:
            work[operation.step] = asyncio.create_task(one(operation))
        await _in_time(list(work.values()))
        return AppliedTogether(done=tuple(done.values()), stopped=tuple(stopped))


async def _in_time(work: list[asyncio.Task[None]]) -> None:
    """Wait for all; when time is up, or when we are cancelled ourselves, end what still runs."""
    try:
        await asyncio.wait(work, timeout=_TIME_S)
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)


def _trouble_of(refused: ApplicationError, operation: PlannedOperation) -> Trouble:
    if refused.details and isinstance(refused.details[0], dict):
        return Trouble.model_validate(refused.details[0])
    message = _BROKEN.format(operation.summary, refused.type)
    return Trouble(remedy=Remedy.RETRY, code="TL-INT-030", message=message)


def _late(operation: PlannedOperation) -> Trouble:
    return Trouble(remedy=Remedy.RETRY, code="TL-INT-001", message=_NO_ANSWER.format(operation.summary))
