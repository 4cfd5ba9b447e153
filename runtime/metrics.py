from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from temporalio.contrib.opentelemetry import MetricsExporter
from temporalio.runtime import MetricBuffer

from runtime.leave import before_leaving
from runtime.settings import Telemetry
from runtime.telemetry import collector_headers

__all__ = ["Metrics", "open_metrics"]

_EXPORT_TIMEOUT_S = 3
_BUFFERED = 20_000
_DRAIN_EVERY = timedelta(seconds=1)


class Metrics:
    """Figures on their way to the collector that takes the traces as well: the business's, and the engine's worker."""

    def __init__(self, settings: Telemetry) -> None:
        exporter = OTLPMetricExporter(
            endpoint=f"{settings.endpoint}/v1/metrics", headers=collector_headers(settings), timeout=_EXPORT_TIMEOUT_S
        )
        reader = PeriodicExportingMetricReader(
            exporter,
            export_interval_millis=settings.metrics_every_s * 1000,
            export_timeout_millis=_EXPORT_TIMEOUT_S * 1000,
        )
        self._provider = MeterProvider(
            [reader], Resource.create({SERVICE_NAME: settings.service_name}), shutdown_on_exit=False
        )
        self.engine = MetricBuffer(_BUFFERED)
        """Where the engine's SDK puts its own; it must be given to the SDK before the first client is made."""

    @property
    def meter(self) -> Meter:
        """Makes our own instruments."""
        return self._provider.get_meter("tieline")

    @asynccontextmanager
    async def exporting(self) -> AsyncIterator[None]:
        """Pass the engine's on while the process works."""
        async with MetricsExporter(self.engine, self._provider, poll_interval=_DRAIN_EVERY):
            yield

    def close(self) -> None:
        """Send what there is."""
        self._provider.shutdown()


def open_metrics(settings: Telemetry) -> Metrics | None:
    """Metrics to the configured collector; None while telemetry is off. One that is down costs nothing but them."""
    if not settings.endpoint:
        return None
    metrics = Metrics(settings)
    before_leaving(metrics.close)
    return metrics
