from __future__ import annotations

from typing import NoReturn

from temporalio import workflow

from activities.crm import CrmActivities
from activities.planning import PlanningActivities
from activities.purchase_orders import PurchaseOrderActivities
from models.decision import Verdict
from models.lost_deal import HoldTurn
from models.process import (
    Carried,
    ClosedDeal,
    ConfirmCall,
    EngagementRef,
    Outcome,
    PlanCall,
    Planned,
    PlannedKind,
    QuoteToProjectResult,
    Remedy,
    Situation,
    TermsCall,
    TermsRead,
    Trouble,
)
from workflows.application import Application
from workflows.lost_deals import LostDeals
from workflows.policies import VENDOR_STEP
from workflows.showing import decide_hint, repair_hint, show_stage
from workflows.steps import StepStopped, run_step

__all__ = ["QuoteToProject"]


@workflow.defn(name="quote-to-project")
class QuoteToProject(LostDeals):
    """From a won and signed contract to a project that can be billed: read, plan, decide, apply, confirm, tell."""

    def __init__(self) -> None:
        super().__init__()
        self._applying_terms = ""

    @workflow.run
    async def run(self, deal: ClosedDeal) -> QuoteToProjectResult:
        """Run until the contract is active, refused, rejected or withdrawn; park whenever a person must act."""
        subject = EngagementRef(
            firm=deal.firm,
            engagement=deal.engagement,
            crm=deal.crm,
            deal_id=deal.deal_id,
            contract_number=deal.contract_number,
            workflow_id=workflow.info().workflow_id,
        )
        self._take_over(subject, deal.carried)
        self._subject = subject

        def go_on_anew() -> NoReturn:
            workflow.continue_as_new(deal.model_copy(update={"carried": self._handed_over()}))

        return await self._in_passes(lambda: self._one_pass(subject), go_on_anew)

    async def _one_pass(self, subject: EngagementRef) -> QuoteToProjectResult | None:
        """Once from reading the CRM to an end. None: something changed or was repaired meanwhile, look again."""
        crm_answers = False
        try:
            self._looking = True
            self._news.clear()
            terms = self._terms = await run_step(
                CrmActivities.read_signed_terms, subject, summary="Read the signed terms", patience=VENDOR_STEP
            )
            crm_answers = True
            if terms.situation is not Situation.TO_PLAN:
                return await self._without_new_plan(subject, terms)
            running = self._application
            if running and self._applying_terms == terms.terms_digest and not self._answered:
                return await self._apply(subject, running)
            self._answered, self._application, self._applying_terms = False, None, terms.terms_digest
            planned = await run_step(
                PlanningActivities.plan,
                PlanCall(subject=subject, terms_reference=terms.reference, is_repaired=self._repaired),
                summary="Look at the ERP and make the plan",
                patience=VENDOR_STEP,
            )
            return await self._follow(subject, planned)
        except StepStopped as stop:
            # A CRM that is away is not asked to show so; one that refuses to be read can still be written to.
            await self._park(subject, (stop.trouble,), tell=crm_answers or stop.trouble.remedy is not Remedy.RETRY)
            return None
        finally:
            self._looking = False

    async def _follow(self, subject: EngagementRef, planned: Planned) -> QuoteToProjectResult | None:
        match planned.kind:
            case PlannedKind.APPLY:
                self._application = Application(subject, planned, on_progress=self._show_progress)
                return await self._apply(subject, self._application)
            case PlannedKind.DECIDE:
                return await self._decide(subject, planned)
            case PlannedKind.BLOCKED:
                self._ask(ladder=planned.ladder, blockers=planned.blockers)
                self._show(
                    "parked", planned.sentence, planned, waits=planned.blocker_sentences, hint=repair_hint(subject)
                )
                await self._tell_crm(subject, "waiting", planned.sentence)
                await self._wait_for_people()
                return None
            case PlannedKind.REFUSED:
                await self._tell_crm(subject, "refused", planned.sentence)
                return await self._finish(subject, Outcome.REFUSED, planned.sentence)
            case PlannedKind.REJECTED:
                await self._tell_crm(subject, "refused", planned.sentence)
                return await self._finish(subject, Outcome.REJECTED, planned.sentence, planned)
            case PlannedKind.NOT_YET:
                return await self._finish(subject, Outcome.NOT_YET, planned.sentence)

    async def _decide(self, subject: EngagementRef, planned: Planned) -> QuoteToProjectResult | None:
        """Wait for signatures on this very plan. After a yes all is read and planned again, so a stale plan dies."""
        self._ask(ladder=planned.ladder, plan=planned.digest)
        self._show("deciding", planned.sentence, planned, waits=planned.blocker_sentences, hint=decide_hint(subject))
        await self._tell_crm(subject, "waiting", planned.sentence)
        await self._wait_for_people()
        if self._verdict is Verdict.REJECT:
            sentence = "The plan was rejected; nothing was written to the ERP."
            await self._tell_crm(subject, "refused", sentence)
            return await self._finish(subject, Outcome.REJECTED, sentence, planned)
        if self._verdict is Verdict.WITHDRAW:
            sentence = "The request was withdrawn; nothing was written to the ERP."
            return await self._finish(subject, Outcome.WITHDRAWN, sentence, planned)
        return None

    async def _apply(self, subject: EngagementRef, application: Application) -> QuoteToProjectResult | None:
        planned = application.planned
        self._looking = False
        show_stage("applying", planned=planned)
        self._show_progress()
        if not await application.write_to_erp():
            await self._park(subject, application.troubles, planned)
            return None
        confirmed = await run_step(
            PlanningActivities.confirm,
            ConfirmCall(subject=subject, plan=application.digest, links=application.links),
            summary="Read back what will be billed and compare",
            patience=VENDOR_STEP,
        )
        application.take_numbers(confirmed.numbers)
        if not await application.write_back():
            # Until it is known whether the deal says "active" by now, nothing else may be said on it.
            await self._park(subject, application.troubles, planned, tell=False)
            return None
        self._told = "active: "
        records = tuple(application.done[step] for step in sorted(application.done))
        result = await self._finish(subject, Outcome.ACTIVE, confirmed.sentence, planned)
        return result.model_copy(update={"records": records})

    async def _without_new_plan(self, subject: EngagementRef, terms: TermsRead) -> QuoteToProjectResult | None:
        """The deal is not simply won and new. DOM-2.3."""
        match terms.situation:
            case Situation.OF_ANOTHER | Situation.UNCHANGED as whose:
                if self._told and whose is Situation.OF_ANOTHER:
                    await self._tell_crm(subject, "cancelled", terms.sentence)
                return await self._finish(subject, Outcome.NOTHING_TO_DO, terms.sentence)
            case Situation.PO_ENTERED:
                call = TermsCall(subject=subject, terms_reference=terms.reference)
                await run_step(
                    PurchaseOrderActivities.enter_purchase_order, call, summary="Enter the PO number in the ERP",
                    patience=VENDOR_STEP,
                )  # fmt: skip
                return await self._finish(subject, Outcome.ACTIVE, terms.sentence)
            case Situation.NOT_WON:
                return await self._finish(subject, Outcome.WITHDRAWN, terms.sentence)
            case Situation.LOST_AFTER_SET_UP:
                return await self._lost(subject, terms)
            case Situation.WON_AGAIN | Situation.WON_AGAIN_OPEN as again:
                return await self._won_again(subject, terms, is_held=again is Situation.WON_AGAIN)
            case Situation.WON_AGAIN_UNFINISHED:
                await self._hold(subject, terms, HoldTurn.RELEASE)
            case _:
                change = Trouble(
                    remedy=Remedy.REPAIR,
                    code="TL-CHG-000",
                    record=subject.contract_number,
                    message=f"{terms.sentence} Changed terms need a signed change order; nothing was written.",
                )
                await self._park(subject, (change,))
        return None

    def _take_over(self, subject: EngagementRef, carried: Carried | None) -> None:
        """Go on where a run stopped that had grown too long."""
        if carried is None:
            return
        self._asked, self._rungs, self._applying_terms = carried.asked, carried.ladder, carried.terms_digest
        self._told, self._loss_answer = carried.told, carried.loss_answer
        if carried.applying is not None:
            self._application = Application(subject, carried.applying, on_progress=self._show_progress)

    def _handed_over(self) -> Carried:
        """What is being applied stays approved; what was done of it is in the ledger, so it is not done again."""
        return Carried(
            applying=self._application.planned if self._application else None,
            terms_digest=self._applying_terms,
            asked=self._asked,
            ladder=self._rungs,
            told=self._told,
            loss_answer=self._loss_answer,
        )
