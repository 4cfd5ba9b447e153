from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

__all__ = ["Clock", "Database", "migrate"]

Clock = Callable[[], datetime]

_MIGRATIONS = Path(__file__).with_name("migrations")
_BUSY_TIMEOUT_MS = 15_000


class Database:
    """One engine, SQLite or PostgreSQL, and the two ways to use it: `read` and `write`.

    A writer takes its lock at the start (`BEGIN IMMEDIATE` on SQLite), so two writers queue instead of failing in the
    middle. SQLite keeps every commit on disk (`synchronous=FULL`): the intent must outlive a power cut.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        parsed = make_url(url)
        self.clock = clock
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        driver = "sqlite+aiosqlite" if self.is_sqlite else "postgresql+psycopg"
        options: dict[str, Any] = {"pool_size": 4, "max_overflow": 4} if self.is_sqlite else {"pool_size": 8}
        self.engine: AsyncEngine = create_async_engine(parsed.set(drivername=driver), **options)
        self._turn = asyncio.Lock()
        if self.is_sqlite:
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for looking."""
        async with self.engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction; committed at the end, rolled back on any exception."""
        if not self.is_sqlite:
            async with self.engine.begin() as connection:
                yield connection
            return
        async with self._turn, self.engine.connect() as connection:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                await connection.exec_driver_sql("ROLLBACK")
                raise
            await connection.exec_driver_sql("COMMIT")

    async def close(self) -> None:
        """Give the connections back."""
        await self.engine.dispose()


def _prepare_sqlite(raw: Any, _record: object) -> None:
    raw.isolation_level = None
    cursor = raw.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def migrate(url: str) -> None:
    """Bring the database to the newest schema. Runs in a thread of its own; safe to run at every start."""
    parsed = make_url(url)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    if is_sqlite and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["url"] = parsed.set(drivername="sqlite" if is_sqlite else "postgresql+psycopg")
    command.upgrade(config, "head")
