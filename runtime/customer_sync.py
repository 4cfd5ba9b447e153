from __future__ import annotations

from typing import Protocol

from temporalio.client import Client, WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy

from models.customer_process import ChangedAccount, CustomerSyncResult, customer_sync_id
from models.ids import FirmId
from models.process import DealNews
from workflows.customer_sync import CustomerSync
from workflows.policies import TASK_TIMEOUT
from workflows.showing import FIRM, PARKED, STAGE

__all__ = ["CustomerSyncDoor", "CustomerSyncStarter"]


class CustomerSyncDoor(Protocol):
    """How news about an account, or about its customer, reaches its sync. Twice does no harm."""

    async def ring(self, account_id: str) -> str:
        """Start it, or tell the running one to look again."""
        ...


class CustomerSyncStarter:
    """One process per account; whatever rings, it looks at both sides."""

    def __init__(self, client: Client, firm: FirmId, task_queue: str) -> None:
        self._client = client
        self._firm = firm
        self._task_queue = task_queue

    def handle(self, account_id: str) -> WorkflowHandle[CustomerSync, CustomerSyncResult]:
        """The sync of that account, running or not."""
        return self._client.get_workflow_handle_for(CustomerSync.run, customer_sync_id(self._firm, account_id))

    async def ring(self, account_id: str) -> str:
        """Signal with start: one call of the engine, so no news falls between a run that ends and the next one."""
        await self._client.start_workflow(
            CustomerSync.run,
            ChangedAccount(firm=self._firm, account_id=account_id),
            id=customer_sync_id(self._firm, account_id),
            task_queue=self._task_queue,
            task_timeout=TASK_TIMEOUT,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal="deal-changed",
            start_signal_args=[DealNews()],
            static_summary=f"Account {account_id}: kept equal with its customer"[:200],
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(FIRM, self._firm),
                    SearchAttributePair(STAGE, "planning"),
                    SearchAttributePair(PARKED, False),  # noqa: FBT003 - a pair is a key and its value
                ]
            ),
        )
        return "rang the sync of account"
