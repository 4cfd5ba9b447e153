from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from models.blocker import Blocker, Fix, OpenItem
from models.errors import Fatal
from models.ids import BlockerId, EngagementId, FirmId, PlanDigest
from models.plan import Plan
from models.roles import Role
from store import chain
from store.database import Database
from store.prepared import Prepared
from store.tables import DeskRow, PlanRow, SignatureRow, table_of

__all__ = ["WaitingList", "next_owner"]

_DESK = table_of(DeskRow)
_PLAN = table_of(PlanRow)
_SIGNATURE = table_of(SignatureRow)
_OPEN_OF = Prepared(
    lambda _: select(_DESK).where(_DESK.c.engagement == bindparam("engagement"), _DESK.c.is_open).order_by(_DESK.c.item)
)
_LONGEST_TEXT = 500
_REMINDER = "remind"


class WaitingList:
    """What waits for people: blockers, and plans that need signatures."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def raise_blockers(
        self, blockers: tuple[Blocker, ...], workflow_id: str, due_at: tuple[datetime, ...]
    ) -> None:
        """Put blockers on the desk; the same one twice shows once; what else waits for the engagement is closed."""
        engagements = {blocker.engagement for blocker in blockers}
        if len(engagements) != 1:
            raise Fatal(f"Blockers must be raised for one engagement at a time, not for {len(engagements)}.")
        engagement = engagements.pop()
        due = {blocker.blocker: at for blocker, at in zip(blockers, due_at, strict=True)}
        async with chain.audited(self._database) as audit:
            open_now = await self._open_items(audit, engagement)
            await self._close(audit, engagement, set(open_now) - set(due), reason="superseded")
            rows = [
                _desk_row(
                    audit.now, item=blocker.blocker, kind="blocker", engagement=engagement, workflow_id=workflow_id,
                    document=blocker.model_dump_json(), owner=blocker.owner, due_at=due[blocker.blocker],
                )
                for blocker in {blocker.blocker: blocker for blocker in blockers}.values()
            ]  # fmt: skip
            for row in await self._show(audit, open_now, rows):
                blocker = Blocker.model_validate_json(row["document"])
                audit.note(
                    "blocker.raised", engagement=engagement, subject=blocker.blocker,
                    facts={
                        "code": blocker.code, "message": blocker.message[:_LONGEST_TEXT], "owner": blocker.owner.value,
                    },
                )  # fmt: skip

    async def ask_decision(self, plan: PlanDigest, workflow_id: str, due_at: datetime) -> None:
        """Put a plan that needs signatures on the desk; whatever else waited for the engagement leaves it."""
        async with chain.audited(self._database) as audit:
            asked = await stored_plan(audit, plan)
            owner = next_owner(asked, await signed_slots(audit, plan))
            if owner is None:
                raise Fatal(f"Plan {plan} needs no more signatures, so nobody can be asked for one.", record=plan)
            open_now = await self._open_items(audit, asked.engagement)
            await self._close(audit, asked.engagement, set(open_now) - {plan}, reason="superseded")
            row = _desk_row(
                audit.now, item=plan, kind="decision", engagement=asked.engagement, workflow_id=workflow_id,
                document=_asked_item(asked, owner, workflow_id, audit.now, due_at).model_dump_json(), owner=owner,
                due_at=due_at,
            )  # fmt: skip
            for _ in await self._show(audit, open_now, [row]):
                audit.note(
                    "decision.asked", engagement=asked.engagement, subject=plan,
                    facts={"slots": ",".join(slot.slot for slot in asked.approvals), "owner": owner.value},
                )  # fmt: skip

    async def clear(self, engagement: EngagementId, *, reason: str) -> None:
        """Nothing of this engagement waits any more."""
        async with chain.audited(self._database) as audit:
            await self._close(audit, engagement, set(await self._open_items(audit, engagement)), reason=reason)

    async def escalate(self, item: str, to: Role, *, note: str) -> None:
        """Nobody acted in time: remind, or show it to the next level as well. What is closed meanwhile stays closed."""
        async with chain.audited(self._database) as audit:
            query = select(_DESK).where(_DESK.c.item == item, _DESK.c.is_open)
            row = (await audit.connection.execute(query)).one_or_none()
            if row is None or (note != _REMINDER and row.escalated_to == to.value):
                return
            if note != _REMINDER:
                await audit.connection.execute(
                    update(_DESK).where(_DESK.c.item == item).values(escalated_to=to.value)
                )  # fmt: skip
            audit.note(
                "desk.reminded" if note == _REMINDER else "desk.escalated", engagement=row.engagement, subject=item,
                facts={"to": to.value, "action": note},
            )  # fmt: skip

    async def list_open(self, firm: FirmId) -> tuple[OpenItem, ...]:
        """The queue: what waits for whom, nearest deadline first."""
        query = select(_DESK).where(_DESK.c.is_open, _DESK.c.firm == firm).order_by(_DESK.c.due_at, _DESK.c.item)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(_open_item(row) for row in rows)

    async def find_blocker(self, blocker: BlockerId) -> Blocker | None:
        """An open blocker."""
        query = select(_DESK.c.document).where(
            _DESK.c.item == blocker, _DESK.c.is_open, _DESK.c.kind == "blocker"
        )  # fmt: skip
        async with self._database.read() as connection:
            text = (await connection.execute(query)).scalar_one_or_none()
        return Blocker.model_validate_json(text) if text is not None else None

    async def _open_items(self, audit: chain.Chain, engagement: str) -> dict[str, Row[Any]]:
        return {row.item: row for row in await _OPEN_OF.run(audit.connection, engagement=engagement)}

    async def _close(self, audit: chain.Chain, engagement: str, items: set[str], *, reason: str) -> None:
        if not items:
            return
        await audit.connection.execute(
            update(_DESK).where(_DESK.c.item.in_(sorted(items))).values(is_open=False, closed_at=audit.now)
        )
        for item in sorted(items):
            audit.note(
                "desk.closed", engagement=engagement, subject=item, facts={"reason": reason[:_LONGEST_TEXT]}
            )  # fmt: skip

    async def _show(
        self, audit: chain.Chain, open_now: dict[str, Row[Any]], rows: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Show the rows; returns those that say something new. One that is open already keeps its age and deadline."""
        kept = ("raised_at", "due_at", "escalated_to")
        shown = [
            {**row, **{name: getattr(open_now[row["item"]], name) for name in kept}} if row["item"] in open_now else row
            for row in rows
        ]
        upsert = self._database.insert(_DESK)
        await audit.connection.execute(
            upsert.on_conflict_do_update(
                index_elements=["item"],
                set_={name: upsert.excluded[name] for name in shown[0] if name != "item"},
            ),
            shown,
        )
        compared = ("document", "owner") if rows[0]["kind"] == "blocker" else ("owner",)
        return [
            row
            for row in rows
            if row["item"] not in open_now
            or any(getattr(open_now[row["item"]], name) != row[name] for name in compared)
        ]


