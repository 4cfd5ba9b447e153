from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from pydantic import SecretStr

from api import EventSender, build_app
from api.intake import Intake
from runtime.settings import Limits
from store import open_store
from tests.api.edge import CRM, SECRET, Edge, read_event


@pytest_asyncio.fixture
async def make_edge(tmp_path: Path) -> AsyncIterator[Callable[..., Edge]]:
    async with open_store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        clients: list[httpx.AsyncClient] = []

        def make(
            limits: Limits | None = None,
            checks: Mapping[str, Any] | None = None,
            inbox: Any = None,
            connections: Mapping[str, Any] | None = None,
        ) -> Edge:
            woken: list[None] = []
            intake = Intake(
                {CRM: EventSender(read_event, (SecretStr(SECRET), SecretStr("the-next-secret-in-line")))},
                inbox or store.inbox,
                store.audit,
                limits=limits or Limits(),
                on_accepted=lambda: woken.append(None),
            )
            app = build_app(intake=intake, checks=checks or {}, connections=connections)
            client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tieline")
            clients.append(client)
            return Edge(app, store, client, woken)

        yield make
        for client in clients:
            await client.aclose()


@pytest_asyncio.fixture
async def edge(make_edge: Callable[..., Edge]) -> Edge:
    return make_edge()
