from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from models.desk import Stage
from models.ids import FirmId
from models.records import RecordKind
from ports.figures import BusinessFigures, Spread
from ports.ledger import OperationState
from store.database import Database
from store.tables import AuditRow, BindingRow, DeskRow, EngagementTable, OperationTable, table_of

__all__ = ["SqlFigures"]

_OPERATION = table_of(OperationTable)
_BINDING = table_of(BindingRow)
_ENGAGEMENT = table_of(EngagementTable)
_DESK = table_of(DeskRow)
_AUDIT = table_of(AuditRow)
_NEWEST = 2_000
"""Of the newest so many the times are told; more would say the same and cost a look at the whole table."""
_MADE_BY_OTHERS = '%"created":false%'
_SETTLED = (OperationState.APPLIED, OperationState.NOT_APPLIED, OperationState.UNKNOWN)


class SqlFigures:
    """Business figures in SQL: counted, never kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def figures(self, firm: FirmId, since: datetime) -> BusinessFigures:
        """What happened since then, and what stands now."""
        now = self._database.clock()
        meant = _OPERATION.c.engagement.startswith(f"{firm}/", autoescape=True) & (_OPERATION.c.intended_at >= since)
        applied = meant & (_OPERATION.c.state == OperationState.APPLIED.value)
        adopted = applied & _OPERATION.c.effect.like(_MADE_BY_OTHERS) & (_BINDING.c.kind != RecordKind.DEAL.value)
        async with self._database.read() as connection:
            writes = await _counts(connection, select(_OPERATION.c.state, func.count()).where(meant))
            open_items, oldest = await _waiting(connection, firm, now)
            return BusinessFigures(
                firm=firm,
                since=since,
                until=now,
                contracts=await _counts(
                    connection, select(_ENGAGEMENT.c.stage, func.count()).where(_ENGAGEMENT.c.firm == firm)
                ),
                writes=writes,
                success_rate=_share(writes),
                sync_latency=_spread(await _latencies(connection, applied)),
                records_adopted=await _count(
                    connection,
                    select(func.count())
                    .select_from(_OPERATION.join(_BINDING, _BINDING.c.operation_key == _OPERATION.c.key))
                    .where(adopted),
                ),
                writes_repeated=await _count(
                    connection, select(func.count()).select_from(_OPERATION).where(applied, _OPERATION.c.attempts > 1)
                ),
                failed_validations=await _stops(connection, firm, since),
                open_items=open_items,
                oldest_open_s=oldest,
                cycle_time=_spread(await _cycles(connection, firm, since)),
            )


async def _count(connection: AsyncConnection, query: Select[Any]) -> int:
    return int((await connection.execute(query)).scalar_one())


async def _counts(connection: AsyncConnection, query: Select[Any]) -> dict[str, int]:
    by = query.selected_columns[0]
    rows = (await connection.execute(query.group_by(by).order_by(by))).all()
    return {str(name): int(count) for name, count in rows}


async def _latencies(connection: AsyncConnection, applied: Any) -> list[float]:
    query = (
        select(_OPERATION.c.intended_at, _OPERATION.c.settled_at)
        .where(applied)
        .order_by(_OPERATION.c.intended_at.desc())
        .limit(_NEWEST)
    )
    rows = (await connection.execute(query)).all()
    return [(row.settled_at - row.intended_at).total_seconds() for row in rows if row.settled_at is not None]


async def _stops(connection: AsyncConnection, firm: FirmId, since: datetime) -> dict[str, int]:
    query = select(_DESK.c.document).where(_DESK.c.firm == firm, _DESK.c.kind == "blocker", _DESK.c.raised_at >= since)
    documents = (await connection.execute(query)).scalars().all()
    return dict(sorted(Counter(str(json.loads(document)["code"]) for document in documents).items()))


async def _waiting(connection: AsyncConnection, firm: FirmId, now: datetime) -> tuple[dict[str, int], dict[str, float]]:
    query = (
        select(_DESK.c.owner, func.count(), func.min(_DESK.c.raised_at))
        .where(_DESK.c.firm == firm, _DESK.c.is_open)
        .group_by(_DESK.c.owner)
        .order_by(_DESK.c.owner)
    )
    rows = (await connection.execute(query)).all()
    counts = {str(owner): int(count) for owner, count, _ in rows}
    return counts, {str(owner): (now - raised_at).total_seconds() for owner, _, raised_at in rows}


async def _cycles(connection: AsyncConnection, firm: FirmId, since: datetime) -> list[float]:
    """Of contracts that became active since then: from the first look at the deal, by the audit trail."""
    recent = (
        select(_ENGAGEMENT.c.engagement)
        .where(_ENGAGEMENT.c.firm == firm, _ENGAGEMENT.c.stage == Stage.ACTIVE.value, _ENGAGEMENT.c.updated_at >= since)
        .order_by(_ENGAGEMENT.c.updated_at.desc())
        .limit(_NEWEST)
    )
    active = f"engagement.{Stage.ACTIVE.value}"
    query = (
        select(_AUDIT.c.engagement, _AUDIT.c.kind, func.min(_AUDIT.c.at).label("first"))
        .where(_AUDIT.c.engagement.in_(recent), _AUDIT.c.kind.in_(("deal.bound", active)))
        .group_by(_AUDIT.c.engagement, _AUDIT.c.kind)
    )
    first: dict[str, dict[str, datetime]] = {}
    for row in (await connection.execute(query)).all():
        first.setdefault(row.engagement, {})[row.kind] = row.first
    return [
        (moments[active] - moments["deal.bound"]).total_seconds()
        for moments in first.values()
        if moments.keys() == {"deal.bound", active} and moments[active] >= since
    ]


def _share(writes: dict[str, int]) -> float | None:
    settled = sum(writes.get(state.value, 0) for state in _SETTLED)
    return writes.get(OperationState.APPLIED.value, 0) / settled if settled else None


def _spread(times: Sequence[float]) -> Spread | None:
    if not times:
        return None
    ordered = sorted(times)
    return Spread(
        count=len(ordered),
        p50_s=round(ordered[(len(ordered) - 1) // 2], 3),
        p95_s=round(ordered[-(-95 * len(ordered) // 100) - 1], 3),
    )
