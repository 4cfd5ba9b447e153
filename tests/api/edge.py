from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from connector_kit.signatures import check_signature
from models.errors import NeedsRepair
from models.events import CrmEvent
from models.ids import ConnectionId
from store import Store

__all__ = ["CRM", "SECRET", "Edge", "event_body", "read_event", "signed"]

SECRET = "an-event-secret-for-tests"
CRM = ConnectionId("crm-main")


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    event: str
    record: str
    at: datetime


def read_event(
    *, connection: ConnectionId, headers: Mapping[str, str], body: bytes, secrets: tuple[SecretStr, ...], now: datetime
) -> CrmEvent:
    """What a connector does: signature over the raw bytes first, then the shape."""
    check_signature(
        timestamp=headers.get("x-timestamp", ""), signature=headers.get("x-signature", ""), body=body,
        secrets=secrets, now=now,
    )  # fmt: skip
    try:
        wire = _Wire.model_validate_json(body)
    except ValidationError as wrong:
        fields = ", ".join(str(part) for error in wrong.errors(include_input=False) for part in error["loc"])
        raise NeedsRepair(f"The event cannot be read: {fields or 'body'}. Correct it in the CRM.") from wrong
    return CrmEvent(
        connection=connection, event_id=wire.event, object_kind="deal", record_id=wire.record, occurred_at=wire.at
    )


def event_body(event: str = "e-1", **changes: Any) -> bytes:
    return json.dumps({"event": event, "record": "deal-1", "at": "2026-11-24T12:00:00Z", **changes}).encode()


def signed(body: bytes, *, secret: str = SECRET, at: datetime | None = None) -> dict[str, str]:
    stamp = str(int((at or datetime.now(UTC)).timestamp()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"x-timestamp": stamp, "x-signature": digest}


@dataclass
class Edge:
    """The app over a real store, with what the tests look at."""

    app: FastAPI
    store: Store
    client: httpx.AsyncClient
    woken: list[None] = field(default_factory=list)

    async def post(
        self, body: bytes, headers: Mapping[str, str] | None = None, connection: str = CRM
    ) -> httpx.Response:
        return await self.client.post(
            f"/intake/{connection}", content=body, headers=signed(body) if headers is None else dict(headers)
        )

    async def refusals(self) -> list[dict[str, str]]:
        return [entry.facts for entry in await self.store.audit.list_entries() if entry.kind == "event.refused"]
