"""What a bus may do to us: cut, stay silent, send too much at once, or send what cannot be read."""

from __future__ import annotations

import asyncio
import io
import json
from contextlib import aclosing
from typing import Any

import fastavro
import grpc
import grpc.aio
import pytest

from connectors.salesforce import change_stream
from connectors.salesforce.change_stream import ChangeStream
from models.errors import Retryable
from tests.connectors.salesforce.org import TestOrg, open_org
from tests.connectors.salesforce.test_event_sources import QUICK, another_deal, read, records, stream
from vendor_wire.salesforce_pubsub import pubsub_api_pb2 as wire

RECORD = "006000000000001AAA"
HEADER: dict[str, Any] = {
    "entityName": "Opportunity", "recordIds": [RECORD], "changeType": "UPDATE", "transactionKey": "t",
    "changeOrigin": "", "sequenceNumber": 1, "commitTimestamp": 1,
}  # fmt: skip
KINDS: dict[str, Any] = {
    "entityName": "string", "recordIds": {"type": "array", "items": "string"}, "changeType": "string",
    "transactionKey": "string", "changeOrigin": "string", "sequenceNumber": "int", "commitTimestamp": "long",
}  # fmt: skip


def schema(kinds: dict[str, Any], *more: Any) -> dict[str, Any]:
    header = {"type": "record", "name": "Header", "fields": [{"name": n, "type": t} for n, t in kinds.items()]}
    return {"type": "record", "name": "C", "fields": [{"name": "ChangeEventHeader", "type": header}, *more]}


def answer(*headers: dict[str, Any], latest: bytes = b"", tail: bytes = b"") -> Any:
    events = []
    for place, header in enumerate(headers):
        body = io.BytesIO()
        fastavro.schemaless_writer(body, schema(KINDS), {"ChangeEventHeader": header})
        event = wire.ProducerEvent(schema_id="s", payload=body.getvalue() + tail)
        events.append(wire.ConsumerEvent(event=event, replay_id=bytes([place + 1])))
    return wire.FetchResponse(events=events, latest_replay_id=latest)


class Bus:
    """Answers for schemas only."""

    def __init__(self, text: str | None) -> None:
        self.text = text

    async def GetSchema(self, _request: Any, **_: Any) -> Any:  # noqa: N802 - the interface's name
        if self.text is None:
            nothing = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(grpc.StatusCode.NOT_FOUND, nothing, nothing, "schema")
        return wire.SchemaInfo(schema_json=self.text)


async def found(org: TestOrg, bus: Bus, told: Any, position: str = "cGxhY2U=") -> Any:
    one: Any = stream(org)
    return await one._found(bus, told, position)


async def test_only_our_own_name_in_full_is_an_echo() -> None:
    origins = ("x;client=Tieline", "x;client=Tieline-Migrator", "x;client=notieline", "x; client=tieline ;y")
    async with open_org(settings=QUICK) as org:
        told = answer(*({**HEADER, "changeOrigin": one, "transactionKey": one} for one in origins))
        events = (await found(org, Bus(json.dumps(schema(KINDS))), told)).events
        assert [one.event.event_id.split("/")[1] for one in events] == list(origins[1:3])


async def test_the_place_never_becomes_from_now_on() -> None:
    async with open_org(settings=QUICK) as org:
        bus = Bus(json.dumps(schema(KINDS)))
        assert (await found(org, bus, answer())).position == "cGxhY2U="
        assert (await found(org, bus, answer(HEADER))).position == "AQ=="
        assert (await found(org, bus, answer(HEADER, latest=b"\x09"))).position == "CQ=="


NULLS = {"type": "array", "items": "null"}
NESTED: Any = "string"
for _ in range(300):
    NESTED = {"type": "array", "items": NESTED}


@pytest.mark.parametrize(
    "text",
    [
        None,
        "[" * 100_000,
        json.dumps(schema({**KINDS, "recordIds": NULLS})),
        json.dumps(schema({**KINDS, "recordIds": NESTED})),
        json.dumps(schema({**KINDS, "recordIds": {"type": "array", "items": "Header"}})),
        json.dumps({"type": "record", "name": "C", "fields": [{"name": "Name", "type": "string"}]}),
    ],
    ids=["unknown", "deep", "endless nulls", "nested", "of itself", "no header"],
)
async def test_a_schema_that_cannot_be_read_asks_for_a_sweep_and_stops_nothing(text: str | None) -> None:
    async with open_org(settings=QUICK) as org:
        seen = await found(org, Bus(text), answer(HEADER, latest=b"\x09"))
        assert (seen.events, seen.is_incomplete, seen.position) == ((), True, "CQ==")


async def test_what_stands_behind_the_header_is_never_decoded() -> None:
    """A list of two hundred million nothings takes six bytes."""
    async with open_org(settings=QUICK) as org:
        text = json.dumps(schema(KINDS, {"name": "Own__c", "type": NULLS}))
        seen = await found(org, Bus(text), answer(HEADER, tail=b"\x80\x88\xde\xbe\x01\x00"))
        assert [one.event.record_id for one in seen.events] == [RECORD]


async def test_a_line_that_is_silent_for_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_stream, "_SILENT_S", 0.2)
    async with open_org(settings={"bus_keepalive_s": "60"}) as org:
        with pytest.raises(Retryable, match="no sign of life"):
            await read(stream(org), "", 1)


async def test_more_than_one_message_may_hold_comes_in_smaller_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_org(settings=QUICK) as org:
        one = stream(org)
        [start] = await read(one, "", 0)
        await another_deal(org, "C-first")
        start = (await read(one, start.position, 1))[-1]  # and with it the schema
        deals = [await another_deal(org, f"C-{number}") for number in range(12)]
        monkeypatch.setattr(change_stream, "_MOST_BYTES", 3_000)
        got: list[str] = []
        position, failures = start.position, 0
        while len(got) < len(deals) and failures < 20:
            try:
                async with asyncio.timeout(5), aclosing(one.look(position)) as look:  # type: ignore[type-var]
                    async for seen in look:
                        position = seen.position
                        got += records([seen])
                        if len(got) >= len(deals):
                            break
            except Retryable:
                failures += 1
        assert (got, failures > 0) == (deals, True)


async def test_the_channel_is_closed_when_the_look_is(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    real = ChangeStream._channel

    def watched(self: ChangeStream) -> Any:
        channel = real(self)
        close: Any = channel._close  # type: ignore[attr-defined]

        async def noted(*args: Any, **more: Any) -> None:
            await close(*args, **more)
            closed.append(True)

        monkeypatch.setattr(channel, "_close", noted)
        return channel

    monkeypatch.setattr(ChangeStream, "_channel", watched)
    async with open_org(settings=QUICK) as org:
        look: Any = stream(org).look("")
        await anext(look)
        await look.aclose()
        assert closed
