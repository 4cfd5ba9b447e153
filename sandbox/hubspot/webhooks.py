"""The webhook sender: batches of signed events, several attempts, neither order nor exactly-once promised."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from sandbox.hubspot.account import Account
from sandbox.hubspot.change_events import Change, ChangeReader
from sandbox.hubspot.signatures import signature_v1, signature_v2, signature_v3
from sandbox.hubspot.subscriptions import Subscription, Target
from sandbox.kit import Entry
from sandbox.kit.wire_json import dumps

__all__ = ["Webhooks"]

Json = dict[str, Any]
_MOST_EVENTS, _MOST_ATTEMPTS, _DAY_S = 100, 10, 86_400
_NOT_RETRIED_BEFORE = {400, 401, 403, 404, 405}
_TICK_S = 0.02


@dataclass
class _Batch:
    target: Target
    events: list[Json]
    due_s: float
    first_s: float
    attempt: int = 0


@dataclass
class Outbox:
    """Events not sent yet and batches to be sent again, in the vendor's time."""

    fresh: dict[str, deque[Json]] = field(default_factory=dict)
    later: list[_Batch] = field(default_factory=list)


class Webhooks:
    """Sends events to every target in the background; what became of each delivery is kept for a test to read."""

    def __init__(self, account: Account, reader: ChangeReader, app_id: int) -> None:
        """Listen to every committed change."""
        self._account = account
        self._world = account.world
        self._reader = reader
        self._app_id = app_id
        self.targets: dict[str, Target] = {}
        self.deliveries: list[Json] = []
        self._outbox = Outbox()
        self._events = 0
        self._random = random.Random(48211903)  # noqa: S311 - jitter and shuffling, the same on every run
        self._client: httpx.AsyncClient | None = None
        self._pump: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        account.store.listeners.append(self._changed)

    def as_json(self) -> Json:
        """List targets, without secrets, and deliveries."""
        return {"targets": [one.as_json() for one in self.targets.values()], "deliveries": self.deliveries}

    def emit(self, changes: list[Change]) -> int:
        """Queue the events of some changes; returns how many there are."""
        count = 0
        for target in self.targets.values():
            for change in changes:
                count += sum(self._queue(target, one, change) for one in target.subscriptions if one.wants(change))
        return count

    async def start(self) -> None:
        """Begin to send."""
        self._pump = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Drop what is not sent yet."""
        running = [*self._sending, *([self._pump] if self._pump else [])]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def _changed(self, entry: Entry) -> None:
        if self.targets:
            self.emit(list(self._reader.read(entry)))

    def _queue(self, target: Target, subscription: Subscription, change: Change) -> int:
        self._events += 1
        event: Json = {
            "eventId": 3_181_526_000 + self._events,
            "subscriptionId": subscription.id,
            "portalId": self._account.portal_id,
            "appId": self._app_id,
            "occurredAt": change.occurred_ms,
            "subscriptionType": subscription.event_type,
            "attemptNumber": 0,
            "objectId": int(change.object_id),
            "changeSource": change.source,
            "sourceId": change.source_id,
        }
        if subscription.event_type.startswith("object."):
            event["objectTypeId"] = change.type.type_id
        if change.property:
            event |= {"propertyName": change.property, "propertyValue": change.value}
        event |= change.more
        copies = 2 if self._world.flag("webhook_duplicates") else 1
        self._outbox.fresh.setdefault(target.url, deque()).extend([event] * copies)
        self._news.set()
        return 1

    async def _run(self) -> None:
        while True:
            if not self._outbox.later and not any(self._outbox.fresh.values()):
                await self._news.wait()
            self._news.clear()
            now = self._world.clock.epoch_s()
            for url, events in self._outbox.fresh.items():
                target = self.targets.get(url)
                while events and target is not None:
                    taken = [events.popleft() for _ in range(min(_MOST_EVENTS, len(events)))]
                    if self._world.flag("webhook_shuffle"):
                        self._random.shuffle(taken)
                    self._outbox.later.append(_Batch(target, taken, now, now))
            due = [batch for batch in self._outbox.later if batch.due_s <= now]
            for batch in due:
                if batch.target.running < batch.target.max_concurrent:
                    self._outbox.later.remove(batch)
                    batch.target.running += 1
                    task = asyncio.create_task(self._deliver(batch))
                    self._sending.add(task)
                    task.add_done_callback(self._sending.discard)
            await asyncio.sleep(_TICK_S)

    async def _deliver(self, batch: _Batch) -> None:
        events = [{**event, "attemptNumber": batch.attempt} for event in batch.events]
        shown: Json = {"url": batch.target.url, "attempt": batch.attempt, "events": events}
        self.deliveries.append(shown)
        try:
            shown["status"] = await self._post(batch.target, dumps(events).encode())
        finally:
            batch.target.running -= 1
        self._judge(batch, shown)

    async def _post(self, target: Target, body: bytes) -> int:
        if self._client is None:
            self._client = httpx.AsyncClient(trust_env=False)
        try:
            answer = await self._client.post(
                target.url, content=body, headers=self._headers(target, body),
                timeout=self._world.number("webhook_timeout_s"),
            )  # fmt: skip
        except (httpx.HTTPError, httpx.InvalidURL):
            return 0
        return answer.status_code

    def _judge(self, batch: _Batch, shown: Json) -> None:
        status = int(shown["status"])
        if httpx.codes.is_success(status):
            return
        now = self._world.clock.epoch_s()
        gives_up = status in _NOT_RETRIED_BEFORE and not self._world.flag("webhook_retries_4xx")
        if gives_up or batch.attempt >= _MOST_ATTEMPTS or now - batch.first_s > _DAY_S:
            shown["lost"] = True
            return
        wait_s = self._world.number("webhook_first_retry_s") * 2**batch.attempt * self._random.uniform(0.8, 1.2)
        batch.attempt += 1
        batch.due_s = now + wait_s
        self._outbox.later.append(batch)

    def _headers(self, target: Target, body: bytes) -> Mapping[str, str]:
        # The receiver judges the age by its own clock, which a test cannot move forward with the vendor's.
        stamp = str(int(time.time() * 1000))
        version = self._world.text("webhook_signature")
        older = (
            signature_v1(target.secret, body)
            if version == "v1"
            else signature_v2(target.secret, "POST", target.url, body)
        )
        return {
            "Content-Type": "application/json",
            "User-Agent": "HubSpot Connect 2.0",
            "X-HubSpot-Signature": older,
            "X-HubSpot-Signature-Version": version,
            "X-HubSpot-Signature-v3": signature_v3(target.secret, "POST", target.url, body, stamp),
            "X-HubSpot-Request-Timestamp": stamp,
        }
