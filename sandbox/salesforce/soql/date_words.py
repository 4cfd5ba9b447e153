"""What the query language's date words mean: a span of days, first day included, last day excluded."""

from collections.abc import Callable
from datetime import date, timedelta

__all__ = ["span"]

_MONTHS_IN = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_DECEMBER = 12


def span(word: str, today: date) -> tuple[date, date]:
    """Return the span of days of a word such as TODAY, LAST_MONTH or LAST_N_DAYS:30."""
    fixed: dict[str, Callable[[], tuple[date, date]]] = {
        "TODAY": lambda: (today, today + timedelta(1)),
        "YESTERDAY": lambda: (today - timedelta(1), today),
        "TOMORROW": lambda: (today + timedelta(1), today + timedelta(2)),
        "LAST_90_DAYS": lambda: span("LAST_N_DAYS:90", today),
        "NEXT_90_DAYS": lambda: span("NEXT_N_DAYS:90", today),
    }
    if word in fixed:
        return fixed[word]()
    if "_N_" in word:
        head, _, number = word.partition(":")
        side, _, unit = head.partition("_N_")
        return _several(side, unit.removesuffix("S"), int(number), today)
    side, _, unit = word.partition("_")
    offset = {"LAST": -1, "THIS": 0, "NEXT": 1}[side]
    start = _start(unit, today)
    return _moved(unit, start, offset), _moved(unit, start, offset + 1)


def _several(side: str, unit: str, number: int, today: date) -> tuple[date, date]:
    if unit == "DAY":
        # The vendor counts today into LAST_N_DAYS, but lets NEXT_N_DAYS begin tomorrow.
        if side == "LAST":
            return today - timedelta(number), today + timedelta(1)
        return today + timedelta(1), today + timedelta(number + 1)
    start = _start(unit, today)
    if side == "LAST":
        return _moved(unit, start, -number), start
    return _moved(unit, start, 1), _moved(unit, start, number + 1)


def _start(unit: str, day: date) -> date:
    if unit == "WEEK":
        return day - timedelta((day.weekday() + 1) % 7)
    months = _MONTHS_IN[unit]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def _moved(unit: str, start: date, count: int) -> date:
    if unit == "WEEK":
        return start + timedelta(7 * count)
    index = start.year * _DECEMBER + start.month - 1 + _MONTHS_IN[unit] * count
    return date(index // _DECEMBER, index % _DECEMBER + 1, 1)
