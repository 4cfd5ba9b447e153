from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from models.errors import Fatal
from models.ids import EngagementId, OperationKey, PlanDigest, Step
from models.records import Effect
from ports.ledger import Intent, OperationRow, OperationState
from store import chain
from store.database import Database
from store.tables import BindingRow, OperationTable

__all__ = ["SqlLedger"]

_OPERATION = OperationTable.__table__  # type: ignore[attr-defined]
_BINDING = BindingRow.__table__  # type: ignore[attr-defined]


class SqlLedger:
    """Operations in SQL: the intent is committed before the first byte leaves."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def intend(self, intent: Intent) -> OperationRow:
        """Create the row, or count another attempt on it, and return it as it is now."""
        now = self._database.clock()
        values = {
            "key": intent.key, "payload_hash": intent.payload_hash, "state": OperationState.INTENDED.value,
            "engagement": intent.engagement, "step": intent.step, "plan": intent.plan, "guard": intent.guard.value,
            "connection": intent.connection, "attempts": 1, "intended_at": now,
        }  # fmt: skip
        dialect = sqlite if self._database.is_sqlite else postgresql
        async with self._database.write() as connection:
            made = await connection.execute(
                dialect.insert(_OPERATION).values(**values).on_conflict_do_nothing(index_elements=["key"])
            )
            is_first = made.rowcount == 1
            if not is_first:
                row = await self._locked(connection, intent.key)
                if row.state == OperationState.APPLIED.value:
                    return _row(row)
                is_first = row.state == OperationState.NOT_APPLIED.value
                await connection.execute(
                    update(_OPERATION)
                    .where(_OPERATION.c.key == intent.key)
                    .values(
                        payload_hash=intent.payload_hash, plan=intent.plan, attempts=row.attempts + 1,
                        state=OperationState.INTENDED.value if is_first else row.state, settled_at=None,
                    )
                )  # fmt: skip
            await chain.append(
                connection, at=now, kind="operation.intended", engagement=intent.engagement, subject=intent.key,
                facts={
                    "payload": intent.payload_hash, "plan": intent.plan, "workflow": intent.workflow_id,
                    "run": intent.run_id, "connection": intent.connection, "guard": intent.guard.value,
                },
            )  # fmt: skip
            row = await self._locked(connection, intent.key)
        return _row(row, is_first=is_first)

    async def settle_applied(self, key: OperationKey, effect: Effect, *, evidence: str) -> None:
        """The effect is there: row, binding and audit entry in one transaction. Idempotent."""
        now = self._database.clock()
        async with self._database.write() as connection:
            row = await self._locked(connection, key)
            if row.state == OperationState.APPLIED.value:
                return
            await connection.execute(
                update(_OPERATION)
                .where(_OPERATION.c.key == key)
                .values(state=OperationState.APPLIED.value, effect=effect.model_dump_json(), settled_at=now)
            )
            await connection.execute(
                insert(_BINDING).values(
                    operation_key=key, engagement=row.engagement, step=row.step, connection=effect.ref.connection,
                    kind=effect.ref.kind.value, record_id=effect.ref.record_id, number=effect.ref.number, bound_at=now,
                )
            )  # fmt: skip
            await chain.append(
                connection, at=now, kind="operation.applied", engagement=row.engagement, subject=key,
                facts={
                    "evidence": evidence, "connection": effect.ref.connection, "record": effect.ref.record_id,
                    "kind": effect.ref.kind.value, "created": str(effect.created).lower(), "plan": row.plan,
                },
            )  # fmt: skip

    async def settle_not_applied(self, key: OperationKey, *, reason: str) -> None:
        """The vendor refused it, or it never left."""
        await self._settle(key, OperationState.NOT_APPLIED, "operation.not-applied", reason)

    async def mark_unknown(self, key: OperationKey, *, reason: str) -> None:
        """The answer was lost."""
        await self._settle(key, OperationState.UNKNOWN, "operation.unknown", reason)

    async def list_operations(self, engagement: EngagementId) -> tuple[OperationRow, ...]:
        """All writes of one engagement, oldest first."""
        query = (
            select(_OPERATION)
            .where(_OPERATION.c.engagement == engagement)
            .order_by(_OPERATION.c.intended_at, _OPERATION.c.key)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(_row(row) for row in rows)

    async def _settle(self, key: OperationKey, state: OperationState, kind: str, reason: str) -> None:
        now = self._database.clock()
        async with self._database.write() as connection:
            row = await self._locked(connection, key)
            if row.state == OperationState.APPLIED.value:
                return
            await connection.execute(
                update(_OPERATION).where(_OPERATION.c.key == key).values(state=state.value, settled_at=now)
            )
            await chain.append(
                connection, at=now, kind=kind, engagement=row.engagement, subject=key, facts={"reason": reason[:500]}
            )

    async def _locked(self, connection: AsyncConnection, key: OperationKey) -> Row[Any]:
        query = select(_OPERATION).where(_OPERATION.c.key == key).with_for_update()
        row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise Fatal(f"The ledger has no operation {key}.", record=key)
        return row


def _row(row: Row[Any], *, is_first: bool = False) -> OperationRow:
    return OperationRow(
        key=OperationKey(row.key),
        payload_hash=row.payload_hash,
        state=OperationState(row.state),
        engagement=EngagementId(row.engagement),
        step=Step(row.step),
        plan=PlanDigest(row.plan),
        attempts=row.attempts,
        is_first=is_first,
        effect=Effect.model_validate_json(row.effect) if row.effect else None,
        intended_at=row.intended_at,
        settled_at=row.settled_at,
    )
