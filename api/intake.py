from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from opentelemetry.trace import SpanKind
from pydantic import SecretStr

from api.body import BodyRefused, read_body
from api.senders import SenderLimit
from connector_kit import BadSignature, BatchReader, Delivery, EventReader, ReadEvent
from models.errors import NeedsRepair
from models.ids import ConnectionId
from ports.audit import AuditTrail
from ports.inbox import Inbox
from runtime.log_events import log_event
from runtime.settings import Limits
from runtime.telemetry import current_traceparent, tracer

__all__ = ["EntryDoor", "EventSender", "Intake"]

_LONGEST_REASON = 500


@dataclass(frozen=True)
class EntryDoor:
    """Another form in which one connection's events come, and what is answered once they are stored."""

    read: BatchReader
    thanks: bytes
    media_type: str


@dataclass(frozen=True)
class EventSender:
    """A connection whose events we take: how they are read, and what they are signed with."""

    read: EventReader | None
    secrets: tuple[SecretStr, ...] = field(repr=False)
    read_batch: BatchReader | None = None
    """In place of `read` where one request carries several events."""
    side_doors: Mapping[str, EntryDoor] = field(default_factory=dict)

    def events(
        self, connection: ConnectionId, delivery: Delivery, now: datetime, door: str = ""
    ) -> tuple[ReadEvent, ...]:
        """What the request tells, verified. Raises BadSignature or NeedsRepair."""
        if door:
            read = self.side_doors[door].read
            return read(connection=connection, delivery=delivery, secrets=self.secrets, now=now)
        if self.read_batch is not None:
            return self.read_batch(connection=connection, delivery=delivery, secrets=self.secrets, now=now)
        if self.read is None:
            return ()
        event = self.read(
            connection=connection, headers=delivery.headers, body=delivery.body, secrets=self.secrets, now=now
        )
        return (ReadEvent(event, delivery.body),)


@dataclass(frozen=True)
class _Refusal:
    status: int
    reason: str
    headers: Mapping[str, str] = field(default_factory=dict)
    is_recorded: bool = True


