from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from models.ids import ConnectionId
from ports.inbox import Inbox, InboxRow
from runtime.log_events import log_event

__all__ = ["BillingNews", "Doorbell"]


class Doorbell(Protocol):
    """Makes the sweep of an account's invoices look now."""

    async def ring(self, connection: ConnectionId) -> object:
        """Twice does no harm."""
        ...


class BillingNews:
    """Events of ERPs: whatever was saved, the one sweep of that account looks, once for all that wait."""

    def __init__(self, accounts: Sequence[ConnectionId], doorbell: Doorbell, inbox: Inbox) -> None:
        self._accounts = frozenset(accounts)
        self._doorbell = doorbell
        self._inbox = inbox

    def is_about(self, connection: ConnectionId) -> bool:
        """Whether that account's invoices are shown here."""
        return connection in self._accounts

    async def hand_on(self, connection: ConnectionId, rows: Sequence[InboxRow]) -> None:
        """Ring, then take them out of the inbox. Raises what the engine raises; then they stay."""
        await self._doorbell.ring(connection)
        await self._inbox.mark_handed_on(tuple(row.row for row in rows), outcome="rang the sweep of invoices")
        log_event("billing.dispatched", connection=connection, events=len(rows))
