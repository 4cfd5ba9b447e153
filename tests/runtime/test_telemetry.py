from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime.embedded_temporal import free_port
from runtime.redaction import Redactor
from runtime.settings import Telemetry
from runtime.telemetry import continued_span, current_traceparent, start_telemetry
from tests.otlp_collector import Collector, collecting

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as made:
        yield made


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
