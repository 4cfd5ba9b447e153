from __future__ import annotations

from temporalio import workflow

from activities.crm import CrmActivities
from activities.desk import DeskActivities
from activities.erp import ErpActivities
from activities.planning import PlanningActivities
from models.decision import Verdict
from models.process import (
    Carried,
    ClosedDeal,
    ConfirmCall,
    EngagementRef,
    FinishCall,
    HoldCall,
    Outcome,
    PlanCall,
    Planned,
    PlannedKind,
    QuoteToProjectResult,
    Remedy,
    Situation,
    StatusCall,
    TermsRead,
    Trouble,
)
from workflows.application import Application
from workflows.parking import Parking
from workflows.policies import STORE_STEP, VENDOR_STEP
from workflows.showing import decide_hint, repair_hint, show_stage
from workflows.steps import StepStopped, run_step

__all__ = ["QuoteToProject"]

_LONGEST_STATUS = 4000


@workflow.defn(name="quote-to-project")
class QuoteToProject(Parking):
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
            deal_id=deal.deal_id,
            contract_number=deal.contract_number,
            workflow_id=workflow.info().workflow_id,
        )
        self._take_over(subject, deal.carried)
        self._subject = subject
        while True:
            result = await self._one_pass(subject)
            grown = workflow.info().is_continue_as_new_suggested()
            if result is not None or grown:
                await workflow.wait_condition(workflow.all_handlers_finished)
            if result is not None and not self._news_unread():
                return result
            if grown:
                workflow.continue_as_new(deal.model_copy(update={"carried": self._handed_over()}))

    async def _one_pass(self, subject: EngagementRef) -> QuoteToProjectResult | None:
        """Once from reading the CRM to an end. None: something changed or was repaired meanwhile, look again."""
        try:
            self._looking = True
            self._news.clear()
            terms = self._terms = await run_step(
                CrmActivities.read_signed_terms, subject, summary="Read the signed terms", patience=VENDOR_STEP
            )
            if terms.situation is not Situation.TO_PLAN:
                return await self._without_new_plan(subject, terms)
            running = self._application
            if running and self._applying_terms == terms.terms_digest and not self._answered:
                return await self._apply(subject, running)
            self._answered, self._application, self._applying_terms = False, None, terms.terms_digest
            planned = await run_step(
                PlanningActivities.plan,
                PlanCall(subject=subject, terms_reference=terms.reference),
                summary="Look at the ERP and make the plan",
                patience=VENDOR_STEP,
            )
            return await self._follow(subject, planned)
        except StepStopped as stop:
            await self._park(subject, (stop.trouble,))
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
        if not await application.write_back():
            await self._park(subject, application.troubles, planned)
            return None
        records = tuple(application.done[step] for step in sorted(application.done))
        result = await self._finish(subject, Outcome.ACTIVE, confirmed.sentence, planned)
        return result.model_copy(update={"records": records})

    async def _without_new_plan(self, subject: EngagementRef, terms: TermsRead) -> QuoteToProjectResult | None:
        """The deal is not simply won and new. DOM-2.3."""
        match terms.situation:
            case Situation.UNCHANGED:
                return await self._finish(subject, Outcome.NOTHING_TO_DO, terms.sentence)
            case Situation.NOT_WON:
                return await self._finish(subject, Outcome.WITHDRAWN, terms.sentence)
            case Situation.LOST_AFTER_SET_UP:
                return await self._freeze(subject, terms)
            case Situation.WON_AGAIN:
                await self._hold(subject, terms, release=True)
                await self._tell_crm(subject, "active", "Won again on the same terms; open for time and billing.")
                return await self._finish(subject, Outcome.ACTIVE, terms.sentence)
            case Situation.WON_AGAIN_UNFINISHED:
                await self._hold(subject, terms, release=True)
                return None
            case _:
                change = Trouble(
                    remedy=Remedy.REPAIR,
                    code="TL-CHG-000",
                    record=subject.contract_number,
                    message=f"{terms.sentence} Changed terms need a signed change order; nothing was written.",
                )
                await self._park(subject, (change,))
                return None

    async def _freeze(self, subject: EngagementRef, terms: TermsRead) -> QuoteToProjectResult | None:
        """Close the project for time and hold billing; a person says what becomes of it."""
        lost = Trouble(remedy=Remedy.REPAIR, code="TL-CON-013", record=subject.contract_number, message=terms.sentence)
        try:
            await self._hold(subject, terms, release=False)
            await self._tell_crm(subject, "frozen", terms.sentence)
        except StepStopped as stop:
            if stop.trouble.code != lost.code:
                raise
            lost = stop.trouble  # only a part is there: whoever looked at it says so, and it is not asked again
            await self._tell_crm(subject, "waiting", lost.message)
        await self._finish(subject, Outcome.FROZEN, terms.sentence)
        await self._park(subject, (lost,))
        return QuoteToProjectResult(outcome=Outcome.FROZEN, sentence=terms.sentence) if self._repaired else None

    async def _hold(self, subject: EngagementRef, terms: TermsRead, *, release: bool) -> None:
        await run_step(
            ErpActivities.hold_engagement,
            HoldCall(
                subject=subject,
                release=release,
                reason=terms.sentence,
                version=f"{terms.source_version:%Y%m%dT%H%M%S.%f}",
            ),
            summary="Release the engagement" if release else "Freeze the engagement",
            patience=VENDOR_STEP,
        )

    def _take_over(self, subject: EngagementRef, carried: Carried | None) -> None:
        """Go on where a run stopped that had grown too long."""
        if carried is None:
            return
        self._asked, self._rungs, self._applying_terms = carried.asked, carried.ladder, carried.terms_digest
        if carried.applying is not None:
            self._application = Application(subject, carried.applying, on_progress=self._show_progress)

    def _handed_over(self) -> Carried:
        """What is being applied stays approved; what was done of it is in the ledger, so it is not done again."""
        return Carried(
            applying=self._application.planned if self._application else None,
            terms_digest=self._applying_terms,
            asked=self._asked,
            ladder=self._rungs,
        )

    async def _tell_crm(self, subject: EngagementRef, status: str, message: str) -> None:
        """Nobody in sales meets silence. A CRM that does not answer does not stop the process; the desk shows it."""
        if self._terms is None:
            return
        call = StatusCall.model_validate(
            {
                "subject": subject,
                "terms_reference": self._terms.reference,
                "status": status,
                # Names come from outside and have no end of their own; an exception here would be retried for ever.
                "message": message[:_LONGEST_STATUS],
            }
        )
        try:
            await run_step(CrmActivities.show_status, call, summary="Show the status on the deal", patience=VENDOR_STEP)
        except StepStopped as stop:
            workflow.logger.warning("crm.status.not-shown", extra={"code": stop.trouble.code})

    async def _finish(
        self, subject: EngagementRef, outcome: Outcome, sentence: str, planned: Planned | None = None
    ) -> QuoteToProjectResult:
        call = FinishCall(
            subject=subject,
            outcome=outcome,
            sentence=sentence,
            plan=planned.digest if planned else None,
            terms_digest=self._terms.terms_digest if self._terms else "",
        )
        await run_step(DeskActivities.finish, call, summary="Record how it ended", patience=STORE_STEP)
        show_stage("active" if outcome is Outcome.NOTHING_TO_DO else outcome.value)
        self._show_text(sentence, planned, (), "")
        return QuoteToProjectResult(outcome=outcome, sentence=sentence, plan=call.plan)
