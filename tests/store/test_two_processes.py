from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from models.roles import Role
from ports.ledger import OperationState
from store import Store
from tests.store.facts import ENGAGEMENT, a_plan

pytestmark = pytest.mark.kills


async def _start(task: str, url: str, count: int, name: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-m", "tests.store.other_process", task, url, str(count), name,
        cwd=Path(__file__).parents[2], stdin=PIPE, stdout=PIPE,
    )  # fmt: skip


async def _race(task: str, url: str, count: int, names: tuple[str, str]) -> list[int]:
    processes = [await _start(task, url, count, name) for name in names]
    answers = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0, 0]
    return [int(out) for out, _ in answers]


async def test_two_processes_with_the_same_intents_are_first_once_per_intent(store: Store, database_url: str) -> None:
    first = await _race("intend", database_url, 25, ("run-a", "run-b"))
    assert sum(first) == 25
    rows = await store.ledger.list_operations(ENGAGEMENT)
    assert [row.attempts for row in rows] == [2] * 25
    assert (await store.audit.verify()).entries == 50


async def test_two_processes_that_receive_the_same_events_accept_each_once(store: Store, database_url: str) -> None:
    accepted = await _race("accept", database_url, 25, ("a", "b"))
    assert sum(accepted) == 25
    assert len(await store.inbox.list_waiting(100)) == 25


async def test_two_processes_that_append_at_once_never_fork_the_chain(store: Store, database_url: str) -> None:
    await _race("append", database_url, 40, ("a", "b"))
    report = await store.audit.verify()
    assert (report.intact, report.entries) == (True, 80)
    subjects = [entry.subject for entry in await store.audit.list_entries()]
    assert len(set(subjects)) == 80


async def test_two_processes_that_sign_the_same_slots_get_one_signature_each_time(
    store: Store, database_url: str
) -> None:
    plans = [a_plan(("finance", Role.CONTROLLER), basis=f"basis-{number}") for number in range(15)]
    digests = [await store.plans.save_plan(plan) for plan in plans]
    listed = ",".join(digests)
    accepted = await _race("sign", database_url, 15, (f"carla:{listed}", f"colin:{listed}"))
    assert sum(accepted) == 15
    for digest in digests:
        assert len(await store.desk.list_signatures(digest)) == 1
    kinds = [entry.kind for entry in await store.audit.list_entries()]
    assert (kinds.count("decision.accepted"), kinds.count("decision.refused")) == (15, 15)


@pytest.mark.parametrize("after", [1, 7, 23])
async def test_a_process_killed_in_the_middle_leaves_whole_transactions_only(
    store: Store, database_url: str, after: int
) -> None:
    process = await _start("work", database_url, 10_000, "w")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"go\n")
    for _ in range(after):
        await process.stdout.readline()
    process.kill()
    await process.communicate()
    report = await store.audit.verify()
    assert report.intact
    rows = await store.ledger.list_operations(ENGAGEMENT)
    assert len(rows) >= after
    kinds = [entry.kind for entry in await store.audit.list_entries()]
    applied = [row for row in rows if row.state is OperationState.APPLIED]
    assert kinds.count("operation.intended") == len(rows)
    assert kinds.count("operation.applied") == len(applied)
    assert len(rows) - len(applied) <= 1
    assert all(row.effect is not None for row in applied)
