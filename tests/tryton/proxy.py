"""A small TCP proxy that can lose an answer: the server has done the work, and the client never hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

__all__ = ["Proxy", "open_proxy"]


@dataclass
class Proxy:
    """Counts what passes; `lose` names a piece of the request line whose next answer is lost."""

    upstream: httpx.URL
    url: str = ""
    lose: bytes = b""
    lost: int = 0
    requests: list[str] = field(default_factory=list)

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await self._request(reader)
            answer = await self._answer(request)
            line = request.partition(b"\r\n")[0]
            self.requests.append(line.decode())
            if self.lose and self.lose in line:
                self.lose, self.lost = b"", self.lost + 1
            else:
                writer.write(answer)
                await writer.drain()
        finally:
            writer.close()

    @staticmethod
    async def _request(reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        return head + await reader.readexactly(length)

    async def _answer(self, request: bytes) -> bytes:
        server, sending = await asyncio.open_connection(self.upstream.host, self.upstream.port)
        try:
            # The server ends the connection after each answer, so the end of it is the end of the answer.
            sending.write(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            await sending.drain()
            return await server.read(-1)
        finally:
            sending.close()


@asynccontextmanager
async def open_proxy(upstream: str) -> AsyncIterator[Proxy]:
    """The proxy on a free port, until the block ends."""
    proxy = Proxy(httpx.URL(upstream))
    server = await asyncio.start_server(proxy.pass_on, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        await server.wait_closed()
