"""A real OTLP receiver for tests: HTTP in, protobuf decoded."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

__all__ = ["Collector", "collecting"]


@dataclass
class Collector:
    """What arrived."""

    url: str
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def all_spans(self) -> list[Any]:
        """Every span that arrived."""
        return [
            span
            for body in self._sent_to("/v1/traces")
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def points(self) -> dict[str, list[tuple[float, dict[str, str]]]]:
        """Value and attributes of every point that arrived, by name of the metric; of a histogram its count."""
        found: dict[str, list[tuple[float, dict[str, str]]]] = {}
        for body in self._sent_to("/v1/metrics"):
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                    for point in getattr(metric, str(metric.WhichOneof("data"))).data_points:
                        labels = {item.key: item.value.string_value for item in point.attributes}
                        found.setdefault(metric.name, []).append((_value(point), labels))
        return found

    def _sent_to(self, path: str) -> list[bytes]:
        pairs = list(zip(list(self.headers), list(self.bodies), strict=False))
        return [body for header, body in pairs if header["path"] == path]

    def spans(self) -> dict[str, Any]:
        """The newest span of each name."""
        return {span.name: span for span in self.all_spans()}


def _value(point: Any) -> float:
    if not hasattr(point, "as_double"):
        return float(point.count)
    return float(point.as_double if point.WhichOneof("value") == "as_double" else point.as_int)


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a free loopback port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.bodies.append(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            made.headers.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Collector(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
