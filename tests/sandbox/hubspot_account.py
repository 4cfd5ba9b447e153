"""A running simulated account with a signed-in HTTP client, for the tests of this folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import httpx

from sandbox.hubspot import build
from sandbox.hubspot.system import HubSpotSystem
from sandbox.kit import Options, Running, running

V = "2026-09"
OBJECTS = f"/crm/objects/{V}"


@dataclass
class Portal:
    """One running account and a client signed in to it by service key."""

    server: Running
    http: httpx.AsyncClient

    @property
    def system(self) -> HubSpotSystem:
        return cast("HubSpotSystem", self.server.system)

    @property
    def url(self) -> str:
        return self.server.url

    async def call(self, method: str, path: str, body: Any = None, status: int = 200) -> dict[str, Any]:
        answer = await self.http.request(method, path, json=body)
        assert answer.status_code == status, f"{answer.status_code} {answer.text}"
        return cast("dict[str, Any]", answer.json()) if answer.content else {}

    async def create(self, kind: str, links: list[Any] | None = None, **properties: Any) -> str:
        body = {"properties": properties, "associations": links or []}
        return str((await self.call("POST", f"{OBJECTS}/{kind}", body, 201))["id"])

    async def read(self, kind: str, record_id: str, **query: str) -> dict[str, Any]:
        answer = await self.http.get(f"{OBJECTS}/{kind}/{quote(record_id, safe='')}", params=query)
        return cast("dict[str, Any]", answer.raise_for_status().json())

    async def search(self, kind: str, *filters: dict[str, Any], **more: Any) -> dict[str, Any]:
        return await self.call("POST", f"{OBJECTS}/{kind}/search", {"filterGroups": [{"filters": filters}], **more})

    async def control(self, route: str, **body: Any) -> dict[str, Any]:
        answer = await self.http.post(f"/_sandbox/{route}", json=body)
        assert answer.status_code == 200, answer.text
        return cast("dict[str, Any]", answer.json())

    async def state(self) -> dict[str, Any]:
        return cast("dict[str, Any]", (await self.http.get("/_sandbox/state")).json())


def having(name: str, operator: str = "EQ", **more: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator, **more}


@asynccontextmanager
async def hubspot(
    *, state: str = "empty", data_dir: Path | None = None, lag_s: float = 0, **settings: Any
) -> AsyncIterator[Portal]:
    """Run an account until the block ends; search does not lag unless it is told to."""
    given = {name: str(value) for name, value in settings.items()} | {"search_lag_s": str(lag_s)}
    options = Options("hubspot", state=state, data_dir=data_dir, settings=given)
    async with running(build(options), options) as server:
        token = server.system.client_facts()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=server.url, headers=headers, trust_env=False) as http:
            yield Portal(server, http)
