from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from models.customer_sync import (
    AccountState,
    AccountView,
    AgreedState,
    CustomerState,
    KnownPerson,
    ReleaseCustomer,
    ShowCustomer,
    UpdateContact,
    UpdateCustomer,
)
from models.ids import ConnectionId, FirmId, PersonId
from models.match_undo import MatchUndo, UndoState
from models.records import Effect, Guard

__all__ = ["AccountReader", "Accounts", "CustomerKeeper", "CustomerReader", "MatchUndos", "SyncMemory"]


@runtime_checkable
class AccountReader(Protocol):
    """A CRM whose accounts can be read for themselves."""

    @property
    def connection(self) -> ConnectionId:
        """The account this adapter speaks to."""
        ...

    async def find_accounts(self, records: Sequence[str]) -> tuple[AccountView, ...]:
        """Which accounts these records are about: accounts themselves, or people there. One call for many."""
        ...

    async def list_customer_accounts(self) -> tuple[AccountView, ...]:
        """Every account that has a customer in the ERP."""
        ...

    async def get_account(self, account_id: str) -> AccountState:
        """The account with its people as it is now; one call. One that is gone says so."""
        ...


@runtime_checkable
class Accounts(AccountReader, Protocol):
    """A CRM that shows on its accounts what the ERP owns."""

    async def find_shown(self, request: ShowCustomer) -> Effect | None:
        """Evidence that the account shows it."""
        ...

    async def show_customer(self, request: ShowCustomer) -> Effect:
        """Show it. Doing it twice is doing it once."""
        ...

    async def find_released(self, request: ReleaseCustomer) -> Effect | None:
        """Evidence that the account shows nothing of that customer any more."""
        ...

    async def release_customer(self, request: ReleaseCustomer) -> Effect:
        """Take that customer off the account. What it shows of another customer stays."""
        ...


@runtime_checkable
class CustomerReader(Protocol):
    """An ERP whose customers can be read for themselves."""

    @property
    def connection(self) -> ConnectionId:
        """The account this adapter speaks to."""
        ...

    async def get_customer(self, record_id: str, people: Sequence[KnownPerson]) -> CustomerState | None:
        """The customer as it is now with those people; None when there is none of that id."""
        ...


@runtime_checkable
class CustomerKeeper(CustomerReader, Protocol):
    """An ERP in which customers can be changed."""

    def guard_of_customer_change(self) -> Guard:
        """How a repeated change is kept to one effect."""
        ...

    async def find_update(self, request: UpdateCustomer | UpdateContact) -> Effect | None:
        """Evidence that the record says what this change wants."""
        ...

    async def apply_update(self, request: UpdateCustomer | UpdateContact) -> Effect:
        """Make the change, if what it touches still is as the plan saw it; else raise `Stale`, nothing written."""
        ...


class SyncMemory(Protocol):
    """What the two sides agreed on, and who in the ERP is whom in the CRM."""

    async def get_agreed(self, firm: FirmId, connection: ConnectionId, account_id: str) -> AgreedState:
        """What both last agreed on; nothing before the first time."""
        ...

    async def save_agreed(self, firm: FirmId, connection: ConnectionId, account_id: str, agreed: AgreedState) -> None:
        """Keep it. A revision that is older than the kept one changes nothing."""
        ...

    async def list_accounts_of(
        self, firm: FirmId, connection: ConnectionId, customers: Sequence[str]
    ) -> tuple[str, ...]:
        """Accounts that were last compared with one of these customers of the ERP."""
        ...

    async def list_known_people(self, erp: ConnectionId, codes: Sequence[str]) -> tuple[KnownPerson, ...]:
        """The contacts we made or took for these people of the CRM."""
        ...

    async def is_bound_id(self, erp: ConnectionId, customer_id: str) -> bool:
        """Whether some engagement of ours stands on this customer."""
        ...


class MatchUndos(Protocol):
    """Which accounts and customers people told apart, and which of them wait for a decision."""

    async def ask(self, undo: MatchUndo) -> MatchUndo:
        """Keep the wish, with an audit entry. One that is open already for this account is returned as it is."""
        ...

    async def find_open(self, firm: FirmId, crm: ConnectionId, account_id: str) -> MatchUndo | None:
        """The wish that waits for a decision."""
        ...

    async def list_about(self, firm: FirmId, about: str) -> tuple[MatchUndo, ...]:
        """Every wish about this account, or about the customer of this id or number, oldest first."""
        ...

    async def list_told_apart(self, firm: FirmId, crm: ConnectionId, account_id: str) -> tuple[MatchUndo, ...]:
        """Customers that this account is not, whatever the evidence says."""
        ...

    async def settle(
        self, undo: MatchUndo, state: UndoState, *, decided_by: tuple[PersonId, ...], outcome: str
    ) -> MatchUndo:
        """Close the wish, with an audit entry that names old evidence and both people. The first end counts."""
        ...
