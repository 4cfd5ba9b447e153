"""What a crash cell is about: a write, a point, a fresh deal, and the means to aim at exactly that write."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from models.records import RecordKind
from tests.e2e.fresh_deals import FreshDeal
from tests.e2e.journal_oracle import Ending
from tests.e2e.site import Site, StoreLock
from tests.e2e.stand import Sandbox, Stand

__all__ = ["FOUND", "KILLS", "LIMIT_S", "OPERATIONS", "POINTS", "TRIES", "Cell", "Missed", "Result", "Scene"]

LIMIT_S = 10.0
"""Seconds after a kill within which the deal must have come to its end."""

TRIES = 4
"""How often a cell is tried with a fresh deal when the worker was not caught at the wanted point."""

OPERATIONS = {
    "customer": "ensure_customer", "contact": "ensure_contact", "cost-centre": "ensure_cost_centre",
    "project": "ensure_project", "billing-schedule": "ensure_billing_schedule", "contract": "ensure_contract",
    "write-back": "write_back", "status": "show_status", "hold": "hold_engagement", "release": "hold_engagement",
}  # fmt: skip
"""Every external write of quote to project, and the activity that does it."""

POINTS = {
    "P0": "killed before the intent is stored",
    "P1": "killed with the intent stored and the request on its way, not applied",
    "P3": "killed with the effect applied, before the answer was sent",
    "P4": "killed with the answer received, not recorded",
    "P5": "killed with the effect recorded, not reported to Temporal",
    "R": "refused by the vendor (4xx), repaired, tried again",
    "T0": "no answer in time, not applied",
    "T1": "no answer in time, applied",
    "C0": "connection cut, not applied",
    "C1": "connection cut after the effect",
    "TL": "connection cut, applied late: after the retry",
}
FOUND = frozenset({"P3", "P4", "T1", "C1", "W1", "W3", "W6"})
"""Points after which the effect is there and must be found."""
KILLS = frozenset({"P0", "P1", "P3", "P4", "P5"})

_TOO_LATE = "recovered after"

_NEEDS = {
    "customer": (), "cost-centre": (), "contact": ("customer",), "project": ("customer", "cost-centre"),
    "billing-schedule": ("project",), "contract": ("billing-schedule",), "write-back": ("contract", "contact"),
}  # fmt: skip
_LETTERS = {
    "customer": "CUST", "contact": "PERS", "cost-centre": "CENT", "project": "PROJ", "billing-schedule": "SCHE",
    "contract": "CONT", "write-back": "BACK", "status": "STAT", "hold": "HOLD", "release": "RELE",
}  # fmt: skip


class Missed(Exception):
    """The worker was not at the wanted point when it was looked at; the cell is tried with a fresh deal."""


@dataclass(frozen=True)
class Cell:
    """A write and a point."""

    operation: str
    point: str

    @property
    def name(self) -> str:
        return f"{self.operation} {self.point}"

    def tag(self, attempt: int) -> str:
        return f"{self.point}{_LETTERS[self.operation]}{attempt}"

    @property
    def found(self) -> str:
        """The write whose effect must be found by the look-up; empty at points without one."""
        return self.operation if self.point in FOUND else ""

    @property
    def ending(self) -> Ending:
        # While the ERP refuses a write and a person looks at it, the deal says that it waits.
        told = 1 if self.point in {"R", "W7"} and self.operation not in {"write-back", "status"} else 0
        return {
            "status": Ending("refused", sets_up=False, statuses=1),
            "hold": Ending("frozen", holds=1, statuses=1 + told),
            "release": Ending("active", holds=1, releases=1, statuses=2 + told),
        }.get(self.operation, Ending("active", statuses=told))


@dataclass
class Result:
    """What came of one cell."""

    name: str
    problems: list[str] = field(default_factory=list)
    recovery_s: float | None = None
    """From the kill to the end of the deal; None where nothing was killed."""
    looked: str = ""
    """What was seen at the point of the kill or of the fault."""
    attempts: int = 1
    earlier: Result | None = None
    """The same cell measured before, when it was only late."""
    load: float = 0.0
    """Processes that wanted a core, one minute's mean, when the deal had come to its end."""

    def recovered(self, seconds: float) -> None:
        """Note how long after the kill the deal came to its end."""
        self.recovery_s, self.load = seconds, os.getloadavg()[0]
        if seconds > LIMIT_S:
            self.problems.append(f"{_TOO_LATE} {seconds:.1f} s, allowed are {LIMIT_S:.0f} s")

    @property
    def was_only_late(self) -> bool:
        return bool(self.problems) and all(problem.startswith(_TOO_LATE) for problem in self.problems)

    @property
    def passed(self) -> bool:
        return not self.problems


