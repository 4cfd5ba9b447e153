from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ports.audit import AuditEntry
from store.database import Database
from store.prepared import Prepared, given
from store.tables import AuditRow, ChainHeadRow, plain, table_of

__all__ = ["GENESIS", "Chain", "append", "audited", "hash_of"]

GENESIS = "0" * 64
_AUDIT = table_of(AuditRow)
_HEAD = table_of(ChainHeadRow)
_LOCK = Prepared(lambda _: select(_HEAD.c.seq, _HEAD.c.hash).with_for_update())
_ADD = Prepared(lambda _: insert(_AUDIT).values(given(_AUDIT)))


def hash_of(*, seq: int, at: datetime, kind: str, engagement: str, subject: str, facts: str, previous: str) -> str:
    """Hash of one entry over everything in it and the hash before it."""
    content = json.dumps([seq, at.isoformat(), kind, engagement, subject, facts, previous], ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()


class Chain:
    """The chain with its head locked until the transaction ends. Entries are noted, then written in one statement."""

    def __init__(self, connection: AsyncConnection, *, seq: int, head: str, now: datetime) -> None:
        self.connection = connection
        self.now = now
        self._seq = seq
        self._head = head
        self._noted: list[dict[str, Any]] = []

    @classmethod
    async def lock(cls, connection: AsyncConnection, now: datetime) -> Chain:
        """Take the head row's lock, which makes appends serial across processes."""
        (head,) = await _LOCK.run(connection)
        return cls(connection, seq=head.seq, head=head.hash, now=now)

    def note(self, kind: str, *, engagement: str, subject: str, facts: dict[str, str]) -> AuditEntry:
        """Add one link behind the last one."""
        content: dict[str, Any] = {
            "seq": self._seq + 1, "at": self.now, "kind": kind, "engagement": plain(engagement),
            "subject": plain(subject), "facts": json.dumps(facts, sort_keys=True, ensure_ascii=False),
        }  # fmt: skip
        link = hash_of(**content, previous=self._head)
        self._noted.append({**content, "previous_hash": self._head, "hash": link})
        entry = AuditEntry(**{**content, "facts": facts}, previous_hash=self._head, hash=link)
        self._seq, self._head = self._seq + 1, link
        return entry

    async def write(self) -> None:
        """Insert what was noted; the database moves the head along and refuses a link that does not follow it."""
        if len(self._noted) == 1:
            await _ADD.run(self.connection, **self._noted[0])
        elif self._noted:
            await self.connection.execute(insert(_AUDIT), self._noted)
        self._noted = []


@asynccontextmanager
async def audited(database: Database) -> AsyncIterator[Chain]:
    """One transaction that holds the chain's head from its start, so that such transactions run one after another.

    For the desk, where people race for a slot. What was noted is written at the end.
    """
    async with database.write() as connection:
        chain = await Chain.lock(connection, database.clock())
        yield chain
        await chain.write()


async def append(
    connection: AsyncConnection, *, at: datetime, kind: str, engagement: str, subject: str, facts: dict[str, str]
) -> AuditEntry:
    """Add one entry as the last act of the caller's transaction: the head is locked as briefly as can be."""
    chain = await Chain.lock(connection, at)
    entry = chain.note(kind, engagement=engagement, subject=subject, facts=facts)
    await chain.write()
    return entry
