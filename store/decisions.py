from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, or_, select, update

from models.base import digest_of
from models.decision import Answer, Decision, Refusal, Verdict
from models.desk import GivenAnswer, Signature
from models.ids import EngagementId, PersonId, PlanDigest
from ports.desk import Judged
from store import chain
from store.database import Database
from store.prepared import Prepared
from store.tables import AnswerRow, DecisionRow, DeskRow, SignatureRow, table_of
from store.waiting import next_owner, signed_slots, stored_plan

__all__ = ["DecisionBook"]

_DECISION = table_of(DecisionRow)
_SIGNATURE = table_of(SignatureRow)
_ANSWER = table_of(AnswerRow)
_DESK = table_of(DeskRow)
_ANSWERS_OF = Prepared(
    lambda _: select(_ANSWER).where(_ANSWER.c.engagement == bindparam("engagement")).order_by(_ANSWER.c.id)
)
_LONGEST_REASON = 500
_USED = "This decision id was used before for another decision. Sign a new one."
_EARLIER = "This decision was used in an earlier process of this contract. Sign a new one."
_SIGNED = "Somebody signed this part of the plan a moment before, or you signed another part of it."
_SETTLED = "This was settled by somebody else a moment before. Look at the queue."
_ALL_THERE = "All signatures are there; it is applied now."


