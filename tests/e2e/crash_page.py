"""The page of evidence that a run of the crash matrix writes."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
from dataclasses import dataclass
from datetime import datetime

from tests.e2e.crash_races import RACES
from tests.e2e.crash_scene import LIMIT_S, POINTS, Result
from tests.e2e.stand import ROOT

__all__ = ["Run", "page_of"]

_ABOUT = """\
# Crash matrix of quote to project

Each external write, disturbed at each point of its way, in front of simulated vendors. The judge is the simulators'
journal of applied changes and the audit chain, never Tieline's own report.

- Command: `{command}`; commit `{commit}`; {started_at:%d %b %Y %H:%M} UTC; {seconds:.0f} s, {parallel} kill cells side
  by side
- Machine: {machine}, {cores} cores, load {load:.1f} over five minutes at the end, Python {python}; SQLite store,
  Temporal development server
- Cells: N = {cells}, failed {failed}. Zero failed in N means: at most 3/N = {bound:.3f} of such cells fail, with 95%
  confidence, if the runs of cells are taken as independent draws. Each cell was run once: this is an enumeration, not a
  sample of timings
- From the kill to the deal's end: {spread}. It contains the start of the next worker process. More than {limit:.0f} s
  fails the cell, with one exception: a cell that was right and only late is measured once more with nothing of ours
  beside it, and counts as that second time. That happened to {again} cells; both times are shown with the load (mean of
  one minute) and both are in the figures of this line. Two holders (W1, W2) have no limit: the engine goes on handing
  tasks to a process that is only frozen
- A cell passes when: one create per external id, nothing deleted, repeated updates change nothing, one note to the
  owner; each change at the vendors has its `operation.applied` naming the record, and each of those its change; the
  chain verifies; no row is left `intended` or `unknown`; the deal is at its right end
- The point of each kill is looked at before it (row in the store, journal, history, waiting thread). Where the worker
  had passed it already, nothing was killed and the cell ran again with a fresh deal (column Deals)
- P1 is looked at with the request at the vendor and nothing applied: store, journal and history then are as they are
  in the instant between the stored intent and the first byte, at which no kill was placed
- Two holders (W1, W2) are frozen outside of a transaction of the store. One that is frozen inside holds SQLite's only
  write lock: nobody goes on, and another worker cannot start, until it is woken or killed
- The vendors are simulators built from public documents; what the originals do under the same faults is not shown here
"""


@dataclass(frozen=True)
class Run:
    """How the matrix was run."""

    only: str
    parallel: int
    started_at: datetime
    seconds: float


def page_of(results: list[Result], run: Run) -> str:
    """The page: what was run, what it means, one row for each cell."""
    measured = results + [result.earlier for result in results if result.earlier is not None]
    times = [result.recovery_s for result in measured if result.recovery_s is not None]
    meaning = POINTS | {race: what for race, (what, _, _) in RACES.items()}
    about = _ABOUT.format(
        command="python -m tests.e2e.crash_matrix" + (f" --only '{run.only}'" if run.only else ""),
        commit=_commit(), started_at=run.started_at, seconds=run.seconds, parallel=run.parallel,
        machine=f"{platform.system()} {platform.machine()}", cores=os.cpu_count(), load=os.getloadavg()[1],
        python=platform.python_version(), cells=len(results), failed=sum(not result.passed for result in results),
        bound=3 / max(len(results), 1), spread=_spread(times),
        again=sum(result.earlier is not None for result in results), limit=LIMIT_S,
    )  # fmt: skip
    lines = [
        about,
        "| Point | What happens |",
        "|---|---|",
        *(f"| {point} | {what} |" for point, what in meaning.items()),
        "",
        "| Cell | Result | Recovery | Deals | Seen at the point |",
        "|---|---|---|---|---|",
        *(_line(result) for result in results),
        "",
    ]
    return "\n".join(lines)


def _line(result: Result) -> str:
    came = "pass" if result.passed else "FAIL: " + "; ".join(result.problems).replace("|", "/")
    seconds = "; before: ".join(_time(one) for one in (result, result.earlier) if one is not None)
    return f"| {result.name} | {came} | {seconds} | {result.attempts} | {result.looked} |"


def _time(result: Result) -> str:
    return "" if result.recovery_s is None else f"{result.recovery_s:.1f} s (load {result.load:.1f})"


def _spread(times: list[float]) -> str:
    if not times:
        return "nothing was killed"
    return f"{statistics.median(times):.1f} s (median), {max(times):.1f} s (longest), {len(times)} measured"


def _commit() -> str:
    git = shutil.which("git")
    if git is None:
        return "unknown"
    asked = subprocess.run(  # noqa: S603 - fixed words
        [git, "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"
