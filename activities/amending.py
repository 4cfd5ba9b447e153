from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from temporalio import activity

from activities.boundary import business_boundary
from activities.connected import Connected
from activities.deal_status import show_on_deal
from activities.erp import intent_of
from activities.exactly_once import ExactlyOnce
from models.amending import (
    AmendContract,
    AmendSchedule,
    CloseForTime,
    ProposeAdjustments,
    ProposeCreditNote,
    ReleaseParked,
)
from models.change_process import CHANGE_ORDER, NotesCall, note_key
from models.desk import EngagementRow, Stage
from models.errors import Fatal
from models.operations import WriteBackDeal
from models.process import ApplyStep, EngagementRef, FinishCall, Outcome, StepDone
from ports.amendments import ContractAmendments
from ports.crm import Deals
from ports.desk import Desk, PlanBook
from ports.ledger import Ledger

__all__ = ["AmendingActivities"]

_CHANGES = (AmendContract, AmendSchedule, CloseForTime, ProposeAdjustments, ProposeCreditNote, ReleaseParked)
_STAGE_OF = {
    Outcome.ACTIVE: Stage.ACTIVE,
    Outcome.NOTHING_TO_DO: Stage.ACTIVE,
    Outcome.REFUSED: Stage.REFUSED,
    Outcome.REJECTED: Stage.REJECTED,
    Outcome.WITHDRAWN: Stage.WITHDRAWN,
}


class AmendingActivities:
    """Every write of a change order, each taken from the stored, approved plan; and what its deals are told."""

    def __init__(
        self,
        *,
        erps: Connected[ContractAmendments],
        crm: Deals,
        plans: PlanBook,
        desk: Desk,
        ledger: Ledger,
        once: ExactlyOnce,
        now: Callable[[], datetime],
    ) -> None:
        self._erps = erps
        self._crm = crm
        self._plans = plans
        self._desk = desk
        self._ledger = ledger
        self._once = once
        self._now = now

    @activity.defn
    @business_boundary
    async def amend(self, call: ApplyStep) -> StepDone:
        """One change of the contract in force. What moved in the ERP since the plan is refused as stale."""
        plan = await self._plans.get_plan(call.plan)
        operation = plan.operation(call.step)
        request = operation.request
        if not isinstance(request, _CHANGES):
            raise Fatal(f"Step {call.step} of the plan changes no contract in force.", record=call.step)
        erp = self._erps.named(operation.connection)
        effect = await self._once.apply(
            intent_of(call, operation),
            find=lambda: erp.find_change(request, call.links),
            ensure=lambda: erp.apply_change(request, call.links),
        )
        return StepDone(step=call.step, ref=effect.ref, created=effect.created, changed=effect.changed)

    @activity.defn
    @business_boundary
    async def drop_plan(self, subject: EngagementRef) -> None:
        """The plan on its way is not followed any more: what it was made from has moved."""
        row = await self._desk.find_engagement(subject.engagement)
        if row is not None and row.stage is Stage.APPLYING:
            await self._desk.save_engagement(row.model_copy(update={"stage": Stage.PLANNING}))

    @activity.defn
    @business_boundary
    async def show_on_deals(self, call: NotesCall) -> None:
        """Each amendment's owner sees on the deal where it stands. Saying the same again writes nothing."""
        for note in call.notes:
            request = WriteBackDeal(
                key=note_key(call.subject.firm, call.subject.contract_number, note.amendment_number),
                deal_id=note.deal_id,
                owner_id=note.owner_id,
                contract_number=call.subject.contract_number,
                status=note.status,
                message=note.message,
            )
            await show_on_deal(
                request,
                call.subject,
                crm=self._crm,
                ledger=self._ledger,
                once=self._once,
                process=CHANGE_ORDER,
                amendment=note.amendment_number,
            )

    @activity.defn
    @business_boundary
    async def finish_changes(self, call: FinishCall) -> None:
        """Record how it ended; nothing of it waits any more."""
        await self._desk.clear(call.subject.engagement, reason=call.sentence)
        row = await self._desk.find_engagement(call.subject.engagement)
        if call.outcome is Outcome.NOTHING_TO_DO and row is not None and row.stage in set(_STAGE_OF.values()):
            return
        await self._desk.save_engagement(
            EngagementRow(
                engagement=call.subject.engagement,
                firm=call.subject.firm,
                contract_number=call.subject.contract_number,
                deal_id=call.subject.deal_id,
                workflow_id=call.subject.workflow_id,
                stage=_STAGE_OF[call.outcome],
                sentence=call.sentence,
                customer_name=row.customer_name if row else "",
                legal_entity=row.legal_entity if row else "",
                value=row.value if row else None,
                plan=call.plan or (row.plan if row else None),
                updated_at=self._now(),
            )
        )
