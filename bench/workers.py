"""One worker beside two, in turns."""

from __future__ import annotations

from collections.abc import Iterator

from bench.arms import TielineArm
from bench.deals import Deal
from bench.house import House
from bench.side_by_side import LOADED_AT_ONCE, Spread, spread_of

__all__ = ["two_workers"]


async def two_workers(house: House, deals: Iterator[Deal], *, rounds: int, size: int) -> Spread:
    """Throughput with two workers over that with one. Needs cores: the engine and two simulators want some as well."""
    ratios: list[float] = []
    for number in range(rounds):
        rates = dict.fromkeys((1, 2) if number % 2 else (2, 1), 0.0)
        for count in rates:
            children = [await house.worker(f"worker-{count}-{at}") for at in range(count)]
            arm = TielineArm(house, children[0])
            await arm.run([next(deals) for _ in range(24)], LOADED_AT_ONCE)
            seconds, _ = await arm.run([next(deals) for _ in range(size)], LOADED_AT_ONCE)
            rates[count] = size / seconds
            for child in children:
                await child.stop()
        ratios.append(rates[2] / rates[1])
    return spread_of(ratios)
