"""Tieline, bare and raw in turns, so that whatever else the machine does hits all of them alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median

from bench.arms import Arm, BareArm, RawArm, Round, TielineArm, measured
from bench.deals import Deal
from bench.house import House
from bench.recorded import Scripts, write_scripts

__all__ = ["LOADED_AT_ONCE", "Plan", "SideBySide", "Spread", "arms_of", "compare", "needed", "quantile", "spread_of"]

LOADED_AT_ONCE = 30


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    rounds: int
    loaded_deals: int
    lone_deals: int


@dataclass(frozen=True)
class Spread:
    """Several rounds of one figure."""

    middle: float
    least: float
    most: float


@dataclass
class SideBySide:
    """All rounds, by arm; loaded and alone are never mixed."""

    loaded: dict[str, list[Round]] = field(default_factory=dict)
    lone: dict[str, list[Round]] = field(default_factory=dict)

    def throughput_ratio(self, other: str) -> Spread:
        """Tieline's deals per second over the other's, round by round."""
        pairs = zip(self.loaded["tieline"], self.loaded[other], strict=True)
        return spread_of([ours.per_second / theirs.per_second for ours, theirs in pairs])

    def lone_ratio(self, other: str) -> Spread:
        """Tieline's time for a deal alone over the other's, round by round."""
        pairs = zip(self.lone["tieline"], self.lone[other], strict=True)
        return spread_of([median(ours.took_ms) / median(theirs.took_ms) for ours, theirs in pairs])


@asynccontextmanager
async def arms_of(house: House, scripts: Scripts) -> AsyncIterator[list[Arm]]:
    """The three arms, each in a process of its own, all running for as long as the comparison lasts."""
    path = house.folder / "scripts.json"
    write_scripts(path, scripts)
    queue = f"{house.queue}-bare"
    worker = await house.worker()
    bare = await house.start("bare", ["-m", "bench.references", "bare", str(path), house.temporal.address, queue], {})
    raw = await house.start("raw", ["-m", "bench.references", "raw", str(path)], {})
    await bare.first_line()
    await raw.first_line()
    yield [TielineArm(house, worker), BareArm(house.client, queue, scripts, bare), RawArm(raw)]
    for child in (worker, bare, raw):
        await child.stop()


async def compare(house: House, arms: list[Arm], deals: Iterator[Deal], plan: Plan) -> SideBySide:
    """Rounds in which every arm has its turn, another one first each time."""
    found = SideBySide({arm.name: [] for arm in arms}, {arm.name: [] for arm in arms})
    for arm in arms:
        await arm.run(_take(deals, 10), 5)
    for number in range(plan.rounds):
        turns = arms[number % len(arms) :] + arms[: number % len(arms)]
        for arm in turns:
            found.lone[arm.name].append(await measured(house, arm, _take(deals, plan.lone_deals), 1))
        for arm in turns:
            batch = _take(deals, plan.loaded_deals)
            found.loaded[arm.name].append(await measured(house, arm, batch, LOADED_AT_ONCE))
    return found


def needed(plan: Plan) -> int:
    """How many deals a comparison of three arms uses up, rounding included."""
    return 3 * (plan.rounds * (plan.loaded_deals + plan.lone_deals + 8) + 20)


def spread_of(values: list[float]) -> Spread:
    """Median and ends."""
    return Spread(median(values), min(values), max(values))


def quantile(values: list[float], part: float) -> float:
    """The value below which that part of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def _take(deals: Iterator[Deal], count: int) -> list[Deal]:
    """The next deals; every fourth is a repeated buyer's, in every arm alike."""
    return [next(deals) for _ in range(count + -count % 4)]
