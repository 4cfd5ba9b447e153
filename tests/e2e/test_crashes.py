"""A slice of the crash matrix: real worker processes, killed and frozen at looked-at points. All: `make crashes`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.crash_cells import run_cell
from tests.e2e.crash_races import run_race, tag_of
from tests.e2e.crash_scene import TRIES, Cell, Result
from tests.e2e.fresh_deals import rulebook_with
from tests.e2e.site import Site, open_site
from tests.e2e.stand import Stand, open_stand

pytestmark = [pytest.mark.kills, pytest.mark.timeout(120)]

KILLED = (Cell("contract", "P3"), Cell("write-back", "P4"), Cell("hold", "P1"))
KILLED_TWICE = ("customer", "W6")
DISTURBED = (Cell("project", "C1"), Cell("write-back", "TL"), Cell("billing-schedule", "R"), Cell("release", "C0"))


@pytest.fixture(scope="module")
async def crash_stand(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    folder = tmp_path_factory.mktemp("crashes")
    tags = [cell.tag(attempt) for cell in (*KILLED, *DISTURBED) for attempt in range(1, 2 * TRIES + 1)]
    tags += [tag_of(KILLED_TWICE[1], KILLED_TWICE[0], attempt) for attempt in range(1, 2 * TRIES + 1)]
    async with open_stand(folder, worker=False, rules=rulebook_with(folder / "rules", tags)) as stand:
        yield stand


@pytest.fixture(scope="module")
async def site(crash_stand: Stand) -> AsyncIterator[Site]:
    async with open_site(crash_stand, crash_stand.folder / "shared") as opened:
        yield opened


def _passed(result: Result) -> None:
    assert result.problems == [], f"{result.name} ({result.looked})"


async def _killed(stand: Stand, folder: Path, cell: Cell) -> None:
    """A cell that is right and only late is measured once more: a machine may be busy for a moment."""
    result = await run_cell(stand, folder, cell)
    _passed(await run_cell(stand, folder, cell, first=TRIES + 1) if result.was_only_late else result)


async def test_a_killed_worker_leaves_each_effect_once(crash_stand: Stand, tmp_path: Path) -> None:
    await asyncio.gather(*(_killed(crash_stand, tmp_path, cell) for cell in KILLED))


async def test_a_worker_killed_after_it_found_the_effect_leaves_it_once(crash_stand: Stand, tmp_path: Path) -> None:
    write, race = KILLED_TWICE
    result = await run_race(crash_stand, tmp_path, race, write)
    _passed(await run_race(crash_stand, tmp_path, race, write, first=TRIES + 1) if result.was_only_late else result)


@pytest.mark.parametrize("cell", DISTURBED, ids=lambda cell: cell.name)
async def test_a_vendor_that_cuts_refuses_or_applies_late_leaves_each_effect_once(
    crash_stand: Stand, site: Site, tmp_path: Path, cell: Cell
) -> None:
    _passed(await run_cell(crash_stand, tmp_path, cell, shared=site))
