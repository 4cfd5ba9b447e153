import asyncio
import gzip
import logging
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import suppress
from decimal import Decimal

import httpx
import pytest

from connector_kit import Effectful, Reply, VendorSession
from connector_kit.bounded_body import BodyTooLarge, BoundedBody, UnreadableBody
from models.errors import Fatal, NotSent, OutcomeUnknown, Retryable

JSON = {"Content-Type": "application/json"}


class Pieces(httpx.AsyncByteStream):
    """A body that arrives in pieces, made when they are asked for."""

    def __init__(self, piece: bytes, times: int) -> None:
        self.piece = piece
        self.left = times

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.left:
            self.left -= 1
            yield self.piece


async def ask(handler: object, *, effect: Effectful = Effectful.READ, url: str = "/x", **limits: object) -> Reply:
    transport = httpx.MockTransport(handler)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://vendor") as http:
        return await VendorSession(http, system="Vendor", **limits).send("GET", url, effect=effect)  # type: ignore[arg-type]


def failing(error: Exception) -> object:
    def handler(_: httpx.Request) -> httpx.Response:
        raise error

    return handler


@pytest.mark.parametrize("error", [httpx.ConnectError("no"), httpx.ConnectTimeout("no"), httpx.PoolTimeout("no")])
@pytest.mark.parametrize("effect", list(Effectful))
async def test_a_request_that_never_left_had_no_effect(error: Exception, effect: Effectful) -> None:
    with pytest.raises(NotSent, match="nothing was sent"):
        await ask(failing(error), effect=effect)


@pytest.mark.parametrize(
    "error",
    [
        httpx.ReadTimeout("no"),
        httpx.WriteTimeout("no"),
        httpx.ReadError("no"),
        httpx.WriteError("no"),
        httpx.CloseError("no"),
        httpx.RemoteProtocolError("no"),
        httpx.ProxyError("no"),
        httpx.DecodingError("no"),
        httpx.TooManyRedirects("no"),
        TimeoutError(),
    ],
)
async def test_a_lost_answer_leaves_a_write_unknown_and_lets_a_read_be_asked_again(error: Exception) -> None:
    with pytest.raises(OutcomeUnknown):
        await ask(failing(error), effect=Effectful.WRITE)
    with pytest.raises(Retryable) as read:
        await ask(failing(error), effect=Effectful.READ)
    assert type(read.value) is Retryable


async def test_a_hundred_megabytes_are_refused_after_the_first_twenty_with_bounded_memory() -> None:
    body = Pieces(b"x" * 65_536, 1600)
    tracemalloc.start()
    try:
        with pytest.raises(OutcomeUnknown, match="larger than 20 MB"):
            await ask(lambda _: httpx.Response(200, stream=body), effect=Effectful.WRITE)
        assert tracemalloc.get_traced_memory()[1] < 45_000_000
    finally:
        tracemalloc.stop()
    assert body.left > 1200


async def test_a_small_packed_answer_that_unpacks_to_a_huge_one_is_refused_with_bounded_memory() -> None:
    bomb = gzip.compress(b"\0" * 100_000_000, 9)
    packed = {"Content-Encoding": "gzip"}
    tracemalloc.start()
    try:
        with pytest.raises(Retryable, match="larger than 2 MB"):
            await ask(lambda _: httpx.Response(200, headers=packed, stream=Pieces(bomb, 1)), max_body=2_000_000)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


async def test_a_packed_answer_is_unpacked_and_one_that_ends_early_is_no_answer() -> None:
    packed = gzip.compress(b'{"a": 1}') + gzip.compress(b" ")
    headers = {**JSON, "Content-Encoding": "gzip"}
    reply = await ask(lambda _: httpx.Response(200, headers=headers, stream=Pieces(packed, 1)))
    assert reply.document() == {"a": 1}
    with pytest.raises(Retryable, match="ends early"):
        await ask(lambda _: httpx.Response(200, headers=headers, stream=Pieces(packed[:12], 1)))
    with pytest.raises(Retryable, match="does not unpack"):
        await ask(lambda _: httpx.Response(200, headers=headers, stream=Pieces(b"plain", 1)))
    with pytest.raises(Retryable, match="packed as br"):
        await ask(lambda _: httpx.Response(200, headers={"Content-Encoding": "br"}, stream=Pieces(b"x", 1)))


