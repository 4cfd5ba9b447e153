"""Every external write of quote to project x every point of a crash: `python -m tests.e2e.crash_matrix`.

Writes docs/evidence/crash-matrix.md. The judge is the simulators' journal and the audit chain.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from tests.e2e.crash_cells import run_cell
from tests.e2e.crash_page import Run, page_of
from tests.e2e.crash_races import RACES, run_race, tag_of
from tests.e2e.crash_scene import KILLS, OPERATIONS, POINTS, TRIES, Cell, Result
from tests.e2e.fresh_deals import rulebook_with
from tests.e2e.site import Site, open_site
from tests.e2e.stand import ROOT, Stand, open_stand

__all__ = ["EVIDENCE", "main"]

EVIDENCE = ROOT / "docs" / "evidence" / "crash-matrix.md"
_ATTEMPTS = range(1, 2 * TRIES + 1)
_MOST_PARALLEL_WITHOUT_KILL = 4

Job = Callable[[int], Awaitable[Result]]
"""Runs a cell, from that attempt on."""


def main() -> int:
    """Run the matrix; 0 when every cell passed."""
    arguments = _arguments()
    started_at, began = datetime.now(UTC), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tieline-crashes-") as folder:
        results = asyncio.run(_run(Path(folder), re.compile(arguments.only), arguments.parallel))
    failed = [result for result in results if not result.passed]
    if not arguments.dry:
        run = Run(arguments.only, arguments.parallel, started_at, time.monotonic() - began)
        text = page_of(results, run)
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        kept = _kept(arguments.out)
        arguments.out.write_text(text + kept, encoding="utf-8")
    print(f"{len(results)} cells, {len(failed)} failed, {time.monotonic() - began:.0f} s")  # noqa: T201 - a command
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="Regular expression on the cell's name, such as 'project P[01]'.")
    parser.add_argument("--parallel", type=int, default=2, help="How many cells with a kill run side by side.")
    parser.add_argument("--out", type=Path, default=EVIDENCE, help="Where the page is written.")
    parser.add_argument("--dry", action="store_true", help="Write no page.")
    return parser.parse_args()


async def _run(folder: Path, only: re.Pattern[str], parallel: int) -> list[Result]:
    cells = [cell for point in POINTS for cell in (Cell(operation, point) for operation in OPERATIONS)]
    cells = [cell for cell in cells if only.search(cell.name)]
    races = [(race, write) for race, (_, _, writes) in RACES.items() for write in writes]
    races = [(race, write) for race, write in races if only.search(f"{write} {race}")]
    tags = [cell.tag(attempt) for cell in cells for attempt in _ATTEMPTS]
    tags += [tag_of(race, write, attempt) for race, write in races for attempt in _ATTEMPTS]
    tags += [f"{tag}B" for tag in tags if tag.startswith("W3")]
    rules = rulebook_with(folder / "rules", tags)
    async with open_stand(folder, worker=False, rules=rules) as stand, open_site(stand, folder / "shared") as shared:
        steady = [_cell_job(stand, folder, cell, shared) for cell in cells if cell.point not in KILLS]
        results = await _side_by_side(steady, _MOST_PARALLEL_WITHOUT_KILL)
        kills = [_cell_job(stand, folder, cell, shared) for cell in cells if cell.point in KILLS]
        kills += [_race_job(stand, folder, race, write) for race, write in races]
        killed = await _side_by_side(kills, parallel)
        return results + [await _again_if_only_late(job, result) for job, result in zip(kills, killed, strict=True)]


async def _again_if_only_late(job: Job, result: Result) -> Result:
    """Its effects were right, only the limit was passed: measured once more with nothing of ours beside it."""
    if not result.was_only_late:
        return result
    again = await job(TRIES + 1)
    again.earlier = result
    again.attempts += result.attempts
    _tell(again)
    return again


def _cell_job(stand: Stand, folder: Path, cell: Cell, shared: Site) -> Job:
    return lambda first: run_cell(stand, folder, cell, shared=shared, first=first)


def _race_job(stand: Stand, folder: Path, race: str, write: str) -> Job:
    return lambda first: run_race(stand, folder, race, write, first=first)


async def _side_by_side(jobs: list[Job], most: int) -> list[Result]:
    turns = asyncio.Semaphore(most)

    async def one(job: Job) -> Result:
        async with turns:
            result = await job(1)
        _tell(result)
        return result

    return list(await asyncio.gather(*(one(job) for job in jobs)))


def _tell(result: Result) -> None:
    seconds = "" if result.recovery_s is None else f" {result.recovery_s:.1f} s at load {result.load:.1f}"
    print(f"{'pass' if result.passed else 'FAIL'} {result.name}{seconds}", flush=True)  # noqa: T201 - a command
    for problem in result.problems:
        print(f"     {problem}", flush=True)  # noqa: T201 - a command


def _kept(page: Path) -> str:
    """The part about planted bugs is written by hand after its own run, and stays."""
    mark = "\n## Does the harness bite?"
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    return mark + old.split(mark, 1)[1] if mark in old else ""


if __name__ == "__main__":
    sys.exit(main())
