"""A simulated account with a signed-in HTTP client, for the tests of this folder.

Most tests call the application without a socket, which is quicker; cut lines and foreign clients need one.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import httpx

from sandbox.hubspot import build
from sandbox.hubspot.system import HubSpotSystem
from sandbox.kit import Options, running
from sandbox.kit.app import SandboxApp
from sandbox.kit.connections import Connections

V = "2026-09"
OBJECTS = f"/crm/objects/{V}"


@dataclass
class Portal:
    """One account and a client signed in to it by service key."""

    system: HubSpotSystem
    http: httpx.AsyncClient
    url: str

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
    *, state: str = "empty", data_dir: Path | None = None, lag_s: float = 0, listens: bool = False, **settings: Any
) -> AsyncIterator[Portal]:
    """Run an account until the block ends; search does not lag unless it is told to."""
    given = {name: str(value) for name, value in settings.items()} | {"search_lag_s": str(lag_s)}
    options = Options("hubspot", state=state, data_dir=data_dir, settings=given)
    system = cast("HubSpotSystem", build(options))
    headers = {"Authorization": f"Bearer {system.client_facts()['access_token']}"}
    if listens:
        async with (
            running(system, options) as server,
            httpx.AsyncClient(base_url=server.url, headers=headers, trust_env=False) as http,
        ):
            yield Portal(system, http, server.url)
        return
    app: Any = SandboxApp(system, Connections())
    await system.started()
    transport = httpx.ASGITransport(app=app)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as http:
            yield Portal(system, http, "http://127.0.0.1")
    finally:
        await system.stopped()
