"""The bus over gRPC: who may subscribe, how much a client asked for, and the trailers a client reads when refused."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import grpc
import grpc.aio

from sandbox.salesforce.auth import Auth
from sandbox.salesforce.bus.change_log import BusEvent, ChangeLog, ReplayRefusedError
from sandbox.salesforce.errors import SalesforceError
from sandbox.salesforce.org import Org
from vendor_wire.salesforce_pubsub import pubsub_api_pb2 as wire
from vendor_wire.salesforce_pubsub.pubsub_api_pb2_grpc import PubSubServicer, add_PubSubServicer_to_server

__all__ = ["BusServer"]

_PREFIX = "sfdc.platform.eventbus.grpc."
_MOST_OUTSTANDING = 100
_Context = Any  # grpc.aio.ServicerContext takes two type arguments that generated code does not tell


class BusServer(PubSubServicer):
    """GetTopic, GetSchema and Subscribe. Publishing and managed subscriptions answer UNIMPLEMENTED."""

    def __init__(self, org: Org, auth: Auth, log: ChangeLog) -> None:
        """Serve this org's change events."""
        self._org = org
        self._auth = auth
        self._log = log
        self._server: grpc.aio.Server | None = None
        self._hang_up = asyncio.Event()
        self.address = ""

    async def start(self, host: str, certificate: tuple[Path, Path] | None) -> None:
        """Listen on a free port; `certificate` is chain and key where the simulator serves TLS."""
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        add_PubSubServicer_to_server(self, server)
        if certificate is None:
            port = server.add_insecure_port(f"{host}:0")
        else:
            chain, key = (path.read_bytes() for path in certificate)
            port = server.add_secure_port(f"{host}:0", grpc.ssl_server_credentials([(key, chain)]))
        await server.start()
        self._server = server
        self.address = f"{'http' if certificate is None else 'https'}://{host}:{port}"

    async def stop(self) -> None:
        """End all streams."""
        self.hang_up()
        if self._server is not None:
            await self._server.stop(grace=0)

    def hang_up(self) -> None:
        """Cut every stream that is open now, as a restart of the bus would."""
        self._hang_up.set()
        self._hang_up = asyncio.Event()

    async def GetTopic(self, request: Any, context: _Context) -> Any:  # noqa: N802 - the interface's name
        """Tell about a topic."""
        await self._check(context)
        await self._known(request.topic_name, context)
        return wire.TopicInfo(
            topic_name=request.topic_name, tenant_guid=self._org.organization_id, can_publish=False,
            can_subscribe=True, schema_id=self._log.schema_of_topic(request.topic_name), rpc_id=str(uuid4()),
        )  # fmt: skip

    async def GetSchema(self, request: Any, context: _Context) -> Any:  # noqa: N802 - the interface's name
        """Return the schema that an event named."""
        await self._check(context)
        schema = self._log.schema(request.schema_id)
        if schema is None:
            await _refuse(context, grpc.StatusCode.NOT_FOUND, "schema.not.found", "The schema does not exist.")
        return wire.SchemaInfo(schema_json=schema.text, schema_id=schema.schema_id, rpc_id=str(uuid4()))

    async def Subscribe(self, requests: AsyncIterator[Any], context: _Context) -> AsyncIterator[Any]:  # noqa: N802
        """Stream events for as long as the client asks for more; an empty answer now and then keeps it alive."""
        await self._check(context)
        first = await anext(requests, None)
        if first is None:
            return
        await self._known(first.topic_name, context)
        place = await self._starting_place(first, context)
        credit = _Credit(first.topic_name)
        await self._grant(credit, first, context)
        reading = asyncio.create_task(self._read_credit(credit, requests, context))
        cut, rpc = self._hang_up, str(uuid4())
        try:
            while not cut.is_set():
                if credit.problem is not None:
                    await _refuse(context, *credit.problem)
                events = self._log.after(place, first.topic_name, credit.left) if credit.left else []
                if events:
                    place = events[-1].place
                    credit.left -= len(events)
                    yield self._answer(events, place, rpc, credit.left)
                elif credit.left or not reading.done():
                    if await self._is_quiet(credit, cut):
                        place = max(place, self._log.newest) if credit.left else place
                        yield self._answer([], place, rpc, credit.left)
                else:
                    return  # the client asked for no more and has said so
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
        await _refuse(context, grpc.StatusCode.UNAVAILABLE, "service.unavailable", "The service is not available.")

    async def _is_quiet(self, credit: "_Credit", cut: asyncio.Event) -> bool:
        """Wait for news; true when there was none for as long as the bus stays silent."""
        before = (self._log.newest, credit.left, credit.problem)
        wait_s = self._org.world.number("bus_keepalive_s")
        waits = [
            asyncio.create_task(self._log.wait(wait_s)),
            asyncio.create_task(credit.more.wait()),
            asyncio.create_task(cut.wait()),
        ]
        await asyncio.wait(waits, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        credit.more.clear()
        return before == (self._log.newest, credit.left, credit.problem) and not cut.is_set()

    def _answer(self, events: list[BusEvent], place: int, rpc: str, left: int) -> Any:
        return wire.FetchResponse(
            events=[
                wire.ConsumerEvent(
                    event=wire.ProducerEvent(id=one.event_id, schema_id=one.schema_id, payload=one.payload),
                    replay_id=self._log.replay_id(one.place),
                )
                for one in events
            ],
            latest_replay_id=self._log.replay_id(place),
            rpc_id=rpc,
            pending_num_requested=left,
        )

    async def _starting_place(self, first: Any, context: _Context) -> int:
        if first.replay_preset == wire.EARLIEST:
            return self._log.before_oldest
        if first.replay_preset == wire.LATEST:
            return self._log.newest
        if not first.replay_id:
            await _refuse(
                context, grpc.StatusCode.INVALID_ARGUMENT, "subscription.fetch.replayid.validation.failed",
                "A custom replay preset needs a replay ID.",
            )  # fmt: skip
        try:
            return self._log.place_of(first.replay_id)
        except ReplayRefusedError:
            await _refuse(
                context, grpc.StatusCode.INVALID_ARGUMENT, "subscription.fetch.replayid.corrupted",
                "The Replay ID validation failed. Ensure that the Replay ID is valid.",
            )  # fmt: skip

    async def _read_credit(self, credit: "_Credit", requests: AsyncIterator[Any], context: _Context) -> None:
        async for request in requests:
            await self._grant(credit, request, context)
            credit.more.set()
        credit.more.set()

    async def _grant(self, credit: "_Credit", request: Any, context: _Context) -> None:
        del context
        if request.topic_name not in {"", credit.topic}:
            credit.problem = (
                grpc.StatusCode.INVALID_ARGUMENT, "subscription.fetch.topic.mismatch",
                "The topic of a stream cannot change.",
            )  # fmt: skip
        elif request.num_requested <= 0:
            credit.problem = (
                grpc.StatusCode.INVALID_ARGUMENT, "subscription.fetch.requested.events.invalid",
                "The number of requested events must be greater than zero.",
            )  # fmt: skip
        else:
            credit.left = min(_MOST_OUTSTANDING, credit.left + request.num_requested)

    async def _known(self, topic: str, context: _Context) -> None:
        if topic not in self._log.topics:
            await _refuse(context, grpc.StatusCode.NOT_FOUND, "topic.not.found", "The topic was not found.")

    async def _check(self, context: _Context) -> None:
        given = {str(key).lower(): str(value) for key, value in context.invocation_metadata() or ()}
        if not given.get("instanceurl", "").startswith(("https://", "http://127.0.0.1", "http://localhost")):
            await _refuse(
                context, grpc.StatusCode.INVALID_ARGUMENT, "service.auth.headers.invalid",
                "The instanceurl header must be the org's URL.",
            )  # fmt: skip
        try:
            self._auth.session({"authorization": f"Bearer {given.get('accesstoken', '')}"})
            known = given.get("tenantid", "")[:15] == self._org.organization_id[:15]
        except SalesforceError:
            known = False
        if not known:
            await _refuse(
                context, grpc.StatusCode.UNAUTHENTICATED, "service.auth.error",
                "An authentication exception occurred. Verify that the access token and tenant ID are valid.",
            )  # fmt: skip


class _Credit:
    """How many events a client still wants."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.left = 0
        self.more = asyncio.Event()
        self.problem: tuple[grpc.StatusCode, str, str] | None = None


async def _refuse(context: _Context, status: grpc.StatusCode, code: str, message: str) -> NoReturn:
    rpc = str(uuid4())
    context.set_trailing_metadata((("error-code", f"{_PREFIX}{code}"), ("rpc-id", rpc)))
    await context.abort(status, f"{message} rpcId: {rpc}")
    raise AssertionError("abort raises")
