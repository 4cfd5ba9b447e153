"""A no stands: events and sweeps that bring nothing new do not ask again."""

from __future__ import annotations

from models.decision import Verdict
from models.desk import Stage
from models.process import Outcome
from tests.workflows.contracts import checked
from tests.workflows.house import House


async def _rejected(house: House) -> None:
    await house.win(checked())
    assert (await house.decide("ada.finance", Verdict.REJECT)).complete
    assert await house.outcome() is Outcome.REJECTED


async def test_the_echo_of_our_own_status_does_not_ask_again(house: House) -> None:
    await _rejected(house)
    shown = list(house.crm.journal)

    house.change()
    await house.win()

    assert await house.outcome() is Outcome.REJECTED
    assert (await house.row()).stage is Stage.REJECTED
    assert await house.store.desk.list_open(house.firm) == ()
    assert house.crm.journal == shown
    assert len(await house.audit("decision.asked")) == 1


async def test_a_deal_that_is_reopened_and_won_again_is_asked_about_anew(house: House) -> None:
    await _rejected(house)
    await house.lose()
    assert await house.outcome() is Outcome.WITHDRAWN

    await house.win_again()

    assert (await house.decide("ada.finance")).complete
    assert await house.outcome() is Outcome.ACTIVE
