from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from temporalio import activity

from activities.boundary import business_boundary
from mappings.decision_policy import DecisionCase, judge
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
        try:
            claims = self._people.verify(decision.token)
        except InvalidToken as bad:
            refusal = Refusal.EXPIRED_TOKEN if bad.expired else Refusal.BAD_TOKEN
            return await self._record(call, decision, Answer(accepted=False, refusal=refusal, message=bad.message))
        case = await self._case(call, decision, claims)
        judgement = judge(decision, claims, case, self._rules(), self._now())
        return await self._record(
            call, decision, judgement.answer, slot=judgement.slot, answer_field=judgement.answer_field
        )

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

    async def _case(self, call: JudgeCall, decision: Decision, claims: DecisionClaims) -> DecisionCase:
        subject = decision.plan or call.waiting_for_plan
        plan = await self._plans.get_plan(subject) if subject and subject == call.waiting_for_plan else None
        blocker = await self._desk.find_blocker(decision.blocker) if decision.blocker else None
        waits = blocker is not None and blocker.blocker in call.waiting_for_blockers
        return DecisionCase(
            firm=call.subject.firm,
            engagement=call.subject.engagement,
            person=self._people.find_person(claims.person),
            waiting_for_plan=call.waiting_for_plan,
            plan=plan,
            blocker=blocker if waits else None,
            signatures=await self._desk.list_signatures(plan.digest) if plan else (),
        )

    async def _record(
        self, call: JudgeCall, decision: Decision, answer: Answer, *, slot: str = "", answer_field: str = ""
    ) -> Answer:
        return await self._desk.record_decision(
            Judged(decision=decision, answer=answer, slot=slot, answer_field=answer_field, channel=call.channel)
        )
