from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from models.ids import FirmId
from ports.figures import BusinessFigures, FigureBook, Spread
from runtime.log_events import log_event

__all__ = ["FigureWatch"]

_WINDOW = timedelta(days=1)

Values = Iterable[tuple[float, Mapping[str, str]]]


def _by(label: str, counts: Mapping[str, float]) -> Values:
    return [(value, {label: name}) for name, value in counts.items()]


def _spread(spread: Spread | None) -> Values:
    return [] if spread is None else [(spread.p50_s, {"quantile": "0.5"}), (spread.p95_s, {"quantile": "0.95"})]


_GAUGES: tuple[tuple[str, str, str, Callable[[BusinessFigures], Values]], ...] = (
    ("tieline.contracts", "{contract}", "Contracts by the stage they are at now",
     lambda told: _by("stage", told.contracts)),
    ("tieline.writes", "{write}", "Writes of the last 24 hours, by what became of them",
     lambda told: _by("state", told.writes)),
    ("tieline.success_rate", "1", "Share of the settled writes of the last 24 hours that had their effect",
     lambda told: [] if told.success_rate is None else [(told.success_rate, {})]),
    ("tieline.sync_latency", "s", "From the intent of a write to its proven effect, last 24 hours",
     lambda told: _spread(told.sync_latency)),
    ("tieline.cycle_time", "s", "From a won deal to its active project, of those that got there in the last 24 hours",
     lambda told: _spread(told.cycle_time)),
    ("tieline.duplicates_prevented", "{record}", "Records not made a second time in the last 24 hours",
     lambda told: _by("how", {"adopted": told.records_adopted, "repeated": told.writes_repeated})),
    ("tieline.failed_validations", "{stop}", "Stops raised in the last 24 hours, by code",
     lambda told: _by("code", told.failed_validations)),
    ("tieline.exceptions.open", "{item}", "What waits for people now, by owner",
     lambda told: _by("owner", told.open_items)),
    ("tieline.exceptions.oldest", "s", "Age of what has waited longest, by owner",
     lambda told: _by("owner", told.oldest_open_s)),
)  # fmt: skip


class FigureWatch:
    """Reads the business figures from our own records now and then, and hands them to the metrics.

    They stand in the store, so each worker of a firm tells the same ones: take the newest, never their sum.
    """

    def __init__(
        self,
        book: FigureBook,
        firm: FirmId,
        meter: Meter,
        *,
        every_s: float,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._book = book
        self._firm = firm
        self._every_s = every_s
        self._now = now
        self._told: BusinessFigures | None = None
        self._stopping = asyncio.Event()
        for name, unit, description, values in _GAUGES:
            meter.create_observable_gauge(
                name, callbacks=[partial(self._observed, values)], unit=unit, description=description
            )

    async def run(self) -> None:
        """Look until stopped, and once more then, so that the last word is true."""
        while not self._stopping.is_set():
            await self._look()
            try:
                await asyncio.wait_for(self._stopping.wait(), self._every_s)
            except TimeoutError:
                continue
        await self._look()

    def stop(self) -> None:
        """End after the last look."""
        self._stopping.set()

    async def _look(self) -> None:
        try:
            self._told = await self._book.figures(self._firm, self._now() - _WINDOW)
        except Exception as broken:  # noqa: BLE001 - the loop's edge: figures must not stop what they count
            self._told = None
            log_event("figures.not_read", level=logging.WARNING, exc=broken)

    def _observed(
        self, values: Callable[[BusinessFigures], Values], _options: CallbackOptions
    ) -> Iterable[Observation]:
        """Called from the exporter's own thread; what it reads is replaced as a whole."""
        told = self._told
        if told is None:
            return []
        return [Observation(value, {"tieline.firm": told.firm, **labels}) for value, labels in values(told)]
