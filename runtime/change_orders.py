from __future__ import annotations

from typing import Protocol

from temporalio.client import Client, WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from models.change_process import AmendedContract, ChangeOrdersResult, change_orders_id, changes_of
from models.ids import ContractNumber, FirmId
from models.process import DealNews
from workflows.change_order import ChangeOrders
from workflows.policies import TASK_TIMEOUT
from workflows.showing import FIRM, PARKED, STAGE

__all__ = ["ChangeOrderDoor", "ChangeOrderStarter"]


class ChangeOrderDoor(Protocol):
    """How an amendment's event reaches the change orders of its contract. Twice does no harm."""

    async def ring(self, contract: ContractNumber) -> str:
        """Start them, or tell the running ones to look at the CRM again."""
        ...

    async def tell(self, contract: ContractNumber) -> bool:
        """Tell them if they run; False when nothing of the contract runs."""
        ...


class ChangeOrderStarter:
    """One process per engagement takes its amendments in order, whatever rings first."""

    def __init__(self, client: Client, firm: FirmId, task_queue: str) -> None:
        self._client = client
        self._firm = firm
        self._task_queue = task_queue

    def handle(self, contract: ContractNumber) -> WorkflowHandle[ChangeOrders, ChangeOrdersResult]:
        """The change orders of that contract, running or not."""
        return self._client.get_workflow_handle_for(ChangeOrders.run, change_orders_id(self._firm, contract))

    async def ring(self, contract: ContractNumber) -> str:
        """Signal with start: one call of the engine, so no event falls between a run that ends and the next one."""
        await self._client.start_workflow(
            ChangeOrders.run,
            AmendedContract(firm=self._firm, engagement=changes_of(self._firm, contract), contract_number=contract),
            id=change_orders_id(self._firm, contract),
            task_queue=self._task_queue,
            task_timeout=TASK_TIMEOUT,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal="deal-changed",
            start_signal_args=[DealNews()],
            static_summary=f"Contract {contract}: amendments, in order"[:200],
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(FIRM, self._firm),
                    SearchAttributePair(STAGE, "planning"),
                    SearchAttributePair(PARKED, False),  # noqa: FBT003 - a pair is a key and its value
                ]
            ),
        )
        return "rang the change orders of"

    async def tell(self, contract: ContractNumber) -> bool:
        """An amendment that is won no more means something only to change orders that wait."""
        try:
            await self.handle(contract).signal("deal-changed", DealNews())
        except RPCError as gone:
            if gone.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True
