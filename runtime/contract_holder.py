from __future__ import annotations

from dataclasses import dataclass

from models.events import ContractOfDeal
from models.ids import ConnectionId, DealId, FirmId
from models.roles import Role
from ports.inbox import DealBindings

__all__ = ["Beside", "find_beside"]

_BASE_CONTRACT = frozenset({"", "0"})


@dataclass(frozen=True)
class Beside:
    """Why a deal has no process of its own, and who acts."""

    code: str
    owner: Role
    message: str


async def find_beside(
    bindings: DealBindings, firm: FirmId, connection: ConnectionId, contract: ContractOfDeal
) -> Beside | None:
    """A deal beside the one that sold this contract: its copy, or an amendment that is a deal of its own (DOM-2.3).

    It must neither start nor join the contract's process: while that waited for it, nobody would hear that the contract
    itself was lost, and an amendment that is won first would take the contract's place.
    """
    number = contract.contract_number
    holder = await bindings.find_deal_of_contract(firm, connection, number)
    if holder == contract.deal_id:
        return None
    if contract.amendment_number not in _BASE_CONTRACT:
        return _amendment(contract, holder)
    if holder is None:
        return None
    return Beside(
        "TL-CON-014",
        Role.SALES_OPERATIONS,
        f"Deal {contract.deal_id} carries the contract number {number} of deal {holder} (copied record). Enter the "
        "copy's own number on it in the CRM, or clear it. Nothing was written.",
    )


def _amendment(contract: ContractOfDeal, holder: DealId | None) -> Beside:
    what = f"Deal {contract.deal_id} is amendment {contract.amendment_number} of contract {contract.contract_number}"
    if holder is None:
        return Beside(
            "TL-CHG-001",
            Role.CONTRACTS,
            f"{what}, which is not set up here. Is the contract's own deal won in the CRM? Nothing was written.",
        )
    return Beside(
        "TL-CHG-000",
        Role.CONTRACTS,
        f"{what}, which deal {holder} sold. It is a change order: enter it in the ERP by hand. Nothing was written.",
    )
