from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from runtime.embedded_temporal import free_port
from runtime.redaction import Redactor
from runtime.settings import Telemetry
from runtime.telemetry import continued_span, current_traceparent, start_telemetry

_ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Collector:
    """A real OTLP receiver: HTTP in, protobuf decoded."""

    url: str
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def spans(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for body in self.bodies:
            request = ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    found.update({span.name: span for span in scope.spans})
        return found


@pytest.fixture
def collector() -> Iterator[Collector]:
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
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def _tell(endpoint: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "tests.runtime.trace_story", endpoint, str(folder)],
        cwd=_ROOT, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip


def _attributes(span: Any) -> dict[str, str]:
    return {item.key: item.value.string_value for item in span.attributes}


@pytest.mark.kills
def test_one_trace_leads_from_the_event_to_the_record(collector: Collector, tmp_path: Path) -> None:
    told = _tell(collector.url, tmp_path)

    assert told.returncode == 0, told.stderr
    story = json.loads(told.stdout)
    assert story["status"] == 202
    spans = collector.spans()
    intake, dispatch, call = spans["event.intake"], spans["deal.dispatch"], spans["POST"]
    assert intake.trace_id == dispatch.trace_id == call.trace_id
    assert dispatch.parent_span_id == intake.span_id
    assert call.parent_span_id == dispatch.span_id
    assert _attributes(dispatch)["tieline.engagement"] == "hf/C-1"
    assert _attributes(call)["tieline.engagement"] == "hf/C-1"
    assert collector.headers[0]["path"] == "/v1/traces"
    assert collector.headers[0]["x-key"] == "collector-key"

    events = {line["event"]: line for line in map(json.loads, told.stderr.splitlines())}
    assert events["deal.dispatched"]["trace_id"] == intake.trace_id.hex()
    assert events["deal.dispatched"]["engagement"] == "hf/C-1"

    assert "authorization" in story["vendor_saw"][0]
    (vendor_saw,) = story["vendor_saw"]
    assert "traceparent" not in vendor_saw
    assert "baggage" not in vendor_saw

    assert spans["broken.step"].status.message
    left = b"".join(collector.bodies) + told.stderr.encode()
    for canary in (b"DE123456789", b"abcdefghijkl", b"ada@customer.example", b"canary-secret-value"):
        assert canary not in left


@pytest.mark.kills
def test_a_collector_that_is_down_costs_nothing_but_its_traces(tmp_path: Path) -> None:
    before = time.monotonic()
    told = _tell(f"http://127.0.0.1:{free_port()}", tmp_path)

    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["status"] == 202
    assert time.monotonic() - before < 30


def test_telemetry_is_off_until_it_is_configured() -> None:
    assert start_telemetry(Telemetry(), Redactor()) == ()
    assert current_traceparent() is None
    with continued_span("x", [None, "not a traceparent", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"]):
        assert current_traceparent() is None
