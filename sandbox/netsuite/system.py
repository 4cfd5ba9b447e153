"""The simulated account: sign-in, limits, routing and answer headers around the services."""

import asyncio
import gzip
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from sandbox.kit import UI, Author, ControlRoute, Options, Record, Request, Response, StartingState, System, World
from sandbox.kit import load_records as load
from sandbox.netsuite.auth import TOKEN_PATH, Auth
from sandbox.netsuite.collections import page
from sandbox.netsuite.demo import chart, existing_customers
from sandbox.netsuite.directory import Directory
from sandbox.netsuite.errors import Detail, NsError
from sandbox.netsuite.events import Emitter
from sandbox.netsuite.jobs import COLLECTION, SINGULAR, Jobs
from sandbox.netsuite.keys import EC_KID, RSA_KID, write_keys
from sandbox.netsuite.read_model import ReadModel
from sandbox.netsuite.record_routes import RecordRoutes
from sandbox.netsuite.records import Records, WriteOptions
from sandbox.netsuite.schema import type_named
from sandbox.netsuite.suiteql import SuiteQl

__all__ = ["NetSuite", "build"]

SETTINGS: dict[str, str | int | float | bool] = {
    "account": "123456_SB1", "client_id": "tieline-dev-client", "consumer_key": "tieline-dev-consumer",
    "consumer_secret": "tieline-dev-consumer-secret", "token_id": "tieline-dev-token",
    "token_secret": "tieline-dev-token-secret", "audience": "", "strict_aud": True, "token_lifetime_s": 3600,
    "clock_window_s": 300, "concurrency": 5, "latency_s": 0.0, "async_delay_s": 0.05, "closed_before": "",
    "time_zone": "America/Los_Angeles", "date_format": "M/D/YYYY", "sales_line_sign": 1,
}  # fmt: skip
_SERVICES = "/services/rest"
_REST = Author("rest")


def build(options: Options) -> System:
    """Make a NetSuite account; `empty` has the firm's set-up, `demo` also some customers."""
    world = World(options, SETTINGS, volatile=frozenset({"lastModifiedDate"}))
    system = NetSuite(world)
    world.fill(system.seed)
    return system


