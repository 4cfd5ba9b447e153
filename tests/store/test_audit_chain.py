from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DatabaseError

from ports.audit import Anchor
from store import Store, chain
from store.tables import AuditRow, table_of
from tests.store.facts import ENGAGEMENT, Clock

Sql = Callable[..., Awaitable[None]]
Drop = Callable[[], Awaitable[None]]


async def _write(store: Store, count: int) -> None:
    for number in range(1, count + 1):
        await store.audit.append("note.made", ENGAGEMENT, f"s-{number}", {"number": str(number)})


async def test_entries_are_chained_from_the_first_one(store: Store) -> None:
    await _write(store, 3)
    entries = await store.audit.list_entries()
    assert [entry.seq for entry in entries] == [1, 2, 3]
    assert entries[0].previous_hash == chain.GENESIS
    assert [entry.previous_hash for entry in entries[1:]] == [entry.hash for entry in entries[:-1]]
    assert await store.audit.head() == Anchor(seq=3, hash=entries[-1].hash)
    report = await store.audit.verify()
    assert (report.intact, report.entries, report.head) == (True, 3, entries[-1].hash)


async def test_an_empty_chain_is_intact(store: Store) -> None:
    report = await store.audit.verify()
    assert (report.intact, report.entries, report.head) == (True, 0, chain.GENESIS)


async def test_entries_of_one_engagement_are_listed_alone_and_read_back_as_appended(store: Store) -> None:
    appended = await store.audit.append("note.made", ENGAGEMENT, "s", {"text": 'Ünï "quoted" \\ line\n€'})
    await store.audit.append("note.made", "hf/C-2", "s", {})
    assert await store.audit.list_entries(ENGAGEMENT) == (appended,)


async def test_a_hundred_writers_at_once_make_one_chain(store: Store) -> None:
    await asyncio.gather(*(store.audit.append("note.made", "", f"s-{row}", {}) for row in range(100)))
    report = await store.audit.verify()
    assert (report.intact, report.entries) == (True, 100)


async def test_verifying_while_others_write_is_no_false_alarm(store: Store) -> None:
    await _write(store, 5)
    writers = asyncio.gather(*(store.audit.append("note.made", "", f"w-{row}", {}) for row in range(60)))
    reports = []
    while not writers.done():
        reports.append(await store.audit.verify())
    await writers
    assert reports
    assert all(report.intact for report in reports)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET subject = 'forged' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 3",
        "DELETE FROM chain_head",
        "UPDATE chain_head SET seq = 1",
        "INSERT INTO audit SELECT 9, at, kind, engagement, subject, facts, hash, 'x' FROM audit WHERE seq = 3",
        "INSERT INTO audit SELECT 4, at, kind, engagement, subject, facts, hash, 'x' FROM audit WHERE seq = 1",
    ],
)
async def test_the_database_itself_refuses_to_change_the_chain(store: Store, sql: Sql, statement: str) -> None:
    await _write(store, 3)
    with pytest.raises(DatabaseError, match=r"append-only|only moves forward|must follow the head"):
        await sql(statement)
    assert (await store.audit.verify()).intact


async def test_postgresql_refuses_to_empty_the_chain(store: Store, sql: Sql) -> None:
    await _write(store, 1)
    if not store.database.is_sqlite:  # SQLite has no TRUNCATE
        for table in ("audit", "chain_head"):
            with pytest.raises(DatabaseError, match=r"append-only|only moves forward"):
                await sql(f"TRUNCATE {table}")
    assert (await store.audit.verify()).entries == 1


_SWAP = (
    "UPDATE audit SET seq = 100 WHERE seq = 4",
    "UPDATE audit SET seq = 4 WHERE seq = 5",
    "UPDATE audit SET seq = 5 WHERE seq = 100",
)


