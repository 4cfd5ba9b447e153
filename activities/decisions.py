from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from temporalio import activity

from activities.boundary import business_boundary
from mappings.decision_policy import DecisionCase, Judgement, judge
from mappings.rulebook import RuleBook
from models.decision import Answer, Decision, DecisionClaims, Refusal
from models.process import JudgeCall, UnreadableMessage
from ports.audit import AuditTrail
from ports.desk import Desk, Judged, PlanBook
from ports.people import InvalidToken, People

__all__ = ["DecisionActivities"]


class DecisionActivities:
    """The one place where a decision is judged, whichever way it came, and recorded, whatever came of it."""

    def __init__(
        self,
        *,
        people: People,
        plans: PlanBook,
        desk: Desk,
        audit: AuditTrail,
        rules: Callable[[], RuleBook],
        now: Callable[[], datetime],
    ) -> None:
        self._people = people
        self._plans = plans
        self._desk = desk
        self._audit = audit
        self._rules = rules
        self._now = now

    @activity.defn
    @business_boundary
    async def judge_decision(self, call: JudgeCall) -> Answer:
        """Who decides, may they, on exactly this, now? The answer is typed, and in the audit chain."""
        decision = Decision.model_validate_json(call.decision_json)
        if decision.engagement != call.subject.engagement:
            return await self._refuse_stray(call, decision)
        judgement = await self._judged(call, decision)
        answer = await self._desk.record_decision(
            Judged(
                decision=decision, answer=judgement.answer, slot=judgement.slot, answer_field=judgement.answer_field,
                channel=call.channel, run=call.run,
            )
        )  # fmt: skip
        told_again = answer.accepted and not judgement.answer.accepted and activity.info().attempt == 1
        # Whoever sends a decision again hears the first answer again; it settles nothing a second time.
        return answer.model_copy(update={"complete": False}) if told_again else answer

    @activity.defn
    @business_boundary
    async def record_unreadable(self, message: UnreadableMessage) -> None:
        """Somebody sent something that is no decision: written down without its content, and nothing changes."""
        await self._audit.append(
            "message.refused",
            message.subject.engagement,
            message.subject.workflow_id,
            {"name": message.name, "problem": message.problem, "sha256": message.fingerprint},
        )

    async def _judged(self, call: JudgeCall, decision: Decision) -> Judgement:
        try:
            claims = self._people.verify(decision.token)
        except InvalidToken as bad:
            refusal = Refusal.EXPIRED_TOKEN if bad.expired else Refusal.BAD_TOKEN
            return Judgement(answer=Answer(accepted=False, refusal=refusal, message=bad.message))
        return judge(decision, claims, await self._case(call, decision, claims), self._rules(), self._now())

    async def _refuse_stray(self, call: JudgeCall, decision: Decision) -> Answer:
        """A decision on another contract. Its id stays free, so it can still be sent to where it belongs."""
        await self._audit.append(
            "decision.refused",
            call.subject.engagement,
            call.subject.workflow_id,
            {
                "decision": decision.decision,
                "verdict": decision.verdict.value,
                "channel": call.channel,
                "refusal": Refusal.TOKEN_FOR_OTHER.value,
            },
        )
        message = f"This decision is about {decision.engagement}, not about {call.subject.engagement}. Send it there."
        return Answer(accepted=False, refusal=Refusal.TOKEN_FOR_OTHER, message=message)

    async def _case(self, call: JudgeCall, decision: Decision, claims: DecisionClaims) -> DecisionCase:
        subject = decision.plan or call.waiting_for_plan
        plan = await self._plans.get_plan(subject) if subject and subject == call.waiting_for_plan else None
        blocker = await self._desk.find_blocker(decision.blocker) if decision.blocker else None
        terms = None if plan else await self._plans.find_latest_terms(call.subject.engagement)
        waits = blocker is not None and blocker.blocker in call.waiting_for_blockers
        return DecisionCase(
            firm=call.subject.firm,
            engagement=call.subject.engagement,
            person=self._people.find_person(claims.person),
            delegators=self._people.list_delegators(claims.person),
            waiting_for_plan=call.waiting_for_plan,
            plan=plan,
            blocker=blocker if waits else None,
            signatures=await self._desk.list_signatures(plan.digest) if plan else (),
            requested_by=terms.requesters if terms else (),
        )
