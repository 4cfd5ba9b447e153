from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Sequence

from google.protobuf.json_format import MessageToJson, Parse, ParseError
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from temporalio.api.common.v1 import Payload, Payloads

from api.body import BodyRefused, read_body
from runtime.payload_codec import Sealing
from runtime.payload_keys import PayloadKey

__all__ = ["codec_app"]

_BODY_BYTES = 8_000_000
_BODY_READ_S = 10.0
_HEADERS = ("authorization", "content-type", "x-namespace")

Turn = Callable[[Sequence[Payload]], Awaitable[list[Payload]]]


def codec_app(keys: Sequence[PayloadKey], token: SecretStr, *, origin: str = "") -> Starlette:
    """Seals and opens payloads for the engine's own tools: its Web UI and its command line.

    Whoever has the token reads what people typed in, so it is for operators alone. The command line sends it as
    `Authorization: Bearer`; a browser sends it as the password of a sign-in, once `sign-in` has asked for it.
    """
    sealing = Sealing(keys)
    allowed = _Allowed(token)
    routes = [
        Route("/sign-in", allowed.only(_signed_in), methods=["GET"]),
        Route("/encode", allowed.only(_turned(sealing.encode)), methods=["POST"]),
        Route("/decode", allowed.only(_turned(sealing.decode)), methods=["POST"]),
    ]
    page = Middleware(
        CORSMiddleware,
        allow_origins=[origin] if origin else [],
        allow_methods=["POST"],
        allow_headers=_HEADERS,
        allow_credentials=True,
    )
    return Starlette(routes=routes, middleware=[page])


class _Allowed:
    """Lets those in who have the token."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    def only(self, route: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """The route, for those."""

        async def guarded(request: Request) -> Response:
            if self._has_token(request.headers.get("authorization", "")):
                return await route(request)
            return JSONResponse(
                {"error": 'Send the token of TIELINE_CODEC__TOKEN: `temporal --codec-auth "Bearer TOKEN"`.'},
                status_code=401,
                headers={"www-authenticate": 'Basic realm="Tieline payloads", charset="UTF-8"'},
            )

        return guarded

    def _has_token(self, header: str) -> bool:
        kind, _, given = header.partition(" ")
        if kind.lower() == "basic":
            try:
                given = base64.b64decode(given, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError, ValueError):
                return False
        elif kind.lower() != "bearer":
            return False
        return hmac.compare_digest(given.strip().encode(), self._token.get_secret_value().encode())


async def _signed_in(request: Request) -> Response:  # noqa: ARG001 - a route's signature
    return PlainTextResponse("This browser may now open payloads in the engine's Web UI.\n")


def _turned(turn: Turn) -> Callable[[Request], Awaitable[Response]]:
    async def route(request: Request) -> Response:
        try:
            body = await read_body(request, limit=_BODY_BYTES, within_s=_BODY_READ_S)
            payloads = Parse(body, Payloads())
        except BodyRefused as refused:
            said = f"The payloads were not taken: at most {_BODY_BYTES} bytes, within {_BODY_READ_S:g} s."
            return JSONResponse({"error": said}, status_code=refused.status)
        except (ParseError, UnicodeDecodeError, RecursionError):
            return JSONResponse({"error": "The body is no list of payloads in JSON."}, status_code=400)
        turned = Payloads(payloads=await turn(payloads.payloads))
        return Response(MessageToJson(turned, indent=None), media_type="application/json")

    return route
