from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from decimal import Decimal
from enum import StrEnum
from typing import Any

import httpx
from pydantic import Field

from connector_kit.bounded_body import BodyTooLarge, BoundedBody, UnreadableBody
from connector_kit.outage import Outage
from models.base import Canonical
from models.errors import Fatal, NotSent, OutcomeUnknown, Retryable

__all__ = ["Effectful", "Reply", "VendorSession"]

_MAX_BODY = 20 * 1000 * 1000
_DEADLINE_S = 120.0
_LONGEST_WAIT = 6
"""Digits; a week is less than a million seconds."""

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
    headers: dict[str, str] = Field(repr=False)
    """Names in lower case."""
    content: bytes = Field(repr=False)

    @property
    def is_json(self) -> bool:
        """Whether it calls itself JSON; a maintenance page with status 200 does not."""
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return media_type.endswith(("/json", "+json"))

    @property
    def retry_after_s(self) -> float | None:
        """How many seconds the vendor asks us to wait; None when it does not say so in seconds."""
        text = self.headers.get("retry-after", "").strip()
        return float(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_WAIT else None

    def document(self) -> Any:
        """The document, with every decimal exact. Raises ValueError when it is not what it calls itself."""
        try:
            return json.loads(self.content, parse_float=Decimal, parse_constant=_no_number)
        except RecursionError as nested:
            raise ValueError("The document is nested too deeply.") from nested


class VendorSession:
    """One long-lived HTTP client of one account, and the only place where transport failures get a business meaning.

    No retries here: the engine retries. A request that never left is NotSent; one whose answer was lost is
    OutcomeUnknown (a write) or Retryable (a read). `concurrency` bounds the calls in flight (0: not here);
    `deadline_s` bounds one call from its first byte to its last, against an answer that drips.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        system: str,
        max_body: int = _MAX_BODY,
        concurrency: int = 0,
        deadline_s: float = _DEADLINE_S,
    ) -> None:
        self._http = http
        self._system = system
        self._outage = Outage(system)
        self._max_body = max_body
        self._deadline_s = deadline_s
        self._slots: AbstractAsyncContextManager[Any] = asyncio.Semaphore(concurrency) if concurrency else nullcontext()

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
        request = self._request(method, url, headers=headers, params=params, document=document, form=form)
        try:
            async with self._slots, asyncio.timeout(self._deadline_s):
                answer = await self._http.send(request, stream=True, auth=auth or httpx.USE_CLIENT_DEFAULT)
                try:
                    reply = await self._read(answer)
                finally:
                    await answer.aclose()
        except _NEVER_LEFT as failed:
            self._outage.unreachable(type(failed).__name__)
            raise NotSent(f"{self._system} cannot be reached ({type(failed).__name__}); nothing was sent.") from failed
        except (httpx.HTTPError, TimeoutError) as failed:
            self._outage.unreachable(type(failed).__name__)
            raise self._lost(effect, type(failed).__name__) from failed
        except (BodyTooLarge, UnreadableBody) as failed:
            raise self._lost(effect, str(failed)) from failed
        self._outage.answered(reply.status)
        return reply

    def _request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None,
        params: Mapping[str, str] | None,
        document: Any,
        form: Mapping[str, str] | None,
    ) -> httpx.Request:
        body = None if document is None else json.dumps(document, default=_exact, allow_nan=False).encode()
        sent = {
            # Only what can be unpacked in bounded steps is asked for.
            "Accept-Encoding": "gzip",
            **({"Content-Type": "application/json"} if body is not None else {}),
            **(headers or {}),
        }
        try:
            return self._http.build_request(
                method, url, headers=sent, params=params, content=body, data=dict(form) if form else None
            )
        except httpx.InvalidURL as wrong:
            raise Fatal(f"The address of {self._system} in the connection's settings is not a valid URL.") from wrong

    async def _read(self, answer: httpx.Response) -> Reply:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if answer.is_stream_consumed:
            # The transport held the whole body already and httpx has unpacked it.
            body = BoundedBody("identity", self._max_body)
            body.feed(answer.content)
        else:
            body = BoundedBody(headers.get("content-encoding", ""), self._max_body)
            async for piece in answer.aiter_raw():
                body.feed(piece)
        return Reply(status=answer.status_code, headers=headers, content=body.whole())

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


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not a number.")
