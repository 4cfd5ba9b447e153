"""A no stands: events and sweeps that bring nothing new do not ask again."""

from __future__ import annotations

from models.decision import Refusal, Verdict
from models.desk import Stage
from models.process import Outcome
from tests.workflows.contracts import checked, two_signatures
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


async def test_the_first_signature_does_not_outlive_a_rejection(house: House) -> None:
    """The identical plan comes again: both must sign anew, and a kept approval opens nothing."""
    await house.win(two_signatures())
    plan = (await house.waiting()).item
    kept = house.signed("ada.finance", Verdict.APPROVE, plan)
    assert (await house.send(kept)).accepted
    assert (await house.decide("cora.controller", Verdict.REJECT)).complete
    assert await house.outcome() is Outcome.REJECTED
    await house.lose()
    assert await house.outcome() is Outcome.WITHDRAWN
    await house.win_again()
    assert (await house.waiting()).item == plan, "the very same plan"

    assert (await house.send(kept)).refusal is Refusal.REPLAYED
    second = await house.decide("cora.controller")
    assert (second.accepted, second.complete) == (True, False)
    assert (await house.decide("ada.finance")).complete
    assert await house.outcome() is Outcome.ACTIVE


async def test_a_kept_withdrawal_withdraws_nothing_twice(house: House) -> None:
    await house.win(checked(owner_email="sam.sales@harbourfinch.example"))
    kept = house.signed("sam.sales", Verdict.WITHDRAW, (await house.waiting()).item)
    assert (await house.send(kept)).complete
    assert await house.outcome() is Outcome.WITHDRAWN
    await house.lose()
    await house.outcome()
    await house.win_again()
    assert (await house.waiting()).item == kept.plan

    assert (await house.send(kept)).refusal is Refusal.REPLAYED

    assert (await house.decide("ada.finance")).complete
    assert await house.outcome() is Outcome.ACTIVE
