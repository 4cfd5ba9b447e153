from __future__ import annotations

import logging
from collections.abc import Mapping

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.health import health_router
from api.intake import Intake
from api.security_headers import SecurityHeaders
from runtime.log_events import log_event
from runtime.readiness import ReadyCheck

__all__ = ["build_app"]


def build_app(
    *,
    intake: Intake,
    checks: Mapping[str, ReadyCheck],
    connections: Mapping[str, ReadyCheck] | None = None,
    codec: ASGIApp | None = None,
) -> FastAPI:
    """The HTTP side of Tieline: signed events in, health out, and payloads opened for operators where that is set up.

    It holds no state and wires nothing itself.
    """
    app = FastAPI(
        title="Tieline",
        summary="What was sold in the CRM becomes billable in the ERP, exactly once.",
        # The interactive pages load their scripts from a CDN; the description itself is enough.
        docs_url=None,
        redoc_url=None,
        # The intake makes its own span; the framework's would take the sender's word for the trace it belongs to.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.add_middleware(_UnexpectedErrors)
    app.add_middleware(SecurityHeaders)
    app.include_router(intake.router())
    app.include_router(health_router(checks, connections))
    if codec is not None:
        app.mount("/codec", codec)
    return app


class _UnexpectedErrors:
    """A bug answers with one plain sentence, never with a stack; what happened is in the log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001 - a process edge: recorded here, told without details
            log_event("request.failed", level=logging.ERROR, exc=error)
            if not started:
                body = {"error": "Something broke on our side. The log says what; send it again."}
                await JSONResponse(body, status_code=500)(scope, receive, send)