@dataclass
class Scene:
    """A deal that is ready for its disturbed write, and the lock to freeze it with."""

    cell: Cell
    site: Site
    deal: FreshDeal
    lock: StoreLock
    marks: int = 0
    readings: int = 0
    waited_for: str = ""
    """The blocker that is open before the disturbed write: that of a frozen contract."""

    @property
    def stand(self) -> Stand:
        return self.site.stand

    @property
    def engagement(self) -> str:
        return self.stand.engagement(self.deal.contract)

    @property
    def vendor(self) -> Sandbox:
        return self.stand.crm if self.cell.operation in {"write-back", "status"} else self.stand.erp

    def state(self) -> str:
        """State of the disturbed write in the store; empty when no intent of it is stored."""
        operations = self.lock.operations(self.engagement)
        wanted = self.cell.operation
        rows = [
            state
            for step, state in operations.items()
            if step == wanted or (step.partition(":")[0] == wanted and wanted != "project")
        ]
        return rows[-1] if rows else ""

    def must_be(self, *states: str) -> None:
        """The row of the write is in one of these states; the empty one means that it is not there."""
        found = self.state()
        assert found in states, (
            f"the row of {self.cell.operation} is {found or 'not there'}, wanted {' or '.join(states)}"
        )

    def before_intent(self) -> bool:
        """Whether everything the write needs is recorded and the write itself is not yet intended."""
        if self.state():
            return False
        if self.cell.operation in {"status", "hold", "release"}:
            return self.lock.readings(self.engagement) > self.readings
        operations = self.lock.operations(self.engagement)
        done = {step.partition(":")[0] for step, state in operations.items() if state == "applied"}
        return self.lock.stage(self.engagement) == "applying" and set(_NEEDS[self.cell.operation]) <= done

    async def rule(self, action: str, **more: Any) -> str:
        """A fault for exactly this write of exactly this deal, once."""
        name = f"{self.deal.tag}-{action}-{len(more)}"
        await self.vendor.faults({"id": name, "action": action, **await self._aim(), **more})
        return name

    async def _aim(self) -> dict[str, Any]:
        deal, low, operation = self.deal, self.deal.contract.lower(), self.cell.operation
        if operation in {"hold", "release"}:
            return {"method": "PATCH", "path": f"/salesOrder/{await self._contract_id()}"}
        if operation in {"write-back", "status"}:
            return {"method": "POST", "path": "/composite$", "body_match": deal.contract}
        by_key = {
            "customer": ("/customer/eid:", deal.company),
            "contact": ("/contact/eid:", deal.person),
            "cost-centre": (f"/department/eid:tl_dept_{deal.cost_centre}", ""),
            "project": (f"/job/eid:tl_proj_{low}", ""),
            "billing-schedule": (f"/billingSchedule/eid:tl_bs_{low}", ""),
            "contract": (f"/salesOrder/eid:tl_so_{low}", ""),
        }
        path, said = by_key[operation]
        return {"method": "PUT", "path": path, **({"body_match": said} if said else {})}

    async def _contract_id(self) -> str:
        rows = await self.site.store.ledger.list_operations(self.stand.engagement(self.deal.contract))
        refs = (row.effect.ref for row in rows if row.effect is not None)
        return next(ref.record_id for ref in refs if ref.kind is RecordKind.CONTRACT)

    async def start(self) -> None:
        """Let happen what leads to the disturbed write."""
        if self.cell.operation == "hold":
            await self.site.lose(self.deal)
        else:
            await self.site.win(self.deal)

    async def effects(self, since: int) -> int:
        """How many entries of the vendor's journal the disturbed write made."""
        kind = {
            "customer": "customer", "contact": "contact", "cost-centre": "department", "project": "job",
            "billing-schedule": "billingSchedule", "contract": "salesOrder", "write-back": "Tieline_Project__c",
            "status": "Tieline_Project__c",
        }.get(self.cell.operation, "salesOrder")  # fmt: skip
        entries = await self.vendor.journal(since)
        return sum(
            entry["kind"] == kind and any(word in str(entry["after"]) for word in self.deal.words) for entry in entries
        )

    async def last_seq(self) -> int:
        return await self.vendor.last_seq()
