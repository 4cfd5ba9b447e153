from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from typing import Protocol
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import jwt

from connectors.netsuite.config import M2mLogin, NetSuiteConfig, TbaLogin
from connectors.netsuite.schemas import Token

__all__ = ["CertificateAuth", "SignIn", "TokenAuth", "assertion", "sign_in", "signature"]

Clock = Callable[[], float]
Exchange = Callable[[str], Awaitable[Token]]
"""Turns a signed assertion into a token; raises one of our errors when that fails."""

_ASSERTION_LIFE_S = 3600
_RENEW_EARLY_S = 60


class SignIn(Protocol):
    """How a request proves who sends it."""

    @property
    def as_httpx(self) -> httpx.Auth:
        """What the HTTP client applies to each request."""
        ...

    @property
    def version(self) -> int:
        """Which credential is in use now; read before a call."""
        ...

    async def renew(self, refused: int) -> bool:
        """The credential of that version was refused; says whether there is a newer one to try."""
        ...


class CertificateAuth(httpx.Auth):
    """Bearer token from a certificate: kept, renewed a minute early, asked for by one caller at a time. Sheet 1.1."""

    def __init__(self, login: M2mLogin, token_url: str, exchange: Exchange, *, clock: Clock = time.time) -> None:
        self._login = login
        self._audience = login.audience or token_url
        self._exchange = exchange
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token = ""
        self._valid_until = 0.0
        self._version = 0

    @property
    def as_httpx(self) -> httpx.Auth:
        """What the HTTP client applies to each request."""
        return self

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Refused: a token is asked for over the network, which only the asynchronous client can wait for."""
        del request
        raise RuntimeError("Use an asynchronous HTTP client with CertificateAuth.")

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Put the token on the request."""
        request.headers["Authorization"] = f"Bearer {await self._current()}"
        yield request

    @property
    def version(self) -> int:
        """How often a token was taken; 0 before the first."""
        return self._version

    async def renew(self, refused: int) -> bool:
        """Ask for a new token, unless another caller has done so since."""
        async with self._lock:
            if self._version == refused:
                await self._ask()
        return True

    async def _current(self) -> str:
        if self._is_fresh():
            return self._token
        async with self._lock:
            if not self._is_fresh():
                await self._ask()
            return self._token

    def _is_fresh(self) -> bool:
        return bool(self._token) and self._clock() < self._valid_until - _RENEW_EARLY_S

    async def _ask(self) -> None:
        asked_at = self._clock()
        token = await self._exchange(assertion(self._login, self._audience, asked_at))
        self._token, self._valid_until = token.access_token, asked_at + token.expires_in
        self._version += 1


class TokenAuth(httpx.Auth):
    """Each request signed with a token (OAuth 1.0a, HMAC-SHA256). Sheet 1.2."""

    def __init__(
        self,
        login: TbaLogin,
        realm: str,
        *,
        clock: Clock = time.time,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._login = login
        self._realm = realm
        self._clock = clock
        self._nonce = nonce

    @property
    def as_httpx(self) -> httpx.Auth:
        """What the HTTP client applies to each request."""
        return self

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request as it is about to be sent."""
        oauth = {
            "oauth_consumer_key": self._login.consumer_key,
            "oauth_token": self._login.token_id,
            "oauth_signature_method": "HMAC-SHA256",
            "oauth_timestamp": str(int(self._clock())),
            "oauth_nonce": self._nonce(),
            "oauth_version": "1.0",
        }
        keys = (self._login.consumer_secret.get_secret_value(), self._login.token_secret.get_secret_value())
        oauth["oauth_signature"] = signature(request.method, str(request.url), oauth, *keys)
        parts = ", ".join(f'{name}="{_pct(value)}"' for name, value in oauth.items())
        request.headers["Authorization"] = f'OAuth realm="{_pct(self._realm)}", {parts}'
        yield request

    @property
    def version(self) -> int:
        """Always the same: every request is signed anew."""
        return 0

    async def renew(self, refused: int) -> bool:
        """There is nothing to renew: a refused token stays refused."""
        del refused
        return False


def sign_in(config: NetSuiteConfig, exchange: Exchange, *, clock: Clock = time.time) -> SignIn:
    """The sign-in this account is configured for."""
    if isinstance(config.login, TbaLogin):
        return TokenAuth(config.login, config.realm, clock=clock)
    return CertificateAuth(config.login, config.token_url, exchange, clock=clock)


def assertion(login: M2mLogin, audience: str, now: float) -> str:
    """The signed statement that we are the integration the certificate was mapped to."""
    claims = {
        "iss": login.client_id,
        "scope": login.scope,
        "aud": audience,
        "iat": int(now),
        "exp": int(now) + _ASSERTION_LIFE_S,
    }
    key = login.private_key_pem.get_secret_value()
    return jwt.encode(claims, key, algorithm=login.algorithm, headers={"kid": login.certificate_id, "typ": "JWT"})


def signature(method: str, url: str, oauth: Mapping[str, str], consumer_secret: str, token_secret: str) -> str:
    """Signature of RFC 5849: query parameters are signed, a JSON body is not; `realm` never takes part."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    pairs += [(name, value) for name, value in oauth.items() if name not in {"realm", "oauth_signature"}]
    normal = "&".join(f"{name}={value}" for name, value in sorted((_pct(name), _pct(value)) for name, value in pairs))
    default_port = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in {None, default_port} else f":{parts.port}"
    base_url = f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
    base = "&".join(_pct(part) for part in (method.upper(), base_url, normal))
    key = f"{_pct(consumer_secret)}&{_pct(token_secret)}"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()).decode()


def _pct(text: str) -> str:
    return quote(text, safe="~-._")
