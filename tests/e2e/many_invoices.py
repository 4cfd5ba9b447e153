"""Ten thousand invoices and ten thousand payments reach the CRM: `python -m tests.e2e.many_invoices`.

Writes docs/evidence/invoice-feedback.md.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from models.feedback import FeedbackResult
from runtime.feedback import FeedbackStarter
from runtime.leave import leave
from tests.e2e.billing_scene import ERP, BillingScene, open_billing
from tests.e2e.own_processes import worker_process
from tests.e2e.stand import FIRM, ROOT, Stand, open_stand

__all__ = ["main"]

_PAGE = ROOT / "docs" / "evidence" / "invoice-feedback.md"
_CONTRACTS = 100
_NO_OTHER_WORK = {"TIELINE_CRM__CONFIG__SWEEP_EVERY_S": "0"}
"""The worker does nothing but show invoices: it does not look for won deals and changed customers beside it."""
_ABOUT = """\
# Invoices of the ERP in the CRM, ten thousand at a time

Made by `make invoices` (`python -m tests.e2e.many_invoices`) on {day:%d %B %Y}: {many:,} invoices of {contracts}
contracts, raised and then paid one by one in the NetSuite simulator, shown on the Salesforce simulator by `worker.py`,
a process of its own on SQLite. Calls and writes are counted by the simulators. Seconds are of a shared machine with two
cores, simulators included.

| sweep | documents read | rows written | sums written | CRM writes | CRM reads | ERP calls | seconds | peak MB |
|---|---|---|---|---|---|---|---|---|
{rows}

- Reads and writes are calls. The least there can be is {least} writing ones for {many:,} rows, and one each for the
  sums on deals and on accounts.
- An idle worker holds {idle} MB. A sweep holds one page of 200 documents at a time, and the documents of one contract
  while it adds them up.
- The worker was ended with `kill -9` when {at_kill:,} payments were shown. What was under way is looked up before
  anything is written again; a page that had landed counts as read there, not as written.
- Writes to each invoice by the CRM's journal: {journal}. None was lost, none came twice.
- A sweep looks 15 minutes behind the last one's start, and an hour more at NetSuite, whose account clock changes twice
  a year; so a second sweep reads everything again here, and writes nothing.
"""
_PATIENCE_S = 900.0


@dataclass
class Phase:
    """What one sweep did, by the CRM's own counts."""

    name: str
    read: int
    shown: int
    totals: int
    writes: int
    reads: int
    erp_calls: int
    seconds: float
    peak_mb: int

    @property
    def row(self) -> str:
        return (
            f"| {self.name} | {self.read:,} | {self.shown:,} | {self.totals} | {self.writes} | {self.reads} | "
            f"{self.erp_calls} | {self.seconds:.0f} | {self.peak_mb} |"
        )


def _memory_mb(pid: int, field: str = "VmHWM") -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(field))


async def _measured(scene: BillingScene, name: str, pid: int, work: asyncio.Task[FeedbackResult]) -> Phase:
    stand, start = scene.stand, time.monotonic()
    result = await asyncio.wait_for(work, _PATIENCE_S)
    assert result.trouble == "", result.trouble
    calls = await stand.crm.calls()
    return Phase(
        name,
        result.tally.read,
        result.tally.shown,
        result.tally.totals,
        await scene.crm_writes(),
        sum(count for route, count in calls.items() if route.startswith("GET")),
        sum((await stand.erp.calls()).values()),
        time.monotonic() - start,
        _memory_mb(pid),
    )


async def _sweep(stand: Stand) -> FeedbackResult:
    starter = FeedbackStarter(stand.client, FIRM, stand.task_queue)
    return await (await starter.ring(ERP)).result()


async def _reset(stand: Stand) -> None:
    await stand.crm.reset_calls()
    await stand.erp.reset_calls()


async def _paid(stand: Stand) -> int:
    return sum(1 for row in await stand.crm.kind("Tieline_Invoice__c") if row["Settlement__c"] == "paid")


async def _half_paid(stand: Stand, many: int) -> int:
    for _ in range(int(_PATIENCE_S * 5)):
        if (paid := await _paid(stand)) >= many // 2:
            return paid
        await asyncio.sleep(0.2)
    raise AssertionError("half of the payments were never shown")


async def run(many: int) -> tuple[list[Phase], Counter[str], int, int]:
    """The phases, the journal's word on each invoice, the idle worker's memory, and how many were shown at the kill."""
    phases: list[Phase] = []
    with tempfile.TemporaryDirectory() as folder:
        async with open_stand(Path(folder), worker=False, state="empty") as stand:
            scene = await open_billing(stand, contracts=_CONTRACTS)
            await scene.raise_invoices(many)
            async with worker_process(stand, **_NO_OTHER_WORK) as worker:
                idle = _memory_mb(worker.pid, "VmRSS")
                await _reset(stand)
                work = asyncio.create_task(_sweep(stand))
                phases.append(await _measured(scene, f"{many:,} invoices raised", worker.pid, work))
                await _reset(stand)
                work = asyncio.create_task(_sweep(stand))
                phases.append(await _measured(scene, "second sweep", worker.pid, work))
                assert (phases[0].shown, phases[1].writes) == (many, 0)
                await scene.pay(scene.invoices)
                await _reset(stand)
                work = asyncio.create_task(_sweep(stand))
                at_kill = await _half_paid(stand, many)
                worker.kill()
                await worker.wait()
            async with worker_process(stand, **_NO_OTHER_WORK) as worker:
                phases.append(
                    await _measured(scene, "all paid, worker killed in the middle", worker.pid, work)
                )
                await _reset(stand)
                work = asyncio.create_task(_sweep(stand))
                phases.append(await _measured(scene, "sweep after that", worker.pid, work))
            shown = await scene.shown()
            assert (len(shown), await _paid(stand), phases[3].writes) == (many, many, 0)
            times: Counter[str] = Counter()
            for entry in await stand.crm.writes():
                if entry["kind"] == "Tieline_Invoice__c":
                    times[f"{entry['record_id']} {entry['action']}"] += 1
            said = Counter(f"{key.rpartition(' ')[2]} x{count}" for key, count in times.items())
    return phases, said, idle, at_kill


def page(many: int, phases: list[Phase], said: Counter[str], *, idle: int, at_kill: int) -> str:
    """The evidence as Markdown."""
    return _ABOUT.format(
        many=many,
        day=datetime.now(UTC),
        contracts=_CONTRACTS,
        rows="\n".join(phase.row for phase in phases),
        least=many // 200,
        idle=idle,
        at_kill=at_kill,
        journal=", ".join(f"{name}: {count:,} invoices" for name, count in sorted(said.items())),
    )


def main() -> None:
    """Run it and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--many", type=int, default=10_000)
    many = parser.parse_args().many
    phases, said, idle, at_kill = asyncio.run(run(many))
    text = page(many, phases, said, idle=idle, at_kill=at_kill)
    print(text)  # noqa: T201 - a command that tells what it did
    if many >= 10_000:
        _PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
    leave(0)