class DecisionBook:
    """Decisions as they arrived and what came of them; refused ones too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record_decision(self, judged: Judged) -> Answer:
        """Store decision, signature or answer, and audit entry in one transaction.

        A decision id that was recorded before gets its first answer again if it is the same decision; a different
        decision under a used id is refused as a replay, and so is the same one in a later process: what was withdrawn
        once is not withdrawn again by whoever kept the message. The token is not stored. What was judged may be
        overtaken: a slot that was filled or a matter that was settled in between is refused here, where all queue.
        """
        decision = judged.decision
        content = digest_of(decision)
        query = select(_DECISION).where(_DECISION.c.decision == decision.decision)
        async with chain.audited(self._database) as audit:
            before = (await audit.connection.execute(query)).one_or_none()
            is_same = before is not None and before.content_hash == content
            if before is not None and is_same and before.run in {"", judged.run}:
                return Answer.model_validate_json(before.answer)
            if before is not None:
                answer = _overtaken(judged.answer, Refusal.REPLAYED, _EARLIER if is_same else _USED)
            else:
                answer = await self._book(audit, judged) if judged.answer.accepted else judged.answer
                await audit.connection.execute(
                    insert(_DECISION).values(
                        decision=decision.decision, content_hash=content, engagement=decision.engagement,
                        answer=answer.model_dump_json(), channel=judged.channel, run=judged.run,
                        recorded_at=audit.now,
                    )
                )  # fmt: skip
            _note(audit, judged, answer)
        return answer

    async def list_signatures(self, plan: PlanDigest) -> tuple[Signature, ...]:
        """Accepted approvals of that plan."""
        query = select(_SIGNATURE).where(_SIGNATURE.c.plan == plan).order_by(_SIGNATURE.c.id)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(
            Signature(plan=PlanDigest(row.plan), slot=row.slot, person=PersonId(row.person), decided_at=row.decided_at)
            for row in rows
        )

    async def list_answers(self, engagement: EngagementId) -> tuple[GivenAnswer, ...]:
        """Answers people gave for this engagement, oldest first."""
        rows = await _ANSWERS_OF.look(self._database, engagement=engagement)
        return tuple(
            GivenAnswer(field=row.field, value=row.value, person=PersonId(row.person), decided_at=row.decided_at)
            for row in rows
        )

    async def _book(self, audit: chain.Chain, judged: Judged) -> Answer:
        """Do what an accepted decision says, unless it was overtaken."""
        answer, decision = judged.answer, judged.decision
        subject = decision.blocker if decision.verdict is Verdict.REPAIR else decision.plan
        shown = await self._shown(audit, subject or "")
        if shown is not None and not shown.is_open:
            return _overtaken(answer, Refusal.NOT_WAITING, _SETTLED)
        if decision.verdict is Verdict.APPROVE and decision.plan is not None:
            return await self._sign(audit, judged, decision.plan)
        if decision.verdict is Verdict.REPAIR and decision.answer and judged.answer_field:
            await audit.connection.execute(
                insert(_ANSWER).values(
                    engagement=decision.engagement, field=judged.answer_field, value=decision.answer,
                    person=answer.person, decided_at=audit.now,
                )
            )  # fmt: skip
        if decision.verdict in {Verdict.REJECT, Verdict.WITHDRAW} and decision.plan is not None:
            await self._void_signatures(audit, decision, decision.plan)
        if answer.complete:
            await self._leave_the_desk(audit, decision)
        return answer

    async def _void_signatures(self, audit: chain.Chain, decision: Decision, digest: PlanDigest) -> None:
        """A no ends the plan with all that was said to it: when the same plan comes again, everybody signs anew."""
        voided = delete(_SIGNATURE).where(_SIGNATURE.c.plan == digest).returning(_SIGNATURE.c.slot, _SIGNATURE.c.person)
        for row in sorted((await audit.connection.execute(voided)).all(), key=lambda row: str(row.slot)):
            audit.note(
                "signature.voided", engagement=decision.engagement, subject=digest,
                facts={"slot": row.slot, "person": row.person, "decision": decision.decision},
            )  # fmt: skip

    async def _sign(self, audit: chain.Chain, judged: Judged, digest: PlanDigest) -> Answer:
        """One person per slot, one slot per person; whether that was the last signature is known only here."""
        answer = judged.answer
        taken = select(_SIGNATURE.c.id).where(
            _SIGNATURE.c.plan == digest,
            or_(_SIGNATURE.c.slot == judged.slot, _SIGNATURE.c.person == answer.person),
        )
        if (await audit.connection.execute(taken)).first() is not None:
            return _overtaken(answer, Refusal.ALREADY_SIGNED, _SIGNED)
        await audit.connection.execute(
            insert(_SIGNATURE).values(plan=digest, slot=judged.slot, person=answer.person, decided_at=audit.now)
        )
        owner = next_owner(await stored_plan(audit, digest), await signed_slots(audit, digest))
        if owner is None:
            await self._leave_the_desk(audit, judged.decision)
            return answer if answer.complete else answer.model_copy(update={"complete": True, "message": _ALL_THERE})
        await audit.connection.execute(
            update(_DESK).where(_DESK.c.item == digest, _DESK.c.is_open).values(owner=owner.value)
        )
        return answer.model_copy(update={"complete": False})

    async def _shown(self, audit: chain.Chain, item: str) -> Row[Any] | None:
        query = select(_DESK.c.is_open).where(_DESK.c.item == item)
        return (await audit.connection.execute(query)).one_or_none()

    async def _leave_the_desk(self, audit: chain.Chain, decision: Decision) -> None:
        item = decision.blocker if decision.verdict is Verdict.REPAIR else decision.plan
        await audit.connection.execute(
            update(_DESK).where(_DESK.c.item == item).values(is_open=False, closed_at=audit.now)
        )


def _overtaken(answer: Answer, refusal: Refusal, message: str) -> Answer:
    return Answer(accepted=False, refusal=refusal, message=message, person=answer.person)


def _note(audit: chain.Chain, judged: Judged, answer: Answer) -> None:
    decision = judged.decision
    audit.note(
        "decision.accepted" if answer.accepted else "decision.refused",
        engagement=decision.engagement,
        subject=str(decision.plan or decision.blocker or ""),
        facts={
            "decision": decision.decision,
            "verdict": decision.verdict.value,
            "person": answer.person or "",
            "slot": judged.slot,
            "channel": judged.channel,
            "refusal": answer.refusal.value if answer.refusal else "",
            "answer": decision.answer,
            "reason": decision.reason[:_LONGEST_REASON],
        },
    )
