from __future__ import annotations

from datetime import datetime
from typing import Protocol

from models.base import Canonical
from models.events import CrmEvent
from models.ids import ConnectionId, ContractNumber, DealId, FirmId

__all__ = ["DealBindings", "DealHolder", "Inbox", "InboxRow"]


class InboxRow(Canonical):
    """An accepted event that has not been handed to a process yet."""

    row: int
    event: CrmEvent
    received_at: datetime
    attempts: int = 0
    traceparent: str | None = None
    """W3C trace context of the request that brought the event, so that one trace leads from the event to the record."""


class Inbox(Protocol):
    """Accepted events: one row per event id, for ever. Accepted means stored."""

    async def accept(self, event: CrmEvent, raw: bytes, *, traceparent: str | None = None) -> bool:
        """Store it. False when this event id was accepted before (nothing is stored then)."""
        ...

    async def list_waiting(
        self, limit: int, *, besides: frozenset[ConnectionId] = frozenset()
    ) -> tuple[InboxRow, ...]:
        """Events not yet handed on, oldest first, those of some connections left out."""
        ...

    async def mark_handed_on(self, rows: tuple[int, ...], *, outcome: str) -> None:
        """The process has it (or it was refused for the reason given)."""
        ...

    async def mark_attempt(self, rows: tuple[int, ...], *, reason: str) -> None:
        """It could not be handed on now; it stays."""
        ...


class DealHolder(Canonical):
    """A deal that holds a contract, and the CRM account it is in."""

    connection: ConnectionId
    deal: DealId

    def seen_from(self, crm: ConnectionId) -> str:
        """The deal for somebody who looks at that CRM: a deal of another account is told with its account."""
        return self.deal if self.connection == crm else f"{self.deal} in {self.connection}"


class DealBindings(Protocol):
    """Which deal sold which contract: a copied deal is caught here (DOM-2.3), also one in another CRM account."""

    async def bind_deal(
        self, firm: FirmId, connection: ConnectionId, contract: ContractNumber, deal: DealId
    ) -> DealHolder:
        """Bind the contract to this deal unless it is bound already; returns the deal that holds it."""
        ...

    async def release_deal(self, firm: FirmId, contract: ContractNumber, holder: DealHolder) -> bool:
        """Free the number of a contract that this deal no longer sells, when nothing of it was written. False: not its.

        Another deal may then sell it: sales makes a lost deal anew as often as it opens the old one again.
        """
        ...

    async def find_deal_of_project(self, firm: FirmId, erp: ConnectionId, project_id: str) -> DealHolder | None:
        """The deal for which we made that project in that ERP: two of them may give the same id."""
        ...

    async def find_deal_of_contract(self, firm: FirmId, contract: ContractNumber) -> DealHolder | None:
        """The deal that holds the contract, in whichever CRM account; None before its first plan."""
        ...

    async def find_contract_set_up(
        self, firm: FirmId, connection: ConnectionId, deal: DealId, *, besides: ContractNumber
    ) -> ContractNumber | None:
        """Another contract of the same deal that has a project already: perhaps the same one, renumbered."""
        ...
