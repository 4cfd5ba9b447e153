from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect
from sqlalchemy.ext.asyncio import AsyncConnection

import store.migrations
from models.ids import DealId
from ports.inbox import DealHolder
from store import Store, migrate, open_store
from store.database import Database
from store.tables import METADATA
from tests.store.facts import CONTRACT, CRM, ENGAGEMENT, FIRM, Clock, an_intent


@asynccontextmanager
async def _looking(url: str) -> AsyncIterator[AsyncConnection]:
    database = Database(url, Clock())
    try:
        async with database.read() as connection:
            yield connection
    finally:
        await database.close()


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA))


async def test_the_migrated_schema_is_the_one_the_code_speaks_to(empty_database_url: str) -> None:
    migrate(empty_database_url)
    async with _looking(empty_database_url) as connection:
        assert await connection.run_sync(_differences) == []


async def test_migrating_again_changes_nothing(database_url: str) -> None:
    migrate(database_url)
    async with open_store(database_url) as opened:
        assert (await opened.audit.verify()).intact


async def test_many_that_start_at_once_on_an_empty_database_all_find_it_ready(empty_database_url: str) -> None:
    async def start(number: int) -> None:
        async with open_store(empty_database_url) as opened:
            await opened.audit.append("note.made", "", f"s-{number}", {})

    await asyncio.gather(*(start(number) for number in range(4)))
    async with open_store(empty_database_url) as opened:
        report = await opened.audit.verify()
    assert (report.intact, report.entries) == (True, 4)


async def test_a_migration_that_fails_leaves_nothing_half_made(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_options: object) -> None:
        raise RuntimeError("the process is killed here")

    with monkeypatch.context() as patch:
        patch.setattr("alembic.operations.Operations.execute", broken)
        with pytest.raises(RuntimeError, match="killed"):
            migrate(empty_database_url)
    async with _looking(empty_database_url) as connection:
        assert await connection.run_sync(lambda sync: inspect(sync).get_table_names()) == []
    migrate(empty_database_url)


async def test_records_of_the_first_schema_survive_the_upgrade(empty_database_url: str) -> None:
    migrate(empty_database_url, revision="0001")
    database = Database(empty_database_url, Clock())
    try:
        async with database.write() as connection:
            await connection.exec_driver_sql(
                "INSERT INTO deal_binding (firm, connection, contract, deal, bound_at) "
                "VALUES ('hf', 'crm-main', 'C-1001', '006-7', '2027-01-04 09:00:00.000000')"
            )
    finally:
        await database.close()
    async with open_store(empty_database_url) as opened:
        assert await opened.deal_bindings.bind_deal(FIRM, CRM, CONTRACT, DealId("006-8")) == DealHolder(
            connection=CRM, deal=DealId("006-7")
        )
        await opened.ledger.intend(an_intent())
        assert (await opened.audit.verify()).entries == 1


def test_the_steps_of_the_schema_are_one_line_from_the_first_to_the_last() -> None:
    (folder,) = store.migrations.__path__
    script = ScriptDirectory(folder)
    assert len(script.get_heads()) == 1
    assert script.get_bases() == ["0001"]


async def test_a_sqlite_store_is_durable_and_lets_readers_read_while_somebody_writes(tmp_path: Path) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 15_000}
    async with open_store(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        async with opened.database.read() as connection:
            found = {name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one() for name in wanted}
        assert found == wanted
        async with opened.database.write():
            assert await opened.desk.find_engagement(ENGAGEMENT) is None


async def test_a_writer_waits_for_another_process_that_holds_the_sqlite_lock(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            waiting = asyncio.create_task(opened.audit.append("note.made", "", "s", {}))
            done, _ = await asyncio.wait({waiting}, timeout=0.2)
            assert done == set()
            other.execute("ROLLBACK")
            assert (await waiting).seq == 1
        finally:
            other.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://host/db", "cannot use mysql"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
    ],
)
async def test_a_url_the_store_cannot_use_is_refused_with_the_fix(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        async with open_store(url):
            pass


async def test_a_clock_without_a_time_zone_is_our_bug_and_nothing_is_written(database_url: str) -> None:
    clock = Clock()
    async with open_store(database_url, clock=lambda: clock().replace(tzinfo=None)) as opened:
        with pytest.raises(ValueError, match="time zone"):
            await opened.audit.append("note.made", "", "s", {})
        assert await opened.audit.list_entries() == ()


async def test_two_stores_in_one_process_know_nothing_of_each_other(tmp_path: Path) -> None:
    async with (
        open_store(f"sqlite:///{tmp_path / 'a.db'}") as first,
        open_store(f"sqlite:///{tmp_path / 'b.db'}") as second,
    ):
        await first.ledger.intend(an_intent())
        assert await second.ledger.list_operations(ENGAGEMENT) == ()
        assert await _chain_lengths(first, second) == (1, 0)


async def _chain_lengths(*stores: Store) -> tuple[int, ...]:
    return tuple([(await opened.audit.head()).seq for opened in stores])
