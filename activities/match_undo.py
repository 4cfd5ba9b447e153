from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from temporalio import activity

from activities.boundary import business_boundary
from activities.erp import intent_of
from activities.exactly_once import ExactlyOnce
from activities.plan_desk import PlanDesk
from mappings.customer_sync import plan_match_undo
from mappings.rulebook import RuleBook
from models.customer_sync import AgreedState, ReleaseCustomer
from models.errors import Fatal, NeedsRepair
from models.ids import PersonId
from models.match_undo import MatchUndo, UndoState
from models.process import ApplyStep, ConfirmCall, Confirmed, EngagementRef, FinishCall, Planned, PlannedKind, StepDone
from models.roles import Role
from ports.audit import AuditTrail
from ports.customer_sync import Accounts, MatchUndos, SyncMemory
from ports.desk import Desk, PlanBook

__all__ = ["MatchUndoActivities"]

_NO = frozenset({"reject", "withdraw"})


class MatchUndoActivities:
    """An account and its customer told apart again: planned, decided, released in the CRM, remembered. DOM-3.6."""

    def __init__(
        self,
        *,
        crm: Accounts,
        undos: MatchUndos,
        memory: SyncMemory,
        plans: PlanBook,
        desk: Desk,
        audit: AuditTrail,
        once: ExactlyOnce,
        rules: Callable[[], RuleBook],
        now: Callable[[], datetime],
    ) -> None:
        self._crm = crm
        self._undos = undos
        self._memory = memory
        self._plans = plans
        self._desk = desk
        self._audit = audit
        self._once = once
        self._rules = rules
        self._now = now
        self._shown = PlanDesk(plans, desk, rules, now)

    @activity.defn
    @business_boundary
    async def plan_undo(self, subject: EngagementRef) -> Planned:
        """The plan of the wish that waits for this account; nothing to do when there is none."""
        undo = await self._undos.find_open(subject.firm, self._crm.connection, str(subject.deal_id))
        if undo is None:
            return Planned(kind=PlannedKind.NOT_YET, sentence="No match of this account is to be undone.")
        plan = plan_match_undo(
            undo,
            self._rules(),
            engagement=subject.engagement,
            contract_number=subject.contract_number,
            now=self._now(),
        )
        return await self._shown.planned(subject, plan, what=f"telling apart customer {undo.customer_name} and")

    @activity.defn
    @business_boundary
    async def release_customer(self, call: ApplyStep) -> StepDone:
        """Take the customer off the CRM's account."""
        operation = (await self._plans.get_plan(call.plan)).operation(call.step)
        request = operation.request
        if not isinstance(request, ReleaseCustomer):
            raise Fatal(f"Step {call.step} of the plan releases no customer.", record=call.step)
        effect = await self._once.apply(
            intent_of(call, operation),
            find=lambda: self._crm.find_released(request),
            ensure=lambda: self._crm.release_customer(request),
        )
        return StepDone(step=call.step, ref=effect.ref, created=effect.created, changed=effect.changed)

    @activity.defn
    @business_boundary
    async def confirm_undo(self, call: ConfirmCall) -> Confirmed:
        """Read the account back; only when it shows nothing of the customer any more are both told apart for good."""
        plan = await self._plans.get_plan(call.plan)
        undo, request = await self._of_plan(call.subject), plan.operations[0].request
        if not isinstance(request, ReleaseCustomer) or undo is None or undo.undo != request.undo:
            return Confirmed(rows=0, sentence=f"{plan.customer_name}: this undo was settled before.")
        if await self._crm.find_released(request) is None:
            raise NeedsRepair(
                f"{plan.customer_name}: customer {undo.customer_name} was taken off the account, and the account still "
                "shows it. Clear its ERP customer id and number in the CRM, then repair.",
                code="TL-CUS-023",
                record=undo.account_id,
                owner=Role.MASTER_DATA,
            )
        agreed = await self._memory.get_agreed(undo.firm, undo.crm, undo.account_id)
        forgotten = AgreedState(revision=agreed.revision + 1)
        await self._memory.save_agreed(undo.firm, undo.crm, undo.account_id, forgotten)
        signers = tuple(given.person for given in await self._desk.list_signatures(call.plan))
        told = f"{plan.customer_name} is not customer {undo.customer_name} any more."
        await self._undos.settle(undo, UndoState.UNDONE, decided_by=signers, outcome=told)
        return Confirmed(rows=1, sentence=f"{told} Open contracts and invoices stay; the next contract asks anew.")

    @activity.defn
    @business_boundary
    async def refuse_undo(self, call: FinishCall) -> None:
        """Somebody said no: the account stays the customer it is."""
        undo = await self._of_plan(call.subject)
        if undo is None:
            return
        by = ""
        for entry in await self._audit.list_entries(call.subject.engagement):
            is_no = entry.kind == "decision.accepted" and entry.facts.get("verdict") in _NO
            by = entry.facts["person"] if is_no and entry.subject == call.plan else by
        people = (PersonId(by),) if by else ()
        outcome = f"{by or 'Somebody'} said no."
        await self._undos.settle(undo, UndoState.REFUSED, decided_by=people, outcome=outcome)

    async def _of_plan(self, subject: EngagementRef) -> MatchUndo | None:
        return await self._undos.find_open(subject.firm, self._crm.connection, str(subject.deal_id))
