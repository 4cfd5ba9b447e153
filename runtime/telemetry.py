from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Link, SpanKind, Status
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes
from temporalio.client import Plugin
from temporalio.contrib.opentelemetry import OpenTelemetryPlugin, create_tracer_provider
from temporalio.runtime import MetricBuffer

from models.ids import EngagementId
from runtime.leave import before_leaving
from runtime.log_events import ENGAGEMENT_KEY, forward_engine_logs
from runtime.redaction import Redactor
from runtime.settings import Telemetry

__all__ = [
    "about_engagement",
    "collector_headers",
    "continued_span",
    "current_traceparent",
    "start_telemetry",
    "trace_calls",
    "tracer",
]

_W3C = TraceContextTextMapPropagator()
_EXPORT_TIMEOUT_S = 3
_LINKS = 20
_HOSTS = frozenset({"server.address", "network.peer.address", "net.peer.name", "http.host"})
"""Names of machines, not of people."""


def start_telemetry(
    settings: Telemetry, redactor: Redactor, *, engine_metrics: MetricBuffer | None = None
) -> tuple[Plugin, ...]:
    """Send traces to the configured collector and return what the engine's client needs for it; () while it is off.

    One trace leads from the CRM's event to the ERP's record: intake, dispatcher, process steps and each vendor call.
    A collector that is down costs nothing but its traces.
    """
    forward_engine_logs(engine_metrics)
    propagate.set_global_textmap(_NoTraceHeaders())
    if not settings.endpoint:
        return ()
    exporter = OTLPSpanExporter(
        endpoint=f"{settings.endpoint}/v1/traces", headers=collector_headers(settings), timeout=_EXPORT_TIMEOUT_S
    )
    provider = create_tracer_provider(
        resource=Resource.create({SERVICE_NAME: settings.service_name}), shutdown_on_exit=False
    )
    provider.add_span_processor(_NamesTheEngagement())
    provider.add_span_processor(BatchSpanProcessor(_Scrubbed(exporter, redactor)))
    trace.set_tracer_provider(provider)
    HTTPXClientInstrumentor().instrument(tracer_provider=provider)
    before_leaving(provider.shutdown)
    return (OpenTelemetryPlugin(add_temporal_spans=settings.engine_spans),)


def trace_calls(http: httpx.AsyncClient) -> None:
    """Each call of a client that carries its requests itself gets a span; nothing while telemetry is off."""
    if HTTPXClientInstrumentor().is_instrumented_by_opentelemetry:
        HTTPXClientInstrumentor.instrument_client(http)


def tracer() -> trace.Tracer:
    """Makes our own spans; they cost nothing while telemetry is off."""
    return trace.get_tracer("tieline")


def current_traceparent() -> str | None:
    """The W3C trace context of what runs now, to be kept with an accepted event; None while telemetry is off."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def about_engagement(engagement: EngagementId) -> Iterator[None]:
    """Everything inside carries the engagement on its spans and log lines, in the engine and its steps as well."""
    token = context.attach(baggage.set_baggage(ENGAGEMENT_KEY, engagement))
    try:
        yield
    finally:
        context.detach(token)


@contextmanager
def continued_span(name: str, traceparents: Sequence[str | None]) -> Iterator[trace.Span]:
    """A span in the trace of the first event; further events that it serves are linked to it."""
    known = [parent for parent in traceparents if parent]
    # The trace of the event replaces the one of the loop that reads it; the engagement set around us stays.
    parent = trace.set_span_in_context(_span_of(known[0])) if known else None
    others = (_span_of(traceparent).get_span_context() for traceparent in known[1 : _LINKS + 1])
    links = [Link(other) for other in others if other.is_valid]
    with tracer().start_as_current_span(name, context=parent, kind=SpanKind.CONSUMER, links=links) as span:
        yield span


def _span_of(traceparent: str) -> trace.Span:
    return trace.get_current_span(_W3C.extract({"traceparent": traceparent}, context=Context()))


class _NoTraceHeaders(TextMapPropagator):
    """Vendors get no trace headers, and a sender cannot put its event into a trace of its choice.

    The engine's own headers are not concerned: its plugin carries trace and engagement with a propagator of its own.
    """

    def extract(
        self,
        carrier: CarrierT,  # noqa: ARG002 - nothing in it is believed
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,  # noqa: ARG002
    ) -> Context:
        return Context() if context is None else context

    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        del carrier, context, setter

    @property
    def fields(self) -> set[str]:
        return set()


class _NamesTheEngagement(SpanProcessor):
    """Decisions start traces of their own; the engagement on every span joins them (TEMPORAL section 7)."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        engagement = baggage.get_baggage(ENGAGEMENT_KEY, parent_context)
        if engagement is not None:
            span.set_attribute(ENGAGEMENT_KEY, str(engagement))


class _Scrubbed(SpanExporter):
    """The last door of every span: queries, headers and error texts leave without secrets and personal numbers."""

    def __init__(self, exporter: SpanExporter, redactor: Redactor) -> None:
        self._exporter = exporter
        self._redactor = redactor

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([self._without_secrets(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)

    def _without_secrets(self, span: ReadableSpan) -> ReadableSpan:
        description = span.status.description
        return ReadableSpan(
            name=self._redactor.text(span.name),
            context=span.get_span_context(),
            parent=span.parent,
            resource=span.resource,
            attributes=self._attributes(span.attributes),
            events=[Event(event.name, self._attributes(event.attributes), event.timestamp) for event in span.events],
            links=span.links,
            kind=span.kind,
            status=Status(span.status.status_code, self._redactor.text(description) if description else None),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    def _attributes(self, attributes: Attributes) -> Attributes:
        kept: dict[str, str | bool | int | float | list[str]] = {}
        for name, value in (attributes or {}).items():
            if isinstance(value, (bool, int, float)):
                kept[name] = value
            elif isinstance(value, (list, tuple)):
                kept[name] = [self._one(name, str(item)) for item in value]
            else:
                kept[name] = self._one(name, str(value))
        return kept

    def _one(self, name: str, value: str) -> str:
        if name == ENGAGEMENT_KEY:
            return self._redactor.text(value, ours=True)
        if name in _HOSTS:
            return self._redactor.text(value)
        if name in {"http.url", "url.full", "http.target", "url.query"}:
            # A query can hold a customer's name or number, and says nothing about where time went.
            value = value.split("?", 1)[0] if name != "url.query" else ""
        return str(self._redactor.field(name, value))


def collector_headers(settings: Telemetry) -> dict[str, str]:
    """What the collector wants to see with everything that is sent."""
    pairs = (pair.split("=", 1) for pair in settings.headers.get_secret_value().split(",") if "=" in pair)
    return {name.strip(): value.strip() for name, value in pairs}
