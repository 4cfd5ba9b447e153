"""A deal is lost or reopened after its set-up: what a person may answer, and what comes of it (DOM-2.3)."""

from __future__ import annotations

import pytest

from models.decision import Refusal
from models.desk import Stage
from models.errors import NeedsRepair, OutcomeUnknown
from models.operations import WriteBackDeal
from models.process import Outcome
from models.records import WorkDone
from models.terms import DealState
from tests.workflows.contracts import simple
from tests.workflows.house import House, until

BEGUN = WorkDone(invoices=("INV1",), time_entries=3)
NOTHING = WorkDone()


async def _lost(house: House, done: WorkDone = NOTHING, *, state: DealState = DealState.LOST) -> int:
    """Set up, then lost. How much had been written before."""
    await house.win(simple())
    assert await house.outcome() is Outcome.ACTIVE
    written, house.erp.work_done = len(house.erp.journal), done
    house.change(deal_state=state)
    await house.win()
    await house.waiting("TL-CON-013")
    return written


def _shown(house: House) -> WriteBackDeal:
    (shown,) = house.crm.shown.values()
    return shown


def _done_since(house: House, written: int) -> list[str]:
    return [what for what, _ in house.erp.journal[written:]]


@pytest.mark.parametrize("state", [DealState.LOST, DealState.OPEN])
async def test_unbilled_work_is_frozen_and_all_three_answers_are_offered(house: House, state: DealState) -> None:
    written = await _lost(house, state=state)
    item = await house.waiting("TL-CON-013")
    assert (item.owner.value, [choice.value for choice in item.choices]) == (
        "finance-operations", ["cancel", "freeze", "keep"],
    )  # fmt: skip
    assert _done_since(house, written) == ["hold"]
    assert (await house.row()).stage is Stage.FROZEN
    assert _shown(house).status == "frozen"


@pytest.mark.parametrize(
    ("answer", "outcome", "did", "status"),
    [
        ("cancel", Outcome.CANCELLED, ["hold", "cancel"], "cancelled"),
        ("freeze", Outcome.ON_HOLD, ["hold"], "frozen"),
        ("keep", Outcome.KEPT, ["hold", "release"], "active"),
    ],
)
async def test_each_answer_is_carried_out_once_and_further_events_ask_nobody_again(
    house: House, answer: str, outcome: Outcome, did: list[str], status: str
) -> None:
    written = await _lost(house)
    assert (await house.repair("ada.finance", "TL-CON-013", answer)).complete
    assert await house.outcome() is outcome
    assert _done_since(house, written) == did
    assert _shown(house).status == status
    assert "A person decided" in _shown(house).message

    house.change(deal_name="Renamed")
    await house.win()
    assert await house.outcome() is outcome
    assert _done_since(house, written) == did
    assert await house.store.desk.list_open(house.firm) == ()

    await house.win_again()
    assert await house.outcome() is Outcome.ACTIVE
    assert (await house.row()).stage is Stage.ACTIVE
    assert "create" not in _done_since(house, written)
    assert (house.erp.held, house.erp.cancelled) == (set(), set())
    assert _shown(house).status == "active"


async def test_a_second_loss_asks_again(house: House) -> None:
    await _lost(house)
    await house.repair("ada.finance", "TL-CON-013", "keep")
    assert await house.outcome() is Outcome.KEPT
    await house.win_again()
    assert await house.outcome() is Outcome.ACTIVE
    await house.lose()
    await house.waiting("TL-CON-013")
    assert len(house.erp.held) == 1


async def test_begun_work_is_frozen_only_after_a_yes_and_never_closed_by_a_machine(house: House) -> None:
    written = await _lost(house, BEGUN)
    item = await house.waiting("TL-CON-013")
    assert [choice.value for choice in item.choices] == ["freeze", "keep"]
    assert "1 invoice (INV1) and 3 time entries" in item.message
    assert _done_since(house, written) == []
    assert (await house.row()).stage is Stage.LOST
    assert _shown(house).status == "waiting"
    assert "sales manager" in _shown(house).notify_text

    refused = await house.repair("ada.finance", "TL-CON-013", "cancel")
    assert refused.refusal is Refusal.BAD_ANSWER
    await house.repair("ada.finance", "TL-CON-013", "freeze")
    assert await house.outcome() is Outcome.ON_HOLD
    assert _done_since(house, written) == ["hold"]


