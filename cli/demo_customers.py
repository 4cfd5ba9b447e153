from __future__ import annotations

import asyncio
import time

from temporalio.client import Client

from cli.demo_sides import DemoCrm
from cli.output import Output
from models.customer_process import number_of_account
from models.errors import TielineError
from models.ids import FirmId
from runtime.customer_sync import CustomerSyncStarter
from runtime.settings import Settings
from store import Store

__all__ = ["DemoCustomers"]

_PATIENCE_S = 120.0
_RUNNING = "WorkflowType = 'customer-sync' AND ExecutionStatus = 'Running' AND TielineParked = false"


class DemoCustomers:
    """Customers at work: each account with a customer is looked at once, and shows what the ERP owns of it."""

    def __init__(self, output: Output, store: Store, firm: FirmId, client: Client) -> None:
        self._output = output
        self._store = store
        self._firm = firm
        self._client = client

    async def tell(self, crm: DemoCrm) -> int:
        """Ring the sync of every customer's account, as `starter.py customers --all` does; returns how many."""
        accounts = await self._customers(crm)
        starter = CustomerSyncStarter(self._client, self._firm, str(Settings.model_fields["task_queue"].default))
        for account in accounts:
            await starter.ring(account)
        await self._settled(accounts)
        waiting = {item.engagement for item in await self._store.desk.list_open(self._firm)}
        stopped = [one for one in accounts if f"{self._firm}/{number_of_account(one)}" in waiting]
        shown = [row for row in (await crm.state()).get("Account", []) if row.get("ERP_Payment_Terms__c")]
        self._output.line(
            f"\n{len(accounts)} accounts have a customer in the ERP; {len(shown)} show its number, payment terms and "
            f"credit hold, {len(stopped)} wait for a person."
        )
        return len(accounts)

    @staticmethod
    async def _customers(crm: DemoCrm) -> list[str]:
        rows = (await crm.state()).get("Account", [])
        return [str(row["Id"]) for row in rows if row.get("ERP_Customer_Id__c")]

    async def _settled(self, accounts: list[str]) -> None:
        """Until each has been looked at, and none is on its way."""
        deadline = time.monotonic() + _PATIENCE_S
        wanted = {f"{self._firm}/{number_of_account(account)}" for account in accounts}
        while True:
            known = {str(row.engagement) for row in await self._store.desk.list_engagements(self._firm)}
            if wanted <= known and not (await self._client.count_workflows(_RUNNING)).count:
                return
            if time.monotonic() > deadline:
                raise TielineError(f"The sync of {len(wanted)} customers did not settle; look at worker.log.")
            await asyncio.sleep(0.2)
