"""Typical runs of change orders, against the simulators: these processes have no use for an ERP in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.e2e.amended import Amended, base_k
from tests.e2e.front_door import open_front_door
from tests.e2e.sold import Json, Sales
from tests.e2e.stand import open_stand

__all__ = ["CHANGE_RUNS", "histories_of_changes"]

_M4: Json = {"Code__c": "M4", "Amount__c": 5000, "Due_On__c": "2027-04-30", "Trigger__c": "Date", "Change__c": "Add"}


async def change_straight(k: Amended) -> None:
    """So little that nobody must sign: applied, confirmed, told."""
    await k.sign("1", _M4, Value_Exercised__c=5000, Value_Funded__c=5000, Effective_On__c="2027-04-01")


async def change_reversed(k: Amended) -> None:
    """Two in reverse: the second waits for the first, then both are one plan, which is signed."""
    await k.sign("2", Value_Exercised__c=-6000, Value_Funded__c=-6000, Effective_On__c="2026-12-01")
    await k.waiting()
    await k.sign("1", _M4, Value_Exercised__c=5000, Value_Funded__c=5000, Effective_On__c="2027-04-01")
    await k.approve()


async def change_overtaken(k: Amended) -> None:
    """Billing raises an invoice while the plan waits: the signed plan is dropped for a new one."""
    await k.sign("1", Value_Exercised__c=-10000, Value_Funded__c=-10000, Effective_On__c="2026-12-01")
    await k.waiting()
    await k.bill("M3", "45000")
    await k.approve()
    await k.approve()


CHANGE_RUNS: dict[str, Callable[[Amended], Awaitable[None]]] = {
    run.__name__: run for run in (change_straight, change_reversed, change_overtaken)
}


async def histories_of_changes(folder: Path) -> AsyncIterator[tuple[str, str, Any]]:
    """Name, workflow id and history of each run."""
    async with open_stand(folder, state="empty", sealed=False) as stand, open_front_door(stand) as door:
        sales = await Sales.of(stand.crm)
        for name, run in CHANGE_RUNS.items():
            k = await base_k(stand, sales, door, name.upper().replace("_", "-"))
            await run(k)
            assert (await k.result()).stage == "active"
            handle = k.changes.handle(k.number)
            yield name, handle.id, await handle.fetch_history()
