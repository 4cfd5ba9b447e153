"""Planning reads and never writes: nothing on its path can even reach a connector's write methods."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from activities.connected import Connected
from activities.planning import PlanningActivities
from models.ids import ContractNumber, DealId
from models.plan import VerdictKind
from models.process import EngagementRef
from tests.e2e.own_processes import run_program
from tests.e2e.sold import Sales, Sold
from tests.e2e.stand import FIRM, Stand

READS = {"survey", "get_chart", "read_back", "connection", "traits"}


class ReadingOnly:
    """The real ERP adapter, of which everything but reading raises."""

    def __init__(self, erp: Any) -> None:
        self._erp = erp
        self.used: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name not in READS:
            raise AssertionError(f"planning reached for {name} of the ERP")
        self.used.add(name)
        return getattr(self._erp, name)


def _subject(sold: Sold) -> EngagementRef:
    return EngagementRef(
        firm=FIRM, engagement=Stand.engagement(sold.contract), deal_id=DealId(sold.deal),
        contract_number=ContractNumber(sold.contract), workflow_id="none",
    )  # fmt: skip


async def _seen(stand: Stand) -> tuple[int, int, int, int]:
    """How much both vendors, the audit chain and the engine know."""
    runs = [run async for run in stand.client.list_workflows()]
    entries = await stand.store.audit.list_entries()
    return len(await stand.crm.journal()), len(await stand.erp.journal()), len(entries), len(runs)


@pytest.mark.kills
async def test_the_plan_command_leaves_no_trace(stand: Stand, sales: Sales) -> None:
    account = await sales.company("Only Looking, Inc.", contacts=2)
    good = await sales.deal("LOOK-1", account, lines=2)
    wrong = await sales.deal("LOOK-2", account, Signed_Total__c=90_000.01)
    to_decide = await sales.deal("LOOK-3", account, amount=400_000)
    still_open = await sales.deal("LOOK-4", account, stage="Negotiation")
    before = await _seen(stand)
    deals = [one.deal for one in (good, to_decide, wrong, still_open)]
    ended = await asyncio.gather(*(run_program(stand, "starter.py", "plan", deal) for deal in deals))
    assert [one.code for one in ended] == [0, 0, 1, 1]
    assert await _seen(stand) == before
    assert await stand.store.desk.list_open(FIRM) == ()
    # What was only looked at is still free for whoever sells it.
    holder = await stand.store.deal_bindings.bind_deal(
        FIRM, stand.tieline.crm.connection, ContractNumber("LOOK-1"), DealId(good.deal)
    )
    assert holder.deal == good.deal


async def test_planning_never_reaches_a_write_method(stand: Stand, sales: Sales) -> None:
    erp = ReadingOnly(stand.tieline.erp)
    planning = PlanningActivities(
        crms=stand.tieline.crms,
        erps=Connected({stand.tieline.erp.connection: erp}),
        plans=stand.store.plans,
        desk=stand.store.desk,
        deal_bindings=stand.store.deal_bindings,
        undos=stand.store.match_undos,
        rules=stand.tieline.rules,
        now=lambda: datetime.now(UTC),
    )
    account = await sales.company("Reading Rooms, Inc.")
    sold = await sales.deal("READ-ONLY", account, lines=3)
    before = len(await stand.erp.journal()), len(await stand.crm.journal())
    terms = await stand.tieline.crm.get_signed_terms(DealId(sold.deal))
    for binds in False, True:
        verdict = await planning.verdict(_subject(sold), terms, binds=binds)
        assert verdict.kind is VerdictKind.PLAN
    assert erp.used == READS - {"read_back"}
    assert (len(await stand.erp.journal()), len(await stand.crm.journal())) == before
