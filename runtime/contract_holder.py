from __future__ import annotations

import re
from dataclasses import dataclass

from models.events import ContractOfDeal
from models.ids import ConnectionId, FirmId
from models.roles import Role
from ports.inbox import DealBindings, DealHolder

__all__ = ["Beside", "find_beside"]

_BASE_CONTRACT = frozenset({"", "0"})
_SEVERAL = re.compile(r"[;\n]|,\s|\s(?:and|&|\+|/)\s")
"""What stands between two numbers that share one field; a single number holds none of it."""


@dataclass(frozen=True)
class Beside:
    """Why a deal has no process of its own, and who acts."""

    code: str
    owner: Role
    message: str
    is_amendment: bool = False


async def find_beside(
    bindings: DealBindings, firm: FirmId, connection: ConnectionId, contract: ContractOfDeal
) -> Beside | None:
    """A deal beside the one that sold this contract: its copy, or an amendment that is a deal of its own (DOM-2.3).

    It must neither start nor join the contract's process: while that waited for it, nobody would hear that the contract
    itself was lost, and an amendment that is won first would take the contract's place.
    """
    number = contract.contract_number
    if _SEVERAL.search(number.strip()):
        return _several(contract)
    own = DealHolder(connection=connection, deal=contract.deal_id)
    is_base = contract.amendment_number in _BASE_CONTRACT
    if is_base and contract.is_won:
        # The first one that is won has the number from here on: two that come at once cannot both go on.
        holder: DealHolder | None = await bindings.bind_deal(firm, connection, number, contract.deal_id)
    else:
        holder = await bindings.find_deal_of_contract(firm, number)
    if holder == own:
        return None
    if not is_base:
        return _amendment(contract, holder.seen_from(connection) if holder is not None else None)
    if holder is None:
        return None
    return Beside(
        "TL-CON-014",
        Role.SALES_OPERATIONS,
        f"Deal {contract.deal_id} carries the contract number {number} of deal {holder.seen_from(connection)} (copied "
        "record). Enter the copy's own number on it in the CRM, or clear it; if it adds to that contract, enter its "
        "amendment number. Nothing was written.",
    )


def _several(contract: ContractOfDeal) -> Beside:
    """One deal that sells two contracts is two engagements, each with its own plan (DOM-2.1)."""
    return Beside(
        "TL-CON-019",
        Role.SALES_OPERATIONS,
        f"Deal {contract.deal_id} names several contracts in its contract number: {contract.contract_number}. Make a "
        "deal of its own for each, with its own lines and its one number, in the CRM. Nothing was written.",
    )


def _amendment(contract: ContractOfDeal, holder: str | None) -> Beside:
    what = f"Deal {contract.deal_id} is amendment {contract.amendment_number} of contract {contract.contract_number}"
    if holder is None:
        return Beside(
            "TL-CHG-001",
            Role.CONTRACTS,
            f"{what}, which is not set up here. Is the contract's own deal won in the CRM? Nothing was written.",
            is_amendment=True,
        )
    return Beside(
        "TL-CHG-000",
        Role.CONTRACTS,
        f"{what}, which deal {holder} sold. It is a change order: enter it in the ERP by hand. Nothing was written.",
        is_amendment=True,
    )
