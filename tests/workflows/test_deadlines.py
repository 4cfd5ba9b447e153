"""An unanswered question reminds, goes to a delegate, the next level and the controller; it never answers itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from models.decision import Verdict
from models.desk import Stage
from models.errors import NotSent
from tests.workflows.clockwork import Clockwork
from tests.workflows.contracts import checked, simple
from tests.workflows.house import House

NEW_YORK = ZoneInfo("America/New_York")
BERLIN = ZoneInfo("Europe/Berlin")
MORNING = time(10, 0)


async def _ten_o_clock(clockwork: Clockwork, zone: ZoneInfo, is_good: Callable[[date], bool]) -> None:
    """Wait for ten in the morning there, on the next day that is good."""
    day = (await clockwork.clock.read()).astimezone(zone).date() + timedelta(days=1)
    while not is_good(day):
        day += timedelta(days=1)
    await clockwork.pass_until(datetime.combine(day, MORNING, zone).astimezone(UTC))


async def _a_plain_wednesday(clockwork: Clockwork) -> None:
    """Far from month end and from holidays, so that business hours count plainly."""
    await _ten_o_clock(
        clockwork, NEW_YORK, lambda day: day.weekday() == 2 and 8 <= day.day <= 16 and day.month in {2, 3, 4, 8, 10}
    )


async def _climbed(house: House) -> list[tuple[str, str, str]]:
    """Who was told when, in New York time: (weekday and hour, action, role)."""
    return [
        (f"{entry.at.astimezone(NEW_YORK):%a %H}", entry.facts["action"], entry.facts["to"])
        for entry in await house.audit("desk.reminded", "desk.escalated")
    ]


LADDER = [
    ("Thu 10", "remind", "finance-operations"),
    ("Fri 10", "delegate", "finance-operations"),
    ("Mon 10", "escalate", "controller"),
]
"""8, 16 and 24 business hours after Wednesday at ten; the controller is the next level, so 48 adds nobody."""


async def test_an_unanswered_decision_climbs_the_ladder_and_never_lapses(clockwork: Clockwork) -> None:
    await _a_plain_wednesday(clockwork)
    async with clockwork.open_house() as house:
        await house.win(checked())
        item = await house.waiting()
        await clockwork.pass_time(timedelta(hours=23, minutes=50))
        assert await _climbed(house) == []
        for rungs in (1, 2):
            await clockwork.pass_time(timedelta(hours=24))
            assert await _climbed(house) == LADDER[:rungs]
        await clockwork.pass_time(timedelta(days=3))
        assert await _climbed(house) == LADDER
        await clockwork.pass_time(timedelta(days=21))

        assert await _climbed(house) == LADDER
        assert (await house.row()).stage is Stage.DECIDING
        assert house.erp.journal == []
        still = await house.waiting()
        assert (still.item, still.due_at, still.escalated_to) == (item.item, item.due_at, "controller")

        assert (await house.decide("ada.finance")).complete
        await house.stage(Stage.ACTIVE)


async def test_news_that_changes_nothing_does_not_start_the_ladder_again(clockwork: Clockwork) -> None:
    await _a_plain_wednesday(clockwork)
    async with clockwork.open_house() as house:
        await house.win(checked())
        await house.waiting()
        for _ in range(5):
            await clockwork.pass_time(timedelta(hours=6))
            house.change()
            before = house.crm.calls.count("read")
            await house.win()
            await house.reads_the_deal(before + 1)

        assert await _climbed(house) == LADDER[:1]


async def test_an_unanswered_stop_climbs_too_and_a_repair_weeks_later_works(clockwork: Clockwork) -> None:
    await _a_plain_wednesday(clockwork)
    async with clockwork.open_house() as house:
        await house.win(simple(payment_terms="Net 33"))
        await house.waiting("TL-CON-007")
        await clockwork.pass_time(timedelta(days=28))

        actions = [(action, to) for _, action, to in await _climbed(house)]
        assert actions == [("remind", "credit-control"), ("delegate", "credit-control"), ("escalate", "controller")]
        assert (await house.repair("carl.credit", "TL-CON-007", "NET30")).complete
        await house.stage(Stage.ACTIVE)


async def test_a_system_that_stays_away_is_shown_to_more_and_more_people(clockwork: Clockwork) -> None:
    """Looking again every few minutes must not push the deadline away for ever."""
    await _ten_o_clock(clockwork, BERLIN, lambda day: day.day == 1 and day.weekday() in {1, 2, 3} and day.month == 6)
    async with clockwork.open_house() as house:
        house.erp.trouble = lambda _moment, kind: NotSent("No connection.") if kind == "survey" else None
        await house.win(simple())
        for _ in range(5):
            await clockwork.pass_time(timedelta(minutes=30))

        assert [(action, to) for _, action, to in await _climbed(house)] == [("remind", "integration")]
        house.erp.trouble = lambda _moment, _kind: None
        await clockwork.pass_time(timedelta(minutes=10))
        await house.stage(Stage.ACTIVE)


async def test_a_no_weeks_later_still_writes_nothing(clockwork: Clockwork) -> None:
    async with clockwork.open_house() as house:
        await house.win(checked())
        await house.waiting()
        await clockwork.pass_time(timedelta(days=45))

        assert (await house.decide("finn.finance", Verdict.REJECT)).complete
        await house.stage(Stage.REJECTED)
        assert house.erp.journal == []
