from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack

from temporalio.client import Client, Plugin

from api.app import build_app
from api.health import ReadyCheck
from api.intake import EventSender, Intake
from api.serving import ApiServer
from models.errors import TielineError
from runtime.leave import leave
from runtime.log_events import log_event, start_logging
from runtime.redaction import Redactor, secrets_in
from runtime.registry import spec_of
from runtime.settings import Settings, load_settings
from runtime.telemetry import start_telemetry
from runtime.temporal import build_worker, connect, register_search_attributes
from runtime.wiring import Tieline, open_tieline

__all__ = ["main"]


def main() -> None:
    """Run until SIGTERM or SIGINT: finish what runs, then leave with 0. A wrong setting leaves with 1 and says so."""
    code = 0
    try:
        asyncio.run(_run())
    except TielineError as wrong:
        print(f"{wrong.code}: {wrong.message}", file=sys.stderr)  # noqa: T201 - before or after logging works
        code = 1
    except Exception as broken:  # noqa: BLE001 - the process edge: recorded, then told by the exit code
        log_event("worker.broken", level=logging.CRITICAL, exc=broken)
        code = 1
    leave(code)


async def _run() -> None:
    settings = load_settings()
    redactor = Redactor(secrets_in(settings))
    start_logging(redactor)
    plugins = start_telemetry(settings.telemetry, redactor)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    client = await _connected(settings, plugins)
    await register_search_attributes(client)
    async with AsyncExitStack() as stack:
        tieline = await stack.enter_async_context(open_tieline(settings))
        api = ApiServer(
            build_app(intake=_intake(settings, tieline), checks=_checks(client, tieline)),
            host=settings.api_host,
            port=settings.api_port,
        )
        await api.start()
        stack.push_async_callback(api.stop)
        await stack.enter_async_context(build_worker(client, settings.task_queue, tieline.activities))
        log_event("worker.ready", firm=settings.firm, port=api.port, task_queue=settings.task_queue)
        await stop.wait()
        log_event("worker.stopping")


async def _connected(settings: Settings, plugins: Sequence[Plugin]) -> Client:
    try:
        return await connect(settings.temporal_connect_config(), plugins=plugins)
    except RuntimeError as refused:
        raise TielineError(
            f"Temporal does not answer at {settings.temporal_address}. Start it, or set TEMPORAL_ADDRESS.",
            code="TL-INT-041",
        ) from refused


def _intake(settings: Settings, tieline: Tieline) -> Intake:
    senders = {
        connection.connection: EventSender(read=reader, secrets=connection.event_secrets)
        for connection in settings.connections
        if (reader := spec_of(connection).events) is not None and connection.event_secrets
    }
    return Intake(senders, tieline.store.inbox, tieline.store.audit, limits=settings.limits, on_accepted=lambda: None)


def _checks(client: Client, tieline: Tieline) -> dict[str, ReadyCheck]:
    async def store() -> str:
        await tieline.store.audit.head()
        return ""

    async def engine() -> str:
        healthy = await client.service_client.check_health()
        return "" if healthy else "Temporal does not report itself healthy."

    return {"store": store, "engine": engine}
