"""A worker killed under each write of a change order, just when it landed: `python -m tests.e2e.change_order_kills`.

The judge is the simulators' journal. The test suite runs one of these writes.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.change_process import changes_of
from models.ids import ContractNumber
from runtime.change_orders import ChangeOrderStarter
from tests.e2e.fresh_deals import FreshDeal, rulebook_with, sell
from tests.e2e.site import Site, StoreLock, open_site, until
from tests.e2e.stand import FIRM, Sandbox, open_stand

__all__ = ["WRITES", "Write", "killed_under"]

_TAG = "AMENDED"
_SILENCE_S = 25.0


@dataclass(frozen=True)
class Write:
    """One write of a change order: its step, and how it reaches the vendor."""

    step: str
    side: str
    method: str
    path: str
    kind: str


WRITES = {
    "schedule": Write("schedule:1", "erp", "PATCH", "billingSchedule", "billingSchedule"),
    "contract": Write("contract", "erp", "PATCH", "salesOrder", "salesOrder"),
    "write-back": Write("write-back:{number}", "crm", "POST", "composite", "Task"),
}


async def killed_under(folder: Path, writes: Sequence[Write]) -> None:
    """One amendment of one contract for each write; its worker dies when the write landed and nobody heard of it."""
    rules = rulebook_with(folder / "rules", [_TAG])
    async with open_stand(folder, worker=False, rules=rules) as stand, open_site(stand, folder / "site") as site:
        deal = await sell(stand.crm, _TAG)
        await site.win(deal)
        await site.reaches(deal, "active")
        lock = StoreLock(site.database)
        try:
            for number, write in enumerate(writes, start=1):
                await _kill_under(site, deal, lock, str(number), write)
        finally:
            lock.close()
        (order,) = await stand.erp.kind("salesOrder")
        assert float(order["subtotal"]) == 10_000 + 500 * len(writes)
        assert order["custbody_tl_amendments"] == ",".join(str(at + 1) for at in range(len(writes)))


async def _kill_under(site: Site, deal: FreshDeal, lock: StoreLock, number: str, write: Write) -> None:
    changes, step = changes_of(FIRM, ContractNumber(deal.contract)), write.step.format(number=number)
    vendor = site.stand.erp if write.side == "erp" else site.stand.crm
    since = await vendor.last_seq()
    silent = {"action": "hang", "when": "after", "delay_s": _SILENCE_S, "method": write.method, "path": write.path}
    await vendor.faults({"id": f"silent-{number}", **silent})
    await _sign(site, deal, number)
    await ChangeOrderStarter(site.stand.client, FIRM, site.task_queue).ring(ContractNumber(deal.contract))

    async def landed() -> list[dict[str, Any]]:
        return await _effects(vendor, write.kind, since)

    async def in_force() -> bool:
        row = await site.store.desk.find_engagement(changes)
        return row is not None and row.sentence.startswith(f"Amendment {number} is in force")

    await until(landed, f"{step} has landed")
    assert lock.operations(changes)[step] == "intended"
    await site.workers[-1].kill()
    await site.start_worker()
    await until(in_force, f"amendment {number} is in force", seconds=60)
    assert len(await landed()) == 1
    assert lock.operations(changes)[step] == "applied"


async def _sign(site: Site, deal: FreshDeal, number: str) -> None:
    """One more row of 500.00: so little that nobody must sign for it."""
    await site.stand.crm.records(
        {
            "type": "Opportunity", "name_in_file": "deal", "Name": f"Amendment {number}", "AccountId": deal.account_id,
            "OwnerId": deal.owner_id, "StageName": "Closed Won", "CloseDate": "2026-11-24", "CurrencyIsoCode": "USD",
            "Contract_Number__c": deal.contract, "Amendment_Number__c": number, "Contract_Status__c": "Approved",
            "Customer_Signed_On__c": "2026-11-23", "Company_Signed_On__c": "2026-11-23",
            "Effective_On__c": "2026-12-01", "Value_Exercised__c": 500, "Value_Funded__c": 500,
        },
        {
            "type": "Tieline_Milestone__c", "Opportunity__c": {"ref": "deal"}, "Name": f"Further {number}",
            "Code__c": f"F{number}", "Amount__c": 500, "Due_On__c": "2027-02-28", "Trigger__c": "Date",
            "Change__c": "Add",
        },
    )  # fmt: skip


async def _effects(vendor: Sandbox, kind: str, since: int) -> list[dict[str, Any]]:
    return [entry for entry in await vendor.writes(since) if entry["kind"] == kind]


def main() -> int:
    """Kill under every write, one after the other."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tieline-changes-") as folder:
        asyncio.run(killed_under(Path(folder), list(WRITES.values())))
    print(f"{len(WRITES)} kills, each effect once, {time.monotonic() - began:.0f} s")  # noqa: T201 - a command
    return 0


if __name__ == "__main__":
    sys.exit(main())
