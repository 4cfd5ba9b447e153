from __future__ import annotations

from decimal import Decimal

from mappings.schedules import EVERGREEN_MONTHS, months_per_period
from models.money import Money
from models.terms import BillingType, SignedTerms, SowLine

__all__ = ["ESTIMATED", "FIXED_PRICE", "is_evergreen", "line_price", "net_prices", "sold_lines"]

FIXED_PRICE = frozenset({BillingType.MILESTONES, BillingType.PERCENT_COMPLETE, BillingType.RETAINER})
"""Billing types whose lines, contract and schedule must add up to the same total (DOM-0.8)."""
ESTIMATED = frozenset(BillingType) - FIXED_PRICE
"""Billing types whose lines are an estimate: nothing must equal them (DOM-0.8)."""
_PERCENT = Decimal(100)


def sold_lines(terms: SignedTerms) -> tuple[SowLine, ...]:
    """Lines that are binding; an option is sold when it is exercised."""
    return tuple(line for line in terms.lines if not line.is_option)


def is_evergreen(terms: SignedTerms, line: SowLine) -> bool:
    """A retainer without an end: it has a fee per period and no total; twelve months are scheduled ahead. DOM-1."""
    return line.billing_type is BillingType.RETAINER and (line.end_on or terms.end_on) is None


def line_price(terms: SignedTerms, line: SowLine) -> Money | None:
    """Price of a line before the header discount; an estimate where the type has no price; None if nothing tells it."""
    if line.net_price is not None:
        return line.net_price
    if is_evergreen(terms, line) and line.fee_per_period is not None:
        months = months_per_period(line) or 1
        return Money.of(line.fee_per_period.amount * (EVERGREEN_MONTHS // months), line.fee_per_period.currency)
    if line.billing_type in {BillingType.TIME_AND_MATERIALS, BillingType.TIME_AND_MATERIALS_CAPPED}:
        return _estimate_by_rates(terms, line)
    if line.billing_type is BillingType.COST_PLUS_FIXED_FEE and line.cost_budget and line.fixed_fee:
        return line.cost_budget + line.fixed_fee
    return None


def _estimate_by_rates(terms: SignedTerms, line: SowLine) -> Money | None:
    """Hours times rate per role; a forecast, never a value that is owed (DOM-0.7)."""
    rows = [row for row in terms.rates if not row.line_code or row.line_code == line.code]
    known = [
        Money.of(row.rate_per_hour * row.estimated_hours, terms.currency)
        for row in rows
        if row.rate_per_hour is not None and row.estimated_hours is not None
    ]
    return Money.total(known, terms.currency) if rows and len(known) == len(rows) else None


def net_prices(terms: SignedTerms) -> dict[str, Money]:
    """Price of each sold line with the header discount spread into it, by line code. DOM-1 E1.

    The discount is computed once on the sum and split by the lines' prices, so lines and discount add up to the cent.
    Options that are not exercised are not sold and have no price here.
    """
    priced = [(line, price) for line in sold_lines(terms) if (price := line_price(terms, line)) is not None]
    if not priced:
        return {}
    prices = [price for _, price in priced]
    total = Money.total(prices, prices[0].currency)
    if terms.header_discount_percent and all(price.amount >= 0 for price in prices) and not total.is_zero:
        discount = total.share(terms.header_discount_percent / _PERCENT)
        shares = discount.split([price.amount for price in prices])
        prices = [price - share for price, share in zip(prices, shares, strict=True)]
    return {line.code: price for (line, _), price in zip(priced, prices, strict=True)}
