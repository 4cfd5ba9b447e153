"""The signed callout of the user-event script: fired after a save, at most once, never retried."""

import asyncio
import hashlib
import hmac
from typing import Any
from uuid import uuid4

import httpx

from sandbox.kit import Entry, World
from sandbox.kit.wire_json import dumps

__all__ = ["Emitter"]

_KINDS = {"job", "salesOrder", "invoice", "creditMemo", "customerPayment"}


class Emitter:
    """Posts to the subscribed addresses whenever a job, order, invoice or payment was saved."""

    def __init__(self, world: World) -> None:
        """Watch the committed changes of this account."""
        self._world = world
        self._subscriptions: list[tuple[str, str]] = []
        self._sending: set[asyncio.Task[None]] = set()
        self.deliveries: list[dict[str, Any]] = []
        world.store.listeners.append(self._saved)

    def subscribe(self, url: str, secret: str) -> None:
        """Deploy the script with a receiver and the secret it signs with."""
        self._subscriptions.append((url, secret))

    def unsubscribe(self) -> None:
        """Undeploy the script."""
        self._subscriptions.clear()

    async def stop(self) -> None:
        """Drop callouts that are under way."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    def _saved(self, entry: Entry) -> None:
        if entry.kind not in _KINDS or entry.action == "delete":
            return
        after = entry.after or {}
        body = {
            "eventId": str(uuid4()),
            "accountId": self._world.text("account"),
            "recordType": entry.kind,
            "recordId": entry.record_id,
            "externalId": entry.external_id,
            "type": "create" if entry.action == "create" else "edit",
            "executionContext": "USERINTERFACE" if entry.client == "ui" else "REST_WEBSERVICES",
            "occurredAt": entry.at,
            "tranId": after.get("tranId", after.get("entityId")),
            "lastModifiedDate": after.get("lastModifiedDate"),
        }
        for url, secret in self._subscriptions:
            task = asyncio.get_running_loop().create_task(self._post(url, secret, body))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _post(self, url: str, secret: str, body: dict[str, Any]) -> None:
        raw = dumps(body)
        stamp = str(int(self._world.clock.epoch_s()))
        mark = hmac.new(secret.encode(), f"{stamp}.{raw}".encode(), hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Tieline-Timestamp": stamp,
            "X-Tieline-Signature": f"v1={mark}",
            "X-Tieline-Event-Id": body["eventId"],
        }
        delivery: dict[str, Any] = {"url": url, "body": body, "status": None, "error": None}
        try:
            async with httpx.AsyncClient(timeout=httpx.Timeout(45, connect=5), trust_env=False) as client:
                delivery["status"] = (await client.post(url, content=raw, headers=headers)).status_code
        except httpx.HTTPError as error:
            delivery["error"] = repr(error)
        self.deliveries.append(delivery)
