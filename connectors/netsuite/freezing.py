"""Freeze, release and cancellation: no time on the projects, no invoices from the contract. DOM-2.3."""

from __future__ import annotations

from connectors.netsuite.client import NetSuiteClient
from connectors.netsuite.config import NetSuiteConfig
from connectors.netsuite.mapping import CANCEL_MARK, FREEZE_MARK, Body, frozen_hold, hold_before_freeze, internal_id
from connectors.netsuite.queries import Query
from connectors.netsuite.reading import Reader
from connectors.netsuite.schemas import SalesOrderRecord
from models.errors import NeedsRepair
from models.records import RecordRef, WorkDone
from models.roles import Role

__all__ = ["Freezing"]

_PENDING_APPROVAL, _APPROVED = "A", "B"
_STOPPED = (FREEZE_MARK, CANCEL_MARK)
_MOST_ROWS = 1000
_WORK_DONE = (
    "SELECT 'invoice' AS kind, TO_CHAR(t.id) AS id, t.tranid AS number_ FROM transaction t"
    " WHERE t.type = 'CustInvc' AND (t.entity IN (SELECT j.id FROM job j WHERE j.id = ? OR j.parent = ?)"
    " OR t.id IN (SELECT k.nextdoc FROM previoustransactionlink k WHERE k.previousdoc = ?))"
    " UNION ALL SELECT 'time', TO_CHAR(b.id), NULL FROM timebill b"
    " WHERE b.customer IN (SELECT j.id FROM job j WHERE j.id = ? OR j.parent = ?) ORDER BY 1, 2"
)


