from __future__ import annotations

from temporalio import activity

from activities.boundary import business_boundary
from activities.connected import Connected
from activities.deal_status import show_on_deal
from activities.erp import intent_of
from activities.exactly_once import ExactlyOnce
from activities.ids_on_deals import shown_on_deal
from activities.situation import Situations
from mappings.booking import PROCESS
from models.errors import Fatal, NeedsRepair
from models.ids import ConnectionId, external_key
from models.operations import WriteBackDeal
from models.process import ApplyStep, EngagementRef, StatusCall, StepDone, TermsRead
from ports.crm import Deals
from ports.desk import PlanBook
from ports.ledger import Ledger

__all__ = ["CrmActivities"]


class CrmActivities:
    """What is read from and written to the CRM."""

    def __init__(
        self,
        crms: Connected[Deals],
        *,
        first_erp: ConnectionId,
        plans: PlanBook,
        situations: Situations,
        ledger: Ledger,
        once: ExactlyOnce,
    ) -> None:
        self._crms = crms
        self._first_erp = first_erp
        self._plans = plans
        self._situations = situations
        self._ledger = ledger
        self._once = once

    @activity.defn
    @business_boundary
    async def read_signed_terms(self, subject: EngagementRef) -> TermsRead:
        """Read the deal as it is now, keep what was read, and say what it means for this engagement."""
        try:
            terms = await self._crms.named(subject.crm).get_signed_terms(subject.deal_id)
        except NeedsRepair:
            moved = await self._moved(subject)
            if moved is None:
                raise
            return moved
        reference = await self._plans.save_terms(subject.engagement, terms)
        situation, sentence = await self._situations.of_terms(subject, terms)
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
        crm, links = self._crms.named(operation.connection), shown_on_deal(call.links, self._first_erp)
        effect = await self._once.apply(
            intent_of(call, operation),
            find=lambda: crm.find_write_back(request, links),
            ensure=lambda: crm.ensure_write_back(request, links),
        )
        return StepDone(step=call.step, ref=effect.ref, created=effect.created, changed=effect.changed)

    @activity.defn
    @business_boundary
    async def show_status(self, call: StatusCall) -> StepDone | None:
        """Show on the deal why it waits or was refused. None when the deal shows that already."""
        # Terms that could not be read name no owner; then there is nobody to leave a note for.
        owner = (await self._plans.get_terms(call.terms_reference)).owner_id if call.terms_reference else ""
        subject = call.subject
        place = subject.engagement if await self._situations.is_holder(subject) else f"{subject.firm}/{subject.deal_id}"
        note = call.note if owner else ""
        request = WriteBackDeal(
            key=external_key(place, "deal"),
            deal_id=call.subject.deal_id,
            owner_id=owner,
            notify_subject=f"Contract {subject.contract_number}: the deal needs you" if note else "",
            notify_text=note,
            contract_number=call.subject.contract_number,
            status=call.status,
            message=call.message,
        )
        return await show_on_deal(
            request,
            call.subject,
            crm=self._crms.named(call.subject.crm),
            ledger=self._ledger,
            once=self._once,
            process=PROCESS,
        )

    async def _moved(self, subject: EngagementRef) -> TermsRead | None:
        """Terms that cannot be read need no repair when the deal sells this contract no more."""
        for deal in await self._crms.named(subject.crm).find_contracts([subject.deal_id]):
            if deal.contract_number == subject.contract_number:
                return None
            situation, sentence = await self._situations.of_a_deal_without_it(subject, deal.contract_number)
            return TermsRead(
                reference="",
                terms_digest="",
                situation=situation,
                source_version=deal.source_version,
                sentence=sentence,
            )
        return None
