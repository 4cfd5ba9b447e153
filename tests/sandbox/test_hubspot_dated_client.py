"""The unmodified hubspot-sdk 0.1.0a9, which speaks the dated interfaces, drives the simulated account."""

import asyncio
from typing import Any

import pytest

from tests.sandbox.hubspot_account import Portal, hubspot

sdk = pytest.importorskip("hubspot_sdk", reason="hubspot-sdk is not installed here; the simulator is tested without it")


def drive(portal: Portal) -> dict[str, Any]:
    with sdk.HubSpot(access_token=portal.system.client_facts()["access_token"], base_url=portal.url) as client:
        objects = client.crm.objects
        company = objects.companies.create(properties={"name": "A", "erp_customer_id": "C-1"}, associations=[])
        spec = {"association_category": "HUBSPOT_DEFINED", "association_type_id": 5}
        links = [{"to": {"id": company.id}, "types": [spec]}]
        deal = objects.deals.create(properties={"dealname": "D", "amount": "10.50"}, associations=links)
        row = {"id": "k1", "id_property": "key", "properties": {"key": "k1", "number": "7"}}
        upserts = [objects.custom.batch.upsert("p_tieline_project", inputs=[row]).results[0].new for _ in range(2)]
        read = objects.deals.get(deal.id, properties=["amount", "dealname"], associations=["companies"])
        linked = client.crm.associations.batch.get("companies", from_object_type="deals", inputs=[{"id": deal.id}])
        amount = {"filters": [{"propertyName": "amount", "operator": "GT", "value": "5"}]}
        found = objects.deals.search(
            filter_groups=[amount], sorts=["-amount"], properties=["amount"], limit=2, after="0", query=""
        )
        return {
            "upserts": upserts,
            "read": (read.properties["amount"], read.associations["companies"].results[0].id == company.id),
            "linked": linked.results[0].to[0].to_object_id == company.id,
            "found": found.total,
            "owners": len(client.crm.owners.list().results),
            "pipelines": len(client.crm.pipelines.list("deals").results),
            "schemas": len(client.crm.object_schemas.list().results),
        }


async def test_the_dated_client_works_against_the_dated_interfaces() -> None:
    async with hubspot(listens=True) as portal:
        seen = await asyncio.to_thread(drive, portal)
        assert seen["upserts"] == [True, False]
        assert seen["read"] == ("10.50", True)
        assert seen["linked"] is True
        assert (seen["found"], seen["owners"], seen["pipelines"], seen["schemas"]) == (1, 3, 2, 3)
