"""Texts from the CRM may be longer than anybody expects (a HubSpot property holds 65,536 characters)."""

from __future__ import annotations

from models.party import Address
from tests.workflows.contracts import buyer, simple
from tests.workflows.house import House


async def test_a_name_without_end_stops_no_workflow_task(house: House) -> None:
    await house.win(simple(buyer=buyer(name="Northwind " * 1_000, address=Address(city="Boston").model_dump())))

    item = await house.waiting("TL-CUS-006")

    assert len(item.message) > 9_000
    assert (await house.repair("sofia.salesops", "TL-CUS-006")).complete
    assert [key.partition(":")[0] for _, key in house.crm.journal] == ["waiting"]
