"""The way to the vendors: what never left is told from what was lost, and nothing is sent twice by itself."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from connector_kit import Effectful, VendorSession, Wire
from models.errors import NotSent, OutcomeUnknown, Retryable

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
Answer = Callable[[int, bytes], bytes | None]


class Vendor:
    """A server of a few lines: `answer` gets the number of the request and its bytes; None cuts the connection."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.asked = asyncio.Event()
        self.connections = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
                body = await reader.readexactly(int(lines.get(b"content-length", b"0")))
                self.requests.append(head + body)
                self.asked.set()
                told = self.answer(len(self.requests), head + body)
                if told is None:
                    return
                writer.write(told)
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()


@asynccontextmanager
async def _vendor(answer: Answer) -> AsyncIterator[tuple[Vendor, VendorSession]]:
    vendor = Vendor(answer)
    server = await asyncio.start_server(vendor.serve, "127.0.0.1", 0)
    vendor.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    timeout = httpx.Timeout(5.0, read=0.3)
    async with httpx.AsyncClient(transport=Wire(limits=httpx.Limits(max_connections=4)), timeout=timeout) as http:
        try:
            yield vendor, VendorSession(http, system="Vendor")
        finally:
            server.close()


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
@pytest.mark.parametrize("cut_at", [1, 2])
async def test_a_write_whose_answer_is_lost_is_unknown_and_not_sent_again(method: str, cut_at: int) -> None:
    """Also on a connection that worked before, where the library would send a PUT once more."""
    async with _vendor(lambda number, _: None if number == cut_at else _OK) as (vendor, session):
        for _ in range(cut_at - 1):
            await session.send(method, f"{vendor.url}/x", effect=Effectful.WRITE, document={"a": 1})
        with pytest.raises(OutcomeUnknown):
            await session.send(method, f"{vendor.url}/x", effect=Effectful.WRITE, document={"a": 1})

        assert len(vendor.requests) == cut_at
        assert (await session.send(method, f"{vendor.url}/x", effect=Effectful.WRITE)).status == 200


async def test_a_read_whose_answer_is_lost_can_be_asked_again_by_the_engine_only() -> None:
    async with _vendor(lambda *_: None) as (vendor, session):
        with pytest.raises(Retryable) as lost:
            await session.send("GET", vendor.url, effect=Effectful.READ)
        assert not isinstance(lost.value, OutcomeUnknown)
        assert len(vendor.requests) == 1


async def test_where_nobody_listens_nothing_was_sent() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        async with httpx.AsyncClient(transport=Wire(limits=httpx.Limits())) as http:
            with pytest.raises(NotSent):
                await VendorSession(http, system="Vendor").send(
                    "PUT", f"http://127.0.0.1:{held.getsockname()[1]}/x", effect=Effectful.WRITE
                )


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"no HTTP at all\r\n\r\n",
    ],
    ids=["silence", "half a body", "broken chunk", "another protocol"],
)
async def test_an_answer_that_does_not_come_or_cannot_be_read_is_lost(told: bytes) -> None:
    async with _vendor(lambda *_: told) as (vendor, session):
        with pytest.raises(OutcomeUnknown):
            await session.send("PUT", f"{vendor.url}/x", effect=Effectful.WRITE, document={})
        assert len(vendor.requests) == 1


async def test_connections_are_used_again_and_only_what_was_asked_for_is_said() -> None:
    async with _vendor(lambda *_: _OK) as (vendor, session):
        for _ in range(3):
            await session.send(
                "PUT", f"{vendor.url}/x/eid:a%2Fb?q=1%2B1", effect=Effectful.WRITE, headers={"X-Own": "1"}, document={}
            )

        assert vendor.connections == 1
        head = vendor.requests[0].partition(b"\r\n\r\n")[0].lower()
        assert head.startswith(b"put /x/eid:a%2fb?q=1%2b1 http/1.1\r\n")
        assert head.count(b"\r\nhost:") == head.count(b"\r\ncontent-length: 2") == head.count(b"\r\nx-own: 1") == 1
        assert b"cookie" not in head


async def test_a_packed_answer_reaches_the_bounded_reader_as_it_came() -> None:
    packed = gzip.compress(b'{"a": 1}')
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    async with _vendor(lambda *_: head + packed) as (vendor, session):
        reply = await session.send("GET", vendor.url, effect=Effectful.READ)
        assert reply.content == b'{"a": 1}'


async def test_a_call_that_is_given_up_takes_its_connection_with_it() -> None:
    async with _vendor(lambda number, _: b"" if number == 1 else _OK) as (vendor, session):
        waiting = asyncio.create_task(session.send("PUT", f"{vendor.url}/x", effect=Effectful.WRITE))
        await vendor.asked.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

        assert (await session.send("PUT", f"{vendor.url}/x", effect=Effectful.WRITE)).status == 200
        assert vendor.connections == 2
