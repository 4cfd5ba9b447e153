"""Quick calls run where they are made; whatever may wait leaves the event loop free."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from store import open_store
from store.in_place import InPlaceConnection, connect_in_place

_SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT MAX(i) FROM n"


@pytest_asyncio.fixture
async def connection(tmp_path: Path) -> AsyncIterator[InPlaceConnection]:
    opened = connect_in_place(str(tmp_path / "place.db"), isolation_level=None)
    await opened
    await opened.execute("CREATE TABLE note (text TEXT)")
    yield opened
    await opened.close()


async def test_a_look_up_and_a_change_make_no_trip_to_another_thread(connection: InPlaceConnection) -> None:
    await connection.execute("BEGIN IMMEDIATE")
    await connection.execute("INSERT INTO note VALUES (?)", ("here",))
    cursor = await connection.execute("SELECT text FROM note")

    assert [tuple(row) for row in await cursor.fetchall()] == [("here",)]
    assert connection._handed_over == 0

    await connection.commit()

    assert connection._handed_over == 1


async def test_what_is_read_in_a_snapshot_goes_to_the_thread(connection: InPlaceConnection) -> None:
    await connection.execute("BEGIN")
    await connection.execute("SELECT text FROM note")
    await connection.rollback()

    assert connection._handed_over == 2
    await connection.execute("SELECT text FROM note")
    assert connection._handed_over == 2


async def test_a_call_behind_a_cancelled_one_waits_until_the_thread_is_done(connection: InPlaceConnection) -> None:
    await connection.execute("BEGIN")
    slow = asyncio.create_task(connection.execute(_SLOW))
    await asyncio.sleep(0)
    assert connection._handed_over == 2
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow

    await connection.rollback()

    assert connection._handed_over == connection._handed_back == 3
    assert not connection.in_transaction


async def test_another_process_with_the_lock_keeps_a_writer_waiting_but_not_the_loop(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with open_store(f"sqlite:///{path}") as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(store.audit.append("note.made", "", "s", {}))
        began = asyncio.get_running_loop().time()
        for _ in range(5):
            await asyncio.sleep(0.01)
        free_after = asyncio.get_running_loop().time() - began

        assert not writing.done()
        assert free_after < 1
        other.execute("COMMIT")
        other.close()
        assert (await asyncio.wait_for(writing, 10)).seq == 1
