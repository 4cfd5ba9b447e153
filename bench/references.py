"""The references as processes of their own: `python -m bench.references bare|raw SCRIPTS ...`."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from bench.bare_process import BareCall, BareProcess
from bench.deals import deal_of
from bench.recorded import Scripts, read_scripts, replay_one, script_of
from runtime.leave import leave
from runtime.temporal import PASSED_THROUGH

__all__ = ["main"]

_LIMITS = httpx.Limits(max_connections=60, max_keepalive_connections=30)
"""As Tieline's own connections have it."""


class VendorCalls:
    """The one activity of the bare reference."""

    def __init__(self, http: httpx.AsyncClient, scripts: Scripts) -> None:
        self._http = http
        self._scripts = scripts

    @activity.defn(name="vendor-call")
    async def call(self, call: BareCall) -> str:
        """Send it; the id it got."""
        deal = deal_of(call.number)
        return await replay_one(self._http, script_of(self._scripts, deal)[call.at], deal, call.answers)


async def run_bare(scripts: Scripts, address: str, queue: str) -> None:
    """A worker with the settings of Tieline's own."""
    client = await Client.connect(address)
    async with httpx.AsyncClient(timeout=30, limits=_LIMITS) as http:
        worker = Worker(
            client,
            task_queue=queue,
            workflows=[BareProcess],
            activities=[VendorCalls(http, scripts).call],
            workflow_runner=SandboxedWorkflowRunner(
                restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
            ),
            max_cached_workflows=500,
            max_concurrent_workflow_tasks=20,
            max_concurrent_activities=100,
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
        )
        print(json.dumps({"ready": "bare"}), flush=True)
        await worker.run()


async def run_raw(scripts: Scripts) -> None:
    """Rounds on demand: a line `{"numbers": [...], "at_once": n}` in, a line of figures out."""
    async with httpx.AsyncClient(timeout=30, limits=_LIMITS) as http:
        print(json.dumps({"ready": "raw"}), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            asked: dict[str, Any] = json.loads(line)
            print(json.dumps(await _raw_round(http, scripts, asked["numbers"], asked["at_once"])), flush=True)


async def _raw_round(http: httpx.AsyncClient, scripts: Scripts, numbers: list[int], at_once: int) -> dict[str, Any]:
    turn = asyncio.Semaphore(at_once)
    took: list[float] = []

    async def one(number: int) -> None:
        deal, answers = deal_of(number), list[str]()
        async with turn:
            began = time.perf_counter()
            for call in script_of(scripts, deal):
                answers.append(await replay_one(http, call, deal, answers))
            took.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(one(number) for number in numbers))
    return {"seconds": time.perf_counter() - began, "took": took}


def main(arguments: list[str]) -> None:
    """Run until it is ended."""
    scripts = read_scripts(Path(arguments[1]))
    code = 0
    try:
        if arguments[0] == "bare":
            asyncio.run(run_bare(scripts, arguments[2], arguments[3]))
        else:
            asyncio.run(run_raw(scripts))
    except KeyboardInterrupt:
        code = 1
    leave(code)


if __name__ == "__main__":
    main(sys.argv[1:])
