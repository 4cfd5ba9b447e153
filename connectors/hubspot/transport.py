from __future__ import annotations

from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from connector_kit import Effectful, Fault, Reply, VendorSession
from connectors.hubspot.auth import TokenSource
from connectors.hubspot.complaints import fault_of
from connectors.hubspot.config import HubSpotConfig
from connectors.hubspot.errors import SIGN_IN, TokenExpired, rest_error
from connectors.hubspot.pacing import Pace
from models.errors import Fatal

__all__ = ["Transport"]

_ANSWERED = frozenset({200, 201, 204, 207})
_WINDOW_S = 10.0
Wire = TypeVar("Wire", bound=BaseModel)


class Transport:
    """Signed-in calls inside our share of the account's limits; answers are wire models or errors of ours."""

    def __init__(self, http: httpx.AsyncClient, config: HubSpotConfig) -> None:
        self._config = config
        self._session = VendorSession(
            http, system="HubSpot", max_body=config.max_body_bytes, concurrency=config.concurrency
        )
        self._tokens = TokenSource(self._session, config)
        self._calls = Pace(config.calls_per_10_s, _WINDOW_S)
        self._searches = Pace(config.searches_per_s, 1.0)

    async def read(self, model: type[Wire], path: str, *, record: str, params: dict[str, str] | None = None) -> Wire:
        """GET one document."""
        reply = await self._call("GET", path, Effectful.READ, record=record, params=params, document=None)
        return _parsed(model, reply, Effectful.READ, record)

    async def ask(self, model: type[Wire], path: str, document: Any, *, record: str, is_search: bool = False) -> Wire:
        """POST that only reads."""
        if is_search:
            await self._searches.turn()
        reply = await self._call("POST", path, Effectful.READ, record=record, params=None, document=document)
        return _parsed(model, reply, Effectful.READ, record)

    async def write(self, model: type[Wire], method: str, path: str, document: Any, *, record: str) -> Wire:
        """A call that changes something and answers with what became of it."""
        reply = await self._call(method, path, Effectful.WRITE, record=record, params=None, document=document)
        return _parsed(model, reply, Effectful.WRITE, record)

    async def write_unread(self, method: str, path: str, document: Any, *, record: str) -> None:
        """A call that changes something and whose answer tells nothing but that it worked."""
        await self._call(method, path, Effectful.WRITE, record=record, params=None, document=document)

    async def _call(
        self, method: str, path: str, effect: Effectful, *, record: str, params: dict[str, str] | None, document: Any
    ) -> Reply:
        """One call; when the token is called expired, make a new one and repeat once: a 401 was not executed."""
        token = await self._tokens.token()
        try:
            return await self._send(token, method, path, effect, record=record, params=params, document=document)
        except TokenExpired:
            token = await self._tokens.token(refused=token)
        try:
            return await self._send(token, method, path, effect, record=record, params=params, document=document)
        except TokenExpired as again:
            raise Fatal(
                "HubSpot refuses a sign-in it has only just given. Check the clock of this machine and that `base_url` "
                "and the app belong to one account.",
                code=SIGN_IN,
            ) from again

    async def _send(
        self,
        token: str,
        method: str,
        path: str,
        effect: Effectful,
        *,
        record: str,
        params: dict[str, str] | None,
        document: Any,
    ) -> Reply:
        await self._calls.turn()
        reply = await self._session.send(
            method,
            f"{self._config.root_url}{path}",
            effect=effect,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            params=params,
            document=document,
        )
        if reply.status in _ANSWERED:
            return reply
        raise rest_error(fault_of(reply, record=record), effect)


def _parsed(model: type[Wire], reply: Reply, effect: Effectful, record: str) -> Wire:
    try:
        if reply.is_json:
            return model.model_validate(reply.document())
    except ValueError as unreadable:  # ValidationError is one
        raise rest_error(Fault(code="", status=reply.status, record=record), effect) from unreadable
    raise rest_error(Fault(code="", status=reply.status, record=record), effect)
