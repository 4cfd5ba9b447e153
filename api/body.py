from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request

__all__ = ["BodyRefused", "read_body"]

_PASSING_BYTES = 32_000_000
_PASSING_S = 2.0


class BodyRefused(Exception):
    """The body was not taken: `status` is what the sender gets, the text says why and what to do."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


async def read_body(request: Request, *, limit: int, within_s: float) -> bytes:
    """The raw bytes, never more than `limit` of them in memory, whatever the sender announced."""
    announced = request.headers.get("content-length")
    if announced is not None and not (announced.isascii() and announced.isdigit()):
        raise BodyRefused(400, "The content-length header is no number. Send the length of the body.")
    stream = request.stream()
    if announced is not None and int(announced[:20]) > limit:
        if "expect" not in request.headers:
            await _let_pass(stream)
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(within_s):
            async for part in stream:
                size += len(part)
                if size > limit:
                    break
                parts.append(part)
    except TimeoutError as slow:
        raise BodyRefused(408, f"The body did not arrive within {within_s:g} s. Send the event again.") from slow
    except ClientDisconnect as gone:
        raise BodyRefused(400, "The sender went away before its body was complete.") from gone
    if size > limit:
        parts.clear()
        await _let_pass(stream)
        raise _too_large(limit)
    if announced is not None and size != int(announced[:20]):
        raise BodyRefused(400, "The body is not as long as its content-length says. Send the event again.")
    return b"".join(parts)


async def _let_pass(stream: AsyncIterator[bytes]) -> None:
    """Drop the rest of a refused body, within bounds: a socket closed on a writing sender loses our answer."""
    dropped = 0
    try:
        async with asyncio.timeout(_PASSING_S):
            async for part in stream:
                dropped += len(part)
                if dropped > _PASSING_BYTES:
                    return
    except (TimeoutError, ClientDisconnect):
        return


def _too_large(limit: int) -> BodyRefused:
    return BodyRefused(413, f"An event has at most {limit} bytes. Send the record id only, not the record.")
