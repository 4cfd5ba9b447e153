from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from sqlalchemy import text

from store import Store, open_store
from tests.databases import database_url, empty_database_url, migrated_postgres, migrated_sqlite, postgres_server
from tests.store.facts import Clock

__all__ = ["database_url", "empty_database_url", "migrated_postgres", "migrated_sqlite", "postgres_server"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def store(database_url: str, clock: Clock) -> AsyncIterator[Store]:
    async with open_store(database_url, clock=clock) as opened:
        yield opened


Sql = Callable[..., Awaitable[None]]


@pytest.fixture
def sql(store: Store) -> Sql:
    """Somebody with the database's password and a console."""

    async def run(*statements: str) -> None:
        async with store.database.write() as connection:
            for statement in statements:
                await connection.execute(text(statement))

    return run


@pytest.fixture
def unguarded(store: Store, sql: Sql) -> Callable[[], Awaitable[None]]:
    """Somebody who may even drop the triggers that guard the chain."""

    async def drop() -> None:
        if store.database.is_sqlite:
            names = (
                "audit_no_update", "audit_no_delete", "audit_follows_head", "audit_moves_head", "chain_head_no_delete",
                "chain_head_forward",
            )  # fmt: skip
            await sql(*(f"DROP TRIGGER {name}" for name in names))
            return
        await sql("ALTER TABLE audit DISABLE TRIGGER USER", "ALTER TABLE chain_head DISABLE TRIGGER USER")

    return drop
