from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from activities.amending import AmendingActivities
from activities.crm import CrmActivities
from activities.customer_sync import CustomerSyncActivities
from activities.erp import ErpActivities
from activities.match_undo import MatchUndoActivities
from models.ids import PlanDigest, Step
from models.process import ApplyStep, EngagementRef, OperationBrief, Planned, StepDone, Trouble
from models.records import Links
from workflows.policies import VENDOR_STEP
from workflows.steps import StepStopped, run_step

__all__ = ["Application"]

_ACTIVITY_OF: dict[str, Callable[[Any, ApplyStep], Awaitable[StepDone]]] = {
    "ensure-customer": ErpActivities.ensure_customer,
    "ensure-contact": ErpActivities.ensure_contact,
    "ensure-cost-centre": ErpActivities.ensure_cost_centre,
    "ensure-project": ErpActivities.ensure_project,
    "ensure-billing-schedule": ErpActivities.ensure_billing_schedule,
    "ensure-contract": ErpActivities.ensure_contract,
    "write-back": CrmActivities.write_back,
    "amend-schedule": AmendingActivities.amend,
    "amend-contract": AmendingActivities.amend,
    "propose-credit-note": AmendingActivities.amend,
    "propose-adjustments": AmendingActivities.amend,
    "release-parked": AmendingActivities.amend,
    "close-for-time": AmendingActivities.amend,
    "update-customer": CustomerSyncActivities.update_customer,
    "update-contact": CustomerSyncActivities.update_customer,
    "show-customer": CustomerSyncActivities.show_customer,
    "release-customer": MatchUndoActivities.release_customer,
}


class Application:
    """One plan on its way into the ERP: operations in order of need, independent ones side by side."""

    def __init__(self, subject: EngagementRef, planned: Planned, *, on_progress: Callable[[], None]) -> None:
        self._subject = subject
        self.planned = planned
        self._on_progress = on_progress
        self.done: dict[str, StepDone] = {}
        self.troubles: tuple[Trouble, ...] = ()

    @property
    def links(self) -> Links:
        """Records ensured so far, by step."""
        return Links(refs={Step(step): self.done[step].ref for step in sorted(self.done)})

    @property
    def digest(self) -> PlanDigest:
        """What was approved. A plan without digest is never applied."""
        if self.planned.digest is None:
            raise AssertionError("a plan without digest cannot be applied")
        return self.planned.digest

    async def write_to_erp(self) -> bool:
        """Every operation but the write-back. False: some stopped; `troubles` says why, the rest is done."""
        return await self._run([row for row in self.planned.operations if row.request_kind != "write-back"])

    def take_numbers(self, numbers: dict[Step, str]) -> None:
        """What people call the records: the ERP's answer to a write may name the id alone."""
        for step, number in numbers.items():
            if (done := self.done.get(step)) is not None and not done.ref.number:
                ref = done.ref.model_copy(update={"number": number})
                self.done[step] = done.model_copy(update={"ref": ref})

    async def write_back(self) -> bool:
        """Tell the CRM. Only called when everything else is done and confirmed."""
        return await self._run([row for row in self.planned.operations if row.request_kind == "write-back"])

    async def _run(self, operations: list[OperationBrief]) -> bool:
        self.troubles = ()
        open_steps = [row for row in operations if row.step not in self.done]
        settled = {row.step: asyncio.Event() for row in open_steps}
        stopped: list[Trouble] = []

        async def one(row: OperationBrief) -> None:
            try:
                for need in row.needs:
                    if need in settled:
                        await settled[need].wait()
                if any(need not in self.done for need in row.needs):
                    return
                self.done[row.step] = await self._apply(row)
                self._on_progress()
            except StepStopped as stop:
                stopped.append(stop.trouble)
            finally:
                settled[row.step].set()

        await asyncio.gather(*(one(row) for row in open_steps))
        self.troubles = tuple(stopped)
        return not stopped and all(row.step in self.done for row in operations)

    async def _apply(self, row: OperationBrief) -> StepDone:
        links = Links(refs={need: self.done[need].ref for need in row.needs})
        call = ApplyStep(subject=self._subject, plan=self.digest, step=row.step, links=links)
        return await run_step(_ACTIVITY_OF[row.request_kind], call, summary=row.summary[:200], patience=VENDOR_STEP)
