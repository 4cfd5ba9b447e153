"""A running simulated org with a signed-in HTTP client, for the tests of this folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx

from sandbox.kit import Options, Running, running
from sandbox.salesforce import build
from sandbox.salesforce.system import SalesforceSystem

B = "/services/data/v67.0"


@dataclass
class Org:
    """One running org and a client signed in to it."""

    server: Running
    http: httpx.AsyncClient

    @property
    def system(self) -> SalesforceSystem:
        return cast("SalesforceSystem", self.server.system)

    @property
    def url(self) -> str:
        return self.server.url

    async def sign_in(self) -> None:
        facts = self.system.client_facts()
        form = {
            "grant_type": "client_credentials",
            "client_id": facts["consumer_key"],
            "client_secret": facts["consumer_secret"],
        }
        answer = await self.http.post("/services/oauth2/token", data=form)
        self.http.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"

    async def query(self, soql: str, **headers: str) -> dict[str, Any]:
        answer = await self.http.get(f"{B}/query", params={"q": soql}, headers=headers)
        assert answer.status_code == 200, answer.text
        return cast("dict[str, Any]", answer.json())

    async def refused(self, soql: str) -> dict[str, Any]:
        answer = await self.http.get(f"{B}/query", params={"q": soql})
        assert answer.status_code == 400, answer.text
        return cast("dict[str, Any]", answer.json()[0])

    async def create(self, kind: str, **fields: Any) -> str:
        answer = await self.http.post(f"{B}/sobjects/{kind}", json=fields)
        assert answer.status_code == 201, answer.text
        return cast("str", answer.json()["id"])

    async def read(self, kind: str, record_id: str) -> dict[str, Any]:
        answer = await self.http.get(f"{B}/sobjects/{kind}/{record_id}")
        return cast("dict[str, Any]", answer.raise_for_status().json())

    async def deal(self, account: str, **fields: Any) -> str:
        values = {"Name": "Rollout", "StageName": "Negotiation", "CloseDate": "2026-11-20", "AccountId": account}
        return await self.create("Opportunity", **{**values, **fields})

    async def control(self, action: str, method: str = "POST", **body: Any) -> dict[str, Any]:
        answer = await self.http.request(method, f"/_sandbox/{action}", json=body or None)
        assert answer.status_code == 200, answer.text
        return cast("dict[str, Any]", answer.json())

    async def settings(self, **changes: Any) -> None:
        await self.control("settings", **changes)


@asynccontextmanager
async def salesforce(
    *, state: str = "empty", data_dir: Path | None = None, settings: dict[str, str] | None = None, tls: bool = False
) -> AsyncIterator[Org]:
    """Run an org until the block ends."""
    options = Options("salesforce", state=state, data_dir=data_dir, settings=settings or {}, tls=tls)
    async with running(build(options), options) as server:
        trust: Any = server.certificate.trust() if server.certificate else True
        async with httpx.AsyncClient(base_url=server.url, verify=trust, trust_env=False) as http:
            org = Org(server, http)
            await org.sign_in()
            yield org
