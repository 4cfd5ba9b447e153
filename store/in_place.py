from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import aiosqlite

__all__ = ["InPlaceConnection", "connect_in_place"]

_MAY_WAIT = ("BEGIN", "COMMIT", "PRAGMA")
_ROWS_AT_ONCE = 64
_LOCK = "BEGIN IMMEDIATE"


class InPlaceConnection(aiosqlite.Connection):
    """A SQLite connection whose quick calls run where they are made; only what may wait goes to its thread.

    A look-up by key in a file this process holds in memory takes some microseconds, the way to another thread and back
    a hundred, and a deal makes hundreds of such calls. What may wait for the disk or for another process (taking the
    write lock, committing, setting up) and everything in a snapshot, where whole tables are read, leaves the event
    loop free as before.
    """

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, _ROWS_AT_ONCE)
        self._in_snapshot = False
        # Each is advanced by one thread only, so that no lock is needed to compare them.
        self._handed_over = 0
        self._handed_back = 0

    async def fetch(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """One statement and all its rows."""
        rows: list[tuple[Any, ...]] = await self._execute(self._fetched, statement, values)
        return rows

    def _fetched(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return self._conn.execute(statement, values).fetchall()

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self._running or self._connection is None:
            raise ValueError("Connection closed")
        if self._handed_over == self._handed_back:
            if not self._may_wait(fn, args):
                return fn(*args, **kwargs)
            if args[:1] == (_LOCK,):
                # Nearly always the lock is free. Only waiting for it is the thread's business.
                with suppress(sqlite3.OperationalError):
                    return self._without_patience(fn, args)
        self._handed_over += 1
        return await super()._execute(self._counted, partial(fn, *args, **kwargs))  # type: ignore[no-untyped-call]

    def _without_patience(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Make the call, and raise at once when another process holds the lock."""
        (patience,) = self._conn.execute("PRAGMA busy_timeout").fetchone()
        self._conn.execute("PRAGMA busy_timeout=0")
        try:
            return fn(*args)
        finally:
            self._conn.execute(f"PRAGMA busy_timeout={patience}")

    def _may_wait(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> bool:
        """A call whose caller was cancelled may still be running: then those behind it queue up as well."""
        if fn in {self._conn.commit, self._conn.close}:
            self._in_snapshot = False
            return True
        if fn == self._conn.rollback:
            self._in_snapshot = False
            return False
        statement = args[0] if args and isinstance(args[0], str) else ""
        if statement == "BEGIN":
            self._in_snapshot = True
        return self._in_snapshot or statement.startswith(_MAY_WAIT)

    def _counted(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        finally:
            self._handed_back += 1


def connect_in_place(database: str, **options: Any) -> InPlaceConnection:
    """Open the file when awaited. Its thread ends with the process at the latest."""
    # The loop's thread and the connection's own take turns, never at once.
    connection = InPlaceConnection(partial(sqlite3.connect, database, **{**options, "check_same_thread": False}))
    connection._thread.daemon = True  # noqa: SLF001 - there is no other way to say so before it starts
    return connection
