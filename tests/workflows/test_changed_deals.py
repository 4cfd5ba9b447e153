"""The deal changes in the CRM: before anything is written, while a decision waits, and after the set-up (DOM-2.3)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from models.decision import Refusal, Verdict
from models.desk import Stage
from models.errors import NeedsRepair
from models.process import Outcome
from models.records import RecordKind
from models.terms import DealState
from tests.workflows.contracts import checked, simple
from tests.workflows.house import House


async def _active(house: House) -> int:
    await house.win(simple())
    assert await house.outcome() is Outcome.ACTIVE
    return len(house.erp.journal)


async def test_a_deal_lost_before_anything_is_written_is_withdrawn(house: House) -> None:
    await house.win(checked())
    await house.waiting()

    await house.lose()

    assert await house.outcome() is Outcome.WITHDRAWN
    assert house.erp.journal == []
    assert await house.store.desk.list_open(house.firm) == ()


async def test_other_terms_after_the_set_up_are_a_change_order_and_write_nothing(house: House) -> None:
    written = await _active(house)

    await house.win_again(expense_policy="Ten percent of fees")

    item = await house.waiting("TL-CHG-000")
    assert item.owner.value == "contracts"
    await house.stage(Stage.CHANGE_ORDER)
    assert len(house.erp.journal) == written

    assert (await house.repair("carla.contracts", "TL-CHG-000")).accepted
    await house.noted("blocker.raised", 2)
    assert (await house.row()).stage is Stage.CHANGE_ORDER
    assert len(house.erp.journal) == written


async def test_a_change_that_is_taken_back_closes_the_change_order(house: House) -> None:
    written = await _active(house)
    policy = house.terms.expense_policy
    await house.win_again(expense_policy="Ten percent of fees")
    await house.waiting("TL-CHG-000")

    await house.win_again(expense_policy=policy)

    assert await house.outcome() is Outcome.NOTHING_TO_DO
    assert (await house.row()).stage is Stage.ACTIVE
    assert await house.store.desk.list_open(house.firm) == ()
    assert len(house.erp.journal) == written


async def test_a_deal_lost_after_the_set_up_is_frozen_until_a_person_says_what_becomes_of_it(house: House) -> None:
    written = await _active(house)

    await house.lose()

    item = await house.waiting("TL-CON-013")
    assert item.owner.value == "finance-operations"
    await house.stage(Stage.FROZEN)
    assert [what for what, _ in house.erp.journal[written:]] == ["hold"]
    assert house.crm.journal[-1][1].startswith("frozen")

    assert (await house.repair("ada.finance", "TL-CON-013", "freeze")).complete
    assert await house.outcome() is Outcome.ON_HOLD
    assert (await house.row()).stage is Stage.ON_HOLD
    assert len(house.erp.held) == 1


async def test_a_deal_won_again_on_the_same_terms_is_released_without_a_new_record(house: House) -> None:
    written = await _active(house)
    await house.lose()
    await house.waiting("TL-CON-013")

    await house.win_again()

    assert await house.outcome() is Outcome.ACTIVE
    assert [what for what, _ in house.erp.journal[written:]] == ["hold", "release"]
    assert house.erp.held == set()
    assert (await house.row()).stage is Stage.ACTIVE
    assert await house.store.desk.list_open(house.firm) == ()
    assert house.crm.journal[-1][1].startswith("active")


async def test_lost_and_won_over_and_over_ends_as_it_stands_in_the_crm(house: House) -> None:
    written = await _active(house)
    for _ in range(2):
        await house.lose()
        await house.stage(Stage.FROZEN)
        await house.waiting("TL-CON-013")
        await house.win_again()
        assert await house.outcome() is Outcome.ACTIVE

    assert [what for what, _ in house.erp.journal[written:]] == ["hold", "release"] * 2


async def test_won_again_on_other_terms_and_then_on_the_old_ones_is_released_too(house: House) -> None:
    await _active(house)
    policy = house.terms.expense_policy
    await house.lose()
    await house.waiting("TL-CON-013")
    await house.win_again(expense_policy="Ten percent of fees")
    await house.waiting("TL-CHG-000")
    assert len(house.erp.held) == 1

    await house.win_again(expense_policy=policy)

    assert await house.outcome() is Outcome.ACTIVE
    assert house.erp.held == set()
    assert (await house.row()).stage is Stage.ACTIVE


@pytest.mark.parametrize("stop_at", ["contract", "write-back"])
async def test_lost_half_way_and_won_again_is_finished_without_a_second_record(house: House, stop_at: str) -> None:
    """Stopped before the contract nothing can be frozen; stopped before the write-back all of it can."""
    refuse = lambda moment, kind: (  # noqa: E731 - one switch
        NeedsRepair("No such field.", record="C-1001") if (moment, kind) == ("before", stop_at) else None
    )
    house.erp.trouble = house.crm.trouble = refuse
    await house.win(simple())
    await house.waiting("TL-INT-020")
    await house.lose()
    await house.stage(Stage.FROZEN)
    await house.waiting("TL-CON-013")

    house.erp.trouble = house.crm.trouble = lambda _moment, _kind: None
    await house.win_again()

    assert await house.outcome() is Outcome.ACTIVE
    created = [key.partition(":")[0] for what, key in house.erp.journal if what == "create"]
    assert sorted(created) == sorted(["customer", "contact", "project", "billing-schedule", "contract"])
    assert house.erp.held == set()
    assert (await house.row()).terms_digest == house.terms.digest
    assert house.crm.shown[house.crm.journal[-1][1].partition(":")[2]].status == "active"


async def test_a_decision_on_a_plan_made_from_older_terms_is_refused(house: House) -> None:
    await house.win(checked())
    old = await house.waiting()
    await house.win_again(expense_policy="Ten percent of fees")
    new = await house.waiting(besides=old.item)

    stale = await house.send(house.signed("ada.finance", Verdict.APPROVE, old.item))

    assert stale.refusal is Refusal.STALE_PLAN
    assert house.erp.journal == []
    assert (await house.send(house.signed("ada.finance", Verdict.APPROVE, new.item))).complete
    assert await house.outcome() is Outcome.ACTIVE


async def test_terms_that_changed_unheard_are_noticed_after_the_yes_and_decided_anew(house: House) -> None:
    await house.win(checked())
    old = await house.waiting()
    house.change(expense_policy="Ten percent of fees")

    assert (await house.send(house.signed("ada.finance", Verdict.APPROVE, old.item))).complete

    new = await house.waiting(besides=old.item)
    assert house.erp.journal == []
    assert (await house.send(house.signed("ada.finance", Verdict.APPROVE, new.item))).complete
    assert await house.outcome() is Outcome.ACTIVE


async def test_a_no_that_crosses_news_is_a_no_to_the_old_plan_and_the_new_one_is_asked_about(house: House) -> None:
    await house.win(checked())
    item = await house.waiting()
    house.desk.judging.close()
    sent = asyncio.create_task(house.send(house.signed("ada.finance", Verdict.REJECT, item.item)))
    await house.desk.judging.reached()
    house.change(expense_policy="Ten percent of fees")
    await house.win()
    house.desk.judging.open()

    assert (await sent).complete
    new = await house.waiting(besides=item.item)
    assert house.crm.journal[1][1].startswith("refused")
    assert (await house.send(house.signed("ada.finance", Verdict.APPROVE, new.item))).complete
    assert await house.outcome() is Outcome.ACTIVE


async def test_news_of_an_older_or_the_same_state_is_no_news(house: House) -> None:
    await house.win(checked())
    await house.waiting()
    read = house.crm.calls.count("read")
    version = house.terms.source_version
    await house.tell(version - timedelta(days=1))
    await house.tell(version)
    await house.signal("nothing-we-know")
    await house.noted("message.refused")
    assert house.crm.calls.count("read") == read

    house.change()
    await house.tell(house.terms.source_version)
    await house.reads_the_deal(read + 1)
    await house.decide("ada.finance")
    assert await house.outcome() is Outcome.ACTIVE
    assert house.crm.calls.count("read") == read + 2


async def test_a_deal_that_is_open_again_before_the_decision_needs_none(house: House) -> None:
    await house.win(checked())
    item = await house.waiting()
    house.change(deal_state=DealState.OPEN)

    await house.send(house.signed("ada.finance", Verdict.APPROVE, item.item))

    assert await house.outcome() is Outcome.WITHDRAWN
    assert not any(kind is RecordKind.PROJECT for kind, _ in house.erp.records)
