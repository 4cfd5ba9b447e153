from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from models.money import Money
from models.operations import ScheduleRow
from models.terms import BilledIn, Milestone, MilestoneTrigger, PeriodAnchor, SignedTerms, SowLine

__all__ = ["milestone_rows", "retainer_rows", "service_periods"]


def milestone_rows(milestones: tuple[Milestone, ...]) -> tuple[ScheduleRow, ...]:
    """Schedule rows of milestones, in time; rows of nothing are dropped (DOM-0.2; the plan says so)."""
    rows = [
        ScheduleRow(code=row.code, name=row.name or row.code, due_on=row.due_on, amount=row.amount, trigger=row.trigger)
        for row in milestones
        if row.due_on is not None and row.amount is not None and row.trigger is not None and not row.amount.is_zero
    ]
    return tuple(sorted(rows, key=lambda row: (row.due_on, row.code)))


def retainer_rows(terms: SignedTerms, line: SowLine, price: Money) -> tuple[ScheduleRow, ...]:
    """A fixed-term retainer by periods: equal shares by anniversary, by actual days in calendar months. DOM-0.6, E5."""
    start = line.start_on or terms.start_on
    end = line.end_on or terms.end_on
    if start is None or end is None or line.period_anchor is None:
        return ()
    periods = tuple(service_periods(start, end, line.period_anchor))
    shares = price.split([_weight(period, line.period_anchor) for period in periods])
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


def service_periods(start: date, end: date, anchor: PeriodAnchor) -> Iterator[tuple[date, date]]:
    """First and last day of each period, both inclusive."""
    first, number = start, 0
    while first <= end:
        number += 1
        following = _months_later(start, number) if anchor is PeriodAnchor.ANNIVERSARY else _next_month(first)
        yield first, min(following - timedelta(days=1), end)
        first = following


def _weight(period: tuple[date, date], anchor: PeriodAnchor) -> Decimal:
    """Part of a whole period, by actual days (DOM-0.6)."""
    first, last = period
    days = (last - first).days + 1
    if anchor is PeriodAnchor.CALENDAR:
        return Decimal(days) / Decimal(calendar.monthrange(first.year, first.month)[1])
    return Decimal(days) / Decimal((_months_later(first, 1) - first).days)


def _months_later(day: date, months: int) -> date:
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
