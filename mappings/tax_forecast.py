from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from models.money import Money, decimals_of

__all__ = ["forecast_tax"]


def forecast_tax(net: Money, rate: Decimal, *, rounding: str = ROUND_HALF_UP) -> Money:
    """Tax of one rate on one invoice, rounded once per rate and invoice, never per line. DOM-1 E3.

    A forecast for people: the ERP or its tax engine computes the tax that is booked (DOM-4.1). `rounding` is the mode
    the issuer chose (decimal module names; Japan lets the issuer choose).
    """
    step = Decimal(1).scaleb(-decimals_of(net.currency))
    return Money(amount=(net.amount * rate).quantize(step, rounding=rounding), currency=net.currency)
