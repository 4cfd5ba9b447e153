from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

import httpx

from models.base import Canonical
from models.errors import NotSent, OutcomeUnknown, Retryable

__all__ = ["Effectful", "Reply", "VendorSession"]

_MAX_BODY = 20 * 1024 * 1024

_NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
"""Transport failures that happen before the first byte of the request is on the wire."""


class Effectful(StrEnum):
    """Whether a request can change something at the vendor."""

    READ = "read"
    WRITE = "write"


class Reply(Canonical):
    """A vendor's answer, whole and bounded. What it says is not believed yet."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    content: bytes

    @property
    def is_json(self) -> bool:
        """Whether it calls itself JSON; a maintenance page with status 200 does not."""
        return "json" in self.headers.get("content-type", "")

    def document(self) -> Any:
        """The document, with every decimal exact. Raises ValueError when it is not what it calls itself."""
        return json.loads(self.content, parse_float=Decimal)


class VendorSession:
    """One long-lived HTTP client of one account, and the only place where transport failures get a business meaning.

    No retries here: the engine retries. A request that never left is NotSent; one whose answer was lost is
    OutcomeUnknown (a write) or Retryable (a read).
    """

    def __init__(self, http: httpx.AsyncClient, *, system: str, max_body: int = _MAX_BODY) -> None:
        self._http = http
        self._system = system
        self._max_body = max_body

    async def send(
        self,
        method: str,
        url: str,
        *,
        effect: Effectful,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        document: Any = None,
        form: Mapping[str, str] | None = None,
        auth: httpx.Auth | None = None,
    ) -> Reply:
        """Send one request and read the whole answer, at most `max_body` bytes after decompression."""
        body = None if document is None else json.dumps(document, default=_exact).encode()
        sent_headers = {**({"Content-Type": "application/json"} if body is not None else {}), **(headers or {})}
        try:
            request = self._http.build_request(
                method, url, headers=sent_headers, params=params, content=body, data=dict(form) if form else None
            )
            answer = await self._http.send(request, stream=True, auth=auth or httpx.USE_CLIENT_DEFAULT)
            try:
                return await self._read(answer, effect)
            finally:
                await answer.aclose()
        except _NEVER_LEFT as failed:
            raise NotSent(f"{self._system} cannot be reached ({type(failed).__name__}); nothing was sent.") from failed
        except (httpx.TransportError, httpx.DecodingError) as failed:
            raise self._lost(effect, type(failed).__name__) from failed

    async def _read(self, answer: httpx.Response, effect: Effectful) -> Reply:
        parts: list[bytes] = []
        size = 0
        async for part in answer.aiter_bytes():
            size += len(part)
            if size > self._max_body:
                raise self._lost(effect, f"answer larger than {self._max_body // 1024 // 1024} MB")
            parts.append(part)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(status=answer.status_code, headers=headers, content=b"".join(parts))

    def _lost(self, effect: Effectful, what: str) -> Retryable:
        if effect is Effectful.WRITE:
            return OutcomeUnknown(
                f"{self._system} did not confirm the request ({what}). We are checking; "
                "nothing is repeated until we know."
            )
        return Retryable(f"{self._system} did not answer ({what}). It is asked again.")


def _exact(value: object) -> Any:
    """Decimals as JSON numbers without a detour over a binary float where they fit, else as their text."""
    if isinstance(value, Decimal):
        as_float = float(value)
        return as_float if Decimal(repr(as_float)) == value else str(value)
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")
