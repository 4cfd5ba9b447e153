"""Writers of one process share the trip to the disk, and each is as safe as if it had been alone."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from store import Store, open_store
from tests.store.facts import ENGAGEMENT, Clock, an_intent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shared.db"


@pytest_asyncio.fixture
async def shared(path: Path) -> AsyncIterator[Store]:
    async with open_store(f"sqlite:///{path}", clock=Clock()) as store:
        async with store.database.write() as connection:
            await connection.exec_driver_sql("CREATE TABLE parent (name TEXT PRIMARY KEY)")
            await connection.exec_driver_sql(
                "CREATE TABLE child (name TEXT REFERENCES parent (name) DEFERRABLE INITIALLY DEFERRED)"
            )
        yield store


def _on_disk(path: Path) -> list[str]:
    """What another process would find."""
    connection = sqlite3.connect(path)
    try:
        return sorted(name for (name,) in connection.execute("SELECT name FROM parent"))
    finally:
        connection.close()


async def _insert(connection: AsyncConnection, name: str, table: str = "parent") -> None:
    await connection.exec_driver_sql(f"INSERT INTO {table} VALUES (?)", (name,))  # noqa: S608 - a name of this test


async def _write(store: Store, name: str, table: str = "parent") -> None:
    async with store.database.write() as connection:
        await _insert(connection, name, table)


async def test_many_writers_at_once_need_few_commits_and_keep_everything(shared: Store) -> None:
    commits: list[object] = []
    event.listen(shared.database.engine.sync_engine, "commit", commits.append)
    intents = [an_intent().model_copy(update={"key": f"key-{number}"}) for number in range(40)]

    await asyncio.gather(*(shared.ledger.intend(intent) for intent in intents))

    assert len(commits) <= 4
    assert len(await shared.ledger.list_operations(ENGAGEMENT)) == 40
    assert (await shared.audit.verify()).intact
    assert (await shared.audit.head()).seq == 40


async def test_a_writer_goes_on_only_when_its_work_is_on_disk(shared: Store, path: Path) -> None:
    async def write(name: str) -> bool:
        await _write(shared, name)
        return name in _on_disk(path)

    assert all(await asyncio.gather(*(write(f"name-{number}") for number in range(20))))


@pytest.mark.parametrize("failing", [0, 3, 7])
async def test_who_fails_takes_back_only_its_own_work(shared: Store, path: Path, failing: int) -> None:
    async def write(number: int) -> None:
        async with shared.database.write() as connection:
            await _insert(connection, f"name-{number}")
            if number == failing:
                raise ValueError("refused")

    answers = await asyncio.gather(*(write(number) for number in range(8)), return_exceptions=True)

    assert [number for number, answer in enumerate(answers) if isinstance(answer, ValueError)] == [failing]
    assert _on_disk(path) == [f"name-{number}" for number in range(8) if number != failing]


async def test_a_commit_that_fails_fails_all_its_members_and_nobody_after_them(shared: Store, path: Path) -> None:
    answers = await asyncio.gather(
        _write(shared, "first"), _write(shared, "orphan", "child"), _write(shared, "last"), return_exceptions=True
    )

    # The first writer found nobody to wait for; the other two came together while it was on its way to the disk.
    assert [type(answer) for answer in answers] == [type(None), IntegrityError, IntegrityError]
    assert _on_disk(path) == ["first"]
    await _write(shared, "later")
    assert _on_disk(path) == ["first", "later"]


async def test_a_writer_cancelled_in_its_work_leaves_nothing_and_holds_up_nobody(shared: Store, path: Path) -> None:
    inside = asyncio.Event()

    async def hang() -> None:
        async with shared.database.write() as connection:
            await _insert(connection, "hanging")
            inside.set()
            await asyncio.Event().wait()

    hanging = asyncio.create_task(hang())
    await inside.wait()
    waiting = asyncio.create_task(_write(shared, "waiting"))
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging

    await asyncio.wait_for(waiting, 5)
    assert _on_disk(path) == ["waiting"]


async def test_a_writer_cancelled_when_the_commit_was_left_to_it_strands_nobody(shared: Store, path: Path) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with shared.database.write() as connection:
            await _insert(connection, "first")
            inside.set()
            await go_on.wait()

    working = asyncio.create_task(first())
    await inside.wait()
    waiting = asyncio.create_task(_write(shared, "waiting"))
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    await asyncio.wait_for(working, 5)
    assert _on_disk(path) == ["first"]
    await asyncio.wait_for(_write(shared, "next"), 5)


async def test_a_writer_cancelled_while_it_waits_for_the_commit_takes_nothing_from_the_others(
    shared: Store, path: Path
) -> None:
    tasks = [asyncio.create_task(_write(shared, f"name-{number}")) for number in range(6)]
    await asyncio.sleep(0)
    tasks[0].cancel()

    answers = await asyncio.gather(*tasks, return_exceptions=True)

    assert not [answer for answer in answers[1:] if answer is not None]
    assert set(_on_disk(path)) >= {f"name-{number}" for number in range(1, 6)}
