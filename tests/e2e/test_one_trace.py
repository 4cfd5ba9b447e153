from __future__ import annotations

import asyncio
import json
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.front_door import event_of, signature
from tests.e2e.sold import Sales
from tests.e2e.stand import FIRM, ROOT, Stand, open_stand
from tests.otlp_collector import Collector, collecting

CANARIES = ("ap-canary@example.com", "98-7654321", "Pat Canary")


@pytest.fixture
async def collected(tmp_path: Path) -> AsyncIterator[tuple[Stand, Collector, str, str]]:
    """A real worker process that sends its traces to a real receiver, and one deal that went through it."""
    async with open_stand(tmp_path, worker=False, state="empty") as stand:
        with collecting() as collector:
            log = tmp_path / "worker.log"
            with log.open("wb") as output:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "worker.py", cwd=ROOT, stdout=output, stderr=output,
                    env={**stand.environment(), "TIELINE_TELEMETRY__ENDPOINT": collector.url},
                )  # fmt: skip
            port = await _port_in(log)
            sales = await Sales.of(stand.crm)
            account = await sales.company("Traced Traders LLC", Tax_Number__c=CANARIES[1], Invoice_Email__c=CANARIES[0])
            sold = await sales.deal("TRACE-1", account)
            body = event_of(sold.deal, str(uuid.uuid4()))
            async with httpx.AsyncClient() as http:
                answer = await http.post(
                    f"http://127.0.0.1:{port}/intake/crm-main", content=body,
                    headers={"Content-Type": "application/json", **signature(body)},
                )  # fmt: skip
            assert answer.status_code == 202, answer.text
            rows = await stand.settled("TRACE-1")
            assert rows["TRACE-1"].stage == "active", rows
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 20) == 0
            yield stand, collector, port, _text(log)


def _is_counted(collector: Collector) -> None:
    """The business's figures and the engine's own, to the same collector."""
    points = collector.points()
    assert points["tieline.contracts"][-1] == (1.0, {"tieline.firm": FIRM, "stage": "active"})
    assert points["tieline.success_rate"][-1][0] == 1.0
    assert {labels["quantile"] for _, labels in points["tieline.cycle_time"]} == {"0.5", "0.95"}
    ours = [name for name in points if name.startswith("temporal_")]
    assert any("workflow_task" in name for name in ours), sorted(points)
    assert any("slots" in name for name in ours), sorted(points)


async def _port_in(log: Path) -> str:
    for _ in range(400):
        if port := _ready(log):
            return port
        await asyncio.sleep(0.05)
    raise AssertionError(f"the worker did not get ready: {_text(log)}")


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8")


def _ready(log: Path) -> str:
    lines = [json.loads(line) for line in _text(log).splitlines() if '"worker.ready"' in line]
    return str(lines[0]["port"]) if lines else ""


@pytest.mark.kills
async def test_one_trace_leads_from_the_crm_event_to_the_erp_record(
    collected: tuple[Stand, Collector, str, str],
) -> None:
    _, collector, _, log = collected
    spans = collector.all_spans()
    by_trace: dict[bytes, list[str]] = {}
    for span in spans:
        by_trace.setdefault(span.trace_id, []).append(span.name)
    longest = max(by_trace.values(), key=len)
    writes = [
        span for span in spans
        if any(item.key in {"url.full", "http.url"} and "/record/v1/salesOrder" in item.value.string_value
               for item in span.attributes)
    ]  # fmt: skip
    assert any("intake" in name or "event" in name for name in longest), longest
    assert any("dispatch" in name for name in longest), longest
    assert any(span.name.startswith("PUT") for span in writes), sorted({span.name for span in spans})
    assert {span.trace_id for span in writes} <= {max(by_trace, key=lambda trace: len(by_trace[trace]))}
    assert '"trace_id"' in log
    _is_counted(collector)
    everything = b"".join(collector.bodies).decode("utf-8", "replace") + log
    assert [canary for canary in CANARIES if canary in everything] == []
