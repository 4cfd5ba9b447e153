"""One contract from won to billable: the straight way, decisions, and what happens when it comes again."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from models.decision import Refusal, Verdict
from models.desk import Stage
from models.errors import NotSent
from models.process import Outcome
from tests.workflows.contracts import checked, simple, two_signatures
from tests.workflows.house import House

EVERY_RECORD = ["customer", "contact", "project", "billing-schedule", "contract"]


def created(house: House) -> list[str]:
    assert {what for what, _ in house.erp.journal} <= {"create"}, house.erp.journal
    return [key.partition(":")[0] for _, key in house.erp.journal]


async def test_a_won_and_signed_contract_becomes_a_billable_project(house: House) -> None:
    assert await house.win(simple()) == "started"
    result = await house.result()

    assert result.outcome is Outcome.ACTIVE
    assert sorted(created(house)) == sorted(EVERY_RECORD)
    assert len(result.records) == len(EVERY_RECORD) + 1
    assert [what.partition(":")[0] for _, what in house.crm.journal] == ["active"]
    assert (await house.row()).stage is Stage.ACTIVE
    assert await house.store.desk.list_open(house.firm) == ()
    assert (await house.store.audit.verify()).intact


async def test_a_second_run_writes_nothing(house: House) -> None:
    await house.win(simple())
    await house.result()
    before = (list(house.erp.journal), list(house.crm.journal), (await house.row()).sentence)

    assert await house.win() == "started"

    assert await house.outcome() is Outcome.NOTHING_TO_DO
    assert (house.erp.journal, house.crm.journal, (await house.row()).sentence) == before


async def test_a_repeated_event_joins_the_run_that_waits(house: House) -> None:
    await house.win(checked())
    await house.waiting()
    first = (await house.handle.describe()).run_id

    assert [await house.win() for _ in range(3)] == ["joined"] * 3

    assert (await house.decide("ada.finance")).accepted
    assert await house.outcome() is Outcome.ACTIVE
    assert (await house.handle.describe()).run_id == first
    assert sorted(created(house)) == sorted(EVERY_RECORD)


async def test_news_of_our_own_write_back_changes_nothing(house: House) -> None:
    """The CRM tells us of the change we made ourselves, before the run has ended: it looks, and there is nothing."""
    news: list[asyncio.Task[str]] = []

    def write_back_changes_the_deal(moment: str, kind: str) -> None:
        if (moment, kind) == ("after", "write-back") and not news:
            house.change()
            news.append(asyncio.create_task(house.win()))
            house.desk.showing.close()

    house.crm.trouble = write_back_changes_the_deal
    await house.win(simple())
    await house.desk.showing.reached()
    assert await news[0] == "joined"
    house.desk.showing.open()

    assert await house.outcome() in {Outcome.ACTIVE, Outcome.NOTHING_TO_DO}
    assert (await house.row()).stage is Stage.ACTIVE
    assert sorted(created(house)) == sorted(EVERY_RECORD)
    assert len(house.crm.journal) == 1


async def test_an_event_at_the_very_end_is_looked_at(house: House) -> None:
    """The deal is lost after the last step was done, while a late decision is still being judged."""
    house.erp.trouble = lambda moment, kind: NotSent("busy") if (moment, kind) == ("before", "contract") else None
    await house.win(checked())
    item = await house.waiting()
    assert (await house.send(house.signed("ada.finance", Verdict.APPROVE, item.item))).complete
    await house.noted("operation.not-applied", 2)
    house.desk.judging.close()
    late = asyncio.create_task(house.send(house.signed("finn.finance", Verdict.REJECT, item.item)))
    await house.desk.judging.reached()
    house.erp.trouble = lambda _moment, _kind: None
    await house.stage(Stage.ACTIVE)
    await house.lose()
    house.desk.judging.open()

    assert (await late).refusal is Refusal.NOT_WAITING
    await house.stage(Stage.FROZEN)


async def test_a_rejected_plan_writes_nothing(house: House) -> None:
    await house.win(checked())

    assert (await house.decide("ada.finance", Verdict.REJECT)).complete

    assert await house.outcome() is Outcome.REJECTED
    assert house.erp.journal == []
    assert (await house.row()).stage is Stage.REJECTED
    assert [what.partition(":")[0] for _, what in house.crm.journal] == ["waiting", "refused"]


async def test_whoever_asked_may_withdraw_and_nothing_is_written(house: House) -> None:
    await house.win(checked(owner_email="sam.sales@harbourfinch.example"))

    assert (await house.decide("sam.sales", Verdict.WITHDRAW)).complete

    assert await house.outcome() is Outcome.WITHDRAWN
    assert house.erp.journal == []
    assert await house.store.desk.list_open(house.firm) == ()


async def test_two_signatures_are_of_two_people(house: House) -> None:
    house.edit_person("ada.finance", roles=["finance-operations", "controller"], limit_usd="unlimited")
    await house.win(two_signatures())

    first = await house.decide("ada.finance")
    again = await house.decide("ada.finance")
    assert (first.accepted, first.complete) == (True, False)
    assert again.refusal is Refusal.ALREADY_SIGNED
    assert house.erp.journal == []

    assert (await house.decide("cora.controller")).complete
    assert await house.outcome() is Outcome.ACTIVE


async def test_a_delegate_signs_for_an_absent_colleague(house: House) -> None:
    today = house.now().date()
    house.edit_person(
        "cora.controller",
        delegation=[
            {"delegate": "tara.tax", "from_on": today.isoformat(), "until_on": (today + timedelta(7)).isoformat()}
        ],
    )
    await house.win(two_signatures())

    assert (await house.decide("ada.finance")).accepted
    assert (await house.decide("tara.tax")).complete

    assert await house.outcome() is Outcome.ACTIVE


async def test_a_decision_is_taken_as_soon_as_the_desk_shows_it(house: House) -> None:
    """The CRM is slow to show that the deal waits; people are not held up by that."""
    house.crm.trouble = lambda moment, kind: (
        RuntimeError("slow") if (moment, kind) == ("before", "write-back") else None
    )
    await house.win(checked())

    assert (await house.decide("ada.finance")).complete

    house.crm.trouble = lambda _moment, _kind: None
    assert await house.outcome() is Outcome.ACTIVE
