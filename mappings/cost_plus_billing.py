from __future__ import annotations

from decimal import Decimal

from models.base import Canonical
from models.money import Money

__all__ = ["AllowableCost", "CostPlusBill", "CostPlusTerms", "allowable_cost", "bill_cost_plus"]


class AllowableCost(Canonical):
    """Cost of a period with the provisional indirect rates of the contract. DOM-1 E6."""

    labour: Money
    overhead: Money
    other_direct: Money
    general_and_administrative: Money
    total: Money


class CostPlusTerms(Canonical):
    """What a cost plus fixed fee contract says about cost, fee and the withheld part of the fee."""

    estimated_cost: Money
    fixed_fee: Money
    funded: Money
    withheld_share: Decimal = Decimal("0.15")
    withheld_at_most: Decimal = Decimal(100_000)
    """The reserve is the lesser of `withheld_share` of the whole fee and this amount."""


class CostPlusBill(Canonical):
    """What a period comes to."""

    fee_earned: Money
    withheld: Money
    invoice: Money
    over_funding: Money
    """Earned but not billable before more is funded."""


def allowable_cost(
    *, labour: Money, overhead_rate: Decimal, other_direct: Money, general_and_administrative_rate: Decimal
) -> AllowableCost:
    """Overhead on labour, then general and administrative cost on the sum; each rounded once where it is stored."""
    overhead = labour.share(overhead_rate)
    base = labour + overhead + other_direct
    general = base.share(general_and_administrative_rate)
    return AllowableCost(
        labour=labour,
        overhead=overhead,
        other_direct=other_direct,
        general_and_administrative=general,
        total=base + general,
    )


def bill_cost_plus(
    terms: CostPlusTerms, cost: Money, *, cost_before: Money, withheld_before: Money, billed_before: Money
) -> CostPlusBill:
    """Cost plus the fee earned by it. The fee is an amount: it never grows with an overrun. DOM-1 E6.

    Fee to date is rounded once and the earlier part taken off (DOM-0.5). Nothing is owed above the funds allotted.
    Raises ValueError without an estimated cost.
    """
    if terms.estimated_cost.amount <= 0:
        raise ValueError("A fixed fee is earned by cost against an estimate above zero.")
    fee = _fee_to_date(terms, cost_before + cost) - _fee_to_date(terms, cost_before)
    reserve = min(
        terms.fixed_fee.share(terms.withheld_share), Money.of(terms.withheld_at_most, terms.fixed_fee.currency)
    )
    withheld = min(fee.share(terms.withheld_share), reserve - withheld_before)
    earned = cost + fee - withheld
    room = terms.funded - billed_before
    invoice = max(min(earned, room), Money.zero(earned.currency))
    return CostPlusBill(fee_earned=fee, withheld=withheld, invoice=invoice, over_funding=earned - invoice)


def _fee_to_date(terms: CostPlusTerms, cost_to_date: Money) -> Money:
    done = min(cost_to_date, terms.estimated_cost)
    return Money.of(terms.fixed_fee.amount * done.amount / terms.estimated_cost.amount, terms.fixed_fee.currency)
