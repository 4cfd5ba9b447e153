from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from models.errors import NeedsRepair
from models.events import ContractOfDeal
from models.ids import DealId
from ports.crm import DealReader

__all__ = ["Looked", "look_up"]

_SINGLE_REFUSALS = 5
"""So many deals refused one by one, and none answered: it is not the deals, it is the connection."""


@dataclass
class Looked:
    """What the CRM says about some deals."""

    contracts: dict[DealId, ContractOfDeal | None] = field(default_factory=dict)
    """None: this deal does not exist."""
    refused: dict[DealId, NeedsRepair] = field(default_factory=dict)
    """Deals the CRM cannot be asked about."""


async def look_up(crm: DealReader, deals: Sequence[DealId]) -> Looked:
    """Ask about all deals in one call; only when it is refused, find the one deal that the CRM chokes on.

    Raises whatever the CRM raises when it is the connection and not a deal.
    """
    looked = Looked()
    to_ask = [list(deals)]
    while to_ask:
        asked = to_ask.pop()
        try:
            answer = await crm.find_contracts(asked)
        except NeedsRepair as refused:
            if len(asked) > 1:
                middle = len(asked) // 2
                to_ask += [asked[middle:], asked[:middle]]
                continue
            looked.refused[asked[0]] = refused
            if len(looked.refused) >= _SINGLE_REFUSALS and not looked.contracts:
                raise
        else:
            looked.contracts.update({deal: _answer_about(deal, asked, answer) for deal in asked})
    return looked


def _answer_about(
    deal: DealId, asked: Sequence[DealId], answer: Sequence[ContractOfDeal]
) -> ContractOfDeal | None:
    """A CRM may answer with the long form of an id that was asked in its short form.

    An answer about another id that was asked is none about this one, however alike they begin: ids can be numbers.
    """
    exact = next((item for item in answer if item.deal_id == deal), None)
    others = frozenset(asked)
    longer = (item for item in answer if item.deal_id not in others and item.deal_id.startswith(deal))
    return exact or next(longer, None)