def next_owner(plan: Plan, signed: set[str]) -> Role | None:
    """Whom the plan waits for: a role of its first slot without a signature; None when all are there."""
    return next((min(slot.roles) for slot in plan.approvals if slot.slot not in signed), None)


async def stored_plan(audit: chain.Chain, digest: PlanDigest) -> Plan:
    """The plan a decision is about. Raises Fatal if there is none."""
    query = select(_PLAN.c.document).where(_PLAN.c.digest == digest)
    text = (await audit.connection.execute(query)).scalar_one_or_none()
    if text is None:
        raise Fatal(f"The store has no plan {digest}.", record=digest)
    return Plan.model_validate_json(text)


async def signed_slots(audit: chain.Chain, digest: PlanDigest) -> set[str]:
    """The slots that are filled."""
    query = select(_SIGNATURE.c.slot).where(_SIGNATURE.c.plan == digest)
    return set((await audit.connection.execute(query)).scalars().all())


def _desk_row(
    now: datetime, *, item: str, kind: str, engagement: str, workflow_id: str, document: str, owner: Role,
    due_at: datetime,
) -> dict[str, Any]:  # fmt: skip
    return {
        "item": item, "kind": kind, "engagement": engagement, "firm": engagement.split("/", 1)[0],
        "workflow_id": workflow_id, "document": document, "owner": owner.value, "escalated_to": None, "is_open": True,
        "raised_at": now, "due_at": due_at, "closed_at": None,
    }  # fmt: skip


def _asked_item(plan: Plan, owner: Role, workflow_id: str, now: datetime, due_at: datetime) -> OpenItem:
    wanted = "; ".join(slot.reason for slot in plan.approvals)
    return OpenItem(
        item=plan.digest,
        kind="decision",
        engagement=plan.engagement,
        workflow_id=workflow_id,
        code="decision",
        record=plan.contract_number,
        message=f"{plan.customer_name}: {wanted}",
        owner=owner,
        fix=Fix.DECIDE,
        stake=plan.values.exercised,
        raised_at=now,
        due_at=due_at,
    )


def _open_item(row: Row[Any]) -> OpenItem:
    as_it_stands: dict[str, Any] = {
        "item": row.item, "kind": row.kind, "engagement": row.engagement, "workflow_id": row.workflow_id,
        "owner": Role(row.owner), "escalated_to": Role(row.escalated_to) if row.escalated_to else None,
        "raised_at": row.raised_at, "due_at": row.due_at,
    }  # fmt: skip
    if row.kind == "decision":
        return OpenItem.model_validate_json(row.document).model_copy(update=as_it_stands)
    blocker = Blocker.model_validate_json(row.document)
    return OpenItem(
        **as_it_stands, code=blocker.code, record=blocker.record, message=blocker.message, fix=blocker.fix,
        answer_field=blocker.answer_field, choices=blocker.choices, stake=blocker.stake,
    )  # fmt: skip
