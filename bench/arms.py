"""The three ways in which the same deals are done, each behind the same two questions: how long, and at what cost."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from temporalio.client import Client

from bench.bare_process import BareDeal, BareProcess
from bench.deals import Deal
from bench.house import FIRM, House
from bench.processes import Child, cpu_s_of
from bench.recorded import Scripts, script_of
from models.ids import engagement_id
from models.process import Outcome
from runtime.temporal import TemporalStarter
from workflows.policies import TASK_TIMEOUT

__all__ = ["Arm", "BareArm", "RawArm", "Round", "TielineArm", "measured"]


@dataclass
class Round:
    """One arm over some deals."""

    deals: int
    seconds: float
    took_ms: list[float]
    cpu_ms: dict[str, float] = field(default_factory=dict)
    """Per deal, by process: the arm's own, the engine, both simulators."""
    redone: int = 0
    """Deals whose run lost its task to a time-out, did its steps again and found them done."""

    @property
    def per_second(self) -> float:
        """Throughput."""
        return self.deals / self.seconds


class Arm(Protocol):
    """One way to do deals."""

    name: str
    process: Child
    redone: int

    async def run(self, deals: Sequence[Deal], at_once: int) -> tuple[float, list[float]]:
        """Do them, `at_once` in flight; seconds for all and for each."""
        ...


class TielineArm:
    """Tieline as shipped: from the start that the dispatcher makes to the result `active`."""

    name = "tieline"

    def __init__(self, house: House, process: Child) -> None:
        self.process = process
        self.redone = 0
        self._starter: TemporalStarter = house.starter

    async def run(self, deals: Sequence[Deal], at_once: int) -> tuple[float, list[float]]:
        """Each deal must end active, or the figures are worth nothing."""

        async def one(deal: Deal) -> None:
            await self._starter.start_or_join(deal.as_contract)
            result = await self._starter.handle(engagement_id(FIRM, deal.contract)).result()
            self.redone += result.outcome is Outcome.NOTHING_TO_DO
            if result.outcome not in {Outcome.ACTIVE, Outcome.NOTHING_TO_DO}:
                raise RuntimeError(f"{deal.contract} did not become active: {result.sentence}")

        return await _closed_loop(one, deals, at_once)


class BareArm:
    """The same calls as plain activities on the same server."""

    name = "bare"
    redone = 0

    def __init__(self, client: Client, queue: str, scripts: Scripts, process: Child) -> None:
        self.process = process
        self._client = client
        self._queue = queue
        self._scripts = scripts

    async def run(self, deals: Sequence[Deal], at_once: int) -> tuple[float, list[float]]:
        """Start, and wait for the result, as the other arm does."""

        async def one(deal: Deal) -> None:
            await self._client.execute_workflow(
                BareProcess.run,
                BareDeal(number=deal.number, calls=len(script_of(self._scripts, deal))),
                id=f"bare/{deal.contract}",
                task_queue=self._queue,
                task_timeout=TASK_TIMEOUT,
            )

        return await _closed_loop(one, deals, at_once)


class RawArm:
    """The same calls with an HTTP client and nothing else."""

    name = "raw"
    redone = 0

    def __init__(self, process: Child) -> None:
        self.process = process

    async def run(self, deals: Sequence[Deal], at_once: int) -> tuple[float, list[float]]:
        """The process measures itself."""
        answer = await self.process.ask(json.dumps({"numbers": [deal.number for deal in deals], "at_once": at_once}))
        return float(answer["seconds"]), [float(took) for took in answer["took"]]


async def measured(house: House, arm: Arm, deals: Sequence[Deal], at_once: int) -> Round:
    """Run an arm, with what each process used meanwhile."""
    pids = {"own": arm.process.pid, "crm": house.crm.process.pid, "erp": house.erp.process.pid}
    if house.temporal.pid is not None:
        pids["engine"] = house.temporal.pid
    before, redone = {name: cpu_s_of(pid) for name, pid in pids.items()}, arm.redone
    seconds, took = await arm.run(deals, at_once)
    spent = {name: (cpu_s_of(pid) - before[name]) * 1000 / len(deals) for name, pid in pids.items()}
    return Round(len(deals), seconds, [one * 1000 for one in took], spent, arm.redone - redone)


async def _closed_loop(one: _One, deals: Sequence[Deal], at_once: int) -> tuple[float, list[float]]:
    turn = asyncio.Semaphore(at_once)
    took: list[float] = []

    async def timed(deal: Deal) -> None:
        async with turn:
            began = time.perf_counter()
            await one(deal)
            took.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(timed(deal) for deal in deals))
    return time.perf_counter() - began, took


class _One(Protocol):
    async def __call__(self, deal: Deal) -> None: ...
