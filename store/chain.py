from __future__ import annotations

import hashlib
import json
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ports.audit import AuditEntry
from store.tables import AuditRow, ChainHeadRow

__all__ = ["GENESIS", "append", "hash_of"]

GENESIS = "0" * 64
_HEAD = ChainHeadRow.__table__  # type: ignore[attr-defined]


def hash_of(*, seq: int, at: datetime, kind: str, engagement: str, subject: str, facts: str, previous: str) -> str:
    """Hash of one entry over everything in it and the hash before it."""
    content = json.dumps([seq, at.isoformat(), kind, engagement, subject, facts, previous], ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()


async def append(
    connection: AsyncConnection, *, at: datetime, kind: str, engagement: str, subject: str, facts: dict[str, str]
) -> AuditEntry:
    """Add one link inside the caller's transaction. The head row's lock makes appends serial across processes."""
    head = (await connection.execute(select(_HEAD).with_for_update())).one()
    seq, previous = head.seq + 1, head.hash
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    link = hash_of(seq=seq, at=at, kind=kind, engagement=engagement, subject=subject, facts=text, previous=previous)
    await connection.execute(
        insert(AuditRow).values(
            seq=seq, at=at, kind=kind, engagement=engagement, subject=subject, facts=text,
            previous_hash=previous, hash=link,
        )
    )  # fmt: skip
    await connection.execute(update(_HEAD).values(seq=seq, hash=link))
    return AuditEntry(
        seq=seq,
        at=at,
        kind=kind,
        engagement=engagement,
        subject=subject,
        facts=facts,
        previous_hash=previous,
        hash=link,
    )
