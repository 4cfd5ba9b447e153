from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from models.base import Canonical
from models.money import Money
from models.terms import CapScope

__all__ = ["CapRoom", "CapSplit", "WorkEntry", "cap_levels_passed", "labour_amount", "split_at_cap"]


class WorkEntry(Canonical):
    """Approved time or an expense, valued for the customer."""

    code: str
    worked_on: date
    amount: Money
    is_expense: bool = False


class CapRoom(Canonical):
    """A not-to-exceed limit and what was invoiced against it so far; net of tax."""

    cap: Money
    billed_before: Money
    scope: CapScope


class CapSplit(Canonical):
    """What of a month may be invoiced, and what waits over the cap. DOM-1 E4."""

    billed: tuple[WorkEntry, ...]
    parked: tuple[WorkEntry, ...]
    """Unbilled and no revenue until the cap is raised or the work is given up; keeps its work dates."""


def labour_amount(rate_per_hour: Decimal, hours: Decimal, currency: str) -> Money:
    """One time entry at its rate, rounded once where the ERP stores the line. DOM-0.1, DOM-1 E3.

    A rate may have more decimals than the currency. Forecasts use the ERP's own grain (entry or sum of hours).
    """
    return Money.of(rate_per_hour * hours, currency)


def split_at_cap(entries: Sequence[WorkEntry], room: CapRoom) -> CapSplit:
    """Fill the room in order of work date; the entry that crosses the cap is split. DOM-1 E4.

    With a cap on labour only, expenses are billed and do not count.
    """
    left = room.cap - room.billed_before
    billed: list[WorkEntry] = []
    parked: list[WorkEntry] = []
    for entry in sorted(entries, key=lambda item: item.worked_on):
        if entry.is_expense and room.scope is CapScope.LABOUR:
            billed.append(entry)
            continue
        fits = min(entry.amount, left) if left.amount > 0 else Money.zero(left.currency)
        over = entry.amount - fits
        if not fits.is_zero:
            billed.append(entry.model_copy(update={"amount": fits}))
        if not over.is_zero:
            parked.append(entry.model_copy(update={"amount": over}))
        left = left - fits
    return CapSplit(billed=tuple(billed), parked=tuple(parked))


def cap_levels_passed(limit: Money, forecast: Money, levels_percent: Sequence[int]) -> tuple[int, ...]:
    """Warning levels (percent of the limit) that the forecast reaches; forecast, not billed (DOM-1 E4, E6)."""
    return tuple(level for level in levels_percent if forecast.amount * 100 >= limit.amount * level)
