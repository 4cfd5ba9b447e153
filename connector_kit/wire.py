from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from yarl import URL

__all__ = ["Wire"]

_PIECE = 65_536
_LINE, _FIELD = 65_536, 65_536
_CONNECTING = (aiohttp.ConnectionTimeoutError,)
_DROPPED = (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError)


class Wire(httpx.AsyncBaseTransport):
    """Carries the requests of one HTTP client, at less than half the processor time of the client's own transport.

    What failed is told exactly, because a write depends on it: only what certainly never left is a ConnectError or a
    ConnectTimeout. A request is never sent again by itself. Proxies are those of the environment.
    """

    def __init__(self, *, limits: httpx.Limits, verify: ssl.SSLContext | None = None) -> None:
        self._limits = limits
        self._verify = verify or httpx.create_ssl_context()
        self._session: aiohttp.ClientSession | None = None
        self._proxies = getproxies()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request and the head of its answer; the body is read by the caller."""
        if request.url.scheme not in {"http", "https"}:
            raise httpx.UnsupportedProtocol(f"The scheme {request.url.scheme!r} is not supported.", request=request)
        session = self._opened()
        with _told(request):
            answer = await session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=request.headers.multi_items(),
                data=await request.aread() or None,
                allow_redirects=False,
                timeout=_patience(request.extensions.get("timeout", {})),
                proxy=self._proxy(request.url),
            )
        return httpx.Response(
            answer.status,
            headers=list(answer.raw_headers),
            stream=_Body(answer, request),
            extensions={"http_version": b"HTTP/1.1", "reason_phrase": (answer.reason or "").encode()},
        )

    async def aclose(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()

    def _proxy(self, url: httpx.URL) -> str | None:
        proxy = self._proxies.get(url.scheme) or self._proxies.get("all")
        return None if proxy is None or proxy_bypass(url.host) else proxy

    def _opened(self) -> aiohttp.ClientSession:
        """The connections, opened by the first request: they belong to the loop that runs it."""
        if self._session is None:
            kept = self._limits.keepalive_expiry
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._limits.max_connections or 0,
                    keepalive_timeout=kept if kept is not None else 15.0,
                    ssl=self._verify,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                read_bufsize=_PIECE,
                max_line_size=_LINE,
                max_field_size=_FIELD,
            )
            # The library sends a PUT or a GET again when its connection breaks. For it they are idempotent; for us a
            # request whose answer was lost is looked for, and every call counts. A test holds that this switch works.
            self._session._retry_connection = False  # noqa: SLF001 - there is no public one
        return self._session


class _Body(httpx.AsyncByteStream):
    """The rest of an answer, as it arrives."""

    def __init__(self, answer: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._answer = answer
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _told(self._request):
            async for piece in self._answer.content.iter_any():
                yield piece

    async def aclose(self) -> None:
        """A body that was not read to its end takes its connection with it."""
        if self._answer.content.at_eof():
            self._answer.release()
        else:
            self._answer.close()


def _patience(timeout: dict[str, Any]) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=None, connect=timeout.get("pool"), sock_connect=timeout.get("connect"), sock_read=timeout.get("read")
    )


@contextmanager
def _told(request: httpx.Request) -> Iterator[None]:
    """The transport's failures in the client's words."""
    try:
        yield
    except _CONNECTING as failed:
        raise httpx.ConnectTimeout(str(failed), request=request) from failed
    except aiohttp.ClientConnectorError as failed:
        raise httpx.ConnectError(str(failed), request=request) from failed
    except aiohttp.ServerTimeoutError as failed:
        raise httpx.ReadTimeout(str(failed), request=request) from failed
    except _DROPPED as failed:
        raise httpx.ReadError(str(failed), request=request) from failed
    except aiohttp.InvalidURL as wrong:
        raise httpx.UnsupportedProtocol(str(wrong), request=request) from wrong
    except aiohttp.ClientError as failed:
        raise httpx.RemoteProtocolError(str(failed), request=request) from failed
