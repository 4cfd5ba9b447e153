from __future__ import annotations

from datetime import datetime

from models.base import Canonical
from models.ids import ConnectionId, ContractNumber, DealId

__all__ = ["ContractOfDeal", "CrmEvent"]


class CrmEvent(Canonical):
    """Something changed in the CRM: a doorbell. Nothing in it but the record id is believed."""

    connection: ConnectionId
    event_id: str
    object_kind: str
    """`deal` for now."""
    record_id: str
    occurred_at: datetime


class ContractOfDeal(Canonical):
    """Which contract a deal sells, and how fresh that is: what the dispatcher needs to find the right workflow."""

    deal_id: DealId
    contract_number: ContractNumber
    amendment_number: str = ""
    is_won: bool
    source_version: datetime