def test_a_body_is_bounded_to_the_byte() -> None:
    body = BoundedBody("", 3)
    body.feed(b"abc")
    assert body.whole() == b"abc"
    with pytest.raises(BodyTooLarge):
        body.feed(b"d")
    exact = BoundedBody("gzip", 3)
    exact.feed(gzip.compress(b"abc"))
    assert exact.whole() == b"abc"
    with pytest.raises(UnreadableBody):
        BoundedBody("zstd", 3)


async def test_amounts_are_exact_and_what_is_no_json_is_said_to_be_none() -> None:
    reply = await ask(lambda _: httpx.Response(200, content=b'{"amount": 250000.10}', headers=JSON))
    assert reply.document() == {"amount": Decimal("250000.10")}
    for content in (b'{"amount": NaN}', b"[" * 100_000, b'{"a": 1', b"\xff", b"1" * 5000):
        broken = await ask(lambda _, content=content: httpx.Response(200, content=content, headers=JSON))
        with pytest.raises(ValueError, match=r".+"):
            broken.document()


@pytest.mark.parametrize(
    ("kind", "is_json"),
    [
        ("application/json;charset=UTF-8", True),
        ("application/problem+json", True),
        ("text/html", False),
        ("text/html; was=application/json", False),
        ("", False),
    ],
)
async def test_a_page_is_never_data(kind: str, is_json: bool) -> None:
    reply = await ask(lambda _: httpx.Response(200, content=b"{}", headers={"Content-Type": kind}))
    assert reply.is_json is is_json


async def test_an_answer_that_drips_ends_at_the_deadline() -> None:
    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(OutcomeUnknown):
        await ask(never, effect=Effectful.WRITE, deadline_s=0.05)


async def test_no_more_calls_are_in_flight_than_the_account_allows() -> None:
    running, most, gate = 0, 0, asyncio.Event()

    async def handler(_: httpx.Request) -> httpx.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 2:
            gate.set()
        await gate.wait()
        running -= 1
        return httpx.Response(200, json={})

    async with httpx.AsyncClient(transport=httpx.MockTransport(handler), base_url="http://vendor") as http:
        session = VendorSession(http, system="Vendor", concurrency=2)
        await asyncio.gather(*(session.send("GET", "/x", effect=Effectful.READ) for _ in range(8)))
    assert most == 2


async def test_a_wrong_address_is_a_matter_of_settings_and_no_exception_of_the_transport() -> None:
    with pytest.raises(Fatal, match="settings"):
        await ask(lambda _: httpx.Response(200), url="http://vendor:port/")


async def test_a_reply_does_not_show_its_content_when_printed() -> None:
    reply = await ask(lambda _: httpx.Response(200, json={"secret": "abc"}, headers={"X-Token": "abc"}))
    assert "abc" not in repr(reply)


async def test_an_outage_is_logged_when_it_begins_and_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="tieline.vendor")
    answers: list[int | Exception] = [200, httpx.ConnectError("no"), httpx.ReadTimeout("no"), 503, 200, 404, 502, 500]

    def handler(_: httpx.Request) -> httpx.Response:
        said = answers.pop(0)
        if isinstance(said, Exception):
            raise said
        return httpx.Response(said, json={})

    async with httpx.AsyncClient(transport=httpx.MockTransport(handler), base_url="http://vendor") as http:
        session = VendorSession(http, system="Vendor")
        while answers:
            with suppress(Retryable):
                await session.send("GET", "/x", effect=Effectful.READ)
    told = [(record.levelname, record.message) for record in caplog.records]
    assert told == [("WARNING", "vendor.away"), ("INFO", "vendor.back")] * 2
    assert {record.__dict__["tieline_fields"]["system"] for record in caplog.records} == {"Vendor"}
    assert caplog.records[0].__dict__["tieline_fields"]["reason"] == "ConnectError"
