"""Every stop shows on the deal, once for each change of what is said, and leaves it when it is over."""

from __future__ import annotations

from datetime import timedelta

from models.desk import Stage
from models.errors import NeedsRepair, NotSent
from models.operations import WriteBackDeal
from models.process import Outcome
from models.terms import DealState
from tests.workflows.clockwork import Clockwork
from tests.workflows.contracts import checked, simple
from tests.workflows.house import House, until


async def _said(house: House, status: str) -> str:
    """Wait until the deal shows that status; what it says then."""

    async def look() -> WriteBackDeal | None:
        return next((one for one in house.crm.shown.values() if one.status == status), None)

    return (await until(look, f"{status} on the deal")).message


def _statuses(house: House) -> list[str]:
    return [what.partition(":")[0] for kind, what in house.crm.journal if kind == "write-back"]


async def test_a_refusal_half_way_shows_once_however_often_it_is_tried_again(house: House) -> None:
    house.erp.trouble = lambda moment, kind: (
        NeedsRepair("Field X is closed.", record="C-1001") if (moment, kind) == ("before", "contract") else None
    )
    await house.win(simple())
    assert await _said(house, "waiting") == "Field X is closed."
    for times in (2, 3):
        await house.repair("ina.integration", "TL-INT-020")
        await house.noted("blocker.raised", times)
    assert _statuses(house) == ["waiting"]

    house.erp.trouble = lambda _moment, _kind: None
    await house.repair("ina.integration", "TL-INT-020")
    assert await house.outcome() is Outcome.ACTIVE
    assert _statuses(house) == ["waiting", "active"]


async def test_other_terms_show_and_leave_the_deal_when_they_are_taken_back(house: House) -> None:
    await house.win(simple())
    assert await house.outcome() is Outcome.ACTIVE
    policy = house.terms.expense_policy
    await house.win_again(expense_policy="Ten percent of fees")
    assert "change order" in await _said(house, "waiting")
    await house.win_again(expense_policy=policy)
    assert await house.outcome() is Outcome.NOTHING_TO_DO
    assert await _said(house, "active") == ""


async def test_terms_that_cannot_be_read_show_on_the_deal(house: House) -> None:
    house.crm.trouble = lambda moment, kind: (
        NeedsRepair("Line 2 has no price. Enter it.", record="C-1001", code="TL-CON-015")
        if (moment, kind) == ("before", "read")
        else None
    )
    await house.win(simple())
    assert await _said(house, "waiting") == "Line 2 has no price. Enter it."
    house.crm.trouble = lambda _moment, _kind: None
    await house.win_again(deal_name="Priced")
    assert await house.outcome() is Outcome.ACTIVE
    assert _statuses(house) == ["waiting", "active"]


async def test_a_deal_that_is_not_won_any_more_stops_saying_that_it_waits(house: House) -> None:
    await house.win(checked())
    await _said(house, "waiting")
    house.change(deal_state=DealState.OPEN)
    await house.win()
    assert await house.outcome() is Outcome.WITHDRAWN
    assert "nothing was written" in await _said(house, "cancelled")


async def test_nothing_else_is_said_while_it_is_open_whether_the_deal_says_active(house: House) -> None:
    house.crm.trouble = lambda moment, kind: (
        NeedsRepair("The deal is locked.", record="C-1001") if (moment, kind) == ("after", "write-back") else None
    )
    await house.win(simple())
    await house.waiting("TL-INT-020")
    assert _statuses(house) == ["active"]


async def test_a_short_outage_is_not_told(house: House) -> None:
    left = [NotSent("No connection.")]
    house.erp.trouble = lambda _moment, what: left.pop() if what == "survey" and left else None
    await house.win(simple())
    assert await house.outcome() is Outcome.ACTIVE
    assert _statuses(house) == ["active"]


async def test_a_crm_that_is_away_is_not_asked_to_show_that_it_is_away(clockwork: Clockwork) -> None:
    async with clockwork.open_house() as house:
        house.crm.trouble = lambda _moment, kind: NotSent("No connection.") if kind == "read" else None
        await house.win(simple())
        await clockwork.pass_time(timedelta(minutes=2))
        await house.waiting("TL-INT-011")
        assert "write-back" not in house.crm.calls
        house.crm.trouble = lambda _moment, _kind: None
        await clockwork.pass_time(timedelta(minutes=6))
        await house.stage(Stage.ACTIVE)
        assert _statuses(house) == ["active"]
