"""The business figures on their way to a real receiver; a store that is away stops nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from models.ids import FirmId
from ports.figures import BusinessFigures, Spread
from runtime.figure_watch import FigureWatch
from runtime.metrics import Metrics, open_metrics
from runtime.settings import Telemetry
from tests.otlp_collector import Collector, collecting

NOW = datetime(2027, 1, 6, 15, tzinfo=UTC)
FIRM = FirmId("hf")
TOLD = BusinessFigures(
    firm=FIRM, since=NOW - timedelta(days=1), until=NOW, contracts={"active": 7, "parked": 2},
    writes={"applied": 40, "not-applied": 10}, success_rate=0.8, sync_latency=Spread(count=40, p50_s=0.2, p95_s=1.5),
    records_adopted=3, writes_repeated=1, failed_validations={"TL-CUS-014": 2}, open_items={"tax": 2},
    oldest_open_s={"tax": 3600.0}, cycle_time=Spread(count=7, p50_s=2.0, p95_s=90.0),
)  # fmt: skip


class Book:
    def __init__(self, told: BusinessFigures | Exception) -> None:
        self.told = told
        self.since: list[datetime] = []
        self.looked = asyncio.Event()

    async def figures(self, firm: FirmId, since: datetime) -> BusinessFigures:
        assert firm == FIRM
        self.since.append(since)
        self.looked.set()
        if isinstance(self.told, Exception):
            raise self.told
        return self.told


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as made:
        yield made


async def _looked(book: Book, collector: Collector) -> None:
    metrics = Metrics(Telemetry(endpoint=collector.url, headers=SecretStr("x-key=collector-key")))
    watch = FigureWatch(book, FIRM, metrics.meter, every_s=3600, now=lambda: NOW)
    working = asyncio.create_task(watch.run())
    await book.looked.wait()
    watch.stop()
    await working
    await asyncio.to_thread(metrics.close)


async def test_every_figure_arrives_with_its_labels(collector: Collector) -> None:
    book = Book(TOLD)
    await _looked(book, collector)

    points = collector.points()
    firm = {"tieline.firm": "hf"}
    assert points["tieline.success_rate"] == [(0.8, firm)]
    assert points["tieline.contracts"] == [(7, {**firm, "stage": "active"}), (2, {**firm, "stage": "parked"})]
    assert points["tieline.sync_latency"] == [(0.2, {**firm, "quantile": "0.5"}), (1.5, {**firm, "quantile": "0.95"})]
    assert points["tieline.cycle_time"][1] == (90.0, {**firm, "quantile": "0.95"})
    assert points["tieline.duplicates_prevented"] == [(3, {**firm, "how": "adopted"}), (1, {**firm, "how": "repeated"})]
    assert points["tieline.failed_validations"] == [(2, {**firm, "code": "TL-CUS-014"})]
    assert points["tieline.exceptions.oldest"] == [(3600.0, {**firm, "owner": "tax"})]
    assert {"tieline.writes", "tieline.exceptions.open"} <= set(points)
    assert book.since == [NOW - timedelta(days=1)] * 2, "at the start and at the end"
    assert {header["path"] for header in collector.headers} == {"/v1/metrics"}
    assert collector.headers[0]["x-key"] == "collector-key"


async def test_a_store_that_is_away_leaves_the_figures_out_and_says_so(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        await _looked(Book(OSError("the disk is gone")), collector)

    assert collector.points() == {}
    assert "figures.not_read" in caplog.text


def test_without_an_endpoint_there_are_no_metrics() -> None:
    assert open_metrics(Telemetry()) is None
