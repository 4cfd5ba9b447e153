from __future__ import annotations

from collections.abc import Mapping

from temporalio import activity

from activities.boundary import business_boundary
from activities.erp import intent_of
from activities.exactly_once import ExactlyOnce
from models.base import digest_of
from models.desk import EngagementRow, Stage
from models.errors import Fatal
from models.ids import ConnectionId, PlanDigest, Step, external_key, operation_key
from models.operations import WriteBackDeal
from models.process import ApplyStep, EngagementRef, Situation, StatusCall, StepDone, TermsRead
from models.records import Links
from models.terms import DealState, SignedTerms
from ports.crm import Deals
from ports.desk import Desk, PlanBook
from ports.ledger import Intent, Ledger, OperationRow, OperationState

__all__ = ["CrmActivities"]

_SET_UP = frozenset({Stage.ACTIVE, Stage.FROZEN, Stage.CHANGE_ORDER})


class CrmActivities:
    """What is read from and written to the CRM."""

    def __init__(
        self,
        crms: Mapping[ConnectionId, Deals],
        main: ConnectionId,
        *,
        plans: PlanBook,
        desk: Desk,
        ledger: Ledger,
        once: ExactlyOnce,
    ) -> None:
        self._crms = crms
        self._main = main
        self._plans = plans
        self._desk = desk
        self._ledger = ledger
        self._once = once

    @activity.defn
    @business_boundary
    async def read_signed_terms(self, subject: EngagementRef) -> TermsRead:
        """Read the deal as it is now, keep what was read, and say what it means for this engagement."""
        terms = await self._crms[self._main].get_signed_terms(subject.deal_id)
        reference = await self._plans.save_terms(subject.engagement, terms)
        situation, sentence = await self._situation(subject, terms)
        return TermsRead(
            reference=reference,
            terms_digest=terms.digest,
            situation=situation,
            source_version=terms.source_version,
            sentence=sentence,
        )

    @activity.defn
    @business_boundary
    async def write_back(self, call: ApplyStep) -> StepDone:
        """Show the outcome on the deal and leave a note for its owner."""
        plan = await self._plans.get_plan(call.plan)
        operation = plan.operation(call.step)
        if not isinstance(operation.request, WriteBackDeal):
            raise Fatal(f"Step {call.step} of the plan is not a write-back.", record=call.step)
        request = operation.request.model_copy(update={"plan_digest": call.plan})
        crm = self._crms[operation.connection]
        effect = await self._once.apply(
            intent_of(call, operation),
            find=lambda: crm.find_write_back(request, call.links),
            ensure=lambda: crm.ensure_write_back(request, call.links),
        )
        return StepDone(step=call.step, ref=effect.ref, created=effect.created, changed=effect.changed)

    @activity.defn
    @business_boundary
    async def show_status(self, call: StatusCall) -> StepDone | None:
        """Show on the deal why it waits or was refused. None when the deal shows that already."""
        shown = [
            row
            for row in await self._ledger.list_operations(call.subject.engagement)
            if row.state is OperationState.APPLIED and (row.step == "write-back" or row.step.startswith("status:"))
        ]
        statuses = sum(1 for row in shown if row.step != "write-back")
        terms = await self._plans.get_terms(call.terms_reference)
        request = WriteBackDeal(
            key=external_key(call.subject.engagement, "deal"),
            deal_id=call.subject.deal_id,
            owner_id=terms.owner_id,
            contract_number=call.subject.contract_number,
            status=call.status,
            message=call.message,
        )
        if shown and shown[-1].payload_hash == digest_of(request):
            return None
        crm = self._crms[self._main]
        step = Step(f"status:{statuses + 1}")
        intent = Intent(
            key=operation_key(call.subject.firm, "quote-to-project", call.subject.contract_number, "", step),
            payload_hash=digest_of(request),
            engagement=call.subject.engagement,
            step=step,
            plan=PlanDigest(""),
            guard=crm.guard_of_write_back(),
            connection=self._main,
            workflow_id=call.subject.workflow_id,
            run_id=activity.info().workflow_run_id or "",
        )
        effect = await self._once.apply(
            intent,
            find=lambda: crm.find_write_back(request, Links()),
            ensure=lambda: crm.ensure_write_back(request, Links()),
        )
        return StepDone(step=step, ref=effect.ref, created=effect.created, changed=effect.changed)

    async def _situation(self, subject: EngagementRef, terms: SignedTerms) -> tuple[Situation, str]:
        row = await self._desk.find_engagement(subject.engagement)
        writes = await self._writes_to_erp(subject)
        set_up = row is not None and row.stage in _SET_UP
        if terms.deal_state is not DealState.WON:
            word = "open again" if terms.deal_state is DealState.OPEN else "lost"
            if set_up or writes:
                return Situation.LOST_AFTER_SET_UP, f"The deal is {word} in the CRM after its project was opened."
            return Situation.NOT_WON, f"The deal is {word} in the CRM; nothing was written to the ERP."
        if row is not None and set_up and row.terms_digest:
            return _of_a_finished_set_up(row, terms, held=_is_held(writes))
        if _is_held(writes):
            return Situation.WON_AGAIN_UNFINISHED, "The deal is won again; its set-up goes on."
        return Situation.TO_PLAN, "The deal is won."

    async def _writes_to_erp(self, subject: EngagementRef) -> list[OperationRow]:
        """What had or may have had its effect there; a status shown on the deal is not set-up."""
        return [
            row
            for row in await self._ledger.list_operations(subject.engagement)
            if row.state is not OperationState.NOT_APPLIED
            and row.step != "write-back"
            and not row.step.startswith("status:")
        ]


def _of_a_finished_set_up(row: EngagementRow, terms: SignedTerms, *, held: bool) -> tuple[Situation, str]:
    if row.terms_digest != terms.digest:
        return Situation.OTHER_TERMS, "The signed terms differ from those that were set up."
    if held:
        return Situation.WON_AGAIN, "The deal is won again on the same terms."
    return Situation.UNCHANGED, "Already set up on these terms; nothing to do."


def _is_held(writes: list[OperationRow]) -> bool:
    """Whether the newest of freeze and release was a freeze. The ledger knows; the desk may show another stage."""
    turns = [write.step for write in writes if write.step.startswith(("hold:", "release:"))]
    return bool(turns) and turns[-1].startswith("hold:")
