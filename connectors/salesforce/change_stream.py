from __future__ import annotations

import asyncio
import base64
import binascii
import io
import json
from collections.abc import AsyncIterator
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
_ASK_AGAIN_BELOW = 50
_MOST_BYTES = 16_000_000
_LONGEST_SCHEMA = 2_000_000
_OUR_NAME = "client=tieline"
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
                async for found in self._stream(self._first_request(position)):
                    position, is_new = found.position, False
                    yield found
            except grpc.aio.AioRpcError as broken:
                if _code_of(broken) != "service.auth.error" or is_new:
                    raise self._translated(broken) from broken
                self._token, is_new = await self._client.access_token(refused=self._token), True
            else:
                return

    async def _stream(self, first: Any) -> AsyncIterator[Found]:
        asked: asyncio.Queue[Any] = asyncio.Queue()
        asked.put_nowait(first)
        open_ = _ASKED_AT_ONCE
        async with self._channel() as channel:
            stub = PubSubStub(channel)
            call = stub.Subscribe(_drained(asked), metadata=self._metadata())
            try:
                async for answer in call:
                    open_ -= len(answer.events)
                    yield await self._found(stub, answer)
                    if open_ < _ASK_AGAIN_BELOW:
                        asked.put_nowait(
                            wire.FetchRequest(topic_name=self._topic, num_requested=_ASKED_AT_ONCE - open_)
                        )
                        open_ = _ASKED_AT_ONCE
            finally:
                asked.put_nowait(None)
                call.cancel()

    def _first_request(self, position: str) -> Any:
        if not position:
            return wire.FetchRequest(
                topic_name=self._topic, num_requested=_ASKED_AT_ONCE, replay_preset=wire.LATEST
            )  # fmt: skip
        try:
            replay_id = base64.b64decode(position, validate=True)
        except binascii.Error as wrong:
            raise PositionLost(f"The kept place of {self.name} cannot be read.", record=self.name) from wrong
        return wire.FetchRequest(
            topic_name=self._topic, num_requested=_ASKED_AT_ONCE, replay_preset=wire.CUSTOM, replay_id=replay_id
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

    async def _found(self, stub: PubSubStub, answer: Any) -> Found:
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
        position = base64.b64encode(answer.latest_replay_id).decode()
        return Found(tuple(events), position, is_incomplete=incomplete)

    def _events(self, header: _Header, raw: bytes) -> list[SourceEvent] | None:
        """The doorbells of one change. None when it does not tell which records changed."""
        if header.entityName not in KINDS or _OUR_NAME in header.changeOrigin.lower():
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
            return _Header.model_validate(record["ChangeEventHeader"])
        except (ValidationError, ValueError, TypeError, LookupError, EOFError, OverflowError, MemoryError):
            return None

    async def _schema(self, stub: PubSubStub, schema_id: str) -> Any | None:
        if schema_id not in self._schemas:
            info = await stub.GetSchema(wire.SchemaRequest(schema_id=schema_id), metadata=self._metadata())
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
    """A schema that cannot be read makes its events unreadable, no more."""
    if len(text) > _LONGEST_SCHEMA:
        return None
    try:
        return fastavro.parse_schema(json.loads(text))
    except (ValueError, TypeError, LookupError, RecursionError, fastavro.schema.SchemaParseException):
        return None


def _code_of(broken: grpc.aio.AioRpcError) -> str:
    trailers = broken.trailing_metadata() or ()
    found = [str(value) for name, value in trailers if str(name).lower() == "error-code"]
    return found[0].removeprefix(_PREFIX) if found else ""
