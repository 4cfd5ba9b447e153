"""The unmodified hubspot-api-client 12.0.0 drives the simulated account."""

import asyncio
from importlib import import_module
from typing import Any

import pytest

from sandbox.hubspot.signatures import signature_v3
from tests.sandbox.hubspot_account import Portal, hubspot

hubspot_client = pytest.importorskip(
    "hubspot", reason="hubspot-api-client is not installed here; the simulator is tested without it as well"
)


def client_of(portal: Portal) -> Any:
    # `host` reaches every interface of the client.
    return hubspot_client.HubSpot(access_token=portal.system.client_facts()["access_token"], host=portal.url)


def drive(portal: Portal) -> dict[str, Any]:
    companies, deals, objects = (import_module(f"hubspot.crm.{name}") for name in ("companies", "deals", "objects"))
    links = import_module("hubspot.crm.associations.v4")

    client = client_of(portal)
    company = client.crm.companies.basic_api.create(
        companies.SimplePublicObjectInputForCreate(properties={"name": "Acme", "erp_customer_id": "C-1"})
    )
    spec = deals.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=5)
    deal = client.crm.deals.basic_api.create(
        deals.SimplePublicObjectInputForCreate(
            properties={"dealname": "Rollout", "amount": "10.50"},
            associations=[deals.PublicAssociationsForObject(to=deals.PublicObjectId(id=company.id), types=[spec])],
        )
    )
    upsert = objects.BatchInputSimplePublicObjectBatchInputUpsert(
        inputs=[
            objects.SimplePublicObjectBatchInputUpsert(
                id="k1", id_property="key", properties={"key": "k1", "number": "7"}
            )
        ]
    )
    upserts = [client.crm.objects.batch_api.upsert("p_tieline_project", upsert) for _ in range(2)]
    found = client.crm.deals.search_api.do_search(
        deals.PublicObjectSearchRequest(
            filter_groups=[
                {"filters": [{"propertyName": "amount", "operator": "GT", "value": "5"}]},
            ],
            properties=["dealname"],
            sorts=["hs_object_id"],
            limit=10,
        )
    )
    read = client.crm.deals.basic_api.get_by_id(
        deal.id, properties=["amount", "dealname"], associations=["companies"], archived=False
    )
    linked = client.crm.associations.v4.batch_api.get_page(
        "deals", "companies",
        links.BatchInputPublicFetchAssociationsBatchRequest(
            inputs=[links.PublicFetchAssociationsBatchRequest(id=deal.id)]
        ),
    )  # fmt: skip
    try:
        client.crm.deals.basic_api.update(deal.id, deals.SimplePublicObjectInput(properties={"amount": "ten"}))
        refused = 0
    except deals.ApiException as error:
        refused = error.status
    return {
        "by_key": client.crm.companies.basic_api.get_by_id("C-1", id_property="erp_customer_id").id == company.id,
        "new": [one.results[0].new for one in upserts],
        "found": [(found.total, row.properties["dealname"]) for row in found.results],
        "read": (read.properties["amount"], [one.id for one in read.associations["companies"].results]),
        "linked": [int(one.to_object_id) for one in linked.results[0].to],
        "company": company.id,
        "refused": refused,
        "all": len(client.crm.deals.get_all()),
        "owners": len(client.crm.owners.owners_api.get_page().results),
        "stages": len(client.crm.pipelines.pipelines_api.get_all("deals").results[1].stages),
        "schemas": len(client.crm.schemas.core_api.get_all().results),
        "property": client.crm.properties.core_api.get_by_name("deals", "contract_number").type,
    }


async def test_the_public_client_works_against_the_older_generations() -> None:
    async with hubspot(listens=True) as portal:
        seen = await asyncio.to_thread(drive, portal)
        assert seen["by_key"] is True
        assert seen["new"] == [True, False]
        assert seen["found"] == [(1, "Rollout")]
        assert seen["read"] == ("10.50", [seen["company"], seen["company"]])
        assert seen["linked"] == [int(seen["company"])]
        assert (seen["refused"], seen["all"], seen["owners"], seen["stages"], seen["schemas"]) == (400, 1, 3, 6, 3)
        assert seen["property"] == "string"


def token_and_signature(portal: Portal) -> tuple[int, bool]:
    signature = import_module("hubspot.utils.signature").Signature
    facts = portal.system.client_facts()
    granted = client_of(portal).oauth.tokens_api.create(
        grant_type="refresh_token",
        client_id=facts["client_id"],
        client_secret=facts["client_secret"],
        refresh_token=facts["refresh_token"],
    )
    body, stamp = '[{"eventId":1}]', "1795437000123"
    uri = "https://example.com/hook"
    valid = signature.get_signature(
        client_secret=facts["client_secret"], request_body=body, signature_version="v3", http_uri=uri,
        http_method="POST", timestamp=stamp,
    ) == signature_v3(facts["client_secret"], "POST", uri, body.encode(), stamp)  # fmt: skip
    return granted.expires_in, valid


async def test_the_public_client_gets_a_token_and_agrees_on_the_signature() -> None:
    async with hubspot(listens=True) as portal:
        assert await asyncio.to_thread(token_and_signature, portal) == (1800, True)
