from __future__ import annotations

import asyncio
import base64
import binascii
import io
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import fastavro
import grpc
import grpc.aio
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.event_kinds import KINDS, is_about
from connectors.salesforce.ids import to_18
from models.errors import Fatal, Retryable, TielineError
from models.events import CrmEvent
from ports.event_source import Found, PositionLost, SourceEvent
from vendor_wire.salesforce_pubsub import pubsub_api_pb2 as wire
from vendor_wire.salesforce_pubsub.pubsub_api_pb2_grpc import PubSubStub

__all__ = ["ChangeStream"]

_ASKED_AT_ONCE = 100
_MOST_BYTES = 16_000_000
_LONGEST_SCHEMA = 2_000_000
_MOST_SCHEMAS = 200
_OUR_NAME = "client=tieline"
_SCHEMA_WITHIN_S = 30.0
_SILENT_S = 600.0
"""The bus gives a sign of life within 270 seconds; a longer silence is a line that is dead and does not know it."""
_HEADER = "ChangeEventHeader"
_PLAIN = {"string", "int", "long", "boolean", "float", "double", "bytes"}
_REST_S = 3600.0
_PREFIX = "sfdc.platform.eventbus.grpc."
_LOST = {"subscription.fetch.replayid.corrupted", "subscription.fetch.replayid.validation.failed"}
_FATAL = {
    "topic.not.found": "the topic does not exist. Select the object for Change Data Capture in Setup",
    "subscription.topic.cannot.subscribe": "the integration user may not subscribe. Give it the object's permission",
    "service.auth.headers.invalid": "the sign-in headers are refused. Check `base_url` and `organization_id`",
}


class _Header(BaseModel):
    """What we read of a change event; everything else is left alone."""

    model_config = ConfigDict(extra="ignore")

    entityName: str = Field(max_length=80)  # noqa: N815 - the vendor's field names
    recordIds: list[str] = Field(max_length=10_000)  # noqa: N815
    changeType: str = Field(max_length=40)  # noqa: N815
    changeOrigin: str = Field(max_length=1_000)  # noqa: N815
    transactionKey: str = Field(max_length=200)  # noqa: N815
    sequenceNumber: int  # noqa: N815
    commitTimestamp: int = Field(ge=0, le=10**14)  # noqa: N815


