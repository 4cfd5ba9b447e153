from __future__ import annotations

from temporalio import activity
from temporalio.service import RPCError, RPCStatusCode

from models.change_process import change_orders_id
from models.process import DealNews, EngagementRef

__all__ = ["ring_change_orders"]


async def ring_change_orders(subject: EngagementRef) -> None:
    """Amendments that wait for this contract look again; when none waits, there is nobody to hear it."""
    handle = activity.client().get_workflow_handle(change_orders_id(subject.firm, subject.contract_number))
    try:
        await handle.signal("deal-changed", DealNews())
    except RPCError as gone:
        if gone.status is not RPCStatusCode.NOT_FOUND:
            raise
