from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.business_calendar import add_business_hours, is_month_end, ladder_for
from mappings.rule_kinds import WorkingTime
from models.roles import Role
from tests.unit.planning import BOOK

NEW_YORK = BOOK.working_time
BERLIN = BOOK.calendars["DE"]


def at(day: int, hour: int, minute: int = 0, month: int = 1, year: int = 2027) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        (at(12, 14), 8, at(12, 22)),
        (at(12, 15), 8, at(13, 15)),
        (at(12, 5), 1, at(12, 15)),
        (at(12, 23), 1, at(13, 15)),
        (at(15, 21), 2, at(19, 15)),
        (at(16, 12), 8, at(19, 22)),
        (at(12, 14), 40, at(19, 22)),
        (at(12, 14), 0.5, at(12, 14, 30)),
        (at(12, 15), 16, at(14, 15)),
    ],
    ids=["a day", "over night", "before opening", "after closing", "over a week-end and a holiday", "from a Saturday",
         "five days", "half an hour", "two days"],
)  # fmt: skip
def test_business_hours_of_new_york(start: datetime, hours: float, end: datetime) -> None:
    assert add_business_hours(start, hours, NEW_YORK) == end


def test_clocks_that_change_over_the_week_end_do_not_move_the_hour_of_day() -> None:
    friday = datetime(2027, 3, 12, 21, tzinfo=UTC)
    assert add_business_hours(friday, 2, NEW_YORK) == datetime(2027, 3, 15, 14, tzinfo=UTC)


def test_each_country_has_its_own_day_and_holidays() -> None:
    assert add_business_hours(at(12, 8), 8, BERLIN) == at(12, 16)
    before_easter = datetime(2027, 3, 25, 15, tzinfo=UTC)
    assert add_business_hours(before_easter, 2, BERLIN) == datetime(2027, 3, 30, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "edge"),
    [
        (date(2027, 1, 4), True), (date(2027, 1, 6), True), (date(2027, 1, 7), False), (date(2027, 1, 26), False),
        (date(2027, 1, 27), True), (date(2027, 1, 29), True), (date(2027, 1, 30), False), (date(2027, 12, 29), True),
    ],
)  # fmt: skip
def test_the_last_and_first_three_business_days_are_month_end(day: date, edge: bool) -> None:
    assert is_month_end(day, NEW_YORK) is edge


def test_nobody_acts_the_reminder_then_the_delegate_then_higher_levels() -> None:
    ladder = ladder_for(BOOK, owner=Role.FINANCE_OPERATIONS, due_hours=8, start=at(12, 14))
    assert [(rung.at, rung.action, rung.to) for rung in ladder] == [
        (at(12, 22), "remind", Role.FINANCE_OPERATIONS),
        (at(13, 22), "delegate", Role.FINANCE_OPERATIONS),
        (at(14, 22), "escalate", Role.CONTROLLER),
        (at(20, 22), "escalate", Role.CONTROLLER),
    ]


def test_month_end_halves_the_waiting() -> None:
    ladder = ladder_for(BOOK, owner=Role.MASTER_DATA, due_hours=8, start=at(27, 14))
    assert [rung.at for rung in ladder] == [at(27, 18), at(27, 22), at(28, 18), at(29, 22)]
    assert ladder[2].to is Role.FINANCE_OPERATIONS


def test_the_deadline_of_the_stop_is_the_first_rung_in_the_owners_calendar() -> None:
    assert ladder_for(BOOK, owner=Role.INTEGRATION, due_hours=4, start=at(12, 8))[0].at == at(12, 12)
    assert ladder_for(BOOK, owner=Role.CONTRACTS, due_hours=80, start=at(7, 14))[0].at == at(21, 22)


moments = st.datetimes(datetime(2026, 6, 1), datetime(2028, 6, 1)).map(lambda day: day.replace(tzinfo=UTC))  # noqa: DTZ001 - made aware here


@given(start=moments, first=st.floats(0.1, 60), more=st.floats(0.1, 60), time=st.sampled_from([NEW_YORK, BERLIN]))
def test_more_hours_end_later_and_never_outside_business_hours(
    start: datetime, first: float, more: float, time: WorkingTime
) -> None:
    early, late = add_business_hours(start, first, time), add_business_hours(start, first + more, time)
    assert start < early < late
    assert early - start >= timedelta(hours=first) - timedelta(seconds=1)


@given(start=moments, due=st.integers(1, 80), owner=st.sampled_from(Role))
def test_a_ladder_climbs_in_time(start: datetime, due: int, owner: Role) -> None:
    ladder = ladder_for(BOOK, owner=owner, due_hours=due, start=start)
    assert [rung.at for rung in ladder] == sorted(rung.at for rung in ladder)
    assert ladder[-1].to is Role.CONTROLLER
