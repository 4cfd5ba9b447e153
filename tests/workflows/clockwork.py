"""The server on which weeks pass in milliseconds, and a clock for everything else that follows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import temporalio.client
import temporalio.worker
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from tests.workflows.house import House, open_house

__all__ = ["Clockwork", "ServerClock"]


class ServerClock(temporalio.client.Interceptor, temporalio.worker.Interceptor):
    """Our store, our rules and our signatures live in the server's time: it is asked before each step.

    A local activity is told the machine's own time by the SDK, so the engine's facts about a step are no help.
    """

    def __init__(self) -> None:
        self.environment: WorkflowEnvironment | None = None
        self._now = datetime.now(UTC)

    def now(self) -> datetime:
        return self._now

    async def read(self) -> datetime:
        assert self.environment is not None
        self._now = await self.environment.get_current_time()
        return self._now

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        clock = self

        class Reading(ActivityInboundInterceptor):
            async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
                await clock.read()
                return await super().execute_activity(input)

        return Reading(next)


@dataclass(frozen=True)
class Clockwork:
    """Time passes when a test says so, and only then."""

    environment: WorkflowEnvironment
    clock: ServerClock
    folder: Path

    @asynccontextmanager
    async def open_house(self) -> AsyncIterator[House]:
        await self.clock.read()
        async with open_house(self.environment.client, self.folder, now=self.clock.now) as house:
            yield house

    async def pass_time(self, time: timedelta) -> None:
        await self.environment.sleep(time)
        await self.clock.read()

    async def pass_until(self, instant: datetime) -> None:
        left = instant - await self.clock.read()
        if left > timedelta(0):
            await self.pass_time(left)
