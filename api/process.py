from __future__ import annotations

import asyncio
import functools
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from starlette.applications import Starlette
from temporalio.client import Client, Plugin

from activities.exactly_once import ExactlyOnce
from api.app import build_app
from api.codec import codec_app
from api.intake import EntryDoor, EventSender, Intake
from api.serving import ApiServer
from mappings.business_calendar import ladder_for
from models.blocker import Blocker
from models.errors import TielineError
from models.ids import ConnectionId
from ports.event_source import TellsEvents
from runtime.account_news import AccountNews
from runtime.billing_news import BillingNews
from runtime.change_orders import ChangeOrderStarter
from runtime.credential_watch import CredentialWatch, Probe
from runtime.customer_news import CustomerNews
from runtime.customer_sync import CustomerSyncStarter
from runtime.deal_notes import DealNotes
from runtime.dispatcher import Dispatcher
from runtime.event_problems import EventProblems
from runtime.feedback import FeedbackStarter
from runtime.figure_watch import FigureWatch
from runtime.gate import Gates
from runtime.leave import leave
from runtime.listener import Listeners
from runtime.log_events import log_event, start_logging
from runtime.metrics import Metrics, open_metrics
from runtime.readiness import ReadyCheck, check_connection, check_dispatcher, check_store, check_temporal
from runtime.redaction import Redactor, secrets_in
from runtime.registry import config_of, spec_of
from runtime.settings import Settings, load_settings
from runtime.telemetry import start_telemetry
from runtime.temporal import TemporalStarter, build_worker, connect, register_search_attributes
from runtime.watch import EngineWatch
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
    metrics = open_metrics(settings.telemetry)
    plugins = start_telemetry(settings.telemetry, redactor, engine_metrics=metrics.engine if metrics else None)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    client = await _connected(settings, plugins)
    await register_search_attributes(client)
    async with AsyncExitStack() as stack:
        gates = Gates()
        tieline = await stack.enter_async_context(open_tieline(settings, gates))
        dispatcher = _dispatcher(settings, tieline, client, gates)
        credentials = _credentials(settings, tieline, client, gates)
        listeners = _listeners(tieline, dispatcher)
        api = ApiServer(
            build_app(
                intake=_intake(settings, tieline, dispatcher),
                checks={**_checks(settings, client, tieline, dispatcher), "events": listeners.check},
                connections=_connection_checks(tieline, credentials),
                codec=_codec(settings),
            ),
            host=settings.api_host,
            port=settings.api_port,
        )
        await api.start()
        stack.push_async_callback(api.stop)
        await stack.enter_async_context(build_worker(client, settings.task_queue, tieline.activities))
        await stack.enter_async_context(_running(dispatcher))
        await stack.enter_async_context(_running(listeners))
        await stack.enter_async_context(_running(credentials))
        await stack.enter_async_context(_running(_watch(settings, tieline, client)))
        if metrics is not None:
            await stack.enter_async_context(metrics.exporting())
            await stack.enter_async_context(_running(_figures(settings, tieline, metrics)))
        await _keep_time(settings, tieline, client)
        _spare_the_collector()
        if not settings.payload_keys:
            log_event("payloads.in_clear", level=logging.WARNING, fix="Set TIELINE_PAYLOAD_KEYS; docs/decisions/0005.")
        log_event("worker.ready", firm=settings.firm, port=api.port, task_queue=settings.task_queue)
        await stop.wait()
        log_event("worker.stopping")


async def _keep_time(settings: Settings, tieline: Tieline, client: Client) -> None:
    """The engine's schedules look at invoices beside the ERP's doorbell. Every worker may say so again."""
    feedback = settings.feedback
    starter = FeedbackStarter(client, settings.firm, settings.task_queue, look_back_s=feedback.look_back_s)
    for connection in tieline.billing_accounts:
        await starter.keep_time(connection, feedback.every_s)


def _spare_the_collector() -> None:
    """What was loaded at the start stays for good; the collector need not walk through it again and again.

    How often it runs stays as it is: every run that leaves the cache is garbage in circles, which only it takes away.
    With higher thresholds ten thousand parked deals held 2.2 GB (`docs/evidence/speed.md`).
    """
    gc.collect()
    gc.freeze()


@asynccontextmanager
async def _running(loop: CredentialWatch | Dispatcher | EngineWatch | FigureWatch | Listeners) -> AsyncIterator[None]:
    """A loop at work; at the end it finishes what it has in hand."""
    working = asyncio.create_task(loop.run())
    try:
        yield
    finally:
        loop.stop()
        await working


def _due_at(tieline: Tieline) -> Callable[[Blocker], datetime]:
    """The deadline of a stop that no process raised, by its owner's calendar."""

    def due_at(blocker: Blocker) -> datetime:
        start = datetime.now(UTC)
        return ladder_for(tieline.rules(), owner=blocker.owner, due_hours=blocker.due_hours, start=start)[0].at

    return due_at


