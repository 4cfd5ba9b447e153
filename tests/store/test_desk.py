from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from models.desk import Stage
from models.errors import Fatal
from models.ids import EngagementId, FirmId, PlanDigest
from models.money import Money
from models.roles import Role
from ports.desk import Desk
from store import Store
from tests.store.facts import ENGAGEMENT, FIRM, Clock, a_blocker, a_plan, approval, status_row

WORKFLOW = "quote-to-project/hf/C-1001"


async def _kinds(store: Store) -> list[str]:
    return [entry.kind for entry in await store.audit.list_entries()]


async def test_a_raised_blocker_shows_on_the_desk_with_all_a_person_needs(store: Store, clock: Clock) -> None:
    blocker, due = a_blocker(), clock() + timedelta(days=1)
    await store.desk.raise_blockers((blocker,), WORKFLOW, (due,))
    (item,) = await store.desk.list_open(FIRM)
    assert (item.item, item.kind, item.workflow_id, item.due_at) == (blocker.blocker, "blocker", WORKFLOW, due)
    assert (item.code, item.record, item.message, item.owner, item.fix, item.stake, item.choices) == (
        blocker.code, blocker.record, blocker.message, blocker.owner, blocker.fix, blocker.stake, blocker.choices,
    )  # fmt: skip
    assert await store.desk.find_blocker(blocker.blocker) == blocker
    (entry,) = await store.audit.list_entries(ENGAGEMENT)
    assert (entry.kind, entry.subject, entry.facts["code"]) == ("blocker.raised", blocker.blocker, "TL-CUS-014")


async def test_the_same_blocker_twice_shows_once_and_keeps_its_age_and_deadline(store: Store, clock: Clock) -> None:
    blocker, due = a_blocker(), clock() + timedelta(days=1)
    await store.desk.raise_blockers((blocker, blocker), WORKFLOW, (due, due))
    (first,) = await store.desk.list_open(FIRM)
    await store.desk.raise_blockers((blocker,), WORKFLOW, (due + timedelta(days=3),))
    assert await store.desk.list_open(FIRM) == (first,)
    assert await _kinds(store) == ["blocker.raised"]


async def test_a_blocker_that_now_says_something_else_shows_the_new_text(store: Store, clock: Clock) -> None:
    blocker, due = a_blocker(), clock() + timedelta(days=1)
    await store.desk.raise_blockers((blocker,), WORKFLOW, (due,))
    await store.desk.raise_blockers(
        (a_blocker(message="The tax number has a typing error.", owner=Role.TAX),), WORKFLOW, (due,)
    )
    (item,) = await store.desk.list_open(FIRM)
    assert (item.message, item.owner) == ("The tax number has a typing error.", Role.TAX)
    assert await _kinds(store) == ["blocker.raised", "blocker.raised"]


async def test_blockers_that_are_not_named_any_more_leave_the_desk(store: Store, clock: Clock) -> None:
    due = clock() + timedelta(days=1)
    gone, stays, new = a_blocker("Gone"), a_blocker("Stays"), a_blocker("New")
    other = a_blocker("Other", engagement=EngagementId("hf/C-2"))
    await store.desk.raise_blockers((other,), "w-2", (due,))
    await store.desk.raise_blockers((gone, stays), WORKFLOW, (due, due))
    await store.desk.raise_blockers((stays, new), WORKFLOW, (due, due))
    assert {item.record for item in await store.desk.list_open(FIRM)} == {"Stays", "New", "Other"}
    assert await store.desk.find_blocker(gone.blocker) is None
    assert (await _kinds(store)).count("desk.closed") == 1


async def test_a_closed_blocker_that_comes_back_starts_anew(store: Store, clock: Clock) -> None:
    blocker, due = a_blocker(), clock() + timedelta(days=1)
    await store.desk.raise_blockers((blocker,), WORKFLOW, (due,))
    await store.desk.escalate(blocker.blocker, Role.CONTROLLER, note="escalate")
    await store.desk.clear(ENGAGEMENT, reason="repaired")
    later = due + timedelta(days=5)
    await store.desk.raise_blockers((blocker,), WORKFLOW, (later,))
    (item,) = await store.desk.list_open(FIRM)
    assert (item.due_at, item.escalated_to) == (later, None)


