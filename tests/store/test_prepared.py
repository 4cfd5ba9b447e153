"""Statements of the daily path skip the layers on SQLite, and nobody can tell by what comes out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import bindparam, event, insert, select
from sqlalchemy.exc import IntegrityError

from store import Store
from store.prepared import Prepared, given
from store.tables import WatermarkRow, table_of

_TABLE = table_of(WatermarkRow)
_ADD = Prepared(lambda _: insert(_TABLE).values(given(_TABLE)))
_GET = Prepared(lambda _: select(_TABLE).where(_TABLE.c.name == bindparam("name"), _TABLE.c.value != "hidden"))
_AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


async def _add(store: Store, name: str, value: str) -> None:
    async with store.database.write() as connection:
        await _ADD.run(connection, name=name, value=value, updated_at=_AT)


async def test_types_are_the_same_as_through_all_layers(store: Store) -> None:
    await _add(store, "sweep", "a\x00b")
    async with store.database.read() as connection:
        plain = (await connection.execute(select(_TABLE).where(_TABLE.c.name == "sweep"))).one()

    (quick,) = await _GET.look(store.database, name="sweep")

    assert (quick.name, quick.value, quick.updated_at) == tuple(plain) == ("sweep", "a\ufffdb", _AT)


async def test_a_value_that_is_not_told_or_not_asked_for_is_our_bug(store: Store) -> None:
    if store.database.is_sqlite:
        with pytest.raises(TypeError, match="is told"):
            await _GET.look(store.database)
        with pytest.raises(TypeError, match="is told"):
            await _GET.look(store.database, name="sweep", value="x")
    await _add(store, "kept", "hidden")
    assert not await _GET.look(store.database, name="kept")


async def test_a_refusal_of_the_database_is_the_same_error_and_takes_back_the_writer(store: Store) -> None:
    await _add(store, "once", "first")
    with pytest.raises(IntegrityError) as refused:
        await _add(store, "once", "second")

    assert "second" not in str(refused.value)
    (row,) = await _GET.look(store.database, name="once")
    assert row.value == "first"


async def test_a_look_after_a_write_sees_it_and_whoever_counts_statements_hears_both(store: Store) -> None:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement.partition(" ")[0])

    event.listen(store.database.engine.sync_engine, "before_cursor_execute", note)
    await _add(store, "seen", "1")
    assert await _GET.look(store.database, name="seen")
    assert [word for word in seen if word in {"INSERT", "SELECT"}] == ["INSERT", "SELECT"]