async def test_begun_work_that_is_won_again_was_never_touched(house: House) -> None:
    written = await _lost(house, BEGUN)
    await house.win_again()
    assert await house.outcome() is Outcome.ACTIVE
    assert _done_since(house, written) == []
    assert _shown(house).status == "active"
    assert await house.store.desk.list_open(house.firm) == ()


async def test_a_cancellation_that_no_longer_fits_is_asked_anew(house: House) -> None:
    """Between question and answer an invoice was raised by hand."""
    written = await _lost(house)
    first = await house.waiting("TL-CON-013")
    house.erp.work_done = BEGUN
    await house.repair("ada.finance", "TL-CON-013", "cancel")

    async def asked_anew() -> bool:
        return any("Work has begun" in item.message for item in await house.store.desk.list_open(house.firm))

    await until(asked_anew, "the new question")
    assert (await house.waiting("TL-CON-013")).item == first.item
    assert _done_since(house, written) == ["hold"]


async def test_further_events_do_not_restart_the_age_of_the_question(house: House) -> None:
    await _lost(house)
    first = await house.waiting("TL-CON-013")
    reads = house.crm.calls.count("read")
    for number in range(2):
        house.change(deal_name=f"Renamed {number}")
        await house.win()
        await house.reads_the_deal(reads + number + 1)
    again = await house.waiting("TL-CON-013")
    assert (again.raised_at, again.due_at) == (first.raised_at, first.due_at)
    assert len(await house.audit("blocker.raised")) == 1


def _lose_one_answer(house: House, moment: str, kind: str) -> None:
    left = [OutcomeUnknown("No answer in time.")]
    house.erp.trouble = lambda at, what: left.pop() if (at, what) == (moment, kind) and left else None


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_cancellation_whose_answer_is_lost_has_one_effect(house: House, moment: str) -> None:
    written = await _lost(house)
    _lose_one_answer(house, moment, "cancellation")
    await house.repair("ada.finance", "TL-CON-013", "cancel")
    assert await house.outcome() is Outcome.CANCELLED
    assert _done_since(house, written) == ["hold", "cancel"]
    rows = await house.store.ledger.list_operations(house.engagement)
    states = {row.step.partition(":")[0]: row.state for row in rows}
    assert states["cancel"] == "applied"


async def test_a_cancellation_that_the_erp_refuses_waits_on_desk_and_deal_and_goes_on(house: House) -> None:
    written = await _lost(house)
    house.erp.trouble = lambda at, what: (
        NeedsRepair("Line 2 is locked.", record="C-1001") if (at, what) == ("before", "cancellation") else None
    )
    await house.repair("ada.finance", "TL-CON-013", "cancel")
    await house.waiting("TL-INT-020")

    async def told() -> bool:
        return (_shown(house).status, _shown(house).message) == ("waiting", "Line 2 is locked.")

    await until(told, "the refusal on the deal")
    house.erp.trouble = lambda _at, _what: None
    await house.repair("ina.integration", "TL-INT-020")
    assert await house.outcome() is Outcome.CANCELLED
    assert _done_since(house, written) == ["hold", "cancel"]


async def test_won_again_before_the_answer_is_carried_out_cancels_nothing(house: House) -> None:
    """The deal is read again after the answer: what a person said of a lost deal is no word about a won one."""
    written = await _lost(house)
    house.change(deal_state=DealState.WON)
    await house.repair("ada.finance", "TL-CON-013", "cancel")
    assert await house.outcome() is Outcome.ACTIVE
    assert _done_since(house, written) == ["hold", "release"]
