from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ports.audit import Anchor, AuditEntry, ChainReport
from store import chain
from store.database import Database
from store.tables import AuditRow, ChainHeadRow, table_of

__all__ = ["SqlAuditTrail"]

_PAGE = 5_000
_AUDIT = table_of(AuditRow)
_HEAD = table_of(ChainHeadRow)


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

    async def head(self) -> Anchor:
        """The newest entry, for writing down outside the database."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(_HEAD))).one()
        return Anchor(seq=row.seq, hash=row.hash)

    async def verify(self, anchor: Anchor | None = None) -> ChainReport:
        """Walk the chain in pages over one snapshot, so that writers at work are no false alarm."""
        async with self._database.snapshot() as connection:
            head = (await connection.execute(select(_HEAD))).one_or_none()
            told = head.hash if head is not None else ""
            seen, previous = 0, chain.GENESIS
            async for row in _rows(connection):
                problem = _problem(row, seen + 1, previous) or _beside(anchor, row.seq, row.hash)
                if problem:
                    return ChainReport(entries=seen, head=told, intact=False, broken_at=seen + 1, problem=problem)
                seen, previous = row.seq, row.hash
        problem = _problem_at_the_end(head, seen, previous, anchor)
        if problem:
            return ChainReport(entries=seen, head=told, intact=False, broken_at=seen + 1, problem=problem)
        return ChainReport(entries=seen, head=told, intact=True)


async def _rows(connection: AsyncConnection) -> AsyncIterator[Row[Any]]:
    last = 0
    while True:
        query = select(_AUDIT).where(_AUDIT.c.seq > last).order_by(_AUDIT.c.seq).limit(_PAGE)
        page = (await connection.execute(query)).all()
        for row in page:
            yield row
        if len(page) < _PAGE:
            return
        last = page[-1].seq


def _problem(row: Row[Any], expected: int, previous: str) -> str:
    if row.seq != expected:
        return f"Entry {expected} is missing."
    if row.previous_hash != previous:
        return f"Entry {row.seq} does not follow the one before it: one of the two was changed or swapped."
    link = chain.hash_of(
        seq=row.seq, at=row.at, kind=row.kind, engagement=row.engagement, subject=row.subject, facts=row.facts,
        previous=row.previous_hash,
    )  # fmt: skip
    return "" if link == row.hash else f"Entry {row.seq} was changed."


def _beside(anchor: Anchor | None, seq: int, link: str) -> str:
    if anchor is None or anchor.seq != seq or anchor.hash == link:
        return ""
    return f"Entry {seq} is not the one that was written down outside: the chain was rewritten up to here."


def _problem_at_the_end(head: Row[Any] | None, seen: int, previous: str, anchor: Anchor | None) -> str:
    if head is None:
        return "The row that holds the head of the chain is missing."
    if head.seq > seen:
        return f"The chain ends at entry {seen}, its head says {head.seq}: entries are missing at the end."
    if head.seq < seen or head.hash != previous:
        return f"The head says entry {head.seq} is the newest, the chain ends at {seen}: the head was changed."
    if anchor is not None and anchor.seq > seen:
        return (
            f"The chain ends at entry {seen}, but {anchor.seq} was written down outside: "
            "it was cut off, or an older copy was restored."
        )
    return ""


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        seq=row.seq, at=row.at, kind=row.kind, engagement=row.engagement, subject=row.subject,
        facts=json.loads(row.facts), previous_hash=row.previous_hash, hash=row.hash,
    )  # fmt: skip
