"""The second time writes nothing: all events again, the store lost, and two workers on one queue."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from models.decision import Verdict
from models.desk import Stage
from models.ids import DealId
from runtime.settings import load_settings
from runtime.temporal import TemporalStarter, build_worker
from runtime.wiring import Tieline, open_tieline
from tests.e2e.colleagues import decide, send, signed
from tests.e2e.front_door import FrontDoor
from tests.e2e.own_processes import worker_process
from tests.e2e.sold import Sales, Sold
from tests.e2e.stand import FIRM, Stand

MONTHLY = {"Billing_Type__c": "Retainer", "Bill_In__c": "Advance", "Period_Anchor__c": "Anniversary",
           "Bill_Frequency__c": "Monthly", "Fee_Per_Period__c": 1_000, "Periods__c": 12}  # fmt: skip
BY_PROGRESS = {"Billing_Type__c": "Percent Complete", "Cost_Budget__c": 30_000, "Progress_Measure__c": "Cost",
               "Bill_Frequency__c": "Monthly"}  # fmt: skip


@pytest.fixture(scope="module")
async def active(stand: Stand, sales: Sales, door: FrontDoor) -> list[Sold]:
    """Contracts of several kinds, set up; one of them needed a signature."""
    company = await sales.company("Heron Rail, Inc.", contacts=2)
    other = await sales.company("Ibis Ports LLC")
    sold = [
        await sales.deal("AGAIN-1", company),
        await sales.deal("AGAIN-2", company, lines=3),
        await sales.deal("AGAIN-3", other, amount=12_000, line=MONTHLY, milestones=[]),
        await sales.deal("AGAIN-4", other, amount=40_000, line=BY_PROGRESS, milestones=[]),
        await sales.deal("AGAIN-5", await sales.company("Jacana Foundry, Inc."), amount=400_000),
    ]
    for one in sold:
        await door.ring(one.deal)
    await door.drained()
    await stand.settled(*(one.contract for one in sold))
    assert (await decide(stand, "AGAIN-5", "ada.finance", Verdict.APPROVE)).accepted
    for one in sold:
        assert (await stand.result(one.contract)).outcome == "active"
    return sold


async def test_all_events_again_change_nothing_on_either_side(
    stand: Stand, door: FrontDoor, active: list[Sold]
) -> None:
    before = len(await stand.crm.writes()), len(await stand.erp.writes())
    for _ in range(2):
        for one in active:
            assert (await door.ring(one.deal)).status_code == 202
    await door.drained()
    for one in active:
        assert (await stand.result(one.contract)).outcome in {"active", "nothing-to-do"}
    assert (len(await stand.crm.writes()), len(await stand.erp.writes())) == before


@asynccontextmanager
async def _lost_store(stand: Stand) -> AsyncIterator[tuple[Tieline, TemporalStarter]]:
    """Tieline as its settings make it, on an empty store, at the same vendors."""
    queue = f"{stand.task_queue}-anew"
    settings = load_settings(
        stand.environment()
        | {"TIELINE_STORE_URL": f"sqlite:///{stand.folder / 'anew.db'}", "TIELINE_TASK_QUEUE": queue}
    )
    async with open_tieline(settings) as tieline, build_worker(stand.client, queue, tieline.activities):
        yield tieline, TemporalStarter(stand.client, FIRM, queue)


async def test_with_the_store_lost_everything_is_found_again_and_nothing_is_written_to_the_erp(
    stand: Stand, active: list[Sold]
) -> None:
    crm_seen, erp_seen = (await stand.crm.journal())[-1]["seq"], (await stand.erp.journal())[-1]["seq"]
    async with _lost_store(stand) as (tieline, starter):
        for contract in await tieline.crm.find_contracts([DealId(one.deal) for one in active]):
            assert await starter.start_or_join(contract) == "started"
        for one in active[:-1]:
            assert (await stand.result(one.contract)).outcome == "active"
        # A signature that is lost with the store is asked for again.
        await _reaches(tieline, active[-1], Stage.DECIDING)
        (item,) = await tieline.store.desk.list_open(FIRM)
        yes = signed(stand, active[-1].contract, "ada.finance", Verdict.APPROVE, item.item)
        assert (await send(stand, yes)).accepted
        result = await stand.result(active[-1].contract)
        assert {done.step for done in result.records if done.created} == set()
        assert (await tieline.store.audit.verify()).intact

    assert await stand.erp.writes(erp_seen) == []
    news = await stand.crm.writes(crm_seen)
    made = Counter(entry["kind"] for entry in news if entry["action"] == "create")
    # Whether the owner was told before stood in the store alone: each of them gets one more note, and nothing else new.
    assert made == {"Task": len(active)}
    changed = {name for entry in news if entry["kind"] == "Opportunity" for name in entry["changed"]}
    assert changed <= {"ERP_Project_Number__c", "ERP_Contract_Number__c", "ERP_Sync_Status__c", "ERP_Sync_Error__c",
                       "ERP_Synced_At__c"}  # fmt: skip
    deals = {row["Id"]: row["ERP_Sync_Status__c"] for row in await stand.crm.kind("Opportunity")}
    assert {deals[one.deal] for one in active} == {"Active"}


@pytest.mark.kills
async def test_two_workers_on_one_queue_share_the_work_and_write_once(
    stand: Stand, sales: Sales, door: FrontDoor
) -> None:
    seen = max((entry["seq"] for entry in await stand.erp.journal()), default=0)
    async with worker_process(stand):
        companies = [await sales.company(f"Knot {at} Shipping, Inc.") for at in range(4)]
        sold = [await sales.deal(f"TWO-{at:02}", companies[at % 4]) for at in range(12)]
        await asyncio.gather(*(door.ring(one.deal) for one in sold for _ in range(2)))
        await door.drained()
        for one in sold:
            assert (await stand.result(one.contract)).outcome in {"active", "nothing-to-do"}
        workers = Counter([who for one in sold for who in await _workers_of(stand, one)])
    assert len(workers) == 2, workers
    writes = await stand.erp.writes(seen)
    made = Counter(entry["kind"] for entry in writes if entry["action"] == "create")
    assert made == {"customer": 4, "contact": 4, "job": 12, "billingSchedule": 12, "salesOrder": 12}
    assert [entry for entry in writes if entry["action"] != "create" and entry["changed"]] == []
    assert (await stand.store.audit.verify()).intact
    for one in sold:
        rows = await stand.store.ledger.list_operations(stand.engagement(one.contract))
        assert {row.state.value for row in rows} == {"applied"}


async def _workers_of(stand: Stand, one: Sold) -> set[str]:
    history = await stand.starter.handle(stand.engagement(one.contract)).fetch_history()
    done = [event.workflow_task_completed_event_attributes for event in history.events
            if event.HasField("workflow_task_completed_event_attributes")]  # fmt: skip
    return {attributes.identity for attributes in done}


async def _reaches(tieline: Tieline, sold: Sold, stage: Stage) -> None:
    for _ in range(200):
        row = await tieline.store.desk.find_engagement(Stand.engagement(sold.contract))
        if row is not None and row.stage is stage:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{sold.contract} is at {row}")
