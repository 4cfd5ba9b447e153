from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from store.in_place import connect_in_place
from store.shared_commit import SharedCommit

__all__ = ["Clock", "Database", "migrate", "prepare_sqlite"]

Clock = Callable[[], datetime]

_MIGRATIONS = Path(__file__).with_name("migrations")
_BUSY_TIMEOUT_MS = 15_000
_ONE_MIGRATION = threading.Lock()
"""Alembic keeps the running migration in module globals, so two threads of one process take turns."""


class Database:
    """One engine, SQLite or PostgreSQL, and three ways to use it: `read`, `snapshot` and `write`.

    A writer takes its lock at the start (`BEGIN IMMEDIATE` on SQLite), so two writers queue instead of failing in the
    middle. SQLite keeps every commit on disk (`synchronous=FULL`): the intent must outlive a power cut.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        parsed = _checked(url)
        self._clock = clock
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        driver = "sqlite+aiosqlite" if self.is_sqlite else "postgresql+psycopg"
        options: dict[str, Any] = {"pool_size": 8}
        if self.is_sqlite:
            options = {"pool_size": 4, "max_overflow": 4, "connect_args": {"async_creator_fn": connect_in_place}}
        self.engine: AsyncEngine = create_async_engine(parsed.set(drivername=driver), hide_parameters=True, **options)
        self._writers = SharedCommit(self.engine)
        self._looker: AsyncConnection | None = None
        if self.is_sqlite:
            event.listen(self.engine.sync_engine, "connect", prepare_sqlite)
        # One statement needs no BEGIN and no ROLLBACK around it; on SQLite the driver never begins by itself.
        self._looking = self.engine if self.is_sqlite else self.engine.execution_options(isolation_level="AUTOCOMMIT")

    def clock(self) -> datetime:
        """Now, in UTC: what is hashed into the chain must read back as it was written."""
        now = self._clock()
        if now.tzinfo is None:
            raise ValueError("The store's clock must give instants with a time zone.")
        return now.astimezone(UTC)

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that can say what happens when the row is there already."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    async def insert_new(
        self, connection: AsyncConnection, table: Table, values: dict[str, Any], *, unique: tuple[str, ...]
    ) -> bool:
        """Insert the row unless one with these unique columns is there. True when it was inserted.

        The database says so by returning the row: a row count is not told by every driver.
        """
        statement = self.insert(table).values(**values).on_conflict_do_nothing(index_elements=list(unique))
        return (await connection.execute(statement.returning(table.c[unique[0]]))).first() is not None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for one look."""
        async with self._looking.connect() as connection:
            yield connection

    async def looker(self) -> AsyncConnection:
        """On SQLite, one connection for all quick looks: each is over before the next begins, and none holds a lock."""
        if self._looker is None:
            opened = await self.engine.connect()
            if self._looker is None:
                self._looker = opened
            else:
                await opened.close()
        return self._looker

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """A connection for several looks at one and the same state, whatever others write meanwhile."""
        if self.is_sqlite:
            async with self.engine.begin() as connection:
                await connection.exec_driver_sql("BEGIN")
                yield connection
            return
        async with self.engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Committed when this returns, undone on any exception. On SQLite, writers share the trip to the disk."""
        if not self.is_sqlite:
            async with self.engine.begin() as connection:
                yield connection
            return
        async with self._writers.turn() as connection:
            yield connection

    async def close(self) -> None:
        """Give the connections back."""
        if self._looker is not None:
            await self._looker.close()
        await self._writers.close()
        await self.engine.dispose()


def prepare_sqlite(raw: Any, _record: object) -> None:
    """Set up a new SQLite connection: we begin transactions, the driver does not; durable, and patient with writers."""
    raw.isolation_level = None
    cursor = raw.cursor()
    for pragma in (
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def migrate(url: str, *, revision: str = "head") -> None:
    """Bring the database to the newest schema. Safe to run at every start and by several processes at once."""
    parsed = _checked(url)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    if is_sqlite and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["url"] = parsed.set(drivername="sqlite" if is_sqlite else "postgresql+psycopg")
    with _ONE_MIGRATION:
        command.upgrade(config, revision)


def _checked(url: str) -> URL:
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    if backend not in {"sqlite", "postgresql"}:
        raise ValueError(f"The store cannot use {backend}. Give sqlite:///file or postgresql://user@host/database.")
    if backend == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise ValueError("The store needs a file: sqlite:///path/to/file. In memory nothing outlives the process.")
    return parsed
