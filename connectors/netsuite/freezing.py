"""Freeze and release of an engagement: no time on its projects, no invoices from its contract. DOM-2.3."""

from __future__ import annotations

from connectors.netsuite.client import NetSuiteClient
from connectors.netsuite.config import NetSuiteConfig
from connectors.netsuite.mapping import FREEZE_MARK, frozen_hold, hold_before_freeze, internal_id
from connectors.netsuite.queries import Query
from connectors.netsuite.reading import Reader
from connectors.netsuite.schemas import SalesOrderRecord
from models.errors import NeedsRepair
from models.records import RecordRef
from models.roles import Role

__all__ = ["Freezing"]

_PENDING_APPROVAL, _APPROVED = "A", "B"


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
        for job in await self._jobs(project):
            await self._open(job, project, is_open=True)
        await self._bill(contract, hold=hold_before_freeze(hold_now))

    async def is_frozen(self, project: RecordRef, contract: RecordRef) -> bool:
        """Whether every part of a freeze is in place."""
        hold, status = await self._hold(contract)
        if not hold.startswith(FREEZE_MARK) or status != _PENDING_APPROVAL:
            return False
        return not any((await self._jobs(project)).values())

    async def is_open(self, project: RecordRef, contract: RecordRef) -> bool:
        """Whether nothing of a freeze is left."""
        hold, status = await self._hold(contract)
        if hold.startswith(FREEZE_MARK) or (status == _PENDING_APPROVAL and not hold):
            return False
        return all((await self._jobs(project)).values())

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

    async def _open(self, job: str, project: RecordRef, *, is_open: bool) -> None:
        name = f"project {project.number or job}"
        await self._client.patch_record("job", job, {"allowTime": is_open, "allowExpenses": is_open}, record=name)

    async def _bill(self, contract: RecordRef, *, hold: str) -> None:
        body = {
            "orderStatus": {"id": _PENDING_APPROVAL if hold else _APPROVED},
            self._config.custom.contract_billing_hold: hold or None,
        }
        name = f"contract {contract.number or contract.record_id}"
        await self._client.patch_record("salesOrder", internal_id(contract), body, record=name)


def _missing(name: str) -> NeedsRepair:
    return NeedsRepair(
        f"NetSuite has no {name} any more, so it cannot be frozen or opened. Look who deleted it there, then press "
        "Retry.",
        record=name,
        owner=Role.FINANCE_OPERATIONS,
    )
