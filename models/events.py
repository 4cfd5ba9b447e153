from __future__ import annotations

from datetime import datetime

from models.base import Canonical
from models.ids import ConnectionId, ContractNumber, DealId

__all__ = ["ContractOfDeal", "CrmEvent", "ErpEvent"]


class CrmEvent(Canonical):
    """Something changed in the CRM: a doorbell. Nothing in it but the record id is believed."""

    connection: ConnectionId
    event_id: str
    object_kind: str
    """`deal` for now."""
    record_id: str
    occurred_at: datetime


class ErpEvent(Canonical):
    """Something was saved in the ERP: a doorbell as well. The record is read anew before anything is done."""

    connection: ConnectionId
    event_id: str
    object_kind: str
    """A `RecordKind`, or the ERP's own word for what we do not keep (`invoice`)."""
    record_id: str
    external_key: str = ""
    """Key that the record carries, if any."""
    change: str = ""
    """`create`, `edit`, `delete` and the like."""
    is_own_write: bool = False
    """Caused by a write of ours: to be dropped, or the two sides would answer each other for ever."""
    occurred_at: datetime


class ContractOfDeal(Canonical):
    """Which contract a deal sells, and how fresh that is: what the dispatcher needs to find the right workflow."""

    crm: ConnectionId = ConnectionId("")
    """The account the deal is in. Empty only in what was written before there could be several: the first one."""
    deal_id: DealId
    contract_number: ContractNumber
    amendment_number: str = ""
    is_won: bool
    source_version: datetime
