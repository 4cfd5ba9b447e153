from __future__ import annotations

from datetime import date

from models.base import Canonical
from models.change_order import Amendment
from models.contract_standing import ContractStanding

__all__ = ["Timing", "effective_day", "timing_of"]

_MOST_MONTHS_LATER = 2
"""How far a posting may move by itself (DOM-5.5); further on a person chooses."""


class Timing(Canonical):
    """When a change counts, when it is booked and when it may be written. DOM-6.7."""

    effective_on: date
    posting_on: date
    apply_on: date
    asks_for_posting_day: bool = False
    """The first open day is too far from the effective date."""
    is_before_start: bool = False


def effective_day(amendment: Amendment, today: date) -> date:
    """The day from which it counts: as stated, else the day of signature."""
    return amendment.effective_on or amendment.signed_on or today


def timing_of(
    amendments: tuple[Amendment, ...], standing: ContractStanding, *, today: date, erp_dates_changes: bool,
    chosen_posting: date | None = None,
) -> Timing:  # fmt: skip
    """Of amendments that are applied together.

    Ahead: written now where the ERP dates rows and rates, else held until that day and planned anew. In a closed
    period: the terms count from their day, adjustments are booked on the first open day.
    """
    days = [effective_day(item, today) for item in amendments]
    last = max(days)
    ahead = last > today and not erp_dates_changes
    first_open = standing.first_open_day
    earliest = min(days)
    posting = max(earliest, first_open) if first_open is not None else earliest
    far = _months(earliest, posting) > _MOST_MONTHS_LATER
    start = standing.start_on
    return Timing(
        effective_on=last,
        posting_on=chosen_posting if chosen_posting is not None else posting,
        apply_on=last if ahead else today,
        asks_for_posting_day=far and chosen_posting is None,
        is_before_start=start is not None and earliest < start,
    )


def _months(first: date, last: date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month
