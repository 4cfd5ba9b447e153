from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Self

import httpx
import pytest

from api.serving import ApiServer
from models.events import CrmEvent
from runtime.setting_problems import WrongSetting
from runtime.settings import Limits
from tests.api.edge import SECRET, Edge, event_body, signed


async def test_a_signed_event_is_stored_before_it_is_accepted(edge: Edge) -> None:
    answer = await edge.post(event_body())

    assert answer.status_code == 202
    assert answer.json() == {"event": "e-1", "duplicate": False}
    (row,) = await edge.store.inbox.list_waiting(10)
    assert (row.event.event_id, row.event.record_id, row.event.connection) == ("e-1", "deal-1", "crm-main")
    assert len(edge.woken) == 1


async def test_the_same_event_fifty_times_is_one_row(edge: Edge) -> None:
    answers = await asyncio.gather(*(edge.post(event_body()) for _ in range(50)))

    assert sorted(answer.status_code for answer in answers) == [200] * 49 + [202]
    assert len(await edge.store.inbox.list_waiting(100)) == 1
    assert len(edge.woken) == 1


async def test_both_secrets_hold_while_one_replaces_the_other(edge: Edge) -> None:
    body = event_body()

    assert (await edge.post(body, signed(body, secret="the-next-secret-in-line"))).status_code == 202


@pytest.mark.parametrize(
    "headers_now",
    [
        dict,
        lambda: signed(event_body(), secret="a-wrong-secret-altogether"),
        lambda: signed(event_body("e-2")),
        lambda: signed(event_body(), at=datetime.now(UTC) - timedelta(minutes=6)),
        lambda: signed(event_body(), at=datetime.now(UTC) + timedelta(minutes=6)),
        lambda: {**signed(event_body()), "x-timestamp": "soon"},
    ],
    ids=["unsigned", "wrong secret", "signature of another event", "replayed late", "from the future", "no time"],
)
async def test_a_forged_or_stale_event_is_refused_and_written_down(
    edge: Edge, headers_now: Callable[[], dict[str, str]]
) -> None:
    answer = await edge.post(event_body(), headers_now())

    assert answer.status_code == 401
    assert await edge.store.inbox.list_waiting(10) == ()
    (facts,) = await edge.refusals()
    assert facts["status"] == "401"
    assert edge.woken == []


async def test_a_malformed_event_is_refused_with_the_name_of_the_field(edge: Edge) -> None:
    answer = await edge.post(event_body(record={"canary": "DE123456789"}))

    assert answer.status_code == 400
    assert "record" in answer.json()["error"]
    (facts,) = await edge.refusals()
    assert "canary" not in str(facts)
    assert "canary" not in answer.text


async def test_nothing_of_a_refused_body_is_kept(edge: Edge) -> None:
    await edge.post(b'{"canary": "ada@customer.example"}', {})
    await edge.post(b"\x00\xff canary", signed(b"\x00\xff canary"))

    refusals = await edge.refusals()
    assert [facts["status"] for facts in refusals] == ["401", "400"]
    assert "canary" not in str(refusals)


async def test_an_unknown_connection_takes_no_events(edge: Edge) -> None:
    answer = await edge.post(event_body(), connection="canary-main")

    assert answer.status_code == 404
    (facts,) = await edge.refusals()
    assert "canary" not in str(facts)
    assert len(facts["connection_sha256"]) == 64


async def test_a_sender_that_speaks_too_often_is_told_how_long_to_wait(make_edge: Callable[..., Edge]) -> None:
    edge = make_edge(Limits(events_per_minute=3))

    answers = [await edge.post(event_body(f"e-{number}")) for number in range(6)]

    assert [answer.status_code for answer in answers] == [202, 202, 202, 429, 429, 429]
    assert int(answers[3].headers["retry-after"]) >= 1
    assert len(await edge.refusals()) == 1


async def test_made_up_names_share_one_allowance(make_edge: Callable[..., Edge]) -> None:
    edge = make_edge(Limits(events_per_minute=2))

    answers = [await edge.post(b"{}", connection=f"guess-{number}") for number in range(4)]

    assert [answer.status_code for answer in answers] == [404, 404, 429, 429]


async def test_an_event_that_cannot_be_stored_is_not_accepted(make_edge: Callable[..., Edge]) -> None:
    class Broken:
        async def accept(self, event: CrmEvent, raw: bytes, *, traceparent: str | None = None) -> bool:
            raise OSError("disk full: canary")

    edge = make_edge(inbox=Broken())

    answer = await edge.post(event_body())

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"
    assert "canary" not in answer.text
    assert edge.woken == []


