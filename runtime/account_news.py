from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.ids import ConnectionId, FirmId
from ports.customer_sync import AccountReader, SyncMemory
from ports.inbox import Inbox, InboxRow
from runtime.customer_sync import CustomerSyncDoor
from runtime.log_events import log_event
from runtime.telemetry import continued_span

__all__ = ["AccountNews"]


class AccountNews:
    """Hands news about accounts and people there to the sync of each account that has a customer in the ERP."""

    def __init__(
        self,
        accounts: Mapping[ConnectionId, AccountReader],
        doors: Mapping[ConnectionId, CustomerSyncDoor],
        inbox: Inbox,
        *,
        firm: FirmId,
        memory: SyncMemory | None,
    ) -> None:
        self._accounts = accounts
        self._doors = doors
        self._inbox = inbox
        self._firm = firm
        self._memory = memory

    async def hand_on(self, connection: ConnectionId, rows: Sequence[InboxRow]) -> None:
        """One question for all of them; each account is rung once. Raises what the CRM or the engine raises."""
        reader, door = self._accounts.get(connection), self._doors.get(connection)
        if reader is None or door is None or self._memory is None:
            await self._close(rows, "customers of this connection are kept equal by hand")
            return
        asked = list(dict.fromkeys(row.event.record_id for row in rows))
        found = await reader.find_accounts(asked)
        customers = [one for one in found if one.erp_customer_id]
        accounts = {row.event.record_id for row in rows if row.event.object_kind == "account"}
        # An account that is gone is not found any more, and most of them never had a customer.
        gone = [
            account
            for account in sorted(accounts - {one.account_id for one in found})
            if (await self._memory.get_agreed(self._firm, connection, account)).customer_id
        ]
        with continued_span("account.dispatch", [row.traceparent for row in rows]):
            for account in [*(one.account_id for one in customers), *gone]:
                await door.ring(account)
        log_event("accounts.dispatched", events=len(rows), accounts=len(customers) + len(gone))
        await self._close(rows, f"rang the sync of {len(customers) + len(gone)} accounts")

    async def _close(self, rows: Sequence[InboxRow], outcome: str) -> None:
        await self._inbox.mark_handed_on(tuple(row.row for row in rows), outcome=outcome)

