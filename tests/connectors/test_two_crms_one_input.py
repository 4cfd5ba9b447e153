"""The same signed papers in two CRMs are the same terms: it is the paper that counts, not who keeps it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors import hubspot, salesforce
from models.ids import ConnectionId, DealId
from ports.crm import Deals
from sandbox.hubspot import build as build_account
from sandbox.kit import Options, running
from sandbox.salesforce import build as build_org

CRM = ConnectionId("crm-main")
# What a CRM gives itself: ids of its records, addresses of its pages, stamps of its clock.
OF_THE_CRM: Any = {
    "deal_id": True, "deal_url": True, "owner_id": True, "owner_email": True, "source_version": True,
    "deal_state": True, "buyer": {"account_id"}, "contacts": {"__all__": {"code"}},
}  # fmt: skip


def _text_of(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


@asynccontextmanager
async def first_crm() -> AsyncIterator[tuple[Deals, dict[str, DealId]]]:
    options = Options("salesforce", state="demo")
    async with running(build_org(options), options) as server, httpx.AsyncClient(trust_env=False) as http:
        facts = server.system.client_facts()
        login = {"kind": "jwt", "consumer_key": facts["consumer_key"], "username": facts["username"],
                 "private_key_pem": _text_of(str(facts["private_key_file"]))}  # fmt: skip
        config = salesforce.SalesforceConfig.model_validate({"base_url": server.url, "login": login})
        rows = (await http.get(f"{server.url}/_sandbox/state")).json()["Opportunity"]
        yield salesforce.build(CRM, config, http), {row["Contract_Number__c"]: DealId(row["Id"]) for row in rows}


@asynccontextmanager
async def second_crm(*, custom_objects: bool) -> AsyncIterator[tuple[Deals, dict[str, DealId]]]:
    options = Options(
        "hubspot", state="demo", settings={"custom_objects": str(custom_objects), "burst_limit": "10000"}
    )
    async with running(build_account(options), options) as server, httpx.AsyncClient(trust_env=False) as http:
        login = {"kind": "token", "access_token": server.system.client_facts()["access_token"]}
        config = hubspot.HubSpotConfig.model_validate(
            {"base_url": server.url, "login": login, "custom_objects": custom_objects, "calls_per_10_s": 10_000}
        )
        rows = (await http.get(f"{server.url}/_sandbox/state")).json()["deals"]
        yield hubspot.build(CRM, config, http), {row["contract_number"]: DealId(row["hs_object_id"]) for row in rows}


@pytest.mark.parametrize("custom_objects", [True, False])
async def test_every_contract_of_the_demo_reads_the_same_from_either_crm(custom_objects: bool) -> None:
    async with first_crm() as (one, of_one), second_crm(custom_objects=custom_objects) as (two, of_two):
        assert set(of_one) == set(of_two)
        assert len(of_one) == 83
        for contract, deal in of_one.items():
            left, right = await one.get_signed_terms(deal), await two.get_signed_terms(of_two[contract])
            assert left.model_dump(exclude=OF_THE_CRM) == right.model_dump(exclude=OF_THE_CRM), contract
