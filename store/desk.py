from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from models.blocker import Blocker, OpenItem
from models.desk import EngagementRow, GivenAnswer, Signature
from models.ids import BlockerId, EngagementId, FirmId, PersonId, PlanDigest
from models.plan import Plan
from models.roles import Role
from store import chain
from store.database import Database
from store.decisions import DecisionBook
from store.tables import AnswerRow, DeskRow, EngagementTable, PlanRow, SignatureRow

__all__ = ["SqlDesk"]

_DESK = DeskRow.__table__  # type: ignore[attr-defined]
_ENGAGEMENT = EngagementTable.__table__  # type: ignore[attr-defined]
_SIGNATURE = SignatureRow.__table__  # type: ignore[attr-defined]
_ANSWER = AnswerRow.__table__  # type: ignore[attr-defined]
_PLAN = PlanRow.__table__  # type: ignore[attr-defined]


class SqlDesk(DecisionBook):
    """What waits for people, in SQL; decisions are recorded by the inherited DecisionBook."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)

    async def save_engagement(self, row: EngagementRow) -> None:
        """Show where the engagement stands. A change of stage is an audit entry."""
        now = self._database.clock()
        document = row.model_copy(update={"updated_at": now})
        async with self._database.write() as connection:
            before = await self._stage(connection, row.engagement)
            values = {
                "firm": row.firm,
                "document": document.model_dump_json(),
                "stage": row.stage.value,
                "updated_at": now,
            }
            if before is None:
                await connection.execute(insert(_ENGAGEMENT).values(engagement=row.engagement, **values))
            else:
                kept = self._merged(before, document)
                await connection.execute(
                    update(_ENGAGEMENT)
                    .where(_ENGAGEMENT.c.engagement == row.engagement)
                    .values(**{**values, "document": kept.model_dump_json()})
                )
            if before is None or before.stage != row.stage.value:
                await chain.append(
                    connection, at=now, kind=f"engagement.{row.stage.value}", engagement=row.engagement,
                    subject=row.workflow_id, facts={"sentence": row.sentence[:500], "plan": row.plan or ""},
                )  # fmt: skip

    async def find_engagement(self, engagement: EngagementId) -> EngagementRow | None:
        """One row of the status list."""
        query = select(_ENGAGEMENT.c.document).where(_ENGAGEMENT.c.engagement == engagement)
        async with self._database.read() as connection:
            text = (await connection.execute(query)).scalar_one_or_none()
        return EngagementRow.model_validate_json(text) if text is not None else None

    async def list_engagements(self, firm: FirmId) -> tuple[EngagementRow, ...]:
        """All rows of the firm, by contract."""
        query = select(_ENGAGEMENT.c.document).where(_ENGAGEMENT.c.firm == firm).order_by(_ENGAGEMENT.c.engagement)
        async with self._database.read() as connection:
            texts = (await connection.execute(query)).scalars().all()
        return tuple(EngagementRow.model_validate_json(text) for text in texts)

    async def raise_blockers(
        self, blockers: tuple[Blocker, ...], workflow_id: str, due_at: tuple[datetime, ...]
    ) -> None:
        """Put blockers on the desk; the same one twice shows once; those of the engagement not named are closed."""
        now = self._database.clock()
        engagement = blockers[0].engagement
        async with self._database.write() as connection:
            await self._close_others(connection, engagement, {item.blocker for item in blockers}, now)
            for blocker, due in zip(blockers, due_at, strict=True):
                is_new = await self._show(
                    connection, item=blocker.blocker, kind="blocker", engagement=engagement, workflow_id=workflow_id,
                    document=blocker.model_dump_json(), owner=blocker.owner, due_at=due, now=now,
                )  # fmt: skip
                if is_new:
                    await chain.append(
                        connection, at=now, kind="blocker.raised", engagement=engagement, subject=blocker.blocker,
                        facts={"code": blocker.code, "message": blocker.message[:500], "owner": blocker.owner.value},
                    )  # fmt: skip

    async def ask_decision(self, plan: PlanDigest, workflow_id: str, due_at: datetime) -> None:
        """Put a plan that needs signatures on the desk; an older plan of the same engagement leaves it."""
        now = self._database.clock()
        async with self._database.write() as connection:
            text = (await connection.execute(select(_PLAN.c.document).where(_PLAN.c.digest == plan))).scalar_one()
            document = Plan.model_validate_json(text)
            owner = min(document.approvals[0].roles)
            await self._close_others(connection, document.engagement, {plan}, now)
            is_new = await self._show(
                connection, item=plan, kind="decision", engagement=document.engagement, workflow_id=workflow_id,
                document="", owner=owner, due_at=due_at, now=now,
            )  # fmt: skip
            if is_new:
                await chain.append(
                    connection, at=now, kind="decision.asked", engagement=document.engagement, subject=plan,
                    facts={"slots": ",".join(slot.slot for slot in document.approvals), "owner": owner.value},
                )  # fmt: skip

    async def clear(self, engagement: EngagementId, *, reason: str) -> None:
        """Nothing of this engagement waits any more."""
        now = self._database.clock()
        async with self._database.write() as connection:
            await self._close_others(connection, engagement, set(), now, reason=reason)

    async def escalate(self, item: str, to: Role, *, note: str) -> None:
        """Nobody acted in time: show it to the next level as well."""
        now = self._database.clock()
        async with self._database.write() as connection:
            query = select(_DESK).where(and_(_DESK.c.item == item, _DESK.c.is_open))
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                return
            if note != "remind":
                await connection.execute(update(_DESK).where(_DESK.c.item == item).values(escalated_to=to.value))
            await chain.append(
                connection, at=now, kind="desk.escalated" if note != "remind" else "desk.reminded",
                engagement=row.engagement, subject=item, facts={"to": to.value, "action": note},
            )  # fmt: skip

    async def list_open(self, firm: FirmId) -> tuple[OpenItem, ...]:
        """The queue: what waits for whom, oldest deadline first."""
        query = (
            select(_DESK, _PLAN.c.document.label("plan"), _ENGAGEMENT.c.document.label("row"))
            .outerjoin(_PLAN, _PLAN.c.digest == _DESK.c.item)
            .outerjoin(_ENGAGEMENT, _ENGAGEMENT.c.engagement == _DESK.c.engagement)
            .where(and_(_DESK.c.is_open, _DESK.c.firm == firm))
            .order_by(_DESK.c.due_at, _DESK.c.item)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(_open_item(row) for row in rows)

    async def find_blocker(self, blocker: BlockerId) -> Blocker | None:
        """An open blocker."""
        query = select(_DESK.c.document).where(
            and_(_DESK.c.item == blocker, _DESK.c.is_open, _DESK.c.kind == "blocker")
        )
        async with self._database.read() as connection:
            text = (await connection.execute(query)).scalar_one_or_none()
        return Blocker.model_validate_json(text) if text else None

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
        query = select(_ANSWER).where(_ANSWER.c.engagement == engagement).order_by(_ANSWER.c.id)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(
            GivenAnswer(field=row.field, value=row.value, person=PersonId(row.person), decided_at=row.decided_at)
            for row in rows
        )

    async def _stage(self, connection: AsyncConnection, engagement: str) -> Row[Any] | None:
        query = select(_ENGAGEMENT.c.stage, _ENGAGEMENT.c.document).where(_ENGAGEMENT.c.engagement == engagement)
        return (await connection.execute(query.with_for_update())).one_or_none()

    @staticmethod
    def _merged(before: Row[Any], after: EngagementRow) -> EngagementRow:
        """What was applied stays known, whatever a later stage does not say about it."""
        known = EngagementRow.model_validate_json(before.document)
        return after.model_copy(
            update={
                "terms_digest": after.terms_digest or known.terms_digest,
                "customer_name": after.customer_name or known.customer_name,
                "legal_entity": after.legal_entity or known.legal_entity,
                "value": after.value or known.value,
            }
        )

    async def _close_others(
        self, connection: AsyncConnection, engagement: str, kept: set[str], now: datetime, *, reason: str = "superseded"
    ) -> None:
        query = select(_DESK.c.item).where(and_(_DESK.c.engagement == engagement, _DESK.c.is_open))
        for item in (await connection.execute(query)).scalars().all():
            if item in kept:
                continue
            await connection.execute(update(_DESK).where(_DESK.c.item == item).values(is_open=False, closed_at=now))
            await chain.append(
                connection, at=now, kind="desk.closed", engagement=engagement, subject=item,
                facts={"reason": reason[:500]},
            )  # fmt: skip

    async def _show(
        self, connection: AsyncConnection, *, item: str, kind: str, engagement: str, workflow_id: str,
        document: str, owner: Role, due_at: datetime, now: datetime,
    ) -> bool:  # fmt: skip
        query = select(_DESK.c.is_open).where(_DESK.c.item == item).with_for_update()
        shown = (await connection.execute(query)).one_or_none()
        if shown is not None and shown.is_open:
            await connection.execute(update(_DESK).where(_DESK.c.item == item).values(document=document))
            return False
        values = {
            "kind": kind, "engagement": engagement, "firm": engagement.split("/", 1)[0], "workflow_id": workflow_id,
            "document": document, "owner": owner.value, "escalated_to": None, "is_open": True, "raised_at": now,
            "due_at": due_at, "closed_at": None,
        }  # fmt: skip
        if shown is None:
            await connection.execute(insert(_DESK).values(item=item, **values))
        else:
            await connection.execute(update(_DESK).where(_DESK.c.item == item).values(**values))
        return True


def _open_item(row: Row[Any]) -> OpenItem:
    common: dict[str, Any] = {
        "item": row.item, "kind": row.kind, "engagement": row.engagement, "workflow_id": row.workflow_id,
        "owner": row.owner, "escalated_to": row.escalated_to, "raised_at": row.raised_at, "due_at": row.due_at,
    }  # fmt: skip
    if row.kind == "blocker":
        blocker = Blocker.model_validate_json(row.document)
        common.update(
            code=blocker.code, record=blocker.record, message=blocker.message, fix=blocker.fix,
            answer_field=blocker.answer_field, choices=blocker.choices, stake=blocker.stake,
        )  # fmt: skip
        return OpenItem.model_validate(common)
    plan = Plan.model_validate_json(row.plan)
    wanted = "; ".join(slot.reason for slot in plan.approvals)
    common.update(
        code="decision", record=plan.contract_number, message=f"{plan.customer_name}: {wanted}", fix="decide",
        stake=plan.values.exercised,
    )  # fmt: skip
    return OpenItem.model_validate(common)
