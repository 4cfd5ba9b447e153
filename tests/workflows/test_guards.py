"""Faults in workflow code are refused, or seen."""

from __future__ import annotations

import ast
import asyncio
import dataclasses
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import SandboxImportNotificationPolicy

from models.blocker import OpenItem
from runtime.temporal import PASSED_THROUGH, build_worker
from runtime.watch import EngineWatch
from tests.workflows.broken import HasABug, ReadsTheClock
from tests.workflows.contracts import checked
from tests.workflows.house import ROOT, House, open_house, until
from tests.workflows.reaches_out import ReachesOut


def _imported(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {item.name.partition(".")[0] for item in node.names}
        if isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize("file", sorted((ROOT / "workflows").glob("*.py")), ids=lambda file: file.name)
def test_our_workflow_modules_import_only_what_is_loaded_once_for_all_runs(file: Path) -> None:
    """Anything else would be loaded again for each run, or is no business of a workflow."""
    allowed = {*PASSED_THROUGH, *sys.stdlib_module_names, "temporalio", "workflows"}
    assert _imported(file) <= allowed
    assert not _imported(file) & {"connectors", "connector_kit", "store", "httpx", "sqlalchemy", "sqlmodel", "runtime"}


def _our_runner(house: House) -> SandboxedWorkflowRunner:
    """The sandbox of our own worker, whatever it is set to."""
    runner = build_worker(house.client, f"none-{uuid.uuid4()}", house.tieline.activities).config()["workflow_runner"]
    assert isinstance(runner, SandboxedWorkflowRunner)
    return runner


_QUIET_PARTS_OF_THE_LIBRARY = {
    "__future__", "asyncio", "collections", "contextlib", "dataclasses", "datetime", "decimal", "enum", "functools",
    "hashlib", "itertools", "re", "typing",
}  # fmt: skip
_CLOCKS = {"now", "utcnow", "today"}
_OUTSIDE = {
    "breakpoint", "compile", "create_subprocess_exec", "create_subprocess_shell", "eval", "exec", "getaddrinfo", "hash",
    "id", "input", "open", "open_connection", "open_unix_connection", "print", "run_in_executor", "to_thread",
    "urandom", "__import__",
}  # fmt: skip


def _reaches_outside(file: Path) -> list[str]:
    """Clocks, randomness, threads, files and the network, wherever they stand in the file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found = sorted(_imported(file) & set(sys.stdlib_module_names) - _QUIET_PARTS_OF_THE_LIBRARY)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in _CLOCKS | _OUTSIDE:
            of_the_engine = isinstance(node.value, ast.Name) and node.value.id == "workflow"
            found += [] if of_the_engine else [f"line {node.lineno}: {node.attr}"]
        elif isinstance(node, ast.Name) and node.id in _OUTSIDE:
            found.append(f"line {node.lineno}: {node.id}")
    return found


@pytest.mark.parametrize("file", sorted((ROOT / "workflows").glob("*.py")), ids=lambda file: file.name)
def test_no_line_of_our_workflow_modules_reaches_outside(file: Path) -> None:
    """The engine's guards speak only when a line is run; this reads the lines that no test runs, too."""
    assert "workflows" not in PASSED_THROUGH
    assert not _reaches_outside(file)


@pytest.mark.parametrize(
    "line",
    ["import time", "from random import random", "import os", "x = datetime.now(UTC)", "x = date.today()", "open('x')",
     "await asyncio.to_thread(f)", "x = hash('a')", "from uuid import uuid4"],
)  # fmt: skip
def test_the_reader_of_workflow_modules_finds_what_it_looks_for(line: str, tmp_path: Path) -> None:
    file = tmp_path / "process.py"
    file.write_text(line)
    assert _reaches_outside(file)


async def test_a_workflow_that_reads_the_clock_fails_under_our_sandbox(house: House) -> None:
    queue = f"{house.queue}-clock"
    async with Worker(house.client, task_queue=queue, workflows=[ReadsTheClock], workflow_runner=_our_runner(house)):
        handle = await house.client.start_workflow(ReadsTheClock.run, id=queue, task_queue=queue)

        async def failure() -> str | None:
            for event in (await handle.fetch_history()).events:
                if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
                    return str(event.workflow_task_failed_event_attributes.failure.message)
            return None

        assert "datetime.now" in await until(failure, "a refusal")
        await handle.terminate()


async def test_a_workflow_module_that_imports_a_connector_is_no_worker(house: House) -> None:
    runner = _our_runner(house)
    strict = SandboxedWorkflowRunner(
        restrictions=dataclasses.replace(
            runner.restrictions,
            import_notification_policy=SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH,
        )
    )

    with pytest.raises(RuntimeError, match="reaches-out") as refused:
        Worker(house.client, task_queue=f"{house.queue}-bad", workflows=[ReachesOut], workflow_runner=strict)
    assert "connectors" in str(refused.value.__cause__)


async def test_a_bug_shows_on_the_desk_and_leaves_it_when_it_is_mended(
    impatient_client: Client, tmp_path: Path
) -> None:
    async with open_house(impatient_client, tmp_path) as house:
        await house.win(checked())
        decision = await house.waiting()
        queue = f"{house.queue}-bug"
        watch = EngineWatch(
            house.client, house.store.desk, firm=house.firm, task_queue=queue, due_at=lambda _: datetime.now(UTC)
        )
        async with Worker(house.client, task_queue=queue, workflows=[HasABug], workflow_runner=_our_runner(house)):
            handle = await house.client.start_workflow(HasABug.run, id=f"bug/{uuid.uuid4()}", task_queue=queue)
            assert await watch.look() == ()
            await handle.signal(HasABug.go)
            await until(watch.look, "a reported problem")
            assert await watch.look() == (handle.id,)

            item = await _stuck(house)
            assert (item.owner, item.record, item.workflow_id) == ("integration", handle.id, handle.id)
            assert len(await house.audit("blocker.raised")) == 1
            assert await house.waiting() == decision

            await handle.terminate()
            await until(lambda: _gone(watch), "the end of it")
        assert [item.code for item in await house.store.desk.list_open(house.firm)] == ["decision"]


async def test_the_watch_looks_again_and_again_until_it_is_stopped(house: House) -> None:
    watch = EngineWatch(
        house.client, house.store.desk, firm=house.firm, task_queue=house.queue,
        due_at=lambda _: datetime.now(UTC), look_every_s=0.01,
    )  # fmt: skip
    working = asyncio.create_task(watch.run())
    await house.win(checked())
    await house.waiting()

    watch.stop()

    await asyncio.wait_for(working, 5)
    assert [item.code for item in await house.store.desk.list_open(house.firm)] == ["decision"]


async def _stuck(house: House) -> OpenItem:
    return await house.waiting("TL-INT-030")


async def _gone(watch: EngineWatch) -> bool:
    return await watch.look() == ()
