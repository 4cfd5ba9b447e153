from __future__ import annotations

from decimal import Decimal

from models.base import Canonical
from models.money import Money

__all__ = ["ProgressBill", "bill_for_progress"]


class ProgressBill(Canonical):
    """What a period of a percent-complete line comes to. DOM-0.5, DOM-1 E2."""

    earned: Money
    """Earned since the start, rounded once."""
    bill: Money
    """To invoice now; never negative."""
    billed_to_date: Money
    overbilled: Money
    """Invoiced beyond what is earned: a liability, no negative invoice."""


def bill_for_progress(
    fee: Money, *, cost_to_date: Money, estimate_at_completion: Money, billed_before: Money
) -> ProgressBill:
    """Bill = round(earned to date) - billed to date; the percentage itself is never rounded. DOM-0.5.

    Raises ValueError without an estimate: progress cannot be measured against nothing.
    """
    if estimate_at_completion.amount <= 0:
        raise ValueError("Progress needs an estimate at completion above zero.")
    done = min(cost_to_date, estimate_at_completion)
    earned = Money.of(fee.amount * done.amount / estimate_at_completion.amount, fee.currency)
    room = earned - billed_before
    bill = room if room.amount > 0 else Money.zero(fee.currency)
    return ProgressBill(
        earned=earned,
        bill=bill,
        billed_to_date=billed_before + bill,
        overbilled=-room if room.amount < Decimal(0) else Money.zero(fee.currency),
    )