def _dispatcher(settings: Settings, tieline: Tieline, client: Client, gates: Gates) -> Dispatcher:
    return Dispatcher(
        tieline.store.inbox,
        {name: tieline.crms.named(name) for name in tieline.crms},
        TemporalStarter(client, settings.firm, settings.task_queue),
        EventProblems(tieline.store.desk, settings.firm, _due_at(tieline)),
        bindings=tieline.store.deal_bindings,
        firm=settings.firm,
        notes=DealNotes(
            {name: tieline.crms.named(name) for name in tieline.crms},
            tieline.store.ledger,
            ExactlyOnce(tieline.store.ledger),
            settings.firm,
        ),
        changes=(
            {tieline.crm.connection: ChangeOrderStarter(client, settings.firm, settings.task_queue)}
            if tieline.changes
            else {}
        ),
        accounts=AccountNews(
            {tieline.crm.connection: tieline.accounts} if tieline.accounts else {},
            {tieline.crm.connection: CustomerSyncStarter(client, settings.firm, settings.task_queue)},
            tieline.store.inbox,
            firm=settings.firm,
            memory=tieline.store.customers,
        ),
        customers=(
            CustomerNews(
                settings.firm,
                tieline.crm.connection,
                tieline.store.customers,
                CustomerSyncStarter(client, settings.firm, settings.task_queue),
                tieline.store.inbox,
            )
            if tieline.accounts
            else None
        ),
        billing=BillingNews(
            tieline.billing_accounts,
            FeedbackStarter(
                client, settings.firm, settings.task_queue, look_back_s=settings.feedback.look_back_s
            ),
            tieline.store.inbox,
        ),
        limits=settings.limits,
        paused=gates.paused,
    )


def _listeners(tieline: Tieline, dispatcher: Dispatcher) -> Listeners:
    """What we fetch ourselves from systems that tell of their changes."""
    crms: list[object] = [tieline.crms.named(name) for name in tieline.crms]
    sources = [source for crm in crms if isinstance(crm, TellsEvents) for source in crm.event_sources()]
    return Listeners(sources, tieline.store.inbox, tieline.store.watermarks, on_accepted=dispatcher.wake)


def _probes(tieline: Tieline) -> dict[ConnectionId, Probe]:
    """One read of each connection that shows whether it takes our sign-in; nothing that was kept counts."""
    crms: dict[ConnectionId, Probe] = {name: tieline.crms.named(name).check_access for name in tieline.crms}
    erps: dict[ConnectionId, Probe] = {
        name: functools.partial(tieline.erps.named(name).get_chart, fresh=True) for name in tieline.erps
    }
    return crms | erps


def _credentials(settings: Settings, tieline: Tieline, client: Client, gates: Gates) -> CredentialWatch:
    """Pauses what a refused sign-in stops, and lets it go on."""
    starter = TemporalStarter(client, settings.firm, settings.task_queue)
    return CredentialWatch(
        gates,
        _probes(tieline),
        tieline.store.desk,
        starter.nudge,
        firm=settings.firm,
        due_at=_due_at(tieline),
    )


def _watch(settings: Settings, tieline: Tieline, client: Client) -> EngineWatch:
    """Shows a process that only a bug of ours holds up: the engine alone would try it for ever, unseen."""
    return EngineWatch(
        client,
        tieline.store.desk,
        firm=settings.firm,
        task_queue=settings.task_queue,
        due_at=_due_at(tieline),
    )


async def _connected(settings: Settings, plugins: Sequence[Plugin]) -> Client:
    try:
        return await connect(settings.temporal_connect_config(), keys=settings.payload_keys, plugins=plugins)
    except RuntimeError as refused:
        raise TielineError(
            f"Temporal does not answer at {settings.temporal_address}. Start it, or set TEMPORAL_ADDRESS.",
            code="TL-INT-041",
        ) from refused


def _figures(settings: Settings, tieline: Tieline, metrics: Metrics) -> FigureWatch:
    return FigureWatch(tieline.store.figures, settings.firm, metrics.meter, every_s=settings.telemetry.metrics_every_s)


def _codec(settings: Settings) -> Starlette | None:
    """For those who look at the engine with its own tools; None where nobody set a token."""
    codec = settings.codec
    if not codec.token.get_secret_value():
        return None
    return codec_app(settings.payload_keys, codec.token, origin=codec.origin)


def _intake(settings: Settings, tieline: Tieline, dispatcher: Dispatcher) -> Intake:
    senders = {
        connection.connection: EventSender(
            read=spec.events,
            read_batch=spec.event_batches,
            secrets=connection.event_secrets,
            side_doors={
                word: EntryDoor(door.reader(config_of(connection)), door.thanks, door.media_type)
                for word, door in spec.side_doors.items()
            },
        )
        for connection in settings.connections
        if ((spec := spec_of(connection)).events or spec.event_batches) and connection.event_secrets
    }
    return Intake(
        senders,
        tieline.store.inbox,
        tieline.store.audit,
        limits=settings.limits,
        on_accepted=dispatcher.wake,
        public_url=settings.api_public_url,
    )


def _connection_checks(tieline: Tieline, credentials: CredentialWatch) -> dict[str, ReadyCheck]:
    """Told, and no reason to send events elsewhere: the work of the other connections goes on."""
    return {
        name: check_connection(functools.partial(credentials.check, name), probe)
        for name, probe in _probes(tieline).items()
    }


def _checks(settings: Settings, client: Client, tieline: Tieline, dispatcher: Dispatcher) -> dict[str, ReadyCheck]:
    return {
        "store": check_store(tieline.store.inbox),
        "engine": check_temporal(client, settings.temporal_address),
        "dispatcher": check_dispatcher(dispatcher),
    }
