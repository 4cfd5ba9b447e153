from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

__all__ = ["SharedCommit"]

_MOST_TOGETHER = 64


@dataclass
class _Group:
    """One open transaction and those who wait for its commit."""

    connection: AsyncConnection
    committed: asyncio.Future[None]
    members: int = 0
    broken: BaseException | None = None


class SharedCommit:
    """Writers of one process take turns in one transaction; one trip to the disk keeps the work of all of them.

    Each does its work as if alone, sees what those before it did, and returns only when the commit is on disk, so
    nothing goes on that a power cut could take back. Who fails takes back only its own work. When the commit itself
    fails, all of its members fail.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._group: _Group | None = None
        self._ending: asyncio.Task[None] | None = None
        self._kept: AsyncConnection | None = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[AsyncConnection]:
        """The connection, for one writer's work."""
        await self._queue_up()
        try:
            group = await self._joined()
            try:
                yield group.connection
            except BaseException:
                await self._take_back(group)
                raise
            group.members += 1
        finally:
            self._leave()
        await asyncio.shield(group.committed)

    async def _queue_up(self) -> None:
        self._waiting += 1
        try:
            await self._turn.acquire()
        except BaseException:
            self._waiting -= 1
            if self._group is not None and not self._waiting and not self._turn.locked():
                # Cancelled in the very moment in which the others had left the commit to us.
                await self._turn.acquire()
                self._leave()
            raise
        self._waiting -= 1

    async def _joined(self) -> _Group:
        """Open a transaction, or mark where our part of the open one begins."""
        if self._group is None:
            connection, self._kept = self._kept or await self._engine.connect(), None
            try:
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            except BaseException:
                await connection.close()
                raise
            self._group = _Group(connection, asyncio.get_running_loop().create_future())
        elif self._group.members:
            await self._group.connection.exec_driver_sql("SAVEPOINT member")
        return self._group

    async def _take_back(self, group: _Group) -> None:
        """Undo one writer's work. If not even that can be done, nobody's work is kept."""
        if not group.members:
            return
        try:
            await group.connection.exec_driver_sql("ROLLBACK TO member")
        except BaseException as worse:
            group.broken = worse
            if not isinstance(worse, DBAPIError):
                raise

    def _leave(self) -> None:
        """Give the turn to the next writer, or to the commit when nobody waits to join it."""
        group = self._group
        if group is not None:
            more_may_join = self._waiting and group.members < _MOST_TOGETHER
            if not group.members or group.broken is not None or not more_may_join:
                self._group = None
                # A task of its own: it must end although the writer who happens to be last may be cancelled.
                self._ending = asyncio.create_task(self._end(group))
                return
        self._turn.release()

    async def _end(self, group: _Group) -> None:
        """Commit, give the turn to the next group, and tell all members what came of it."""
        failed = group.broken
        try:
            if group.members and failed is None:
                await group.connection.commit()
        except BaseException as problem:  # noqa: BLE001 - handed to every member, and each of them raises it
            failed = problem
        try:
            if failed is not None:
                # After a commit that failed the transaction is still open: this connection is used by nobody again.
                await group.connection.invalidate()
            if group.members and failed is None:
                self._kept = group.connection
            else:
                await group.connection.close()
        finally:
            self._turn.release()
            if failed is None:
                group.committed.set_result(None)
            else:
                group.committed.set_exception(failed)
                group.committed.exception()

    async def close(self) -> None:
        """Give the connection back that was kept for the next group."""
        if self._ending is not None:
            await asyncio.wait({self._ending})
        if self._kept is not None:
            await self._kept.close()
