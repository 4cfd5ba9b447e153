from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Text, bindparam, case, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.functions import coalesce

from models.errors import Fatal
from models.ids import EngagementId, OperationKey, PlanDigest, Step
from models.records import Effect
from ports.ledger import Intent, OperationRow, OperationState
from store import chain
from store.database import Database
from store.prepared import Prepared, given
from store.tables import BindingRow, OperationTable, table_of

__all__ = ["SqlLedger"]

_OPERATION = table_of(OperationTable)
_BINDING = table_of(BindingRow)
_LONGEST_REASON = 500
_BEGIN = Prepared(
    lambda insert: (
        insert(_OPERATION)
        .values(given(_OPERATION))
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(_OPERATION)
    )
)
_APPLIED = Prepared(
    lambda _: (
        update(_OPERATION)
        .where(_OPERATION.c.key == bindparam("of"), _OPERATION.c.state != OperationState.APPLIED.value)
        .values(
            state=OperationState.APPLIED.value, effect=bindparam("told"), settled_at=bindparam("at"),
            payload_hash=coalesce(bindparam("payload", type_=Text), _OPERATION.c.payload_hash),
            plan=coalesce(bindparam("of_plan", type_=Text), _OPERATION.c.plan),
        )
        .returning(_OPERATION.c.engagement, _OPERATION.c.step, _OPERATION.c.plan, _OPERATION.c.payload_hash)
    )
)  # fmt: skip
_BIND = Prepared(
    lambda insert: insert(_BINDING).values(given(_BINDING, besides=("id",))).on_conflict_do_nothing()
)  # fmt: skip
_OF_ENGAGEMENT = Prepared(
    lambda _: (
        select(_OPERATION)
        .where(_OPERATION.c.engagement == bindparam("engagement"))
        .order_by(_OPERATION.c.intended_at, _OPERATION.c.key)
    )
)


