from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from models.money import Money
from models.operations import ScheduleRow
from models.terms import BilledIn, Milestone, MilestoneTrigger, PeriodAnchor, SignedTerms, SowLine

__all__ = ["EVERGREEN_MONTHS", "milestone_rows", "months_per_period", "retainer_rows", "service_periods"]

EVERGREEN_MONTHS = 12
"""How far a retainer without an end is scheduled ahead. DOM-1."""
_MONTHS = {
    "": 1,
    "monthly": 1,
    "month": 1,
    "quarterly": 3,
    "quarter": 3,
    "half-yearly": 6,
    "yearly": 12,
    "annually": 12,
}


def months_per_period(line: SowLine) -> int | None:
    """Months of one retainer period; None for words that are no period (a person then corrects the deal)."""
    return _MONTHS.get(line.bill_frequency.strip().casefold())


def milestone_rows(milestones: tuple[Milestone, ...]) -> tuple[ScheduleRow, ...]:
    """Schedule rows of milestones, in time; rows of nothing are dropped (DOM-0.2; the plan says so)."""
    rows = [
        ScheduleRow(code=row.code, name=row.name or row.code, due_on=row.due_on, amount=row.amount, trigger=row.trigger)
        for row in milestones
        if row.due_on is not None and row.amount is not None and row.trigger is not None and not row.amount.is_zero
    ]
    return tuple(sorted(rows, key=lambda row: (row.due_on, row.code)))


def retainer_rows(terms: SignedTerms, line: SowLine, price: Money) -> tuple[ScheduleRow, ...]:
    """A retainer by periods: equal shares by anniversary, by actual days in calendar months. DOM-0.6, E5.

    Without an end, twelve months ahead. Shares of nothing are dropped.
    """
    start = line.start_on or terms.start_on
    if start is None or line.period_anchor is None:
        return ()
    end = line.end_on or terms.end_on or _months_later(start, EVERGREEN_MONTHS) - timedelta(days=1)
    months = months_per_period(line) or 1
    periods = tuple(service_periods(start, end, line.period_anchor, months))
    shares = price.split([_weight(period, line.period_anchor, months) for period in periods])
    rows = [
        ScheduleRow(
            code=f"{line.code}-{number:03d}",
            name=f"{first:%d %b %Y} to {last:%d %b %Y}",
            due_on=first if line.billed_in is BilledIn.ADVANCE else last,
            amount=share,
            trigger=MilestoneTrigger.DATE,
            service_from=first,
            service_until=last,
        )
        for number, ((first, last), share) in enumerate(zip(periods, shares, strict=True), start=1)
        if not share.is_zero
    ]
    return tuple(rows)


def service_periods(start: date, end: date, anchor: PeriodAnchor, months: int = 1) -> Iterator[tuple[date, date]]:
    """First and last day of each period, both inclusive; calendar periods are those of the year (a quarter, a half)."""
    first, number = start, 0
    while first <= end:
        number += 1
        if anchor is PeriodAnchor.ANNIVERSARY:
            following = _months_later(start, number * months)
        else:
            following = _months_later(_period_start(first, months), months)
        yield first, min(following - timedelta(days=1), end)
        first = following


def _weight(period: tuple[date, date], anchor: PeriodAnchor, months: int) -> Decimal:
    """Part of a whole period, by actual days (DOM-0.6)."""
    first, last = period
    whole_from = first if anchor is PeriodAnchor.ANNIVERSARY else _period_start(first, months)
    whole = (_months_later(whole_from, months) - whole_from).days
    return Decimal(min((last - first).days + 1, whole)) / Decimal(whole)


def _period_start(day: date, months: int) -> date:
    return day.replace(month=(day.month - 1) // months * months + 1, day=1)


def _months_later(day: date, months: int) -> date:
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
