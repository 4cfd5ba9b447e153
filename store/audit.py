from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Row, select

from ports.audit import AuditEntry, ChainReport
from store import chain
from store.database import Database
from store.tables import AuditRow, ChainHeadRow

__all__ = ["SqlAuditTrail"]

_PAGE = 5_000
_AUDIT = AuditRow.__table__  # type: ignore[attr-defined]
_HEAD = ChainHeadRow.__table__  # type: ignore[attr-defined]


class SqlAuditTrail:
    """The hash chain in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, kind: str, engagement: str, subject: str, facts: dict[str, str]) -> AuditEntry:
        """Add one entry in a transaction of its own."""
        async with self._database.write() as connection:
            return await chain.append(
                connection, at=self._database.clock(), kind=kind, engagement=engagement, subject=subject, facts=facts
            )

    async def list_entries(self, engagement: str | None = None) -> tuple[AuditEntry, ...]:
        """Entries, oldest first."""
        query = select(_AUDIT).order_by(_AUDIT.c.seq)
        if engagement is not None:
            query = query.where(_AUDIT.c.engagement == engagement)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(_entry(row) for row in rows)

    async def head(self) -> tuple[int, str]:
        """Number and hash of the newest entry, for an anchor outside the database."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(_HEAD))).one()
        return row.seq, row.hash

    async def verify(self) -> ChainReport:
        """Walk the chain in pages: numbers without gaps, each hash right, and the end where the head says."""
        seen, previous = 0, chain.GENESIS
        async with self._database.read() as connection:
            head = (await connection.execute(select(_HEAD))).one()
            last = 0
            while True:
                page = (
                    await connection.execute(
                        select(_AUDIT).where(_AUDIT.c.seq > last).order_by(_AUDIT.c.seq).limit(_PAGE)
                    )
                ).all()
                if not page:
                    break
                for row in page:
                    problem = _problem(row, seen + 1, previous)
                    if problem:
                        return ChainReport(
                            entries=seen, head=head.hash, intact=False, broken_at=seen + 1, problem=problem
                        )
                    seen, previous, last = row.seq, row.hash, row.seq
        if seen != head.seq or previous != head.hash:
            problem = f"The chain ends at entry {seen}, its head says {head.seq}: entries are missing at the end."
            return ChainReport(entries=seen, head=head.hash, intact=False, broken_at=seen + 1, problem=problem)
        return ChainReport(entries=seen, head=head.hash, intact=True)


def _problem(row: Row[Any], expected: int, previous: str) -> str:
    if row.seq != expected:
        return f"Entry {expected} is missing."
    if row.previous_hash != previous:
        return f"Entry {row.seq} does not follow the one before it."
    link = chain.hash_of(
        seq=row.seq, at=row.at, kind=row.kind, engagement=row.engagement, subject=row.subject, facts=row.facts,
        previous=row.previous_hash,
    )  # fmt: skip
    return "" if link == row.hash else f"Entry {row.seq} was changed."


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        seq=row.seq, at=row.at, kind=row.kind, engagement=row.engagement, subject=row.subject,
        facts=json.loads(row.facts), previous_hash=row.previous_hash, hash=row.hash,
    )  # fmt: skip
