"""Outbound messages: SOAP notifications that are sent again for a day, until the receiver acknowledges them."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

import httpx
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from sandbox.kit import Entry
from sandbox.salesforce.ids import IdGenerator
from sandbox.salesforce.org import Org

__all__ = ["OutboundMessages", "OutboundSubscription"]

_NAMESPACE = "http://soap.sforce.com/2005/09/outbound"
_MOST_IN_ONE = 100
_LONGEST_PAUSE_S = 7200.0
_GIVE_UP_S = 24 * 3600.0


@dataclass(frozen=True)
class OutboundSubscription:
    """A flow's outbound message: where it goes, about which object, with which fields."""

    url: str
    kind: str = "Opportunity"
    fields: tuple[str, ...] = ("StageName",)


@dataclass
class _Notification:
    notification_id: str
    record_id: str
    kind: str
    subscription: OutboundSubscription
    queued_at: float
    attempts: int = 0
    state: str = "queued"
    due_at: float = field(default=0.0)


class OutboundMessages:
    """Queues one notification per change, sends up to a hundred together, repeats what is not acknowledged."""

    def __init__(self, org: Org) -> None:
        """Listen to every committed change of the org."""
        self._org = org
        self._ids = IdGenerator()
        self._subscriptions: list[OutboundSubscription] = []
        self._queue: deque[_Notification] = deque()
        self._log: deque[_Notification] = deque(maxlen=10_000)
        self._news = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None
        org.store.listeners.append(self._changed)

    def subscribe(self, wanted: OutboundSubscription) -> None:
        """Send to this address from now on; the same address again replaces the earlier one."""
        self._subscriptions = [one for one in self._subscriptions if one.url != wanted.url] + [wanted]
        if self._sender is None:
            self._sender = asyncio.get_running_loop().create_task(self._send_for_ever())

    def clear(self) -> None:
        """Forget every address and what is queued."""
        self._subscriptions, self._queue = [], deque()

    def as_json(self) -> dict[str, Any]:
        """List addresses and what became of each notification."""
        return {
            "subscriptions": [vars(one) for one in self._subscriptions],
            "notifications": [
                {"id": one.notification_id, "record": one.record_id, "state": one.state, "attempts": one.attempts}
                for one in self._log
            ],
        }

    async def stop(self) -> None:
        """Send no more."""
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.gather(self._sender, return_exceptions=True)

    def _changed(self, entry: Entry) -> None:
        if entry.action == "delete" or entry.client.lower() == "tieline":
            return
        now = asyncio.get_running_loop().time() if self._subscriptions else 0.0
        for subscription in self._subscriptions:
            told = entry.action == "create" or set(entry.changed) & set(subscription.fields)
            if subscription.kind == entry.kind and told:
                note = _Notification(self._ids.next("04l"), entry.record_id, entry.kind, subscription, now)
                self._queue.append(note)
                self._log.append(note)
                self._news.set()

    async def _send_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        async with httpx.AsyncClient(timeout=self._org.world.number("callout_timeout_s"), trust_env=False) as client:
            while True:
                self._news.clear()
                due = [one for one in self._queue if one.due_at <= loop.time()]
                for subscription in {one.subscription: None for one in due}:
                    batch = [one for one in due if one.subscription == subscription][:_MOST_IN_ONE]
                    await self._send(client, subscription, batch)
                if any(one.due_at <= loop.time() for one in self._queue):
                    continue
                pause = min((one.due_at - loop.time() for one in self._queue), default=None)
                try:
                    await asyncio.wait_for(self._news.wait(), pause)
                except TimeoutError:
                    continue

    async def _send(
        self, client: httpx.AsyncClient, subscription: OutboundSubscription, batch: list[_Notification]
    ) -> None:
        body = self._envelope(subscription, batch).encode()
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
        try:
            answer = await client.post(subscription.url, content=body, headers=headers)
            taken = answer.is_success and _is_acknowledged(answer.content)
        except httpx.HTTPError:
            taken = False
        now, first = asyncio.get_running_loop().time(), self._org.world.number("outbound_retry_s")
        for one in batch:
            one.attempts += 1
            one.state = "acknowledged" if taken else "failed" if now - one.queued_at > _GIVE_UP_S else "waiting"
            one.due_at = now + min(_LONGEST_PAUSE_S, first * 2 ** (one.attempts - 1))
        self._queue = deque(one for one in self._queue if one.state in {"queued", "waiting"})

    def _envelope(self, subscription: OutboundSubscription, batch: list[_Notification]) -> str:
        """The records as they are when it is sent: the newest values, not the change."""
        xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        told = "".join(
            f"<Notification><Id>{one.notification_id}</Id>"
            f'<sObject xsi:type="sf:{one.kind}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com" {xsi}>'
            f"<sf:Id>{one.record_id}</sf:Id>{self._fields(one, subscription)}</sObject></Notification>"
            for one in batch
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
            f'<notifications xmlns="{_NAMESPACE}"><OrganizationId>{self._org.organization_id}</OrganizationId>'
            f'<ActionId>04k5g000000XaaAEAS</ActionId><SessionId xsi:nil="true" {xsi}/>'
            "<EnterpriseUrl>https://acme.my.salesforce.com/services/Soap/c/67.0</EnterpriseUrl>"
            "<PartnerUrl>https://acme.my.salesforce.com/services/Soap/u/67.0</PartnerUrl>"
            f"{told}</notifications></soapenv:Body></soapenv:Envelope>"
        )

    def _fields(self, note: _Notification, subscription: OutboundSubscription) -> str:
        record = self._org.get(note.record_id) or {}
        values = {name: record.get(name) for name in subscription.fields}
        return "".join(f"<sf:{name}>{escape(str(value))}</sf:{name}>" for name, value in values.items() if value)


def _is_acknowledged(body: bytes) -> bool:
    """A plain 200 is no acknowledgement: the answer must say so in its envelope."""
    try:
        found = ElementTree.fromstring(body).find(f".//{{{_NAMESPACE}}}Ack")
    except (ElementTree.ParseError, DefusedXmlException):
        return False
    return found is not None and (found.text or "").strip() == "true"