class Intake:
    """Takes signed events in. Accepted means stored; everything else is refused with a reason and written down."""

    def __init__(
        self,
        senders: Mapping[ConnectionId, EventSender],
        inbox: Inbox,
        audit: AuditTrail,
        *,
        limits: Limits,
        on_accepted: Callable[[], None],
        public_url: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._senders = senders
        self._inbox = inbox
        self._audit = audit
        self._limits = limits
        self._on_accepted = on_accepted
        self._public_url = public_url.rstrip("/")
        self._now = now
        self._turns = SenderLimit(limits.events_per_minute)

    def router(self) -> APIRouter:
        """`POST /intake/{connection}`, and the side doors below it."""
        router = APIRouter()
        for path, receive, status, summary in (
            ("/intake/{connection}", self.receive, 202, "Take a signed event of an outside system"),
            ("/intake/{connection}/{door}/{key}", self.receive_at_door, 200, "Take events in a vendor's other form"),
        ):
            router.add_api_route(
                path, receive, methods=["POST"], status_code=status, summary=summary, response_model=None,
                responses={
                    200: {"description": "Accepted, or accepted before"},
                    400: {"description": "Not an event; the reason names the field"},
                    401: {"description": "The signature does not hold"},
                    404: {"description": "No such connection takes events"},
                    408: {"description": "The body did not arrive in time"},
                    413: {"description": "The body is too large"},
                    429: {"description": "Too many requests of this sender"},
                    503: {"description": "The event could not be stored; send it again"},
                },
            )  # fmt: skip
        return router

    async def receive(self, request: Request, connection: str) -> Response:
        """Verify, store, answer: 202 only after the event is on disk."""
        with tracer().start_as_current_span("event.intake", kind=SpanKind.SERVER) as span:
            taken = await self._take(request, ConnectionId(connection))
            if isinstance(taken, _Refusal):
                span.set_attribute("http.response.status_code", taken.status)
                return await self._refuse(taken, connection, _address(request))
            span.set_attribute("tieline.event", taken[0].event.event_id if taken else "")
            new = await self._store(taken, connection)
            if new is None:
                return _answer(503, {"error": "The event could not be stored. Send it again."}, {"Retry-After": "10"})
            status = 202 if new else 200
            if self._senders[ConnectionId(connection)].read_batch is not None:
                return _answer(status, {"events": len(taken), "new": new})
            return _answer(status, {"event": taken[0].event.event_id, "duplicate": not new})

    async def receive_at_door(self, request: Request, connection: str, door: str, key: str) -> Response:
        """Verify, store, then thank in the vendor's own words: anything else would make it send again."""
        del key  # a part of the address, which the connector's reader checks
        with tracer().start_as_current_span("event.intake", kind=SpanKind.SERVER) as span:
            taken = await self._take(request, ConnectionId(connection), door)
            if isinstance(taken, _Refusal):
                span.set_attribute("http.response.status_code", taken.status)
                return await self._refuse(taken, connection, _address(request))
            if await self._store(taken, connection) is None:
                return _answer(503, {"error": "The events could not be stored. Send them again."})
            thanks = self._senders[ConnectionId(connection)].side_doors[door]
            return Response(thanks.thanks, media_type=thanks.media_type)

    async def _store(self, taken: tuple[ReadEvent, ...], connection: str) -> int | None:
        """How many were new. None when one could not be stored: those before it are, and count as duplicates then."""
        new = 0
        for one in taken:
            try:
                is_new = await self._inbox.accept(one.event, one.raw, traceparent=current_traceparent())
            except Exception as broken:  # noqa: BLE001 - a process edge: whatever the store says, the sender must try again
                log_event("event.not_stored", level=logging.ERROR, exc=broken, connection=connection)
                return None
            log_event("event.accepted", connection=connection, event_id=one.event.event_id, created=is_new)
            new += is_new
            if is_new:
                self._on_accepted()
        return new

    async def _take(
        self, request: Request, connection: ConnectionId, door: str = ""
    ) -> tuple[ReadEvent, ...] | _Refusal:
        sender = self._senders.get(connection)
        turn = self._turns.take(f"{connection if sender else ''} {_address(request)}")
        if not turn.allowed:
            return _Refusal(
                429, f"At most {self._limits.events_per_minute} requests a minute. Wait {turn.wait_s} s.",
                {"Retry-After": str(turn.wait_s)}, is_recorded=turn.is_first_refusal,
            )  # fmt: skip
        if sender is None or (door and door not in sender.side_doors):
            return _Refusal(404, "No connection of this name takes events. Check the address.")
        try:
            raw = await read_body(request, limit=self._limits.event_bytes, within_s=self._limits.event_read_s)
            delivery = Delivery(request.method, self._called(request), request.headers, raw)
            return sender.events(connection, delivery, self._now(), door)
        except BodyRefused as refused:
            return _Refusal(refused.status, refused.reason, {"Connection": "close"})
        except BadSignature as forged:
            return _Refusal(401, forged.message)
        except NeedsRepair as malformed:
            return _Refusal(400, malformed.message)

    def _called(self, request: Request) -> str:
        """The address as the sender wrote it: behind a proxy only our own settings know it."""
        if not self._public_url:
            return str(request.url)
        path = bytes(request.scope.get("raw_path") or request.url.path.encode()).decode("ascii", "replace")
        query = request.scope.get("query_string", b"").decode("ascii", "replace")
        return f"{self._public_url}{path}{f'?{query}' if query else ''}"

    async def _refuse(self, refusal: _Refusal, connection: str, address: str) -> Response:
        known = connection if ConnectionId(connection) in self._senders else ""
        log_event("event.refused", level=logging.WARNING, connection=known, status=refusal.status)
        if refusal.is_recorded:
            facts = {"status": str(refusal.status), "reason": refusal.reason[:_LONGEST_REASON], "sender": address}
            if not known:
                # A name that a stranger made up is not ours to keep in clear.
                facts["connection_sha256"] = hashlib.sha256(connection.encode()).hexdigest()
            try:
                await self._audit.append("event.refused", "", known or "unknown connection", facts)
            except Exception as broken:  # noqa: BLE001 - a process edge: a store that is down must not let a forged event in
                log_event("audit.not_written", level=logging.ERROR, exc=broken, connection=known)
        return _answer(refusal.status, {"error": refusal.reason}, refusal.headers)


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _answer(status: int, content: Mapping[str, object], headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(dict(content), status_code=status, headers=dict(headers or {}))
