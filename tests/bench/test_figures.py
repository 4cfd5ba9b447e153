"""The figures: ratios round by round, alone and loaded apart, targets told as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.arms import Round
from bench.crowd import _rate
from bench.page import page_of
from bench.result import Report
from bench.side_by_side import SideBySide, Spread, quantile, spread_of


def _round(seconds: float, took_ms: float) -> Round:
    return Round(10, seconds, [took_ms] * 10, {"own": 40.0, "engine": 10.0})


def _found() -> SideBySide:
    return SideBySide(
        loaded={
            "tieline": [_round(1, 300), _round(2, 300), _round(1, 300)],
            "bare": [_round(2, 500), _round(2, 500), _round(4, 500)],
            "raw": [_round(0.5, 100)] * 3,
        },
        lone={"tieline": [_round(1, 60)] * 3, "bare": [_round(1, 100)] * 3, "raw": [_round(1, 20)] * 3},
    )


def test_a_ratio_is_taken_within_each_round() -> None:
    found = _found()
    assert found.throughput_ratio("bare") == Spread(middle=2.0, least=1.0, most=4.0)
    assert found.lone_ratio("bare") == Spread(middle=0.6, least=0.6, most=0.6)


def test_quantiles_of_few_values_are_values() -> None:
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([3.0, 1.0, 2.0], 0.99) == 3.0
    assert spread_of([2.0, 8.0, 4.0]) == Spread(4.0, 2.0, 8.0)


@pytest.mark.parametrize(("least", "verdict"), [(1.0, "met"), (4.0, "NOT met")])
def test_a_target_that_is_missed_is_said_to_be(least: float, verdict: str) -> None:
    report = Report({"server": "tuned"})
    found = _found()
    found.loaded["tieline"] = [_round(least, 300)] * 3
    report.add_side_by_side(found)
    (line,) = [row for row in report.table().splitlines() if row.startswith("ratio_to_bare")]
    assert line.endswith(f": {verdict}")


def test_the_document_holds_figures_spread_and_settings(tmp_path: Path) -> None:
    report = Report({"server": "tuned"})
    report.add_side_by_side(_found())
    report.write(tmp_path / "result.json")
    document = json.loads((tmp_path / "result.json").read_text())
    assert document["ratio_to_bare"] == 2.0
    assert document["spread"]["ratio_to_bare"] == {"middle": 2.0, "least": 1.0, "most": 4.0}
    assert document["settings"] == {"server": "tuned"}
    assert document["p50_ms"] == 300.0
    assert document["lone_ms"] == 60.0


def test_the_rate_of_a_queue_leaves_out_the_start_of_the_worker() -> None:
    seen = [(1.0, 0), (2.0, 0), (3.0, 20), (4.0, 40), (5.0, 60), (6.0, 100)]
    assert _rate(seen, 100) == pytest.approx(20.0)


def test_the_page_shows_what_was_measured_and_names_what_was_not(tmp_path: Path) -> None:
    report = Report({"server": "tuned"})
    report.add_side_by_side(_found())
    report.write(tmp_path / "result.json")
    page = page_of(json.loads((tmp_path / "result.json").read_text()))
    assert "- server: `tuned`" in page
    assert "| `ratio_to_bare` | 2.00 | 1.00 .. 4.00 | >= 1.5: met |" in page
    (missing,) = [line for line in page.splitlines() if line.startswith("Not measured")]
    assert "recover_s" in missing
    assert "ratio_to_raw" not in missing
