"""Where the CRM's signed events come in, and the dispatcher behind it, wired as the worker process wires them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from api.app import build_app
from api.process import _dispatcher, _intake
from api.serving import ApiServer
from runtime.gate import Gates
from runtime.settings import load_settings
from tests.e2e.stand import SECRET, Stand

__all__ = ["FrontDoor", "event_of", "open_front_door", "signature"]


@dataclass
class FrontDoor:
    """The intake of one stand."""

    stand: Stand
    url: str
    http: httpx.AsyncClient

    async def ring(self, deal: str, *, event: str | None = None) -> httpx.Response:
        """One signed hint about a deal, as the CRM's callout sends it."""
        return await self.post(event_of(deal, event or str(uuid.uuid4())))

    async def post(self, body: bytes, *, headers: dict[str, str] | None = None) -> httpx.Response:
        return await self.http.post(
            self.url,
            content=body,
            headers={"Content-Type": "application/json", **(headers or signature(body))},
        )

    async def drained(self, seconds: float = 20) -> None:
        """Until every accepted event was handed on or closed with a reason."""
        deadline = asyncio.get_running_loop().time() + seconds
        while rows := await self.stand.store.inbox.list_waiting(5):
            assert asyncio.get_running_loop().time() < deadline, f"still in the inbox: {rows}"
            await asyncio.sleep(0.02)

    async def subscribe(self) -> None:
        """Have the simulated CRM ring by itself from now on."""
        await self.stand.crm.control("subscriptions", {"url": self.url, "secret": SECRET})

    async def unsubscribe(self) -> None:
        (await self.stand.crm.http.delete("/_sandbox/subscriptions")).raise_for_status()


def event_of(deal: str, event: str, **changes: Any) -> bytes:
    hint = {"orgId": "00D000000000001AAA", "object": "Opportunity", "recordId": deal, "event": "closed_won",
            "occurredAt": datetime.now(UTC).isoformat(), "eventId": event, **changes}  # fmt: skip
    return json.dumps(hint).encode()


def signature(body: bytes, *, secret: str = SECRET, at: datetime | None = None) -> dict[str, str]:
    stamp = str(int((at or datetime.now(UTC)).timestamp()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X-Tieline-Timestamp": stamp, "X-Tieline-Signature": f"sha256={digest}"}


@asynccontextmanager
async def open_front_door(stand: Stand) -> AsyncIterator[FrontDoor]:
    """Intake and dispatcher on a port of their own, until the block ends."""
    settings = load_settings(stand.environment())
    dispatcher = _dispatcher(settings, stand.tieline, stand.client, Gates())
    intake = _intake(settings, stand.tieline, dispatcher)
    server = ApiServer(build_app(intake=intake, checks={}), host="127.0.0.1", port=0)
    await server.start()
    working = asyncio.create_task(dispatcher.run())
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
            yield FrontDoor(stand, f"http://127.0.0.1:{server.port}/intake/{settings.crm.connection}", http)
    finally:
        dispatcher.stop()
        await working
        await server.stop()
