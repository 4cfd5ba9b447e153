"""`python -m bench [--quick] [--only NAME] [--rounds N]`: measure, print a table, write bench/result.json."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from bench.crash import recover
from bench.crowd import CrowdSize, crowd
from bench.deals import Deal, deal_of
from bench.house import ERP_CALLS_AT_ONCE, open_house
from bench.page import page_of
from bench.processes import ROOT
from bench.recording import FIRST_FREE, record
from bench.result import Report
from bench.side_by_side import LOADED_AT_ONCE, Plan, arms_of, compare, needed
from bench.workers import two_workers
from runtime.embedded_temporal import EmbeddedTemporal
from runtime.leave import leave

__all__ = ["main"]

RESULT = ROOT / "bench" / "result.json"


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    plan: Plan
    crash: int
    crowd: CrowdSize
    worker_rounds: int
    worker_deals: int


_FULL = Size(Plan(5, 100, 12), 200, CrowdSize(120, 1000, 10_000, 700), 3, 100)
_QUICK = Size(Plan(2, 40, 4), 60, CrowdSize(40, 60, 200, 40), 1, 40)


def main() -> None:
    """Run what was asked for; ends with 0 when everything could be measured, whether or not targets are met."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="How fast Tieline is, beside bare calls.")
    parser.add_argument("--quick", action="store_true", help="a small run, under three minutes")
    parser.add_argument("--only", action="append", choices=sorted(_PARTS), help="this part; may be said several times")
    parser.add_argument("--rounds", type=int, help="rounds of the comparison")
    parser.add_argument(
        "--page", action="store_true", help="measure nothing: the last result as a page for docs/evidence"
    )
    asked = parser.parse_args()
    if asked.page:
        print(page_of(json.loads(RESULT.read_text(encoding="utf-8"))))
        return
    size = _QUICK if asked.quick else _FULL
    if asked.rounds:
        size = Size(Plan(asked.rounds, size.plan.loaded_deals, size.plan.lone_deals), size.crash, size.crowd,
                    size.worker_rounds, size.worker_deals)  # fmt: skip
    report = Report(_settings(asked.quick))
    try:
        asyncio.run(_run(report, size, asked.only or list(_PARTS)))
    finally:
        print(report.table())
    leave(0)


async def _run(report: Report, size: Size, parts: list[str]) -> None:
    began = time.monotonic()
    running = asyncio.current_task()
    if running is not None:
        # Whoever ends the benchmark ends what it started as well.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    for name in parts:
        with tempfile.TemporaryDirectory(prefix="tieline-bench-") as folder:
            await _PARTS[name](report, size, Path(folder))
        report.settings["seconds"] = round(time.monotonic() - began)
        report.write(RESULT)
        print(f"{name}: done after {report.settings['seconds']} s", flush=True)


async def _side_by_side(report: Report, size: Size, folder: Path) -> None:
    deals = [deal_of(number) for number in range(FIRST_FREE + needed(size.plan))]
    async with open_house(folder, deals) as house:
        scripts, costs = await record(house)
        report.add_per_deal(costs)
        async with arms_of(house, scripts) as arms:
            report.add_side_by_side(await compare(house, arms, iter(deals[FIRST_FREE:]), size.plan))


async def _crash(report: Report, size: Size, folder: Path) -> None:
    deals = [deal_of(number) for number in range(size.crash)]
    async with open_house(folder, deals) as house:
        report.add_recovery(await recover(house, deals))


async def _crowd(report: Report, size: Size, folder: Path) -> None:
    numbers = count()

    def some(how_many: int, *, parks: bool = False) -> list[Deal]:
        return [deal_of(next(numbers), parks=parks, own_buyer=True) for _ in range(how_many)]

    want = size.crowd
    samples = (some(want.sample + want.sample // 4), some(want.sample))
    runnable, parking = some(want.runnable), some(want.parked, parks=True)
    async with open_house(folder, [*samples[0], *samples[1], *runnable, *parking]) as house:
        report.add_crowd(await crowd(house, samples, runnable, parking, want))


async def _workers(report: Report, size: Size, folder: Path) -> None:
    rounds, batch = size.worker_rounds, size.worker_deals
    deals = [deal_of(number) for number in range(rounds * 2 * (batch + 24))]
    async with open_house(folder, deals) as house:
        report.add_workers(await two_workers(house, iter(deals), rounds=rounds, size=batch))


def _settings(quick: bool) -> dict[str, Any]:
    server = EmbeddedTemporal(None, port=0, ui_port=None).settings
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)  # fmt: skip  # noqa: E501, S607
    return {
        "run": "quick" if quick else "full",
        "commit": commit.stdout.strip() or "unknown",
        "measured_at": f"{datetime.now(UTC):%d %b %Y %H:%M} UTC",
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "cores": os.cpu_count(),
        "load_at_start": [round(one, 1) for one in os.getloadavg()],
        "server": " ".join(server),
        "store": "SQLite, WAL, synchronous=FULL",
        "at_once": LOADED_AT_ONCE,
        "erp_calls_allowed_at_once": ERP_CALLS_AT_ONCE,
    }


_PARTS: dict[str, Callable[[Report, Size, Path], Awaitable[None]]] = {
    "side-by-side": _side_by_side,
    "crash": _crash,
    "workers": _workers,
    "crowd": _crowd,
}

if __name__ == "__main__":
    main()
