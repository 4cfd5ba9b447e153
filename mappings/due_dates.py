from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from enum import StrEnum

from models.base import Canonical

__all__ = ["DueCounting", "PaymentTerms", "due_on", "read_payment_terms"]


class DueCounting(StrEnum):
    """How the days of payment terms are counted from the invoice date. DOM-5.3."""

    NET = "net"
    """Days after the invoice date."""
    DAYS_THEN_MONTH_END = "days-then-month-end"
    """Days after the invoice date, then on to the end of that month."""
    MONTH_END_THEN_DAYS = "month-end-then-days"
    """End of the invoice's month, then days. French law knows both readings; the paper must say which."""
    DAY_OF_NEXT_MONTH = "day-of-next-month"


class PaymentTerms(Canonical):
    """Payment terms as a way of counting; `days` is the day of the month for `DAY_OF_NEXT_MONTH`."""

    counting: DueCounting
    days: int


_DAY = r"(\d{1,3})"
_SPELLINGS: tuple[tuple[str, DueCounting], ...] = (
    (rf"(?:net\s*{_DAY}(?:\s*days?)?|{_DAY}\s*days?(?:\s*net)?)", DueCounting.NET),
    (rf"(?:net\s*)?{_DAY}(?:\s*days?)?[\s,]*(?:end of month|eom)", DueCounting.DAYS_THEN_MONTH_END),
    (rf"(?:end of month|eom)\s*(?:\+|plus)?\s*{_DAY}(?:\s*days?)?", DueCounting.MONTH_END_THEN_DAYS),
    (rf"(?:the\s*)?{_DAY}(?:st|nd|rd|th) of the (?:following|next) month", DueCounting.DAY_OF_NEXT_MONTH),
)
_AT_ONCE = re.compile(r"(?:due\s*)?(?:on|upon)\s*receipt", re.IGNORECASE)
_LAST_DAY = 31


def read_payment_terms(text: str) -> PaymentTerms | None:
    """Signed words as a way of counting; None when the words are not plain (a person then says what they mean)."""
    words = " ".join(text.split())
    if _AT_ONCE.fullmatch(words):
        return PaymentTerms(counting=DueCounting.NET, days=0)
    for spelling, counting in _SPELLINGS:
        found = re.fullmatch(spelling, words, re.IGNORECASE)
        if found is not None:
            days = int(next(group for group in found.groups() if group is not None))
            if counting is DueCounting.DAY_OF_NEXT_MONTH and not 1 <= days <= _LAST_DAY:
                return None
            return PaymentTerms(counting=counting, days=days)
    return None


def due_on(invoice_date: date, terms: PaymentTerms) -> date:
    """Day on which an invoice of that date is due. DOM-5.3."""
    match terms.counting:
        case DueCounting.NET:
            return invoice_date + timedelta(days=terms.days)
        case DueCounting.DAYS_THEN_MONTH_END:
            return _month_end(invoice_date + timedelta(days=terms.days))
        case DueCounting.MONTH_END_THEN_DAYS:
            return _month_end(invoice_date) + timedelta(days=terms.days)
        case DueCounting.DAY_OF_NEXT_MONTH:
            following = _month_end(invoice_date) + timedelta(days=1)
            return following.replace(day=min(terms.days, _month_end(following).day))


def _month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])
