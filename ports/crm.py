from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from models.events import ContractOfDeal
from models.ids import ConnectionId, DealId
from models.operations import WriteBackDeal
from models.records import Effect, Guard, Links
from models.terms import SignedTerms

__all__ = ["DealReader", "Deals"]


class DealReader(Protocol):
    """The reading half of a CRM connection."""

    @property
    def connection(self) -> ConnectionId:
        """The account this adapter speaks to."""
        ...

    async def check_access(self) -> None:
        """One cheap read that shows whether the account takes our credentials. Raises what went wrong."""
        ...

    async def find_contracts(self, deals: Sequence[DealId]) -> tuple[ContractOfDeal, ...]:
        """Which contract each deal sells; deals that do not exist are missing from the answer. One call for many."""
        ...

    async def list_won_deals(self) -> tuple[ContractOfDeal, ...]:
        """Every deal that is closed-won now."""
        ...

    async def get_signed_terms(self, deal: DealId) -> SignedTerms:
        """The deal with customer, contacts, lines, milestones and rates as they are now, in one call.

        Raises NeedsRepair when the deal does not exist or a field cannot be read as what it must be.
        """
        ...

    def guard_of_write_back(self) -> Guard:
        """How a repeated write-back is kept to one effect."""
        ...


class Deals(DealReader, Protocol):
    """What Tieline needs of a CRM for a closed-won deal."""

    async def find_write_back(self, request: WriteBackDeal, links: Links) -> Effect | None:
        """Evidence that this write-back landed."""
        ...

    async def ensure_write_back(self, request: WriteBackDeal, links: Links) -> Effect:
        """Show status, ids and the note on the deal, all or nothing, in one call."""
        ...
