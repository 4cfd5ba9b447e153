"""A running simulated org with the adapter signed in to it, for the tests of this folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from connectors.salesforce import SalesforceConfig, SalesforceDeals, build
from models.ids import ConnectionId, ContractNumber, DealId, ExternalKey, Step
from models.operations import WriteBackDeal
from models.records import Links, RecordKind, RecordRef
from sandbox.kit import Options, running
from sandbox.salesforce import build as build_org

KEY = ExternalKey("hf-c-100-deal-0123456789ab")


@dataclass
class TestOrg:
    """The simulator's control side, the adapter, and the facts of one sold deal."""

    __test__ = False
    http: httpx.AsyncClient
    crm: SalesforceDeals
    config: SalesforceConfig
    deal: DealId
    account: str
    owner: str

    async def control(self, action: str, method: str = "POST", **body: Any) -> dict[str, Any]:
        answer = await self.http.request(method, f"/_sandbox/{action}", json=body or None)
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    async def save(self, *records: dict[str, Any]) -> list[str]:
        ids: list[str] = (await self.control("records", records=list(records)))["ids"]
        return ids

    async def fault(self, **rule: Any) -> None:
        await self.control("faults", rules=[rule])

    async def state(self, kind: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await self.control("state", "GET")).get(kind, [])
        return rows

    async def calls(self) -> dict[str, int]:
        found: dict[str, int] = (await self.control("calls", "GET"))["by_route"]
        return found

    async def written(self) -> list[tuple[str, str]]:
        entries = (await self.control("journal", "GET"))["entries"]
        return [(row["action"], row["kind"]) for row in entries if row["client"] == "Tieline"]

    def write_back(self, **changes: Any) -> WriteBackDeal:
        facts: dict[str, Any] = {
            "key": KEY,
            "deal_id": self.deal,
            "account_id": self.account,
            "owner_id": self.owner,
            "contract_number": ContractNumber("C-100"),
            "status": "active",
            "customer_step": Step("customer"),
            "project_step": Step("project"),
            "contract_step": Step("contract"),
            "notify_subject": "Contract C-100: the project is open",
            "notify_text": "All set up.",
        }
        return WriteBackDeal(**{**facts, **changes})

    def waiting(self, message: str = "Finance decides.") -> WriteBackDeal:
        return WriteBackDeal(
            key=KEY,
            deal_id=self.deal,
            owner_id=self.owner,
            contract_number=ContractNumber("C-100"),
            status="waiting",
            message=message,
        )


def links() -> Links:
    return Links(
        refs={
            Step(step): RecordRef(connection=ConnectionId("erp-main"), kind=kind, record_id=number, number=f"N{number}")
            for step, kind, number in (
                ("customer", RecordKind.CUSTOMER, "4711"),
                ("project", RecordKind.PROJECT, "88"),
                ("contract", RecordKind.CONTRACT, "99"),
            )
        }
    )


def sold(owner: str, account: Any, **fields: Any) -> dict[str, Any]:
    """A won deal as a salesperson leaves it."""
    return {
        "type": "Opportunity",
        "name_in_file": "deal",
        "Name": "Rollout",
        "StageName": "Closed Won",
        "CloseDate": "2026-11-20",
        "OwnerId": owner,
        "AccountId": account,
        "CurrencyIsoCode": "USD",
        "Contract_Number__c": "C-100",
        "Contract_Status__c": "Approved",
        "Signed_Total__c": 250000.10,
        "Value_Exercised__c": 250000.10,
        "Customer_Signed_On__c": "2026-11-18",
        "Company_Signed_On__c": "2026-11-19",
        "Start_On__c": "2026-12-01",
        "Payment_Terms__c": "Net 30",
        "Bill_To_Country__c": "United States",
        **fields,
    }


@asynccontextmanager
async def open_org(
    *,
    login: str = "jwt",
    limits: dict[str, Any] | None = None,
    transport: Any = None,
    settings: dict[str, str] | None = None,
) -> AsyncIterator[TestOrg]:
    """Run an org with one account and one won deal until the block ends."""
    options = Options("salesforce", settings=settings or {})
    async with running(build_org(options), options) as server:
        facts = server.system.client_facts()
        logins: dict[str, dict[str, Any]] = {
            "jwt": {
                "kind": "jwt",
                "consumer_key": facts["consumer_key"],
                "username": facts["username"],
                "private_key_pem": _text_of(str(facts["private_key_file"])),
            },
            "client-credentials": {
                "kind": "client-credentials",
                "consumer_key": facts["consumer_key"],
                "consumer_secret": facts["consumer_secret"],
            },
        }
        config = SalesforceConfig.model_validate(
            {
                "base_url": server.url,
                "login": logins[login],
                "bus_url": facts["bus"],
                "organization_id": facts["org_id"],
                **(limits or {}),
            }
        )
        async with (
            httpx.AsyncClient(base_url=server.url, trust_env=False) as control,
            httpx.AsyncClient(trust_env=False, timeout=5, transport=transport) as http,
        ):
            org = TestOrg(control, build(ConnectionId("crm-main"), config, http), config, DealId(""), "", "")
            users = await org.state("User")
            org.owner = next(user["Id"] for user in users if user["Username"].startswith("dana"))
            account = {"type": "Account", "name_in_file": "acme", "Name": "Acme", "BillingCountry": "US"}
            org.account, deal = await org.save(account, sold(org.owner, {"ref": "acme"}))
            org.deal = DealId(deal)
            await org.control("calls", "DELETE")
            yield org


def _text_of(path: str) -> str:
    return Path(path).read_text()
