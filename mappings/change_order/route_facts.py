from __future__ import annotations

from datetime import date
from decimal import Decimal

from mappings.change_order.bring_in import BroughtIn
from mappings.change_order.kinds import value_changes
from mappings.change_order.position import Position
from mappings.change_order.rates import rate_in_force
from mappings.change_order.routing import RouteFacts
from mappings.rulebook import RuleBook
from models.change_order import Amendment
from models.contract_standing import ContractStanding
from models.money import Money

__all__ = ["route_facts"]


def route_facts(
    standing: ContractStanding, brought: BroughtIn, position: Position, book: RuleBook, on: date
) -> RouteFacts:
    """Measure a change order for the policy; amounts in USD, for limits only."""
    zero = Money.zero(position.currency)
    sold = (position.values.exercised or zero) - (standing.values.exercised or zero)
    cap = (position.values.cap or zero) - (standing.values.cap or zero)
    # A contract by time has its limit in the cap: raising it is the same commitment as raising a price.
    change = sold if abs(sold.amount) >= abs(cap.amount) else cap
    before = standing.values.exercised or standing.values.cap or zero
    credited = Money.total((credit.amount for credit in position.credits), position.currency)
    return RouteFacts(
        kinds=frozenset(brought.kinds),
        change_usd=book.usd(change, on),
        value_before_usd=book.usd(before, on),
        credit_usd=book.usd(credited, on),
        rates_as_announced=all(_as_announced(item, standing) for item in brought.amendments),
        option_at_its_price=all(_at_its_price(item, standing) for item in brought.amendments),
        funding_below_billed=_funding_below_billed(standing, position),
        fields=frozenset(position.fields),
    )


def _as_announced(amendment: Amendment, standing: ContractStanding) -> bool:
    """An increase that the signed rate card holds already; a decrease never passes by itself."""
    for change in amendment.rates:
        old = rate_in_force(standing.rates, change.role, change.valid_from)
        if not change.is_in_signed_card or old is None or change.rate_per_hour < old:
            return False
    return True


def _at_its_price(amendment: Amendment, standing: ContractStanding) -> bool:
    """What may be sold in all stays the same when an option is taken at the price it was offered for. DOM-6.1, X10."""
    changes = value_changes(amendment, standing.values)
    if changes.with_options is not None and changes.with_options.amount != Decimal(0):
        return False
    offered = {line.code: line.amount for line in standing.lines if line.is_option}
    return all(offered.get(line.code, line.amount) == line.amount for line in amendment.lines if line.exercises_option)


def _funding_below_billed(standing: ContractStanding, position: Position) -> bool:
    now, then = position.values.funded, standing.values.funded
    if now is None or (then is not None and now >= then):
        return False
    waiting = Money.total((item.amount for item in standing.work if not item.invoice), position.currency)
    return now < standing.invoiced_net + waiting
