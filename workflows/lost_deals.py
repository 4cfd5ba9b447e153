from __future__ import annotations

from activities.holding import HoldActivities
from models.lost_deal import HoldCall, HoldTurn, Loss, LossAnswer, LossCall
from models.process import EngagementRef, Outcome, QuoteToProjectResult, Remedy, TermsRead, Trouble
from workflows.endings import Endings
from workflows.policies import VENDOR_STEP
from workflows.showing import show_stage
from workflows.steps import StepStopped, run_step

__all__ = ["LostDeals"]

_CODE = "TL-CON-013"
_OUTCOME_OF = {
    LossAnswer.FREEZE: Outcome.ON_HOLD,
    LossAnswer.CANCEL: Outcome.CANCELLED,
    LossAnswer.KEEP: Outcome.KEPT,
}
_SUMMARY_OF = {
    HoldTurn.HOLD: "Freeze the engagement",
    HoldTurn.RELEASE: "Release the engagement",
    HoldTurn.CANCEL: "Close the engagement as cancelled",
}


class LostDeals(Endings):
    """A deal that is lost or reopened after its set-up: a person says what becomes of project and contract. DOM-2.3."""

    def __init__(self) -> None:
        super().__init__()
        self._loss_answer = ""

    async def _lost(self, subject: EngagementRef, terms: TermsRead) -> QuoteToProjectResult | None:
        """Freeze what nobody has worked on yet, and ask; do what was answered, if it still fits."""
        call = LossCall(subject=subject, sentence=terms.sentence)
        try:
            loss = await run_step(
                HoldActivities.look_at_loss, call, summary="See whether work on it has begun", patience=VENDOR_STEP
            )
        except StepStopped as stop:
            if stop.trouble.code != _CODE:
                raise
            return await self._only_partly_there(subject, terms, stop.trouble)
        if loss.settled is not None:
            show_stage(_OUTCOME_OF[loss.settled].value)
            return QuoteToProjectResult(outcome=_OUTCOME_OF[loss.settled], sentence=loss.sentence)
        answer = loss.under_way or next((one for one in LossAnswer if one.value == self._loss_answer), None)
        if answer is not None and (loss.under_way or answer.value in {choice.value for choice in loss.choices}):
            return await self._carry_out(subject, terms, loss, answer)
        self._loss_answer = ""
        await self._ask_what_becomes_of_it(subject, terms, loss)
        return None

    async def _ask_what_becomes_of_it(self, subject: EngagementRef, terms: TermsRead, loss: Loss) -> None:
        is_frozen = loss.is_frozen
        if not loss.has_begun and not is_frozen:
            await self._hold(subject, terms, HoldTurn.HOLD)
            is_frozen = True
        if loss.has_begun:
            await self._tell_crm(
                subject, "waiting", loss.sentence, note=f"{loss.sentence} Please tell your sales manager."
            )
        else:
            await self._tell_crm(subject, "frozen", loss.sentence)
        await self._finish(subject, Outcome.FROZEN if is_frozen else Outcome.LOST, loss.sentence)
        question = Trouble(
            remedy=Remedy.REPAIR, code=_CODE, record=subject.contract_number, message=loss.sentence,
            answer_field="lost_deal", choices=loss.choices,
        )  # fmt: skip
        await self._park(subject, (question,), tell=False)
        if self._repaired:
            self._loss_answer = self._given

    async def _carry_out(
        self, subject: EngagementRef, terms: TermsRead, loss: Loss, answer: LossAnswer
    ) -> QuoteToProjectResult:
        """The deal was read again after the answer, and it is still not won."""
        match answer:
            case LossAnswer.CANCEL:
                await self._hold(subject, terms, HoldTurn.CANCEL)
                status, became = "cancelled", "contract and project are closed as cancelled."
            case LossAnswer.FREEZE:
                if not loss.is_frozen:
                    await self._hold(subject, terms, HoldTurn.HOLD)
                status, became = "frozen", "contract and project stay frozen."
            case LossAnswer.KEEP:
                if loss.may_be_frozen:
                    await self._hold(subject, terms, HoldTurn.RELEASE)
                status, became = "active", "contract and project stay open."
        self._loss_answer = ""
        sentence = f"{terms.sentence} A person decided: {became}"
        await self._tell_crm(subject, status, sentence)
        return await self._finish(subject, _OUTCOME_OF[answer], sentence)

    async def _only_partly_there(
        self, subject: EngagementRef, terms: TermsRead, stop: Trouble
    ) -> QuoteToProjectResult | None:
        """Only a part was set up: whoever looked at it says so, and it is not asked again."""
        await self._tell_crm(subject, "waiting", stop.message)
        await self._finish(subject, Outcome.FROZEN, terms.sentence)
        await self._park(subject, (stop,), tell=False)
        return await self._finish(subject, Outcome.ON_HOLD, terms.sentence) if self._repaired else None

    async def _won_again(self, subject: EngagementRef, terms: TermsRead, *, is_held: bool) -> QuoteToProjectResult:
        """On the same terms: open for time and billing, without a new record."""
        self._loss_answer = ""
        if is_held:
            await self._hold(subject, terms, HoldTurn.RELEASE)
        await self._tell_crm(subject, "active", "Won again on the same terms; open for time and billing.")
        return await self._finish(subject, Outcome.ACTIVE, terms.sentence)

    async def _hold(self, subject: EngagementRef, terms: TermsRead, turn: HoldTurn) -> None:
        call = HoldCall(
            subject=subject, turn=turn, reason=terms.sentence, version=f"{terms.source_version:%Y%m%dT%H%M%S.%f}"
        )
        await run_step(HoldActivities.hold_engagement, call, summary=_SUMMARY_OF[turn], patience=VENDOR_STEP)
