from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt

from sandbox.kit import Options, Running, running
from sandbox.netsuite import build

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
STRICT = {"X-NetSuite-PropertyNameValidation": "error"}


class Account:
    """A signed-in client of one simulated account."""

    def __init__(self, server: Running, http: httpx.AsyncClient) -> None:
        self.server = server
        self.http = http

    async def sign_in(self, **claims: Any) -> httpx.Response:
        facts = self.server.system.client_facts()
        now = int(time.time())
        payload = {"iss": facts["client_id"], "scope": "rest_webservices", "aud": facts["token_url"], "iat": now,
                   "exp": now + 3600} | claims  # fmt: skip
        key = Path(facts["ec_private_key"]).read_text()  # noqa: ASYNC240 - a small local file
        assertion = jwt.encode(payload, key, algorithm="ES256", headers={"kid": facts["ec_certificate_id"]})
        answer = await self.token(assertion)
        if answer.status_code == 200:
            self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return answer

    async def token(self, assertion: str) -> httpx.Response:
        form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": assertion}
        return await self.http.post("/services/rest/auth/oauth2/v1/token", data=form)

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        sent = STRICT | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request(method, f"/services/rest{path}", json=body, headers=sent)

    async def put(self, kind: str, external_id: str, body: Any, query: str = "") -> str:
        answer = await self.call("PUT", f"/record/v1/{kind}/eid:{external_id}{query}", body)
        assert answer.status_code == 204, answer.text
        return answer.headers["Location"].rsplit("/", 1)[1]

    async def get(self, kind: str, key: str, query: str = "?expandSubResources=true") -> Any:
        answer = await self.call("GET", f"/record/v1/{kind}/{key}{query}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def rows(self, query: str, *params: Any) -> list[dict[str, str]]:
        answer = await self.call("POST", "/query/v1/suiteql", {"q": query, "params": list(params)}, Prefer="transient")
        assert answer.status_code == 200, answer.text
        found = answer.json()["items"]
        return [{name: value for name, value in row.items() if name != "links"} for row in found]

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.http.request(method, f"/_sandbox/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def fault(self, **rule: Any) -> None:
        await self.control("POST", "faults", {"rules": [rule]})

    async def journal(self, kind: str | None = None) -> list[dict[str, Any]]:
        entries = (await self.control("GET", "journal"))["entries"]
        return [entry for entry in entries if kind in (None, entry["kind"])]


@asynccontextmanager
async def account(**changes: Any) -> AsyncIterator[Account]:
    options = Options("netsuite", **changes)
    async with running(build(options), options) as server:
        trust = server.certificate.trust() if server.certificate else True
        async with httpx.AsyncClient(base_url=server.url, verify=trust, trust_env=False) as http:
            client = Account(server, http)
            assert (await client.sign_in()).status_code == 200
            yield client


CUSTOMER = {"companyName": "Acme & Söhne", "subsidiary": {"externalId": "LE-US"}}


async def order(client: Account, **more: Any) -> dict[str, str]:
    """A customer, a project and an approved order of two lines."""
    customer = await client.put("customer", "tl_cust_1", CUSTOMER)
    project = await client.put("job", "tl_proj_1", {"companyName": "Rollout", "parent": {"id": customer}})
    lines = [
        {"item": {"externalId": "SVC-FIXED"}, "quantity": 1, "rate": 60000.1, "custcol_tl_line_code": "L1"},
        {"item": {"externalId": "SVC-TM"}, "quantity": 10, "rate": 150.25, "description": "Hours"},
    ]
    body = {"entity": {"id": customer}, "job": {"id": project}, "orderStatus": {"id": "B"},
            "item": {"items": lines}} | more  # fmt: skip
    made = await client.put("salesOrder", "tl_so_1", body, "?replace=item")
    return {"customer": customer, "job": project, "order": made}
