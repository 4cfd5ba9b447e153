from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.ids import ConnectionId
from ports.customer_sync import AccountReader
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
    ) -> None:
        self._accounts = accounts
        self._doors = doors
        self._inbox = inbox

    async def hand_on(self, connection: ConnectionId, rows: Sequence[InboxRow]) -> None:
        """One question for all of them; each account is rung once. Raises what the CRM or the engine raises."""
        reader, door = self._accounts.get(connection), self._doors.get(connection)
        if reader is None or door is None:
            await self._close(rows, "customers of this connection are kept equal by hand")
            return
        asked = list(dict.fromkeys(row.event.record_id for row in rows))
        found = await reader.find_accounts(asked)
        customers = [one for one in found if one.erp_customer_id]
        # An account that is gone is not found any more; its sync knows whether it had a customer.
        accounts = {row.event.record_id for row in rows if row.event.object_kind == "account"}
        gone = sorted(accounts - {one.account_id for one in found})
        with continued_span("account.dispatch", [row.traceparent for row in rows]):
            for account in [*(one.account_id for one in customers), *gone]:
                await door.ring(account)
        log_event("accounts.dispatched", events=len(rows), accounts=len(customers) + len(gone))
        await self._close(rows, f"rang the sync of {len(customers) + len(gone)} accounts")

    async def _close(self, rows: Sequence[InboxRow], outcome: str) -> None:
        await self._inbox.mark_handed_on(tuple(row.row for row in rows), outcome=outcome)