async def test_only_post_brings_an_event(edge: Edge) -> None:
    assert (await edge.client.get("/intake/crm-main")).status_code == 405
    assert (await edge.client.get("/docs")).status_code == 404


class _Served:
    """The app behind a real socket, for what only a socket can do."""

    def __init__(self, edge: Edge) -> None:
        self.server = ApiServer(edge.app, host="127.0.0.1", port=0)

    async def __aenter__(self) -> Self:
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop()

    async def raw(self, *parts: bytes, half_close: bool = False) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        for part in parts:
            writer.write(part)
        try:
            await writer.drain()
            if half_close:
                writer.write_eof()
            return await asyncio.wait_for(reader.read(4096), 5)
        except ConnectionError:
            return b""
        finally:
            writer.close()


def _head(length: int | str, **headers: str) -> bytes:
    lines = [f"POST /intake/crm-main HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in headers.items()]
    return ("".join(lines) + "\r\n").encode()


async def test_ten_megabytes_without_an_announced_length_are_refused_and_never_held(edge: Edge) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(160):
            yield b"x" * 65536

    tracemalloc.start()
    try:
        async with _Served(edge) as served, httpx.AsyncClient() as client:
            answer = await client.post(f"http://127.0.0.1:{served.server.port}/intake/crm-main", content=body())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert answer.status_code == 413
    assert peak < 5_000_000
    assert (await edge.refusals())[0]["status"] == "413"


async def test_ten_megabytes_that_are_announced_are_refused(edge: Edge) -> None:
    async with _Served(edge) as served, httpx.AsyncClient() as client:
        answer = await client.post(f"http://127.0.0.1:{served.server.port}/intake/crm-main", content=b"x" * 10_000_000)

    assert answer.status_code == 413
    assert (await edge.refusals())[0]["status"] == "413"


async def test_a_sender_that_asks_first_is_refused_at_once(edge: Edge) -> None:
    async with _Served(edge) as served:
        answer = await served.raw(_head(10_000_000, Expect="100-continue"))

    assert answer.startswith(b"HTTP/1.1 413")


async def test_a_large_body_that_never_comes_is_refused_all_the_same(edge: Edge) -> None:
    async with _Served(edge) as served:
        answer = await served.raw(_head(10_000_000))

    assert answer.startswith(b"HTTP/1.1 413")


async def test_a_slow_body_is_given_up(make_edge: Callable[..., Edge]) -> None:
    edge = make_edge(Limits(event_read_s=0.2))
    async with _Served(edge) as served:
        answer = await served.raw(_head(100), b"only a start")

    assert answer.startswith(b"HTTP/1.1 408")
    assert (await edge.refusals())[0]["status"] == "408"


async def test_bytes_beyond_the_announced_length_are_not_part_of_the_event(edge: Edge) -> None:
    body = event_body()
    async with _Served(edge) as served:
        answer = await served.raw(_head(len(body) - 5, **signed(body)), body)

    assert answer.startswith(b"HTTP/1.1 401")
    assert await edge.store.inbox.list_waiting(1) == ()


async def test_a_body_shorter_than_announced_is_never_accepted(make_edge: Callable[..., Edge]) -> None:
    edge = make_edge(Limits(event_read_s=0.3))
    body = event_body()
    async with _Served(edge) as served:
        await served.raw(_head(len(body) + 10, **signed(body)), body, half_close=True)

    assert await edge.store.inbox.list_waiting(1) == ()


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "99999999999999999999999", "5, 6"])
async def test_an_absurd_length_is_refused(edge: Edge, length: str) -> None:
    async with _Served(edge) as served:
        answer = await served.raw(_head(length), b"{}")

    assert answer.split(b" ")[1] in {b"400", b"413"}
    assert await edge.store.inbox.list_waiting(1) == ()


async def test_a_port_that_is_taken_names_the_setting(edge: Edge) -> None:
    async with _Served(edge) as served:
        second = ApiServer(edge.app, host="127.0.0.1", port=served.server.port)
        with pytest.raises(WrongSetting, match="TIELINE_API_PORT"):
            await second.start()


def test_the_secret_is_not_part_of_a_printed_sender(edge: Edge) -> None:
    assert SECRET not in repr(edge.app.routes)
