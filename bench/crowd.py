"""Many deals at once: a long queue worked off, thousands that wait for a person, and whether a deal costs more then."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.arms import Round, TielineArm, measured
from bench.deals import Deal
from bench.house import House
from bench.side_by_side import LOADED_AT_ONCE

__all__ = ["Crowd", "CrowdSize", "crowd"]

_STARTS_AT_ONCE = 50
_LOOK_S = 1.0
_LEAD = 0.1
"""The rate of the queue is taken between the first tenth and the end, so that no start-up time is in it."""


@dataclass(frozen=True)
class CrowdSize:
    """How many, and how long at most."""

    sample: int
    runnable: int
    parked: int
    limit_s: float


@dataclass
class Crowd:
    """What was seen."""

    before: Round
    after: Round
    queued: int
    backlog_per_second: float
    parked: int
    parked_rss_mb: dict[int, float] = field(default_factory=dict)
    start_rss_mb: float = 0.0


async def crowd(
    house: House, samples: tuple[Sequence[Deal], Sequence[Deal]], runnable: Sequence[Deal], parking: Sequence[Deal],
    size: CrowdSize,
) -> Crowd:  # fmt: skip
    """A sample; then everything queued while no worker runs; then a worker, until all is done or parked; a sample."""
    first = await house.worker("worker-before")
    arm = TielineArm(house, first)
    await arm.run(samples[0][: size.sample // 4], LOADED_AT_ONCE)
    before = await measured(house, arm, samples[0][size.sample // 4 :], LOADED_AT_ONCE)
    await first.stop()
    await _queue(house, [*runnable, *parking])
    store = house.folder / "store.db"
    active_before = await asyncio.to_thread(_count, store, "active")
    worker = await house.worker("worker-crowd")
    began = time.monotonic()
    done: list[tuple[float, int]] = []
    rss: dict[int, float] = {}
    start_rss = 0.0
    parked = 0
    while time.monotonic() - began < size.limit_s and (parked < len(parking) or done[-1][1] < len(runnable)):
        await asyncio.sleep(_LOOK_S)
        active = await asyncio.to_thread(_count, store, "active") - active_before
        parked = await asyncio.to_thread(_count, store, "deciding")
        done.append((time.monotonic() - began, active))
        start_rss = start_rss or worker.rss_mb()
        for level in (1_000, len(parking)):
            if parked >= level and level not in rss:
                rss[level] = worker.rss_mb()
    rss.setdefault(parked, worker.rss_mb())
    after = await measured(house, TielineArm(house, worker), samples[1], LOADED_AT_ONCE)
    await worker.stop()
    return Crowd(before, after, len(runnable) + len(parking), _rate(done, len(runnable)), parked, rss, start_rss)


async def _queue(house: House, deals: Sequence[Deal]) -> None:
    turn = asyncio.Semaphore(_STARTS_AT_ONCE)

    async def start(deal: Deal) -> None:
        async with turn:
            await house.starter.start_or_join(deal.as_contract)

    await asyncio.gather(*(start(deal) for deal in deals))


def _count(store: Path, stage: str) -> int:
    """Read beside the worker, without asking it."""
    connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    try:
        (count,) = connection.execute("SELECT COUNT(*) FROM engagement WHERE stage = ?", (stage,)).fetchone()
    finally:
        connection.close()
    return int(count)


def _rate(done: Sequence[tuple[float, int]], runnable: int) -> float:
    """Deals per second while the queue was long."""
    working = [(at, count) for at, count in done if runnable * _LEAD <= count < runnable]
    if len(working) < 2:  # noqa: PLR2004 - a rate needs two points
        return done[-1][1] / done[-1][0]
    (start, low), (end, high) = working[0], working[-1]
    return (high - low) / (end - start)
