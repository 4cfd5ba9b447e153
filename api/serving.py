from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from runtime.setting_problems import WrongSetting

__all__ = ["ApiServer"]

_DRAIN_S = 5
_HEADER_BYTES = 16 * 1024
_MOST_REQUESTS = 200
_IDLE_S = 15


class ApiServer:
    """Serves the app inside the running event loop; whoever starts it also takes the signals and stops it."""

    def __init__(self, app: ASGIApp, *, host: str, port: int) -> None:
        self._host = host
        self._wanted_port = port
        self._server = _Quiet(
            uvicorn.Config(
                app,
                access_log=False,
                date_header=False,
                h11_max_incomplete_event_size=_HEADER_BYTES,
                http="h11",
                limit_concurrency=_MOST_REQUESTS,
                lifespan="off",
                log_config=None,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=_DRAIN_S,
                timeout_keep_alive=_IDLE_S,
                ws="none",
            )
        )
        self._serving: asyncio.Task[None] | None = None
        self.port = port
        """The real one after `start`, also when 0 was asked for."""

    async def start(self) -> None:
        """Listen; returns when requests are answered."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._wanted_port))
        except OSError as taken:
            listener.close()
            raise WrongSetting(
                f"Cannot listen on {self._host}:{self._wanted_port} ({taken.strerror}). "
                "Change TIELINE_API_HOST or TIELINE_API_PORT."
            ) from taken
        self.port = listener.getsockname()[1]
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started:
            if self._serving.done():
                await self._serving
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Finish the requests that run, then close."""
        if self._serving is None:
            return
        self._server.should_exit = True
        await self._serving
        self._serving = None


class _Quiet(uvicorn.Server):
    """Leaves the process's signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield
