"""What the benchmark compares with is the real thing: the same calls, with the same bodies, for other deals."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from bench.deals import BUYERS, Deal, deal_of, write_state
from bench.house import House, open_house
from bench.recorded import Scripts, read_scripts, replay_one, script_of, write_scripts
from bench.recording import FIRST_FREE, PerDeal, record

Recorded = tuple[House, Scripts, dict[str, PerDeal]]

STATEMENTS_AT_MOST, TRANSACTIONS_AT_MOST = 70, 18
"""A first purchase with one contact. Exact figures stand beside the store and in the end-to-end budgets."""


@pytest_asyncio.fixture(scope="module")
async def recorded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Recorded]:
    deals = [deal_of(number) for number in range(FIRST_FREE + 8)]
    async with open_house(tmp_path_factory.mktemp("bench"), deals) as house:
        scripts, costs = await record(house)
        yield house, scripts, costs


async def _counts(house: House) -> dict[str, int]:
    return {**await house.crm.calls(), **await house.erp.calls()}


async def _replayed(house: House, scripts: Scripts, deal: Deal) -> dict[str, int]:
    for simulator in (house.crm, house.erp):
        await simulator.reset_calls()
    answers: list[str] = []
    async with httpx.AsyncClient(timeout=30) as http:
        for call in script_of(scripts, deal):
            answers.append(await replay_one(http, call, deal, answers))
    return await _counts(house)


def test_one_deal_stays_within_its_budget(recorded: Recorded) -> None:
    _, _, costs = recorded
    assert {name: cost.vendor_calls for name, cost in costs.items()} == {"new": 9, "again": 7}
    for cost in costs.values():
        assert cost.history_events <= 17
        assert cost.temporal_actions == 4
        assert cost.statements <= STATEMENTS_AT_MOST
        assert cost.transactions <= TRANSACTIONS_AT_MOST


@pytest.mark.parametrize(("number", "calls"), [(FIRST_FREE + 1, 9), (FIRST_FREE + 4, 7)])
async def test_the_reference_makes_as_many_calls_as_the_deal(recorded: Recorded, number: int, calls: int) -> None:
    house, scripts, _ = recorded
    counted = await _replayed(house, scripts, deal_of(number))
    assert sum(counted.values()) == calls
    assert not any("token" in route for route in counted)


async def test_the_reference_writes_records_of_its_own_deal(recorded: Recorded) -> None:
    house, scripts, _ = recorded
    deal = deal_of(FIRST_FREE + 2)
    await _replayed(house, scripts, deal)
    state = await house.erp.state()
    (order,) = [row for row in state["salesOrder"] if row.get("custbody_tl_contract_number") == deal.contract]
    (job,) = [row for row in state["job"] if row.get("custentity_tl_contract_number") == deal.contract]
    (buyer,) = [row for row in state["customer"] if deal.token in str(row.get("companyName"))]
    assert str(buyer["companyName"]).startswith(deal.word)
    assert order["entity"]["id"] == job["parent"]["id"] == buyer["id"]
    shown = next(row for row in (await house.crm.state())["Opportunity"] if row["Id"] == deal.deal_id)
    assert shown["ERP_Sync_Status__c"] == "Active"


async def test_the_scripts_survive_the_way_to_another_process(recorded: Recorded, tmp_path: Path) -> None:
    _, scripts, _ = recorded
    write_scripts(tmp_path / "scripts.json", scripts)
    assert read_scripts(tmp_path / "scripts.json") == scripts


def test_every_deal_differs_and_says_that_it_is_synthetic(tmp_path: Path) -> None:
    deals = [deal_of(number) for number in range(2000)]
    assert len({deal.deal_id for deal in deals}) == len({deal.contract for deal in deals}) == len(deals)
    assert len({deal.word for deal in deals if not deal.is_repeated}) == len({deal.buyer for deal in deals})
    assert {deal.buyer for deal in deals if deal.is_repeated} == set(range(BUYERS))
    write_state(tmp_path / "deals.json", deals[:40])
    records = json.loads((tmp_path / "deals.json").read_text())["records"]
    named = [record["Name"] for record in records if record["type"] in {"Account", "Opportunity"} and "Name" in record]
    assert all("Synthetic" in name for name in named)
