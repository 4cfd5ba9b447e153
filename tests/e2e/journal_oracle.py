"""The judge of the crash cells: vendor journals and audit chain against each other, never Tieline's own report."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ports.audit import AuditEntry
from ports.ledger import OperationState
from tests.e2e.fresh_deals import FreshDeal
from tests.e2e.site import Site

__all__ = ["Ending", "judge"]

_ERP_KIND = {
    "customer": "customer", "contact": "contact", "cost-centre": "department", "project": "job",
    "billing-schedule": "billingSchedule", "contract": "salesOrder",
}  # fmt: skip
_CLOCK = {"ERP_Synced_At__c"}
"""The one field of ours that differs when the very same write-back is written twice."""

Entry = dict[str, Any]


@dataclass(frozen=True)
class Ending:
    """How a deal must stand in the end, and by which writes it came there."""

    stage: str
    sets_up: bool = True
    holds: int = 0
    releases: int = 0
    statuses: int = 0
    """How often a status without a plan was shown on the deal."""

    def steps(self, deal: FreshDeal) -> Counter[str]:
        """Every external write by step, without the version a hold or status carries."""
        wanted: Counter[str] = Counter()
        if self.sets_up:
            wanted.update(["customer", "project", "billing-schedule", "contract", "write-back"])
            wanted.update(["contact"] if deal.person else [])
            wanted.update(["cost-centre"] if deal.cost_centre else [])
        for step, times in (("hold", self.holds), ("release", self.releases), ("status", self.statuses)):
            if times:
                wanted[step] = times
        return wanted


@dataclass
class _Findings:
    deal: str
    problems: list[str] = field(default_factory=list)

    def holds(self, what: str, claim: bool) -> None:
        if not claim:
            self.problems.append(f"{self.deal}: not so: {what}")

    def equal(self, what: str, found: Any, wanted: Any) -> None:
        if found != wanted:
            self.problems.append(f"{self.deal}: {what}: found {found}, wanted {wanted}")


async def judge(site: Site, deals: list[FreshDeal], ending: Ending, *, found: str = "") -> list[str]:
    """What is wrong with what the deals left behind at the vendors and in the audit chain; empty when nothing is.

    `found` is the write whose effect was there when its worker went on: it must have been looked for, found and taken
    as evidence, and not even have been written again with the same content.
    """
    findings = _Findings(" + ".join(deal.contract for deal in deals))
    wanted: Counter[str] = Counter()
    for number, deal in enumerate(deals):
        shared = {"customer"} if number else set()
        wanted.update({step: times for step, times in ending.steps(deal).items() if step not in shared})
    applied = await _audit(site, deals, wanted, findings)
    erp = _of(await site.stand.erp.journal(), deals)
    _erp_records(erp, wanted, applied, findings)
    _erp_changes(erp, ending, len(deals), findings)
    if found:
        _looked_for(found, erp, applied, findings)
    crm = _of(await site.stand.crm.journal(), deals)
    _crm(crm, ending, deals, applied, findings)
    for deal in deals:
        row = await site.row(deal)
        findings.equal("stage", row.stage.value if row else "none", ending.stage)
    return findings.problems


def _looked_for(step: str, erp: list[Entry], applied: dict[str, list[AuditEntry]], found: _Findings) -> None:
    last = applied[step][-1].facts["evidence"] if applied.get(step) else "nothing"
    found.equal(f"evidence of {step}", last, "found by its key")
    if step in _ERP_KIND:
        entries = [entry["action"] for entry in erp if entry["kind"] == _ERP_KIND[step]]
        found.equal(f"journal entries of {step}", entries, ["create"])


def _of(journal: list[Entry], deals: list[FreshDeal]) -> list[Entry]:
    """What a client wrote for these deals; what people did in the vendor's own screens is left out."""
    words = {word for deal in deals for word in deal.words}
    return [
        entry
        for entry in journal
        if entry["client"] != "ui" and any(word in json.dumps(entry["after"] or entry["before"]) for word in words)
    ]


