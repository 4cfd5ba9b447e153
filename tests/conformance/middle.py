"""A relay between an adapter and a system: it counts, loses answers, and answers in the system's place."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

__all__ = ["NO_TLS", "Asked", "Cut", "Flood", "Middle", "Relabel", "Say", "memory_kb", "open_middle"]


NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients that speak plain HTTP on loopback: reading the machine's authorities takes longer than most tests."""


@dataclass(frozen=True)
class Asked:
    """One request that came by."""

    method: str
    target: str


class Cut:
    """The system does the work, and nobody hears of it."""


@dataclass(frozen=True)
class Say:
    """The system is not asked; this is the answer. `length` is what the head claims when the body is cut short."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    length: int | None = None


@dataclass(frozen=True)
class Relabel:
    """The system answers, and its answer calls itself something else."""

    content_type: str


@dataclass(frozen=True)
class Flood:
    """The system is not asked; the answer is this much JSON, as fast as it is read."""

    size: int


Act = Cut | Say | Relabel | Flood


@dataclass
class _Order:
    matches: Callable[[Asked], bool]
    act: Act
    skip: int
    times: int


@dataclass
class Middle:
    """The relay. Orders act on the requests they match, after `skip` of them, `times` times."""

    upstream: httpx.URL
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    acted: int = 0
    sent_in_flood: int = 0
    most_memory_kb: int = 0
    _orders: list[_Order] = field(default_factory=list)

    def order(self, act: Act, matches: Callable[[Asked], bool], *, skip: int = 0, times: int = 1) -> None:
        """From now on, do this."""
        self._orders.append(_Order(matches, act, skip, times))

    def calm(self) -> None:
        """Forget all orders and what came by."""
        self._orders.clear()
        self.asked.clear()
        self.acted = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                request = await _request(reader)
                method, target, _ = request.partition(b"\r\n")[0].decode().split(" ", 2)
                asked = Asked(method, target)
                self.asked.append(asked)
                await self._answer(request, self._due(asked), writer)
        finally:
            writer.close()

    def _due(self, asked: Asked) -> Act | None:
        for order in self._orders:
            if order.times and order.matches(asked):
                if order.skip:
                    order.skip -= 1
                    continue
                order.times -= 1
                self.acted += 1
                return order.act
        return None

    async def _answer(self, request: bytes, act: Act | None, writer: asyncio.StreamWriter) -> None:
        match act:
            case Say():
                writer.write(_spoken(act))
            case Flood():
                await self._flood(act, writer)
            case Cut():
                await self._pass_on(request)
            case Relabel():
                head, _, body = (await self._pass_on(request)).partition(b"\r\n\r\n")
                named = f"\r\ncontent-type: {act.content_type}".encode()
                writer.write(re.sub(rb"(?i)\r\ncontent-type:[^\r]*", named, head) + b"\r\n\r\n" + body)
            case None:
                writer.write(await self._pass_on(request))
        await writer.drain()

    async def _pass_on(self, request: bytes) -> bytes:
        server, sending = await asyncio.open_connection(self.upstream.host, self.upstream.port)
        try:
            # The system ends the connection after its answer, so the end of the one is the end of the other.
            sending.write(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            await sending.drain()
            return await server.read(-1)
        finally:
            sending.close()

    async def _flood(self, flood: Flood, writer: asyncio.StreamWriter) -> None:
        writer.write(_spoken(Say(length=flood.size)))
        piece = b'["x",' * 13_000
        while self.sent_in_flood < flood.size:
            writer.write(piece)
            await writer.drain()
            self.sent_in_flood += len(piece)
            self.most_memory_kb = max(self.most_memory_kb, memory_kb())


def memory_kb() -> int:
    """What this process holds in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return head + await reader.readexactly(int(found[1]) if found else 0)


def _spoken(say: Say) -> bytes:
    headers = [("Content-Type", say.content_type), ("Connection", "close"), *say.headers]
    headers.append(("Content-Length", str(len(say.body) if say.length is None else say.length)))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {say.status} X\r\n{lines}\r\n".encode() + say.body


@asynccontextmanager
async def open_middle(upstream: str) -> AsyncIterator[Middle]:
    """The relay on a free port, until the block ends."""
    middle = Middle(httpx.URL(upstream))
    server = await asyncio.start_server(middle.serve, "127.0.0.1", 0)
    middle.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield middle
    finally:
        server.close()
        await server.wait_closed()
