"""The firm's own callout: after a deal changes, a signed hint goes to each subscriber, once, without a retry."""

import asyncio
import hashlib
import hmac
import time
from dataclasses import asdict, dataclass
from typing import Any
from uuid import uuid4

import httpx

from sandbox.kit import Entry
from sandbox.kit.wire_json import dumps
from sandbox.salesforce.org import Org

__all__ = ["Events", "Subscription"]

_OWN_CLIENT = "tieline"
# Written back by the integration itself, so a change of one is no news about the sold terms.
_WRITTEN_BACK = "ERP_"


@dataclass(frozen=True)
class Subscription:
    """Who is told, with which secret the hint is signed, and about which objects."""

    url: str
    secret: str
    objects: tuple[str, ...] = ("Opportunity",)


class Events:
    """Sends hints in the background; what became of each is kept for a test to read."""

    def __init__(self, org: Org) -> None:
        """Listen to every committed change of the org."""
        self._org = org
        self.subscriptions: list[Subscription] = []
        self.deliveries: list[dict[str, object]] = []
        self._client: httpx.AsyncClient | None = None
        self._sending: set[asyncio.Task[None]] = set()
        org.store.listeners.append(self._changed)

    def emit(self, record_ids: list[str]) -> int:
        """Send the hints for given records again, as a person pressing a button would; returns how many were sent."""
        sent = 0
        for record_id in record_ids:
            record = self._org.get(record_id)
            target = self._org.whole_schema.of_id(record_id)
            if record is None or target is None:
                raise ValueError(f"There is no record {record_id} to send a hint for.")
            sent += self._hint(target.name, record_id, won=bool(record.get("IsWon")))
        return sent

    def as_json(self) -> dict[str, Any]:
        """List subscriptions (without secrets) and deliveries."""
        shown = [{key: value for key, value in asdict(one).items() if key != "secret"} for one in self.subscriptions]
        return {"subscriptions": shown, "deliveries": self.deliveries}

    async def stop(self) -> None:
        """Drop hints that are still on their way."""
        for task in list(self._sending):
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def _changed(self, entry: Entry) -> None:
        if entry.action == "delete" or entry.client.lower() == _OWN_CLIENT or not self._is_news(entry):
            return
        self._hint(entry.kind, entry.record_id, won=bool((entry.after or {}).get("IsWon")))

    def _is_news(self, entry: Entry) -> bool:
        if entry.kind != "Opportunity":
            return True
        return any(
            name in {"StageName", "IsWon"} or (name.endswith("__c") and not name.startswith(_WRITTEN_BACK))
            for name in entry.changed
        )

    def _hint(self, kind: str, record_id: str, *, won: bool) -> int:
        listening = [one for one in self.subscriptions if kind in one.objects]
        for subscription in listening:
            body = {
                "orgId": self._org.organization_id,
                "object": kind,
                "recordId": record_id,
                "event": "closed_won" if won else "changed",
                "occurredAt": self._org.now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "eventId": str(uuid4()),
            }
            task = asyncio.get_running_loop().create_task(self._send(subscription, body))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return len(listening)

    async def _send(self, subscription: Subscription, body: dict[str, str]) -> None:
        raw = dumps(body).encode()
        # The receiver judges the age by its own clock, which a test cannot move forward with the vendor's.
        stamp = str(int(time.time()))
        signature = hmac.new(subscription.secret.encode(), f"{stamp}.".encode() + raw, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Tieline-Timestamp": stamp,
            "X-Tieline-Signature": f"sha256={signature}",
        }
        delivery: dict[str, object] = {"url": subscription.url, **body}
        self.deliveries.append(delivery)
        if self._client is None:
            timeout_s = self._org.world.number("callout_timeout_s")
            self._client = httpx.AsyncClient(timeout=timeout_s, trust_env=False)
        try:
            answer = await self._client.post(subscription.url, content=raw, headers=headers)
            delivery["status"] = answer.status_code
        except httpx.HTTPError as error:
            # A callout that fails is lost with this vendor; the caller finds out by asking for changes.
            delivery["error"] = repr(error)
