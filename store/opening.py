from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from store.audit import SqlAuditTrail
from store.billing import SqlBillingBook
from store.customers import SqlSyncMemory
from store.database import Clock, Database, migrate
from store.desk import SqlDesk
from store.figures import SqlFigures
from store.inbox import SqlDealBindings, SqlInbox, SqlWatermarks
from store.ledger import SqlLedger
from store.match_undos import SqlMatchUndos
from store.plans import SqlPlanBook

__all__ = ["Store", "open_store"]


class Store:
    """All of our own records; each attribute implements one port."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ledger = SqlLedger(database)
        self.plans = SqlPlanBook(database)
        self.desk = SqlDesk(database)
        self.inbox = SqlInbox(database)
        self.deal_bindings = SqlDealBindings(database)
        self.audit = SqlAuditTrail(database)
        self.figures = SqlFigures(database)
        self.watermarks = SqlWatermarks(database)
        self.billing = SqlBillingBook(database)
        self.customers = SqlSyncMemory(database)
        self.match_undos = SqlMatchUndos(database)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def open_store(url: str, *, clock: Clock = _utc_now) -> AsyncIterator[Store]:
    """Open the store of that URL (`sqlite:///file` or `postgresql://...`), brought to the newest schema."""
    await asyncio.to_thread(migrate, url)
    database = Database(url, clock)
    try:
        yield Store(database)
    finally:
        await database.close()
