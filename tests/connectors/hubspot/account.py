"""A running simulated account with the adapter signed in to it, for the tests of this folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from connectors.hubspot import HubSpotConfig, HubSpotDeals, build
from models.ids import ConnectionId, DealId
from models.operations import WriteBackDeal
from sandbox.hubspot import build as build_account
from sandbox.kit import Options, running
from tests.connectors.hubspot import samples

WON, OPEN = "148213305", "148213301"
Json = dict[str, Any]


@dataclass
class TestAccount:
    """The simulator's control side, the adapter, and the facts of one sold deal."""

    __test__ = False
    http: httpx.AsyncClient
    crm: HubSpotDeals
    config: HubSpotConfig
    deal: DealId
    company: str
    owner: str

    async def control(self, action: str, method: str = "POST", **body: Any) -> Json:
        answer = await self.http.request(method, f"/_sandbox/{action}", json=body or None)
        assert answer.status_code == 200, answer.text
        document: Json = answer.json()
        return document

    async def save(self, *records: Json) -> list[str]:
        ids: list[str] = (await self.control("records", records=list(records)))["ids"]
        return ids

    async def fault(self, **rule: Any) -> None:
        await self.control("faults", rules=[rule])

    async def state(self, kind: str) -> list[Json]:
        rows: list[Json] = (await self.control("state", "GET")).get(kind, [])
        return rows

    async def shown(self) -> Json:
        return next(deal for deal in await self.state("deals") if deal["hs_object_id"] == self.deal)

    async def calls(self) -> dict[str, int]:
        found: dict[str, int] = (await self.control("calls", "GET"))["by_route"]
        return found

    async def written(self) -> list[tuple[str, str]]:
        entries = (await self.control("journal", "GET"))["entries"]
        return [(row["action"], row["kind"]) for row in entries if row["client"] == "tieline"]

    async def notes_and_records(self) -> tuple[int, int]:
        return len(await self.state("tasks")), len(await self.state("tieline_project"))

    def write_back(self, **changes: Any) -> WriteBackDeal:
        return samples.write_back(self.deal, self.company, self.owner, **changes)

    def waiting(self, message: str = "Finance decides.") -> WriteBackDeal:
        return samples.waiting(self.deal, self.owner, message)


def sold(owner: str, company: Any, *more: Json, **fields: Any) -> Json:
    """A won deal as a salesperson leaves it."""
    return {
        "type": "deals", "name_in_file": "deal", "dealname": "Rollout", "pipeline": "75104382", "dealstage": WON,
        "closedate": "2026-11-20T00:00:00Z", "hubspot_owner_id": owner, "deal_currency_code": "USD",
        "contract_number": "C-100", "contract_status": "Approved", "signed_total": "250000.10",
        "value_exercised": "250000.10", "customer_signed_on": "2026-11-18", "company_signed_on": "2026-11-19",
        "start_on": "2026-12-01", "payment_terms": "Net 30", "bill_to_country": "United States",
        "associations": [{"to": company, "object": "companies", "label": "Primary"}, *more],
        **fields,
    }  # fmt: skip


def child(kind: str, deal: Any, **fields: Any) -> Json:
    """A record that hangs on the deal."""
    return {"type": kind, "associations": [{"to": deal, "object": "deals"}], **fields}


@asynccontextmanager
async def open_account(
    *, login: str = "token", config: Json | None = None, transport: Any = None, **settings: Any
) -> AsyncIterator[TestAccount]:
    """Run an account with one company and one won deal until the block ends."""
    options = Options("hubspot", settings={name: str(value) for name, value in settings.items()})
    async with running(build_account(options), options) as server:
        facts = server.system.client_facts()
        logins: dict[str, Json] = {
            "token": {"kind": "token", "access_token": facts["access_token"]},
            "oauth": {
                "kind": "oauth", "client_id": facts["client_id"], "client_secret": facts["client_secret"],
                "refresh_token": facts["refresh_token"],
            },
        }  # fmt: skip
        own = HubSpotConfig.model_validate({"base_url": server.url, "login": logins[login], **(config or {})})
        async with (
            httpx.AsyncClient(base_url=server.url, trust_env=False) as control,
            httpx.AsyncClient(trust_env=False, timeout=5, transport=transport) as http,
        ):
            account = TestAccount(control, build(ConnectionId("crm-main"), own, http), own, DealId(""), "", "41629779")
            company = {"type": "companies", "name_in_file": "acme", "name": "Acme", "country": "United States"}
            account.company, deal = await account.save(company, sold(account.owner, {"ref": "acme"}))
            account.deal = DealId(deal)
            await account.control("calls", "DELETE")
            yield account