async def test_blockers_of_two_engagements_at_once_or_of_none_are_our_bug(store: Store, clock: Clock) -> None:
    due = clock()
    with pytest.raises(Fatal, match="not for 2"):
        await store.desk.raise_blockers(
            (a_blocker(), a_blocker(engagement=EngagementId("hf/C-2"))), WORKFLOW, (due, due)
        )
    with pytest.raises(Fatal, match="not for 0"):
        await store.desk.raise_blockers((), WORKFLOW, ())
    assert await store.desk.list_open(FIRM) == ()


async def test_a_plan_that_waits_shows_whom_it_waits_for_and_what_is_at_stake(store: Store, clock: Clock) -> None:
    plan = a_plan(("finance", Role.CONTROLLER), ("delivery", Role.PMO))
    digest, due = await store.plans.save_plan(plan), clock() + timedelta(days=1)
    await store.desk.ask_decision(digest, WORKFLOW, due)
    (item,) = await store.desk.list_open(FIRM)
    assert (item.item, item.kind, item.owner, item.due_at) == (digest, "decision", Role.CONTROLLER, due)
    assert item.message == "Northwind Traders, Inc.: finance signs; delivery signs"
    assert item.stake == Money.of("128249.99", "USD")
    await store.desk.record_decision(approval(digest, "finance", "carla"))
    (item,) = await store.desk.list_open(FIRM)
    assert item.owner is Role.PMO


async def test_asking_twice_shows_once(store: Store, clock: Clock) -> None:
    digest, due = await store.plans.save_plan(a_plan(("finance", Role.CONTROLLER))), clock()
    await store.desk.ask_decision(digest, WORKFLOW, due)
    await store.desk.ask_decision(digest, WORKFLOW, due + timedelta(days=1))
    (item,) = await store.desk.list_open(FIRM)
    assert item.due_at == due
    assert (await _kinds(store)).count("decision.asked") == 1


async def test_an_older_plan_and_old_blockers_leave_the_desk_when_a_new_plan_is_asked_for(
    store: Store, clock: Clock
) -> None:
    due = clock()
    await store.desk.raise_blockers((a_blocker(),), WORKFLOW, (due,))
    old = await store.plans.save_plan(a_plan(("finance", Role.CONTROLLER)))
    new = await store.plans.save_plan(a_plan(("finance", Role.CONTROLLER), basis="basis-2"))
    await store.desk.ask_decision(old, WORKFLOW, due)
    await store.desk.ask_decision(new, WORKFLOW, due)
    assert [item.item for item in await store.desk.list_open(FIRM)] == [new]


async def test_asking_about_a_plan_that_is_not_stored_or_needs_nobody_is_our_bug(store: Store, clock: Clock) -> None:
    with pytest.raises(Fatal, match="no plan"):
        await store.desk.ask_decision(PlanDigest("0" * 64), WORKFLOW, clock())
    digest = await store.plans.save_plan(a_plan())
    with pytest.raises(Fatal, match="needs no more signatures"):
        await store.desk.ask_decision(digest, WORKFLOW, clock())


async def test_clearing_an_engagement_empties_its_part_of_the_desk_with_the_reason(store: Store, clock: Clock) -> None:
    due = clock()
    await store.desk.raise_blockers((a_blocker("A"), a_blocker("B")), WORKFLOW, (due, due))
    await store.desk.clear(ENGAGEMENT, reason="withdrawn")
    await store.desk.clear(ENGAGEMENT, reason="withdrawn")
    assert await store.desk.list_open(FIRM) == ()
    closed = [entry for entry in await store.audit.list_entries() if entry.kind == "desk.closed"]
    assert [entry.facts["reason"] for entry in closed] == ["withdrawn", "withdrawn"]


async def test_an_escalation_shows_the_item_to_the_next_level_once(store: Store, clock: Clock) -> None:
    blocker = a_blocker()
    await store.desk.raise_blockers((blocker,), WORKFLOW, (clock(),))
    await store.desk.escalate(blocker.blocker, Role.CONTROLLER, note="escalate")
    await store.desk.escalate(blocker.blocker, Role.CONTROLLER, note="escalate")
    (item,) = await store.desk.list_open(FIRM)
    assert (item.owner, item.escalated_to) == (Role.SALES_OPERATIONS, Role.CONTROLLER)
    assert await _kinds(store) == ["blocker.raised", "desk.escalated"]


async def test_a_reminder_is_written_down_and_moves_nothing(store: Store, clock: Clock) -> None:
    blocker = a_blocker()
    await store.desk.raise_blockers((blocker,), WORKFLOW, (clock(),))
    await store.desk.escalate(blocker.blocker, Role.SALES_OPERATIONS, note="remind")
    (item,) = await store.desk.list_open(FIRM)
    assert item.escalated_to is None
    assert await _kinds(store) == ["blocker.raised", "desk.reminded"]


