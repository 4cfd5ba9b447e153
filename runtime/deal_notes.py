from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Literal

from activities.deal_status import show_on_deal
from activities.exactly_once import ExactlyOnce
from models.errors import TielineError
from models.events import ContractOfDeal
from models.ids import ConnectionId, ContractNumber, EngagementId, FirmId, external_key
from models.operations import WriteBackDeal
from models.process import EngagementRef
from ports.crm import Deals
from ports.ledger import Ledger, OperationState
from runtime.log_events import log_event

__all__ = ["DealNotes"]

_PROCESS = "dispatch"


class DealNotes:
    """What the salesperson reads on a deal that no process stands for: a copy, or one without a contract number.

    Kept under the deal's own key, so a copy never speaks in the place of its original.
    """

    def __init__(self, crms: Mapping[ConnectionId, Deals], ledger: Ledger, once: ExactlyOnce, firm: FirmId) -> None:
        self._crms = crms
        self._ledger = ledger
        self._once = once
        self._firm = firm

    async def say(self, connection: ConnectionId, deal: ContractOfDeal, message: str) -> None:
        """Show why it waits; the same words are written once. A CRM that refuses leaves it to the desk alone."""
        await self._show(connection, deal, "waiting", message)

    async def take_back(self, connection: ConnectionId, deal: ContractOfDeal, reason: str) -> None:
        """Nothing waits any more, if anything was said."""
        rows = await self._ledger.list_operations(self._place(connection, deal))
        if any(row.state is OperationState.APPLIED for row in rows):
            await self._show(connection, deal, "cancelled", f"Nothing to do: {reason}.")

    async def _show(
        self, connection: ConnectionId, deal: ContractOfDeal, status: Literal["waiting", "cancelled"], message: str
    ) -> None:
        crm = self._crms.get(connection)
        if crm is None:
            return
        place = self._place(connection, deal)
        request = WriteBackDeal(
            key=external_key(place, "deal"),
            deal_id=deal.deal_id,
            contract_number=deal.contract_number or ContractNumber(f"deal {deal.deal_id}"),
            status=status,
            message=message,
        )
        subject = EngagementRef(
            firm=self._firm,
            engagement=place,
            deal_id=deal.deal_id,
            contract_number=ContractNumber(place.partition("/")[2]),
            workflow_id="",
        )
        try:
            await show_on_deal(
                request, subject, crm=crm, ledger=self._ledger, once=self._once, process=_PROCESS
            )
        except TielineError as refused:
            log_event("deal.not_told", level=logging.WARNING, exc=refused, deal=deal.deal_id)

    def _place(self, connection: ConnectionId, deal: ContractOfDeal) -> EngagementId:
        return EngagementId(f"{self._firm}/event:{connection}:{deal.deal_id}")
