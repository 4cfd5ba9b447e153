from __future__ import annotations

from decimal import Decimal

from models.money import Money
from models.terms import BillingType, SignedTerms, SowLine

__all__ = ["FIXED_PRICE", "fixed_total", "net_prices"]

FIXED_PRICE = frozenset({BillingType.MILESTONES, BillingType.PERCENT_COMPLETE, BillingType.RETAINER})
"""Billing types whose lines, contract and schedule must add up to the same total (DOM-0.8)."""


def net_prices(terms: SignedTerms) -> dict[str, Money]:
    """Price of each sold line with the header discount spread into it, by line code. DOM-1 E1.

    The discount is computed once on the sum and split by the lines' prices, so lines and discount add up to the cent.
    Options that are not exercised are not sold and have no price here.
    """
    lines = [(line, line.net_price) for line in terms.lines if line.net_price is not None and not line.is_option]
    if not lines:
        return {}
    prices = [price for _, price in lines if price is not None]
    total = Money.total(prices, prices[0].currency)
    if terms.header_discount_percent and not total.is_zero:
        discount = total.share(terms.header_discount_percent / Decimal(100))
        shares = discount.split([price.amount for price in prices])
        prices = [price - share for price, share in zip(prices, shares, strict=True)]
    return {line.code: price for (line, _), price in zip(lines, prices, strict=True)}


def fixed_total(lines: tuple[SowLine, ...], prices: dict[str, Money], currency: str) -> Money:
    """Sum of the fixed-price lines."""
    fixed = (prices[line.code] for line in lines if line.billing_type in FIXED_PRICE and line.code in prices)
    return Money.total(fixed, currency)