async def test_what_was_settled_in_time_is_not_escalated(store: Store, clock: Clock) -> None:
    blocker = a_blocker()
    await store.desk.raise_blockers((blocker,), WORKFLOW, (clock(),))
    await store.desk.clear(ENGAGEMENT, reason="repaired")
    await store.desk.escalate(blocker.blocker, Role.CFO, note="escalate")
    assert "desk.escalated" not in await _kinds(store)


async def test_the_queue_shows_the_nearest_deadline_first_and_only_the_own_firm(store: Store, clock: Clock) -> None:
    now = clock()
    for days, firm in ((3, "hf"), (1, "hf"), (2, "hf"), (0, "other")):
        blocker = a_blocker(f"R{days}", engagement=EngagementId(f"{firm}/C-{days}"))
        await store.desk.raise_blockers((blocker,), "w", (now + timedelta(days=days),))
    assert [item.record for item in await store.desk.list_open(FIRM)] == ["R1", "R2", "R3"]
    assert [item.record for item in await store.desk.list_open(FirmId("other"))] == ["R0"]


async def test_many_workers_raising_at_once_agree_on_one_desk(store: Store, clock: Clock) -> None:
    due = clock()
    sets = [(a_blocker("A"), a_blocker("B")), (a_blocker("B"), a_blocker("C")), (a_blocker("C"), a_blocker("A"))]
    await asyncio.gather(*(store.desk.raise_blockers(sets[turn % 3], WORKFLOW, (due, due)) for turn in range(30)))
    shown = {item.record for item in await store.desk.list_open(FIRM)}
    assert shown in [{"A", "B"}, {"B", "C"}, {"C", "A"}]
    assert (await store.audit.verify()).intact


async def test_the_status_list_shows_where_each_contract_stands(store: Store) -> None:
    assert await store.desk.find_engagement(ENGAGEMENT) is None
    await store.desk.save_engagement(status_row(Stage.PLANNING))
    await store.desk.save_engagement(status_row(Stage.ACTIVE, value=Money.of("1.10", "BHD"), terms_digest="t-1"))
    row = await store.desk.find_engagement(ENGAGEMENT)
    assert row is not None
    assert (row.stage, row.terms_digest, row.value) == (Stage.ACTIVE, "t-1", Money.of("1.100", "BHD"))
    assert row.updated_at is not None
    assert await _kinds(store) == ["engagement.planning", "engagement.active"]


async def test_saying_the_same_about_a_contract_again_changes_nothing(store: Store) -> None:
    await store.desk.save_engagement(status_row())
    before = await store.desk.find_engagement(ENGAGEMENT)
    await store.desk.save_engagement(status_row())
    assert await store.desk.find_engagement(ENGAGEMENT) == before
    assert await _kinds(store) == ["engagement.planning"]


async def test_a_later_stage_does_not_forget_the_terms_that_were_applied(store: Store) -> None:
    await store.desk.save_engagement(
        status_row(Stage.ACTIVE, terms_digest="t-1", customer_name="Northwind", value=Money.of("5", "USD"))
    )
    await store.desk.save_engagement(status_row(Stage.PARKED, sentence="The deal was lost."))
    row = await store.desk.find_engagement(ENGAGEMENT)
    assert row is not None
    assert (row.stage, row.terms_digest, row.customer_name, row.value) == (
        Stage.PARKED, "t-1", "Northwind", Money.of("5", "USD"),
    )  # fmt: skip


async def test_engagements_are_listed_by_contract_for_one_firm(store: Store) -> None:
    for engagement, firm in (("hf/C-2", "hf"), ("hf/C-1", "hf"), ("other/C-1", "other")):
        await store.desk.save_engagement(status_row(engagement=engagement, firm=firm))
    assert [row.engagement for row in await store.desk.list_engagements(FIRM)] == ["hf/C-1", "hf/C-2"]


async def test_workers_that_save_the_same_new_contract_at_once_make_one_row(store: Store) -> None:
    await asyncio.gather(
        *(store.desk.save_engagement(status_row(sentence=f"Attempt {number}.")) for number in range(20))
    )
    assert len(await store.desk.list_engagements(FIRM)) == 1
    assert await _kinds(store) == ["engagement.planning"] * 20


def test_the_desk_is_the_desk_of_the_port(store: Store) -> None:
    desk: Desk = store.desk
    assert desk is store.desk
