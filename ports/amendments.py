from __future__ import annotations

from typing import Protocol, runtime_checkable

from models.amending import (
    AmendContract,
    AmendSchedule,
    CloseForTime,
    ProposeAdjustments,
    ProposeCreditNote,
    ReleaseParked,
)
from models.change_order import Amendment
from models.contract_standing import ContractStanding
from models.ids import ConnectionId, ContractNumber
from models.records import Effect, Guard, Links, RecordRef

__all__ = ["AmendmentReader", "ContractAmendments", "ContractChange", "StandingReader"]

ContractChange = AmendSchedule | AmendContract | ProposeCreditNote | ProposeAdjustments | ReleaseParked | CloseForTime
"""One write of a change order."""


@runtime_checkable
class AmendmentReader(Protocol):
    """A CRM that holds signed amendments as deals of their own."""

    @property
    def connection(self) -> ConnectionId:
        """The account this adapter speaks to."""
        ...

    async def list_amendments(self, contract: ContractNumber) -> tuple[Amendment, ...]:
        """Every amendment of the contract whose deal is won, in no order that means anything; one call.

        Raises NeedsRepair when a field cannot be read as what it must be.
        """
        ...


@runtime_checkable
class StandingReader(Protocol):
    """An ERP that tells how a contract stands now."""

    @property
    def connection(self) -> ConnectionId:
        """The account this adapter speaks to."""
        ...

    def guard_of_change(self, kind: str) -> Guard:
        """How a repeated change of that kind is kept to one effect; manual when this ERP cannot do it."""
        ...

    async def get_standing(self, contract: RecordRef) -> ContractStanding:
        """Lines, schedule rows, invoices and credits as they are at this moment; one call where the vendor allows."""
        ...


@runtime_checkable
class ContractAmendments(StandingReader, Protocol):
    """An ERP in which contracts in force can be changed."""

    async def find_change(self, request: ContractChange, links: Links) -> Effect | None:
        """Evidence that the contract stands as this change wants it."""
        ...

    async def apply_change(self, request: ContractChange, links: Links) -> Effect:
        """Make the change, if what it touches still stands as the plan saw it; else raise `Stale`, nothing written."""
        ...
