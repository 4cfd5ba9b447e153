from __future__ import annotations

from datetime import datetime
from typing import Protocol

from models.base import Canonical

__all__ = ["Anchor", "AuditEntry", "AuditTrail", "ChainReport"]


class AuditEntry(Canonical):
    """One fact nobody can change unseen: each entry carries the hash of the one before it."""

    seq: int
    at: datetime
    kind: str
    """Past tense, for example `operation.applied`, `decision.refused`."""
    engagement: str
    subject: str
    facts: dict[str, str]
    previous_hash: str
    hash: str


class Anchor(Canonical):
    """Number and hash of the newest entry at some moment. Kept outside the database, it shows an older restore."""

    seq: int
    hash: str


class ChainReport(Canonical):
    """Result of walking the chain."""

    entries: int
    head: str
    intact: bool
    broken_at: int | None = None
    problem: str = ""


class AuditTrail(Protocol):
    """Append-only, hash-chained from the first entry."""

    async def append(self, kind: str, engagement: str, subject: str, facts: dict[str, str]) -> AuditEntry:
        """Add one entry in a transaction of its own."""
        ...

    async def list_entries(self, engagement: str | None = None) -> tuple[AuditEntry, ...]:
        """Entries, oldest first."""
        ...

    async def head(self) -> Anchor:
        """The newest entry, for writing down outside the database."""
        ...

    async def verify(self, anchor: Anchor | None = None) -> ChainReport:
        """Walk the whole chain; a changed, dropped, swapped or truncated entry is named with its place.

        With an anchor that was kept outside, a chain that was rewritten or restored from before it is named too.
        """
        ...