class Freezing:
    """Sets fields of records that exist; every step may be repeated."""

    def __init__(self, client: NetSuiteClient, config: NetSuiteConfig, reader: Reader) -> None:
        self._client = client
        self._config = config
        self._reader = reader

    async def freeze(self, project: RecordRef, contract: RecordRef, reason: str) -> None:
        """Close all projects of the engagement for time and cost, and send the contract back to approval."""
        hold_now, _ = await self._hold(contract)
        for job in await self._jobs(project):
            await self._open(job, project, is_open=False)
        await self._bill(contract, hold=frozen_hold(reason, hold_now))

    async def release(self, project: RecordRef, contract: RecordRef) -> None:
        """Open the projects again, and the contract too unless billing waited before the freeze."""
        hold_now, _ = await self._hold(contract)
        was_cancelled = hold_now.startswith(CANCEL_MARK)
        status = self._config.project_status_open if was_cancelled else ""
        for job in await self._jobs(project):
            await self._open(job, project, is_open=True, status=status)
        if was_cancelled:
            await self._close_lines(contract, is_closed=False)
        await self._bill(contract, hold=hold_before_freeze(hold_now))

    async def cancel(self, project: RecordRef, contract: RecordRef, reason: str) -> None:
        """Close the projects and every line of the contract; nothing is deleted."""
        hold_now, _ = await self._hold(contract)
        for job in await self._jobs(project):
            await self._open(job, project, is_open=False, status=self._config.project_status_cancelled)
        # The mark comes before the lines, so that a release finds it however far this came.
        await self._bill(contract, hold=frozen_hold(reason, hold_now, mark=CANCEL_MARK))
        await self._close_lines(contract, is_closed=True)

    async def enter_po(self, contract: RecordRef, po_number: str, lifts: str) -> None:
        """Enter the customer's number; billing opens when nothing else is waited for."""
        hold_now, _ = await self._hold(contract)
        await self._bill(contract, hold=_without(hold_now, lifts), po_number=po_number)

    async def has_po(self, contract: RecordRef, po_number: str, lifts: str) -> bool:
        """Whether the number stands on the contract, which waits for it no more."""
        order = await self._order(contract)
        hold = str((order.model_extra or {}).get(self._config.custom.contract_billing_hold) or "")
        return order.other_ref_num == po_number and not (lifts and lifts in hold)

    async def is_frozen(self, project: RecordRef, contract: RecordRef) -> bool:
        """Whether every part of a freeze is in place."""
        hold, status = await self._hold(contract)
        if not hold.startswith(FREEZE_MARK) or status != _PENDING_APPROVAL:
            return False
        return not any((await self._jobs(project)).values())

    async def is_open(self, project: RecordRef, contract: RecordRef) -> bool:
        """Whether nothing of a freeze is left."""
        hold, status = await self._hold(contract)
        if hold.startswith(_STOPPED) or (status == _PENDING_APPROVAL and not hold):
            return False
        return all((await self._jobs(project)).values())

    async def is_cancelled(self, project: RecordRef, contract: RecordRef) -> bool:
        """Whether every part of a cancellation is in place."""
        order = await self._order(contract)
        hold = str((order.model_extra or {}).get(self._config.custom.contract_billing_hold) or "")
        if not hold.startswith(CANCEL_MARK) or not all(line.is_closed for line in order.item.items):
            return False
        return not any((await self._jobs(project)).values())

    async def work_done(self, project: RecordRef, contract: RecordRef) -> WorkDone:
        """Invoices raised from the contract or its projects, and time booked to them: one call."""
        job, order = internal_id(project), internal_id(contract)
        query = Query(_WORK_DONE, (job, job, order, job, job))
        name = f"what was billed of contract {contract.number or order}"
        page = await self._client.query(query, record=name, needs=("kind", "id"), limit=_MOST_ROWS)
        invoices = [row.get("number_") or str(row["id"]) for row in page.items if row["kind"] == "invoice"]
        return WorkDone(invoices=tuple(invoices), time_entries=len(page.items) - len(invoices))

    async def _close_lines(self, contract: RecordRef, *, is_closed: bool) -> None:
        lines = [
            {"line": line.line, "isClosed": is_closed}
            for line in (await self._order(contract)).item.items
            if line.line is not None and line.is_closed is not is_closed
        ]
        if lines:
            name, body = f"contract {contract.number or contract.record_id}", {"item": {"items": lines}}
            await self._client.patch_record("salesOrder", internal_id(contract), body, record=name)

    async def _order(self, contract: RecordRef) -> SalesOrderRecord:
        name = f"contract {contract.number or contract.record_id}"
        found = await self._client.get_record("salesOrder", internal_id(contract), SalesOrderRecord, record=name)
        if found is None:
            raise _missing(name)
        return found

    async def _hold(self, contract: RecordRef) -> tuple[str, str]:
        """Why nothing is billed now, and the approval status."""
        column = self._config.custom.contract_billing_hold
        name = f"contract {contract.number or contract.record_id}"
        found = await self._client.get_record(
            "salesOrder", internal_id(contract), SalesOrderRecord, record=name, fields=("id", "orderStatus", column)
        )
        if found is None:
            raise _missing(name)
        return str((found.model_extra or {}).get(column) or ""), found.order_status.id

    async def _jobs(self, project: RecordRef) -> dict[str, bool]:
        """The project and the part projects of a mixed contract, and whether each takes time or cost."""
        name = f"project {project.number or project.record_id}"
        record_id = internal_id(project)
        query = Query(
            "SELECT TO_CHAR(j.id) AS id, j.allowtime AS allow_time, j.allowexpenses AS allow_expenses FROM job j"
            " WHERE j.id = ? OR j.parent = ? ORDER BY j.id",
            (record_id, record_id),
        )
        page = await self._client.query(query, record=name, needs=("id",))
        jobs = {str(row["id"]): "T" in {row.get("allow_time"), row.get("allow_expenses")} for row in page.items}
        if record_id not in jobs:
            raise _missing(name)
        return jobs

    async def _open(self, job: str, project: RecordRef, *, is_open: bool, status: str = "") -> None:
        name = f"project {project.number or job}"
        body: Body = {"allowTime": is_open, "allowExpenses": is_open}
        if status:
            body["entityStatus"] = {"id": status}
        await self._client.patch_record("job", job, body, record=name)

    async def _bill(self, contract: RecordRef, *, hold: str, po_number: str = "") -> None:
        body: Body = {
            "orderStatus": {"id": _PENDING_APPROVAL if hold else _APPROVED},
            self._config.custom.contract_billing_hold: hold or None,
        }
        if po_number:
            body["otherRefNum"] = po_number
        name = f"contract {contract.number or contract.record_id}"
        await self._client.patch_record("salesOrder", internal_id(contract), body, record=name)


def _without(hold: str, lifted: str) -> str:
    return " ".join(hold.replace(lifted, " ").split()) if lifted else hold


def _missing(name: str) -> NeedsRepair:
    return NeedsRepair(
        f"NetSuite has no {name} any more, so it cannot be frozen or opened. Look who deleted it there, then press "
        "Retry.",
        record=name,
        owner=Role.FINANCE_OPERATIONS,
    )