class ChangeStream:
    """Change Data Capture over the Pub/Sub interface: one topic, read on from the last replay id. Sheet 8.1."""

    heals = False
    pause_s = 1.0

    def __init__(self, client: SalesforceClient, config: SalesforceConfig, topic: str) -> None:
        self._client = client
        self._config = config
        self._topic = topic
        self._token = ""
        self._schemas: dict[str, Any] = {}
        self._ask = _ASKED_AT_ONCE

    @property
    def name(self) -> str:
        """The account and the topic."""
        return f"{self._config.connection}{self._topic}"

    async def look(self, position: str) -> AsyncIterator[Found]:
        """Events as they come; an empty place starts at the newest. A refused token is made anew, once in a row."""
        self._token = self._token or await self._client.access_token()
        is_new = False
        while True:
            try:
                async with aclosing(self._stream(position)) as coming:
                    async for found in coming:
                        position, is_new = found.position, False
                        yield found
            except grpc.aio.AioRpcError as broken:
                if broken.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and not _code_of(broken):
                    self._ask = max(1, self._ask // 4)  # together they were larger than one message may be
                if _code_of(broken) != "service.auth.error" or is_new:
                    raise self._translated(broken) from broken
                self._token, is_new = await self._client.access_token(refused=self._token), True
            else:
                return

    async def _stream(self, position: str) -> AsyncGenerator[Found]:
        asked: asyncio.Queue[Any] = asyncio.Queue()
        open_ = self._ask
        asked.put_nowait(self._first_request(position, open_))
        async with self._channel() as channel:
            stub = PubSubStub(channel)
            call = stub.Subscribe(_drained(asked), metadata=self._metadata())
            answers = aiter(call)
            try:
                while (answer := await self._next(answers)) is not None:
                    open_ -= len(answer.events)
                    found = await self._found(stub, answer, position)
                    position = found.position
                    yield found
                    if answer.events:
                        self._ask = min(_ASKED_AT_ONCE, self._ask * 2)
                    if open_ <= self._ask // 2:
                        asked.put_nowait(wire.FetchRequest(topic_name=self._topic, num_requested=self._ask - open_))
                        open_ = self._ask
            finally:
                asked.put_nowait(None)
                call.cancel()

    async def _next(self, answers: AsyncIterator[Any]) -> Any | None:
        try:
            async with asyncio.timeout(_SILENT_S):
                return await anext(answers, None)
        except TimeoutError as silent:
            raise Retryable(
                f"The event bus has given no sign of life on {self._topic}. It is called anew.", record=self.name
            ) from silent

    def _first_request(self, position: str, wanted: int) -> Any:
        if not position:
            return wire.FetchRequest(topic_name=self._topic, num_requested=wanted, replay_preset=wire.LATEST)
        try:
            replay_id = base64.b64decode(position, validate=True)
        except binascii.Error as wrong:
            raise PositionLost(f"The kept place of {self.name} cannot be read.", record=self.name) from wrong
        return wire.FetchRequest(
            topic_name=self._topic, num_requested=wanted, replay_preset=wire.CUSTOM, replay_id=replay_id
        )

    def _channel(self) -> grpc.aio.Channel:
        where = urlsplit(self._config.bus_url)
        options = [("grpc.max_receive_message_length", _MOST_BYTES), ("grpc.keepalive_time_ms", 60_000)]
        if where.scheme == "http":
            return grpc.aio.insecure_channel(where.netloc, options=options)
        return grpc.aio.secure_channel(where.netloc, grpc.ssl_channel_credentials(), options=options)

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return (
            ("accesstoken", self._token),
            ("instanceurl", self._config.root_url),
            ("tenantid", self._config.organization_id),
        )

    async def _found(self, stub: PubSubStub, answer: Any, position: str) -> Found:
        events: list[SourceEvent] = []
        incomplete = False
        for one in answer.events:
            header = await self._header(stub, one.event)
            if header is None or header.changeType == "GAP_OVERFLOW":
                incomplete = True
                continue
            told = self._events(header, one.event.payload)
            incomplete = incomplete or told is None
            events += told or []
        # Without one the place stays: an empty place would mean "from now on", and what lies between would be lost.
        newest = answer.latest_replay_id or (answer.events[-1].replay_id if answer.events else b"")
        position = base64.b64encode(newest).decode() if newest else position
        return Found(tuple(events), position, is_incomplete=incomplete)

    def _events(self, header: _Header, raw: bytes) -> list[SourceEvent] | None:
        """The doorbells of one change. None when it does not tell which records changed."""
        if header.entityName not in KINDS or _is_ours(header.changeOrigin):
            return []
        if any(not is_about(header.entityName, record) for record in header.recordIds):
            return None
        at = datetime.fromtimestamp(header.commitTimestamp / 1000, UTC)
        return [
            SourceEvent(
                CrmEvent(
                    connection=self._config.connection,
                    event_id=f"change/{header.transactionKey}/{header.sequenceNumber}/{to_18(record)}",
                    object_kind=KINDS[header.entityName][0],
                    record_id=to_18(record),
                    occurred_at=at,
                ),
                raw,
            )
            for record in header.recordIds
        ]

    async def _header(self, stub: PubSubStub, event: Any) -> _Header | None:
        """What happened; None when the event cannot be read, which a sweep makes good."""
        schema = await self._schema(stub, event.schema_id)
        if schema is None:
            return None
        try:
            record: Any = fastavro.schemaless_reader(io.BytesIO(event.payload), schema, None)
            return _Header.model_validate(record[_HEADER])
        except (ValidationError, ValueError, TypeError, LookupError, EOFError, OverflowError, MemoryError):
            return None

    async def _schema(self, stub: PubSubStub, schema_id: str) -> Any | None:
        if schema_id not in self._schemas:
            try:
                info = await stub.GetSchema(
                    wire.SchemaRequest(schema_id=schema_id), metadata=self._metadata(), timeout=_SCHEMA_WITHIN_S
                )
            except grpc.aio.AioRpcError as broken:
                if broken.code() is not grpc.StatusCode.NOT_FOUND:
                    raise
                return None  # the same event would come again for ever, and nothing behind it
            if len(self._schemas) >= _MOST_SCHEMAS:
                self._schemas.clear()
            self._schemas[schema_id] = _parsed(info.schema_json)
        return self._schemas[schema_id]

    def _translated(self, broken: grpc.aio.AioRpcError) -> TielineError:
        code = _code_of(broken)
        if code in _LOST:
            return PositionLost(f"The event bus no longer knows where {self.name} had read to.", record=self.name)
        if code in _FATAL:
            return Fatal(f"The event bus refuses {self._topic}: {_FATAL[code]}.", record=self.name)
        rest = _REST_S if code == "subscription.limit.exceeded" else None
        what = "the day's events are used up" if rest else (code or broken.code().name.lower())
        message = f"The event bus ends {self._topic}: {what}. It is read on."
        return Retryable(message, record=self.name, retry_after_s=rest)


async def _drained(asked: asyncio.Queue[Any]) -> AsyncIterator[Any]:
    while (request := await asked.get()) is not None:
        yield request


def _parsed(text: str) -> Any | None:
    """The schema of the header alone, which stands first. One that cannot be read makes its events unreadable, no more.

    Records of the firm's own making come after it and are never decoded: nothing in them can cost time or memory.
    """
    if len(text) > _LONGEST_SCHEMA:
        return None
    try:
        schema = json.loads(text)
        first = schema["fields"][0]
        if first["name"] != _HEADER or not all(_is_plain(one["type"]) for one in first["type"]["fields"]):
            return None
        return fastavro.parse_schema({"type": "record", "name": "Change", "fields": [first]})
    except (ValueError, TypeError, LookupError, RecursionError, fastavro.schema.SchemaParseException):
        return None


def _is_plain(kind: Any) -> bool:
    """A value, a choice or a list of values: never nested, and nothing that takes no bytes however often it comes."""
    if isinstance(kind, list):
        return all(one == "null" or (isinstance(one, str) and one in _PLAIN) for one in kind)
    if not isinstance(kind, dict):
        return kind in _PLAIN
    if kind.get("type") == "array":
        items = kind["items"]["type"] if isinstance(kind["items"], dict) else kind["items"]
        return isinstance(items, str) and items in _PLAIN
    return kind.get("type") == "enum" or kind.get("type") in _PLAIN


def _is_ours(origin: str) -> bool:
    """The name in full: another client may be called something longer."""
    return _OUR_NAME in (part.strip().lower() for part in origin.split(";"))


def _code_of(broken: grpc.aio.AioRpcError) -> str:
    trailers = broken.trailing_metadata() or ()
    found = [str(value) for name, value in trailers if str(name).lower() == "error-code"]
    return found[0].removeprefix(_PREFIX) if found else ""
