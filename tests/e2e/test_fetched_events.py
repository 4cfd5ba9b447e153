"""A worker that nobody sends events to: it fetches them. And one that gets each event in every form at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from pydantic import SecretStr

from connectors.salesforce.outbound import address_key
from models.ids import ConnectionId
from tests.e2e.own_processes import worker_process
from tests.e2e.sold import Sales
from tests.e2e.stand import SECRET, Stand, open_stand


@pytest.mark.kills
async def test_deals_come_in_over_the_bus_and_over_all_ways_at_once_without_a_double(tmp_path: Path) -> None:
    async with open_stand(tmp_path, worker=False, state="empty") as stand:
        facts = stand.crm.facts["client"]
        fetched = {
            "TIELINE_CRM__CONFIG__BUS_URL": facts["bus"],
            "TIELINE_CRM__CONFIG__ORGANIZATION_ID": facts["org_id"],
            "TIELINE_CRM__CONFIG__SWEEP_EVERY_S": "1",
        }
        async with worker_process(stand, **fetched):
            await _listens(stand)
            sales = await Sales.of(stand.crm)
            await sales.deal("FETCHED-1", await sales.company("Fetched First, Inc."))
            await _active(stand, "FETCHED-1")

            port = _port(tmp_path)
            key = address_key(SecretStr(SECRET), ConnectionId("crm-main"))
            await stand.crm.control("outbound", {"url": f"http://127.0.0.1:{port}/intake/crm-main/outbound/{key}"})
            await stand.crm.control(
                "subscriptions", {"url": f"http://127.0.0.1:{port}/intake/crm-main", "secret": SECRET}
            )
            await stand.crm.control("bus", {"repeat": 1})
            company = await sales.company("Fetched Second, Inc.")
            names = [f"FETCHED-{number}" for number in range(2, 6)]
            await asyncio.gather(*(sales.deal(name, company) for name in names))
            for name in names:
                await _active(stand, name)
            notes = (await stand.crm.http.get("/_sandbox/outbound")).json()["notifications"]
            assert {note["state"] for note in notes} == {"acknowledged"}
        made = Counter(entry["kind"] for entry in await stand.erp.writes() if entry["action"] == "create")
        assert (made["job"], made["customer"]) == (5, 2)


async def _active(stand: Stand, contract: str) -> None:
    for _ in range(600):
        row = await stand.store.desk.find_engagement(stand.engagement(contract))
        if row is not None and row.stage == "active":
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{contract}: {row and (row.stage, row.sentence)}")


async def _listens(stand: Stand) -> None:
    """Both the stream and the sweep have been read once, so that nothing can be missed any more."""
    for _ in range(200):
        places = [await stand.store.watermarks.get(f"crm-main{name}") for name in
                  ("/sweep/Opportunity", "/data/OpportunityChangeEvent")]  # fmt: skip
        if places[0]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"nothing was fetched: {places}")


def _port(folder: Path) -> str:
    text = (folder / "worker.log").read_text(encoding="utf-8")
    for line in text.splitlines():
        if "worker.ready" in line and "port" in line:
            return line.split('"port":')[1].split(",")[0].strip(' "}')
    raise AssertionError(text)