class SqlLedger:
    """Operations in SQL: the intent is committed before the first byte leaves."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def intend(self, intent: Intent) -> OperationRow:
        """Create the row, or count another attempt on it, and return it as it is now."""
        now = self._database.clock()
        new = {
            "key": intent.key, "payload_hash": intent.payload_hash, "state": OperationState.INTENDED.value,
            "engagement": intent.engagement, "step": intent.step, "plan": intent.plan, "guard": intent.guard.value,
            "connection": intent.connection, "attempts": 1, "intended_at": now, "settled_at": None, "effect": None,
        }  # fmt: skip
        async with self._database.write() as connection:
            row = next(iter(await _BEGIN.run(connection, **new)), None)
            is_first = row is not None
            if row is None:
                before = await self._locked(connection, intent.key)
                if before.state == OperationState.APPLIED.value:
                    return _row(before)
                is_first = before.state == OperationState.NOT_APPLIED.value
                row = await self._attempted_again(connection, intent, before, is_first=is_first)
            await chain.append(
                connection, at=now, kind="operation.intended", engagement=intent.engagement, subject=intent.key,
                facts={
                    "payload": intent.payload_hash, "plan": intent.plan, "workflow": intent.workflow_id,
                    "run": intent.run_id, "connection": intent.connection, "guard": intent.guard.value,
                    "attempt": str(row.attempts),
                },
            )  # fmt: skip
        return _row(row, is_first=is_first)

    async def settle_applied(
        self, key: OperationKey, effect: Effect, *, evidence: str, written: Intent | None = None
    ) -> None:
        """The effect is there: row, binding and audit entry in one transaction. Idempotent."""
        now, ref = self._database.clock(), effect.ref
        as_written = (written.payload_hash, written.plan) if written is not None else (None, None)
        async with self._database.write() as connection:
            settled = await _APPLIED.run(
                connection, of=key, told=effect.model_dump_json(), at=now, payload=as_written[0], of_plan=as_written[1]
            )
            row = next(iter(settled), None)
            if row is None:
                double = await self._double(connection, key, effect)
            else:
                double = None
                await _BIND.run(
                    connection, operation_key=key, engagement=row.engagement, step=row.step, connection=ref.connection,
                    kind=ref.kind.value, record_id=ref.record_id, number=ref.number, bound_at=now,
                )  # fmt: skip
                await chain.append(
                    connection, at=now, kind="operation.applied", engagement=row.engagement, subject=key,
                    facts={
                        "evidence": evidence, "connection": ref.connection, "record": ref.record_id,
                        "kind": ref.kind.value, "created": str(effect.created).lower(), "plan": row.plan,
                        "payload": row.payload_hash,
                    },
                )  # fmt: skip
        if double is not None:
            raise double

    async def settle_not_applied(self, key: OperationKey, *, reason: str) -> None:
        """The vendor refused this attempt, or it never left; an earlier attempt's fate stays open."""
        await self._settle(key, OperationState.NOT_APPLIED, reason)

    async def mark_unknown(self, key: OperationKey, *, reason: str) -> None:
        """The answer was lost."""
        await self._settle(key, OperationState.UNKNOWN, reason)

    async def list_operations(self, engagement: EngagementId) -> tuple[OperationRow, ...]:
        """All writes of one engagement, oldest first."""
        return tuple(_row(row) for row in await _OF_ENGAGEMENT.look(self._database, engagement=engagement))

    async def _attempted_again(
        self, connection: AsyncConnection, intent: Intent, before: Row[Any], *, is_first: bool
    ) -> Row[Any]:
        """What may have landed keeps its hash; where nothing landed, the row starts afresh."""
        values: dict[str, Any] = {"attempts": before.attempts + 1, "settled_at": None}
        if is_first:
            values = {
                "attempts": 1, "settled_at": None, "state": OperationState.INTENDED.value,
                "payload_hash": intent.payload_hash, "plan": intent.plan, "guard": intent.guard.value,
                "connection": intent.connection,
            }  # fmt: skip
        changed = update(_OPERATION).where(_OPERATION.c.key == intent.key).values(**values).returning(_OPERATION)
        row: Row[Any] = (await connection.execute(changed)).one()
        return row

    async def _settle(self, key: OperationKey, state: OperationState, reason: str) -> None:
        now = self._database.clock()
        earlier_attempt = case((_OPERATION.c.attempts > 1, OperationState.UNKNOWN.value), else_=state.value)
        async with self._database.write() as connection:
            settled = await connection.execute(
                update(_OPERATION)
                .where(_OPERATION.c.key == key, _OPERATION.c.state != OperationState.APPLIED.value)
                .values(state=earlier_attempt, settled_at=now)
                .returning(_OPERATION.c.engagement, _OPERATION.c.state)
            )
            row = settled.one_or_none()
            if row is None:
                await self._locked(connection, key)
                return
            await chain.append(
                connection, at=now, kind=f"operation.{row.state}", engagement=row.engagement, subject=key,
                facts={"reason": reason[:_LONGEST_REASON], "attempt": state.value},
            )  # fmt: skip

    async def _double(self, connection: AsyncConnection, key: OperationKey, effect: Effect) -> Fatal | None:
        """The key is applied already. To the same record: nothing to do. To another one: written down and raised."""
        row = await self._locked(connection, key)
        known = Effect.model_validate_json(row.effect).ref
        new = effect.ref
        if (known.connection, known.kind, known.record_id) == (new.connection, new.kind, new.record_id):
            return None
        await chain.append(
            connection, at=self._database.clock(), kind="operation.doubled", engagement=row.engagement, subject=key,
            facts={"record": known.record_id, "other": new.record_id, "connection": new.connection},
        )  # fmt: skip
        return Fatal(
            f"Step {row.step} of {row.engagement} was applied to {known.kind.value} {known.record_id} and now to "
            f"{new.record_id} as well. One of them is a double: look at both and close one.",
            record=row.engagement,
            field=row.step,
        )

    async def _locked(self, connection: AsyncConnection, key: OperationKey) -> Row[Any]:
        query = select(_OPERATION).where(_OPERATION.c.key == key).with_for_update()
        row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise Fatal(f"The ledger has no operation {key}.", record=key)
        return row


def _row(row: Any, *, is_first: bool = False) -> OperationRow:
    return OperationRow(
        key=OperationKey(row.key),
        payload_hash=row.payload_hash,
        state=OperationState(row.state),
        engagement=EngagementId(row.engagement),
        step=Step(row.step),
        plan=PlanDigest(row.plan),
        connection=row.connection,
        attempts=row.attempts,
        is_first=is_first,
        effect=Effect.model_validate_json(row.effect) if row.effect else None,
        intended_at=row.intended_at,
        settled_at=row.settled_at,
    )
