from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from mappings.rulebook import RuleBook, WorkingTime
from models.process import LadderRung
from models.roles import Role

__all__ = ["add_business_hours", "is_month_end", "ladder_for"]

_WEEKEND = 5
_MONTH_EDGE_DAYS = 3
_DELEGATE_H, _NEXT_LEVEL_H, _CONTROLLER_H = 16, 24, 48


def add_business_hours(start: datetime, hours: float, time: WorkingTime) -> datetime:
    """The instant after that many business hours of the calendar, in UTC like `start`."""
    zone = ZoneInfo(time.zone)
    left = timedelta(hours=hours)
    at = start.astimezone(zone)
    while True:
        opens = at.replace(hour=time.starts_at_hour, minute=0, second=0, microsecond=0)
        closes = at.replace(hour=time.ends_at_hour, minute=0, second=0, microsecond=0)
        if _is_business_day(at.date(), time) and at < closes:
            at = max(at, opens)
            if left <= closes - at:
                return (at + left).astimezone(start.tzinfo)
            left -= closes - at
        at = (at + timedelta(days=1)).replace(hour=time.starts_at_hour, minute=0, second=0, microsecond=0)


def is_month_end(day: date, time: WorkingTime) -> bool:
    """The last three or first three business days of a month: approvals are asked twice as fast (DOM-9.3)."""
    first = day.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    days = [first + timedelta(days=offset) for offset in range((following - first).days)]
    business = [item for item in days if _is_business_day(item, time)]
    return day in business[:_MONTH_EDGE_DAYS] or day in business[-_MONTH_EDGE_DAYS:]


def ladder_for(book: RuleBook, *, owner: Role, due_hours: int, start: datetime) -> tuple[LadderRung, ...]:
    """Reminder at the deadline, then delegate, next level and controller. It never ends in a yes or a no (DOM-9.3)."""
    time = book.working_time_of(owner)
    pace = 0.5 if is_month_end(start.astimezone(ZoneInfo(time.zone)).date(), time) else 1.0
    steps = [
        (float(due_hours), "remind", owner),
        (float(due_hours + _DELEGATE_H - 8), "delegate", owner),
        (float(due_hours + _NEXT_LEVEL_H - 8), "escalate", book.next_level.get(owner, Role.CONTROLLER)),
        (float(due_hours + _CONTROLLER_H - 8), "escalate", Role.CONTROLLER),
    ]
    return tuple(
        LadderRung(at=add_business_hours(start, hours * pace, time), action=action, to=role)
        for hours, action, role in steps
    )


def _is_business_day(day: date, time: WorkingTime) -> bool:
    return day.weekday() < _WEEKEND and day not in time.holidays
