from __future__ import annotations

from pathlib import Path

from tests.api.event_storm import run_storm


async def test_among_forged_events_only_genuine_ones_come_in_and_each_once(tmp_path: Path) -> None:
    storm = await run_storm(tmp_path, forged=1_500, genuine=90)
    assert storm.holds, storm
    assert len(storm.forged) == 13