async def _audit(
    site: Site, deals: list[FreshDeal], wanted: Counter[str], found: _Findings
) -> dict[str, list[AuditEntry]]:
    """The chain verifies, each write was intended before and applied once, and no row is left in between."""
    report = await site.store.audit.verify()
    found.holds(f"the audit chain verifies ({report.problem})", report.intact)
    applied: dict[str, list[AuditEntry]] = {}
    for deal in deals:
        engagement = site.stand.engagement(deal.contract)
        entries = await site.store.audit.list_entries(engagement)
        intended: set[str] = set()
        for entry in entries:
            if entry.kind == "operation.intended":
                intended.add(entry.subject)
            elif entry.kind == "operation.applied":
                applied.setdefault(_step(entry.subject), []).append(entry)
                found.holds(f"{entry.subject} was intended before", entry.subject in intended)
            elif entry.kind == "operation.doubled":
                found.problems.append(f"{found.deal}: the chain tells of a double: {entry.subject} {entry.facts}")
        for row in await site.store.ledger.list_operations(engagement):
            found.equal(f"state of {row.key}", row.state, OperationState.APPLIED)
    found.equal("operation.applied by step", {step: len(each) for step, each in applied.items()}, dict(wanted))
    keys = Counter(entry.subject for each in applied.values() for entry in each)
    found.equal("keys applied more than once", {key for key, times in keys.items() if times > 1}, set())
    return applied


def _step(key: str) -> str:
    """The step an operation key is about; shared records have a key of their own form."""
    parts = key.split("/")
    return parts[1] if parts[1] != "quote-to-project" else parts[-1].partition(":")[0]


def _erp_records(
    journal: list[Entry], wanted: Counter[str], applied: dict[str, list[AuditEntry]], found: _Findings
) -> None:
    """One create per external id, none deleted, and each named by its audit entry."""
    created = [entry for entry in journal if entry["action"] == "create"]
    by_kind = Counter(entry["kind"] for entry in created)
    found.equal("records created in the ERP", dict(by_kind), {
        kind: wanted[step] for step, kind in _ERP_KIND.items() if wanted[step]
    })  # fmt: skip
    by_key = Counter((entry["kind"], entry["external_id"]) for entry in created)
    found.equal("creates per external id above one", {key for key, times in by_key.items() if times > 1}, set())
    found.equal("records without our key", [entry["record_id"] for entry in created if not entry["external_id"]], [])
    found.equal("records deleted", [entry["kind"] for entry in journal if entry["action"] == "delete"], [])
    for step, kind in _ERP_KIND.items():
        made = sorted(str(entry["record_id"]) for entry in created if entry["kind"] == kind)
        told = sorted(entry.facts["record"] for entry in applied.get(step, []))
        found.equal(f"audit entries of {kind} records", told, made)


def _erp_changes(journal: list[Entry], ending: Ending, deals: int, found: _Findings) -> None:
    """Updates say the same again, but for freezes and releases: each of those changes project and contract once."""
    changes = Counter(entry["kind"] for entry in journal if entry["action"] == "update" and entry["changed"])
    times = (ending.holds + ending.releases) * deals
    found.equal("changes of ERP records", dict(changes), {"job": times, "salesOrder": times} if times else {})
    for kind, open_now in (("job", "allowTime"), ("salesOrder", "orderStatus")):
        last = next((entry["after"] for entry in reversed(journal) if entry["kind"] == kind), None)
        if last is not None and times:
            frozen = ending.holds > ending.releases
            is_open = last[open_now] is True if kind == "job" else last[open_now]["id"] == "B"
            found.equal(f"{kind} open for work and billing", is_open, not frozen)


def _crm(
    journal: list[Entry], ending: Ending, deals: list[FreshDeal], applied: dict[str, list[AuditEntry]], found: _Findings
) -> None:
    """One record under our key, one note, and as many telling writes as the audit chain names."""
    created = Counter(entry["kind"] for entry in journal if entry["action"] == "create")
    wanted = {"Tieline_Project__c": len(deals)} | ({"Task": len(deals)} if ending.sets_up else {})
    found.equal("records created in the CRM", dict(created), wanted)
    found.equal("records deleted in the CRM", [entry["kind"] for entry in journal if entry["action"] == "delete"], [])
    calls: dict[str, list[Entry]] = {}
    for entry in journal:
        calls.setdefault(str(entry["request_id"]), []).append(entry)
    telling = [each for each in calls.values() if any(set(entry["changed"]) - _CLOCK for entry in each)]
    told = [entry for step in ("write-back", "status") for entry in applied.get(step, [])]
    found.equal("calls that changed the CRM, and their audit entries", len(telling), len(told))
    accounts = [entry for entry in journal if entry["kind"] == "Account" and entry["changed"]]
    found.equal("changes of the account", len(accounts), 1 if ending.sets_up else 0)
    ids = sorted(entry.facts["record"] for entry in told)
    touched = sorted(entry["record_id"] for each in telling for entry in each if entry["kind"] == "Opportunity")
    found.equal("deals named by the audit entries", ids, touched)
