"""The CRMs: a simulated Salesforce org and a simulated HubSpot account, whose search never learns in time."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx

from connector_kit import VendorSession
from connectors import hubspot, salesforce
from connectors.salesforce.auth import TokenSource
from models.ids import ConnectionId, DealId
from models.operations import WriteBackDeal
from models.records import Guard
from tests.conformance.backend import Backend, Operation, Snapshot
from tests.conformance.middle import NO_TLS, open_middle
from tests.connectors.hubspot.account import child, open_account, sold
from tests.connectors.hubspot.samples import links
from tests.connectors.salesforce.org import KEY, open_org

__all__ = ["CRM_OPERATIONS", "CrmBackend", "HubSpot", "Salesforce", "open_hubspot", "open_salesforce"]

_CRM = ConnectionId("crm-main")
CRM_OPERATIONS = (
    Operation("write-back", "deals", "ensure_write_back", "find_write_back", lambda it, _: it.write_back(), KEY),
)
_LATE_S = 3600.0


@dataclass
class CrmBackend(Backend):
    """A system behind `ports.crm.Deals` with one won deal in it."""

    operations = CRM_OPERATIONS
    it: Any
    http: httpx.AsyncClient
    volatile: ClassVar[frozenset[str]] = frozenset()

    async def warm(self, adapter: Any) -> None:
        await adapter.find_contracts([self.deal])

    def guard(self, adapter: Any, operation: Operation) -> Guard:
        del operation
        guard: Guard = adapter.guard_of_write_back()
        return guard

    async def whole_deal(self, adapter: Any) -> None:
        """Which contract, its terms, and the outcome."""
        await adapter.find_contracts([self.deal])
        await adapter.get_signed_terms(self.deal)
        await adapter.ensure_write_back(self.write_back(), self.links())

    @property
    def deal(self) -> DealId:
        deal: DealId = self.it.deal
        return deal

    def links(self) -> Any:
        return links()

    def write_back(self) -> WriteBackDeal:
        request: WriteBackDeal = self.it.write_back()
        return request

    async def snapshot(self) -> Snapshot:
        state = await self.it.control("state", "GET")
        return {
            kind: sorted(str({name: row[name] for name in row if name not in self.volatile}) for row in rows)
            for kind, rows in state.items()
        }

    async def expire(self) -> None:
        await self.it.control("expire-tokens")

    async def fill(self) -> None:
        """Put everything on the deal that can hang on it."""

    @abstractmethod
    async def remove_deal(self) -> None:
        """Take the deal away as a salesperson does."""

    @abstractmethod
    async def forbid(self, message: str) -> None:
        """An administrator's rule that refuses what a write-back says, with this message."""


@dataclass
class Salesforce(CrmBackend):
    """The simulated org."""

    name: ClassVar[str] = "salesforce@sandbox"
    spec = salesforce.CONNECTOR
    sign_in = r"/services/oauth2/"
    volatile = frozenset({"LastModifiedDate", "SystemModstamp"})

    def adapter(self) -> salesforce.SalesforceDeals:
        config = self.it.config.model_copy(update={"base_url": self.middle.url})
        return salesforce.build(_CRM, config, self.http)

    def expired(self) -> bytes:
        return json.dumps([{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]).encode()

    async def remove_deal(self) -> None:
        token = await TokenSource(VendorSession(self.http, system="Salesforce"), self.it.config).token()
        url = f"{self.it.config.root_url}{self.it.config.data_path}/sobjects/Opportunity/{self.deal}"
        answer = await self.http.delete(url, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 204, answer.text

    async def forbid(self, message: str) -> None:
        rule = {"object": "Opportunity", "condition": "ERP_Project_Id__c != null", "message": message}
        await self.it.control("rules", validation_rules=[rule])


@dataclass
class HubSpot(CrmBackend):
    """The simulated account. Its search index is an hour late, always."""

    name: ClassVar[str] = "hubspot@sandbox"
    spec = hubspot.CONNECTOR
    reads = r"/batch/read|/search"
    sign_in = r"/oauth/"
    volatile = frozenset({"hs_lastmodifieddate", "lastmodifieddate", "updatedAt"})

    def adapter(self) -> hubspot.HubSpotDeals:
        config = self.it.config.model_copy(update={"base_url": self.middle.url})
        return hubspot.build(_CRM, config, self.http)

    def expired(self) -> bytes:
        said = {"status": "error", "category": "EXPIRED_AUTHENTICATION", "message": "The OAuth token expired."}
        return json.dumps(said).encode()

    async def remove_deal(self) -> None:
        await self.it.control("archive", type="deals", ids=[self.deal])

    async def forbid(self, message: str) -> None:
        rule = {"object": "deals", "property": "erp_project_id", "pattern": "PRJ-.*", "message": message}
        await self.it.control("rules", rules=[rule])

    async def fill(self) -> None:
        to_deal = {"to": self.deal, "object": "deals", "label": "billing"}
        person = {"firstname": "Ada", "lastname": "Byron", "email": "ada@acme.example", "associations": [to_deal]}
        await self.it.save(
            {"type": "contacts"} | person,
            child("line_items", self.deal, name="Design", quantity="1", price="250000.10", billing_type="Milestones",
                  service_line="Advisory", line_code="L1", hs_position_on_quote="1"),
            child("tieline_milestone", self.deal, name="M", code="M", amount="250000.10", due_on="2027-01-31",
                  trigger="Date", sequence="1"),
            child("tieline_rate", self.deal, name="P", role="Partner", rate_per_hour="312.125", currency="USD"),
        )  # fmt: skip

    async def save_another_deal(self) -> list[str]:
        """A won deal that the search does not know."""
        saved: list[str] = await self.it.save(sold(self.it.owner, self.it.company, contract_number="C-200"))
        return saved


@asynccontextmanager
async def open_salesforce() -> AsyncIterator[Salesforce]:
    """A fresh org behind a relay."""
    async with (
        open_org() as org,
        open_middle(org.config.root_url) as middle,
        httpx.AsyncClient(trust_env=False, verify=NO_TLS, timeout=5) as http,
    ):
        yield Salesforce(middle, org, http)


@asynccontextmanager
async def open_hubspot() -> AsyncIterator[HubSpot]:
    """A fresh account behind a relay."""
    async with (
        open_account(login="oauth", search_lag_s=_LATE_S) as account,
        open_middle(account.config.root_url) as middle,
        httpx.AsyncClient(trust_env=False, verify=NO_TLS, timeout=5) as http,
    ):
        yield HubSpot(middle, account, http)