class NetSuite(System):
    """One account of the NetSuite dialect."""

    name = "netsuite"

    def __init__(self, world: World) -> None:
        """Serve this account with its dev credentials."""
        super().__init__(world)
        self._keys = write_keys(world.folder)
        self._auth = Auth(world, self._keys)
        self._directory = Directory(world.store)
        self._records = Records(world, self._directory)
        self._jobs = Jobs(world)
        self._routes = RecordRoutes(world, self._directory, self._records, self._jobs)
        self._suiteql = SuiteQl(ReadModel(world, self._directory))
        self._events = Emitter(world)
        self._busy = 0

    def seed(self, state: StartingState) -> None:
        """Build the starting records."""
        records = chart() + (existing_customers() if state.name == "demo" else []) + state.records
        load(records, self.save_as_person, self.reference)

    async def handle(self, request: Request) -> Response:
        """Answer one call within the account's number of concurrent calls."""
        if request.path == TOKEN_PATH:
            return self._auth.token_response(request)
        try:
            self._auth.check(request)
            self._take_slot()
            try:
                if latency := self.world.number("latency_s"):
                    await asyncio.sleep(latency)
                answer = self._answer(request)
            finally:
                self._busy -= 1
        except NsError as refusal:
            answer = refusal.response()
        return _dressed(request, answer)

    def route_of(self, request: Request) -> str:
        """Return method and route, ids replaced by `{id}`."""
        parts = request.path.removeprefix(_SERVICES).strip("/").split("/")
        if parts[:2] == ["record", "v1"] and len(parts) > 3 and parts[2] != "metadata-catalog":  # noqa: PLR2004 - an id follows
            parts[3] = "{id}"
        if parts[:2] == ["async", "v1"]:
            parts = ["{id}" if part.isdigit() else part for part in parts]
        return f"{request.method} /{'/'.join(parts)}".removesuffix("/{id}")

    def client_facts(self) -> dict[str, Any]:
        """Return the dev credentials of both ways to sign in."""
        text = self.world.text
        return {
            "account": text("account"), "base_url": self.url, "token_url": f"{self.url}{TOKEN_PATH}",
            "client_id": text("client_id"), "certificate_id": RSA_KID, "private_key": str(self._keys[RSA_KID]),
            "algorithm": "PS256", "ec_certificate_id": EC_KID, "ec_private_key": str(self._keys[EC_KID]),
            "consumer_key": text("consumer_key"), "consumer_secret": text("consumer_secret"),
            "token_id": text("token_id"), "token_secret": text("token_secret"),
        }  # fmt: skip

    def save_as_person(self, record: Record) -> str:
        """Save as a person in the vendor's screens would; computed fields may be given, `_locked` locks a record."""
        kind = type_named(str(record.get("type")))
        if kind is None:
            raise ValueError(f"There is no record type {record.get('type')!r} in the NetSuite sandbox.")
        raw = {name: value for name, value in record.items() if name != "type"}
        options = WriteOptions(UI, "error", frozenset(kind.sublists()) & raw.keys())
        try:
            if "id" in raw and self.world.store.get(kind.name, str(raw["id"])) is not None:
                return self._records.unlocked_update(kind, str(raw["id"]), raw, options).record_id
            return self._records.create(kind, raw, options).record_id
        except NsError as refusal:
            raise ValueError(f"{kind.name}: {refusal}") from refusal

    def reference(self, record_id: str) -> Any:
        """Return a reference object."""
        return {"id": record_id}

    def control_routes(self) -> Mapping[str, ControlRoute]:
        """Return the routes for tokens, certificates and the event script."""
        return {
            "POST expire-tokens": self._expire_tokens, "POST certificates": self._add_certificate,
            "POST subscriptions": self._subscribe, "DELETE subscriptions": self._unsubscribe,
            "GET deliveries": self._deliveries, "POST delete": self._delete,
        }  # fmt: skip

    async def stopped(self) -> None:
        """Drop unfinished jobs and callouts."""
        await self._jobs.stop()
        await self._events.stop()

    def _take_slot(self) -> None:
        if self._busy >= self.world.number("concurrency"):
            text = "Concurrent request limit exceeded. Request blocked."
            raise NsError(429, Detail(text, "CONCURRENCY_LIMIT_EXCEEDED"))
        self._busy += 1

    def _answer(self, request: Request) -> Response:
        base = f"{request.base_url}{_SERVICES}"
        parts = request.raw_path.removeprefix(_SERVICES).strip("/").split("/")
        _check_media_type(request)
        match parts[:2]:
            case ["record", "v1"]:
                author = Author(_REST.client, request.request_id)
                return self._routes.answer(request, base, parts[2:], author)
            case ["query", "v1"] if parts[2:] == ["suiteql"]:
                return self._query(request, base)
            case ["async", "v1"] if parts[2:3] == ["job"]:
                return self._jobs.answer(request, base, parts[3:])
            case ["system", "v1"] if request.method == "GET":
                return self._system(parts[2:])
        text = "The requested resource does not exist."
        raise NsError(404, Detail(text, "NONEXISTENT_ID", url=request.path))

    def _query(self, request: Request, base: str) -> Response:
        if request.method != "POST":
            raise NsError(405, Detail(f"Method {request.method} is not allowed.", "METHOD_NOT_ALLOWED"))
        prefer = request.header("prefer").lower()
        if "transient" not in prefer:
            text = "The required header 'Prefer' with the value 'transient' is missing."
            raise NsError(400, Detail(text, "INVALID_HEADER", header="Prefer"))
        try:
            body = request.json()
            query, params = str(body["q"]), list(body.get("params", []))
        except (ValueError, KeyError, TypeError, AttributeError):
            text = "The request body must hold the query in 'q'."
            raise NsError(400, Detail(text, "INVALID_REQUEST")) from None

        def run() -> Response:
            rows = [{"links": [], **row} for row in self._suiteql.run(query, params)]
            found = page(rows, request.query, f"{base}/query/v1/suiteql", "POST")
            return Response.of_json(200, found, content_type=COLLECTION)

        if "respond-async" in prefer:
            return self._jobs.submit(request, base, [run], needs_transient=True)
        return run()

    def _system(self, parts: list[str]) -> Response:
        if parts == ["serverTime"]:
            stamp = self.world.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
            return Response.of_json(200, {"serverTime": stamp}, content_type=SINGULAR)
        if parts == ["governanceLimits"]:
            limit = int(self.world.number("concurrency"))
            body = {"accountConcurrencyLimit": limit, "accountUnallocatedConcurrencyLimit": limit,
                    "integrationLimitType": "accountLimit"}  # fmt: skip
            return Response.of_json(200, body, content_type=SINGULAR)
        raise NsError(404, Detail("The requested resource does not exist.", "NONEXISTENT_ID"))

    async def _expire_tokens(self, request: Request) -> Response:
        del request
        return Response.of_json(200, {"expired": self._auth.expire_tokens()})

    async def _add_certificate(self, request: Request) -> Response:
        body = request.json()
        self._auth.add_certificate(body["kid"], body["pem"])
        return Response.of_json(200, {"kid": body["kid"]})

    async def _subscribe(self, request: Request) -> Response:
        body = request.json()
        self._events.subscribe(body["url"], body["secret"])
        return Response.of_json(200, {"url": body["url"]})

    async def _unsubscribe(self, request: Request) -> Response:
        del request
        self._events.unsubscribe()
        return Response.of_json(200, {})

    async def _delete(self, request: Request) -> Response:
        """A person deletes a record in the vendor's screens."""
        body = request.json()
        kind = type_named(str(body["type"]))
        if kind is None:
            raise ValueError(f"There is no record type {body['type']!r} in the NetSuite sandbox.")
        try:
            self._records.delete(kind, str(body["id"]), UI)
        except NsError as refusal:
            raise ValueError(f"{kind.name}: {refusal}") from refusal
        return Response.of_json(200, {"deleted": str(body["id"])})

    async def _deliveries(self, request: Request) -> Response:
        del request
        return Response.of_json(200, {"deliveries": self._events.deliveries})


def _check_media_type(request: Request) -> None:
    given = request.header("content-type").partition(";")[0].strip().lower()
    if request.method in {"POST", "PUT", "PATCH"} and given and "json" not in given:
        text = f"Invalid media type '{given}'. Use 'application/json'."
        raise NsError(415, Detail(text, "INVALID_HEADER", header="Content-Type"))


def _dressed(request: Request, answer: Response) -> Response:
    body, headers = answer.body, list(answer.headers)
    if body and "gzip" in request.header("accept-encoding"):
        body = gzip.compress(body, mtime=0)
        headers.append(("Content-Encoding", "gzip"))
    headers += [("x-n-operationid", str(uuid4())), ("x-netsuite-jobid", str(uuid4())),
                ("cache-control", "No-Cache"), ("vary", "User-Agent, Accept-Encoding")]  # fmt: skip
    return Response(answer.status, headers, body)
