from __future__ import annotations

from collections.abc import Sequence

from models.ids import ConnectionId, FirmId
from ports.customer_sync import SyncMemory
from ports.inbox import Inbox, InboxRow
from runtime.customer_sync import CustomerSyncDoor
from runtime.log_events import log_event

__all__ = ["CUSTOMER", "CustomerNews"]

CUSTOMER = "customer"


class CustomerNews:
    """What an ERP tells of its customers, handed to the syncs of the accounts that stand on them."""

    def __init__(
        self, firm: FirmId, crm: ConnectionId, memory: SyncMemory, door: CustomerSyncDoor, inbox: Inbox
    ) -> None:
        self._firm = firm
        self._crm = crm
        self._memory = memory
        self._door = door
        self._inbox = inbox

    async def hand_on(self, rows: Sequence[InboxRow]) -> None:
        """Ring each account once, then take the rows out of the inbox. Raises what the engine raises; they stay then.

        A customer that no account was compared with yet rings at nobody: its first contract, or the next change of its
        account, reads it anyway.
        """
        customers = sorted({row.event.record_id for row in rows})
        accounts = await self._memory.list_accounts_of(self._firm, self._crm, customers)
        for account in accounts:
            await self._door.ring(account)
        numbers = tuple(row.row for row in rows)
        await self._inbox.mark_handed_on(numbers, outcome=f"rang the sync of {len(accounts)} accounts")
        log_event("customers.dispatched", events=len(rows), accounts=len(accounts))
