"""Runs a simulator on a loopback port, in this process or as the command line's whole process."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn

from sandbox.kit.app import SandboxApp
from sandbox.kit.certificates import ServerCertificate, make_certificate
from sandbox.kit.connections import Connections
from sandbox.kit.system import System
from sandbox.kit.world import Options

__all__ = ["Running", "running", "serve"]


@dataclass(frozen=True)
class Running:
    """A simulator that listens."""

    url: str
    system: System
    app: SandboxApp
    certificate: ServerCertificate | None


@asynccontextmanager
async def running(system: System, options: Options) -> AsyncIterator[Running]:
    """Serve a system until the block ends; `options.port` 0 takes a free port."""
    connections = Connections()
    app = SandboxApp(system, connections)
    certificate = make_certificate(system.world.folder) if options.tls else None
    config = uvicorn.Config(
        app,
        host=options.host,
        port=options.port,
        http=connections.protocol(),
        ws="none",
        lifespan="off",
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        ssl_keyfile=str(certificate.key) if certificate else None,
        ssl_certfile=str(certificate.chain) if certificate else None,
    )
    server = _QuietServer(config)
    task = asyncio.create_task(server.serve())
    try:
        await server.listening(task)
        port = server.servers[0].sockets[0].getsockname()[1]
        system.url = f"{'https' if options.tls else 'http'}://{options.host}:{port}"
        await system.started()
        yield Running(system.url, system, app, certificate)
    finally:
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)
        await app.stop()
        await system.stopped()


async def serve(system: System, options: Options) -> None:
    """Serve until SIGTERM or SIGINT; prints one line of JSON once the simulator can be called."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(system, options) as server:
        journal = system.world.journal.path
        ready = {
            "system": system.name,
            "url": server.url,
            "pid": os.getpid(),
            "journal": str(journal) if journal else None,
            "client": system.client_facts(),
        }
        if server.certificate:
            ready["ca"] = str(server.certificate.ca)
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await stop.wait()


class _QuietServer(uvicorn.Server):
    """Uvicorn without its own signal handling, and with a way to wait until it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._up = asyncio.Event()

    async def serve(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Serve in the caller's loop, leaving signals to the caller."""
        del sockets
        await self._serve()

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Bind the port, then let the waiting caller go on."""
        del sockets
        await super().startup()
        self._up.set()

    async def listening(self, task: asyncio.Task[None]) -> None:
        """Wait until the port is bound; raises what the server raised when it could not be."""
        up = asyncio.create_task(self._up.wait())
        await asyncio.wait({up, task}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if task.done():
            task.result()
