from __future__ import annotations

from models.events import ContractOfDeal
from models.ids import ConnectionId, DealId, FirmId
from ports.inbox import DealBindings

__all__ = ["COPIED", "copied", "find_other_holder"]

COPIED = "TL-CON-014"
_BASE_CONTRACT = frozenset({"", "0"})


async def find_other_holder(
    bindings: DealBindings, firm: FirmId, connection: ConnectionId, contract: ContractOfDeal
) -> DealId | None:
    """The deal that sold this contract, when it is another one: then this deal is a copy of it (DOM-2.3).

    A copy must neither start nor join the contract's process: while that waited for somebody to mend the copy, nobody
    would hear that the original was lost. An amendment is a deal of its own and no copy.
    """
    if contract.amendment_number not in _BASE_CONTRACT:
        return None
    holder = await bindings.find_deal_of_contract(firm, connection, contract.contract_number)
    return None if holder == contract.deal_id else holder


def copied(contract: ContractOfDeal, holder: DealId) -> str:
    """The sentence for whoever made the copy."""
    return (
        f"Deal {contract.deal_id} carries the contract number {contract.contract_number} of deal {holder} (copied "
        "record). Enter the copy's own number on it in the CRM, or clear it. Nothing was written."
    )