_TAMPERINGS: list[tuple[tuple[str, ...], int, str]] = [
    (("UPDATE audit SET facts = '{}' WHERE seq = 4",), 4, "Entry 4 was changed"),
    (("UPDATE audit SET engagement = 'hf/C-2' WHERE seq = 1",), 1, "Entry 1 was changed"),
    (("UPDATE audit SET kind = 'x', hash = previous_hash WHERE seq = 7",), 7, "Entry 7 was changed"),
    (("UPDATE audit SET at = '2020-01-01 00:00:00.000000' WHERE seq = 2",), 2, "Entry 2 was changed"),
    (("DELETE FROM audit WHERE seq = 4",), 4, "Entry 4 is missing"),
    (("DELETE FROM audit WHERE seq = 1",), 1, "Entry 1 is missing"),
    (_SWAP, 4, "Entry 4 does not follow"),
    (("DELETE FROM audit WHERE seq > 7",), 8, "ends at entry 7, its head says 9"),
    (("DELETE FROM audit",), 1, "ends at entry 0, its head says 9"),
    (("UPDATE chain_head SET seq = 5",), 10, "the head was changed"),
    (("UPDATE chain_head SET hash = 'x'",), 10, "the head was changed"),
    (("DELETE FROM chain_head",), 10, "head of the chain is missing"),
]


@pytest.mark.parametrize("tampering", _TAMPERINGS, ids=[problem for _, _, problem in _TAMPERINGS])
async def test_tampering_is_named_with_its_place(
    store: Store, sql: Sql, unguarded: Drop, tampering: tuple[tuple[str, ...], int, str]
) -> None:
    statements, place, problem = tampering
    await _write(store, 9)
    await unguarded()
    await sql(*statements)
    report = await store.audit.verify()
    assert (report.intact, report.broken_at) == (False, place)
    assert problem in report.problem


async def test_a_chain_cut_off_together_with_its_head_is_noticed_by_the_anchor_outside(
    store: Store, sql: Sql, unguarded: Drop
) -> None:
    await _write(store, 9)
    anchor = await store.audit.head()
    await unguarded()
    await sql(
        "DELETE FROM audit WHERE seq > 7",
        "UPDATE chain_head SET seq = 7, hash = (SELECT hash FROM audit WHERE seq = 7)",
    )
    assert (await store.audit.verify()).intact
    report = await store.audit.verify(anchor)
    assert (report.intact, report.broken_at) == (False, 8)
    assert "an older copy was restored" in report.problem


async def test_a_chain_that_was_rewritten_as_a_whole_is_noticed_by_the_anchor_outside(store: Store) -> None:
    await _write(store, 3)
    report = await store.audit.verify(Anchor(seq=2, hash="f" * 64))
    assert (report.intact, report.broken_at) == (False, 2)
    assert "rewritten" in report.problem


async def test_an_anchor_of_an_older_moment_still_holds_later(store: Store) -> None:
    await _write(store, 2)
    anchor = await store.audit.head()
    await _write(store, 2)
    assert (await store.audit.verify(anchor)).intact
    assert (await store.audit.verify(Anchor(seq=0, hash=chain.GENESIS))).intact


async def test_a_hostile_nul_in_a_text_neither_stops_the_store_nor_breaks_the_chain(store: Store) -> None:
    await store.audit.append("note.made", "hf/\x00C", "sub\x00ject", {"reason": "a\x00b"})
    (entry,) = await store.audit.list_entries()
    assert (entry.engagement, entry.subject, entry.facts) == ("hf/\ufffdC", "sub\ufffdject", {"reason": "a\x00b"})
    assert (await store.audit.verify()).intact


async def test_a_hundred_thousand_entries_are_verified_within_ten_seconds(
    store: Store, sql: Sql, unguarded: Drop, clock: Clock
) -> None:
    await unguarded()
    rows = _links(100_000, clock)
    async with store.database.write() as connection:
        for start in range(0, len(rows), 10_000):
            await connection.execute(insert(table_of(AuditRow)), rows[start : start + 10_000])
        await connection.execute(
            text("UPDATE chain_head SET seq = :seq, hash = :hash"), {"seq": len(rows), "hash": rows[-1]["hash"]}
        )
    began = time.perf_counter()
    report = await store.audit.verify()
    took_s = time.perf_counter() - began
    assert (report.intact, report.entries) == (True, 100_000)
    assert took_s < 10
    await sql("DELETE FROM audit WHERE seq = 77777")
    assert (await store.audit.verify()).broken_at == 77_777


def _links(count: int, clock: Clock) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    previous, at = chain.GENESIS, clock()
    for seq in range(1, count + 1):
        content = {"seq": seq, "at": at, "kind": "note.made", "engagement": "hf/C-1", "subject": "s", "facts": "{}"}
        link = chain.hash_of(**content, previous=previous)  # type: ignore[arg-type]
        rows.append({**content, "previous_hash": previous, "hash": link})
        previous = link
    return rows
