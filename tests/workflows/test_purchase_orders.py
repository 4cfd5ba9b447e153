"""A PO number that comes after the set-up is administrative: nobody signs anew, and billing begins (DOM-2.2)."""

from __future__ import annotations

import pytest

from models.desk import Stage
from models.errors import OutcomeUnknown
from models.process import Outcome
from tests.workflows.contracts import simple
from tests.workflows.house import House


async def test_a_po_that_comes_after_the_set_up_is_entered_once_and_lifts_the_hold(house: House) -> None:
    await house.win(simple(po_required=True))
    assert await house.outcome() is Outcome.ACTIVE
    assert "not billable yet" in (await house.row()).sentence
    written = len(house.erp.journal)

    await house.win_again(po_number="88-12")
    assert await house.outcome() is Outcome.ACTIVE
    assert house.erp.journal[written:] == [("po", "88-12")]
    ((number, lifts),) = house.erp.purchase_orders.values()
    assert number == "88-12"
    assert "the customer requires a PO" in lifts
    assert "88-12" in (await house.row()).sentence

    await house.win_again(deal_name="Renamed")
    assert await house.outcome() is Outcome.NOTHING_TO_DO
    assert len(house.erp.journal) == written + 1

    await house.win_again(po_number="88-13")
    assert await house.outcome() is Outcome.ACTIVE
    await house.win_again(po_number="88-12")
    assert await house.outcome() is Outcome.ACTIVE
    assert [number for what, number in house.erp.journal if what == "po"] == ["88-12", "88-13", "88-12"]
    assert await house.store.desk.list_open(house.firm) == ()


async def test_a_po_that_was_there_from_the_start_is_not_entered_again(house: House) -> None:
    await house.win(simple(po_required=True, po_number="88-12"))
    assert await house.outcome() is Outcome.ACTIVE
    await house.win_again(deal_name="Renamed")
    assert await house.outcome() is Outcome.NOTHING_TO_DO
    assert house.erp.purchase_orders == {}


async def test_other_terms_that_come_with_a_po_are_a_change_order_all_the_same(house: House) -> None:
    await house.win(simple(po_required=True))
    assert await house.outcome() is Outcome.ACTIVE
    await house.win_again(po_number="88-12", expense_policy="Ten percent of fees")
    await house.waiting("TL-CHG-000")
    await house.stage(Stage.CHANGE_ORDER)
    assert house.erp.purchase_orders == {}


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_po_whose_answer_is_lost_is_entered_once(house: House, moment: str) -> None:
    await house.win(simple(po_required=True))
    assert await house.outcome() is Outcome.ACTIVE
    left = [OutcomeUnknown("No answer in time.")]
    house.erp.trouble = lambda at, what: left.pop() if (at, what) == (moment, "purchase order") and left else None
    await house.win_again(po_number="88-12")
    assert await house.outcome() is Outcome.ACTIVE
    assert [number for what, number in house.erp.journal if what == "po"] == ["88-12"]
