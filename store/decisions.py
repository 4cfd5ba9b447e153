from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from models.base import digest_of
from models.decision import Answer, Refusal, Verdict
from ports.desk import Judged
from store import chain
from store.database import Database
from store.tables import AnswerRow, DecisionRow, DeskRow, SignatureRow

__all__ = ["DecisionBook"]

_DECISION = DecisionRow.__table__  # type: ignore[attr-defined]
_SIGNATURE = SignatureRow.__table__  # type: ignore[attr-defined]
_ANSWER = AnswerRow.__table__  # type: ignore[attr-defined]
_DESK = DeskRow.__table__  # type: ignore[attr-defined]


class DecisionBook:
    """Decisions as they arrived and what came of them; refused ones too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record_decision(self, judged: Judged) -> Answer:
        """Store decision, signature or answer, and audit entry in one transaction.

        A decision id that was recorded before gets its first answer again if it is the same decision; a different
        decision under a used id is refused as a replay. The token is not stored.
        """
        decision, now = judged.decision, self._database.clock()
        content = digest_of(decision)
        async with self._database.write() as connection:
            query = select(_DECISION.c.content_hash, _DECISION.c.answer).where(
                _DECISION.c.decision == decision.decision
            )
            before = (await connection.execute(query)).one_or_none()
            if before is not None:
                if before.content_hash == content:
                    return Answer.model_validate_json(before.answer)
                answer = Answer(
                    accepted=False,
                    refusal=Refusal.REPLAYED,
                    message="This decision id was used before for another decision. Sign a new one.",
                )
                await self._audit(connection, judged, answer, now)
                return answer
            answer = await self._book(connection, judged, now)
            await connection.execute(
                insert(_DECISION).values(
                    decision=decision.decision, content_hash=content, engagement=decision.engagement,
                    answer=answer.model_dump_json(), channel=judged.channel, recorded_at=now,
                )
            )  # fmt: skip
            await self._audit(connection, judged, answer, now)
        return answer

    async def _book(self, connection: AsyncConnection, judged: Judged, now: datetime) -> Answer:
        answer, decision = judged.answer, judged.decision
        if not answer.accepted:
            return answer
        if decision.verdict is Verdict.APPROVE and decision.plan is not None:
            query = select(_SIGNATURE.c.id).where(
                and_(
                    _SIGNATURE.c.plan == decision.plan,
                    or_(_SIGNATURE.c.slot == judged.slot, _SIGNATURE.c.person == answer.person),
                )
            )
            if (await connection.execute(query)).first() is not None:
                return Answer(
                    accepted=False,
                    refusal=Refusal.ALREADY_SIGNED,
                    message="Somebody signed this part of the plan a moment before.",
                    person=answer.person,
                )
            await connection.execute(
                insert(_SIGNATURE).values(plan=decision.plan, slot=judged.slot, person=answer.person, decided_at=now)
            )
        if decision.verdict is Verdict.REPAIR:
            if decision.answer and judged.answer_field:
                await connection.execute(
                    insert(_ANSWER).values(
                        engagement=decision.engagement, field=judged.answer_field, value=decision.answer,
                        person=answer.person, decided_at=now,
                    )
                )  # fmt: skip
            await connection.execute(
                update(_DESK).where(_DESK.c.item == decision.blocker).values(is_open=False, closed_at=now)
            )
        elif answer.complete and decision.plan is not None:
            await connection.execute(
                update(_DESK).where(_DESK.c.item == decision.plan).values(is_open=False, closed_at=now)
            )
        return answer

    async def _audit(self, connection: AsyncConnection, judged: Judged, answer: Answer, now: datetime) -> None:
        decision = judged.decision
        await chain.append(
            connection,
            at=now,
            kind="decision.accepted" if answer.accepted else "decision.refused",
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
                "reason": decision.reason[:500],
            },
        )
