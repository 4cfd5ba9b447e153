"""The simulated org as one system of the sandbox: sign-in, versions, allowance, then the REST interface."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from sandbox.kit import UI, ControlRoute, Record, Request, Response, System, World
from sandbox.kit.certificates import make_certificate
from sandbox.salesforce.auth import Auth, ConnectedApp
from sandbox.salesforce.bus import BusServer, ChangeLog
from sandbox.salesforce.bus_control import BusControls
from sandbox.salesforce.control import Controls
from sandbox.salesforce.credentials import KEY_FILE, client_certificate
from sandbox.salesforce.demo_control import DemoControls
from sandbox.salesforce.errors import MultipleMatchesError, SalesforceError, missing
from sandbox.salesforce.events import Events
from sandbox.salesforce.guards import Guards
from sandbox.salesforce.ids import is_id, to_18
from sandbox.salesforce.limits import Limits
from sandbox.salesforce.org import Org
from sandbox.salesforce.outbound import OutboundMessages
from sandbox.salesforce.rest import Rest
from sandbox.salesforce.seed import INTEGRATION_USER
from sandbox.salesforce.wire import Answer, Call, call_of
from sandbox.salesforce.writes import Writer

__all__ = ["DEFAULTS", "SalesforceSystem"]

# Every setting can be given with --set and changed with POST /_sandbox/settings.
DEFAULTS: dict[str, str | int | float | bool] = {
    "token_idle_s": 7200,  # a token ends after this long without a call
    "preauthorized": True,  # false: "user hasn't approved this consumer"
    "check_token_host": True,  # client credentials are refused on login. and test. hosts
    "instance_url": "",  # empty: the address the caller used
    "my_domain": "https://acme.my.salesforce.com",  # one more accepted audience
    "daily_api_limit": 100_000,
    "api_calls_before": 0,  # calls pretended to have been made earlier in the day
    "per_app_api_limit": 0,  # 0: not reported
    "long_running_calls": 0,  # 25 or more: concurrency refusal
    "max_page_rows": 2000,  # lower: the server answers smaller pages than asked for
    "visibility_delay_s": 0.0,  # commits become visible to readers this much later than their stamp
    "upsert_gap_s": 0.0,  # pause between an upsert's look-up and its write: makes real races
    "hidden_fields": "",  # Object.Field, comma-separated: absent for the integration user
    "read_only_fields": "",  # the same, readable but not writable
    "not_unique_fields": "",  # external ids on which the admin forgot "unique"
    "callout_timeout_s": 10.0,
    "bus": True,  # false: no event bus listens
    "bus_keepalive_s": 270.0,  # a silent bus says that it is alive this often
    "change_event_objects": "Opportunity,Account,Contact,Tieline_Milestone__c,Tieline_Rate__c",  # the five selected
    "outbound_retry_s": 60.0,  # first pause before an outbound message is sent again; doubles up to two hours
}
_VERSIONS = {31.0 + number for number in range(37)}
_NEWEST = "67.0"
_SEASONS = ("Winter", "Spring", "Summer")
_VERSION_PATH = re.compile(r"/services/data/v(\d+\.0)(?:/(.*))?")
# What a route's counter leaves out: the id or key of a record, the locator of a page.
_PLACES = re.compile(r"^(sobjects/[^/]+/)(?!describe$|updated$|deleted$)([^/]+)(/[^/]+)?$|^(query|queryAll)/.+$")
_MOST_HEADER_BYTES = 16_384
_UPSERT_SEGMENTS = 4


class SalesforceSystem(System):
    """One org of the vendor."""

    name: ClassVar[str] = "salesforce"

    def __init__(self, world: World) -> None:
        """Stand on an opened, not yet filled world."""
        super().__init__(world)
        self.org = Org(world)
        self.guards = Guards(self.org)
        self.events = Events(self.org)
        self._limits = Limits(world)
        self._rest = Rest(self.org, self.guards, self._limits)
        self._app = ConnectedApp(
            "3MVG9sandboxConsumerKey", "sandbox-consumer-secret", INTEGRATION_USER, client_certificate(world.folder)
        )
        self._auth = Auth(self.org, self._app)
        self.changes = ChangeLog(self.org)
        self.bus = BusServer(self.org, self._auth, self.changes)
        self.outbound = OutboundMessages(self.org)

    async def handle(self, request: Request) -> Response:
        """Answer one call of the vendor's interfaces."""
        path = request.path.rstrip("/")
        try:
            if path.startswith("/services/oauth2/"):
                return self._auth.handle(request)
            if path.startswith("/id/"):
                return Answer(200, self._auth.identity(request)).as_response(accepts_gzip=False)
            if path == "/services/data":
                return Answer(200, _versions()).as_response(accepts_gzip=False)
            answer = await self._rest_answer(request)
        except MultipleMatchesError as error:
            answer = Answer(300, error.urls)
        except SalesforceError as error:
            answer = Answer(error.status, error.as_rest())
        usage = ("Sforce-Limit-Info", self._limits.header(self._app.name))
        return answer.as_response(accepts_gzip="gzip" in request.header("accept-encoding"), more=(usage,))

    def route_of(self, request: Request) -> str:
        """Return the route with ids, external keys and locators taken out."""
        path = request.path.rstrip("/")
        matched = _VERSION_PATH.fullmatch(path)
        if matched is None:
            return f"{request.method} {re.sub(r'^/id/.*', '/id', path)}"
        return f"{request.method} /{_PLACES.sub(_without_ids, matched[2] or '')}"

    def client_facts(self) -> dict[str, Any]:
        """Return what a client needs to sign in."""
        return {
            "consumer_key": self._app.consumer_key,
            "consumer_secret": self._app.consumer_secret,
            "username": self._app.username,
            "private_key_file": str(self.world.folder / KEY_FILE),
            "audience": "https://login.salesforce.com",
            "org_id": self.org.organization_id,
            "api_version": _NEWEST,
            "bus": self.bus.address,
        }

    def save_as_person(self, record: Record) -> str:
        """Create or change a record as a person in the vendor's screens would."""
        kind = str(record["type"])
        body = {key: value for key, value in record.items() if key not in {"type", "id"}}
        target = self.org.whole_schema.find(kind)
        if target is None:
            raise ValueError(f"This org has no object {kind}.")
        writer = Writer(self.org, self.guards, UI, self.org.whole_schema, self.org.user_id)
        given = record.get("id")
        try:
            if given is None:
                return writer.insert(target, body)
            if not is_id(given):
                raise ValueError(f"{given!r} is not an id of this vendor.")
            if self.org.get(to_18(given)) is None:
                return writer.insert(target, body, to_18(given))
            writer.update(target, given, body)
        except SalesforceError as error:
            name = body.get("Name") or given or kind
            raise ValueError(f"{kind} {name}: {error.code}: {error.message}") from error
        return to_18(given)

    def reference(self, record_id: str) -> Any:
        """Return the bare id, which is what a reference field holds."""
        return record_id

    def control_routes(self) -> Mapping[str, ControlRoute]:
        """Return this simulator's own control routes."""
        controls = Controls(self._auth, self.guards, self.events)
        bus = BusControls(self.changes, self.bus, self.outbound)
        return {**controls.routes(), **bus.routes(), **DemoControls(self.org).routes()}

    async def started(self) -> None:
        """Open the event bus on a port of its own."""
        if self.world.flag("bus"):
            where = urlsplit(self.url)
            certificate = make_certificate(self.world.folder) if where.scheme == "https" else None
            files = (certificate.chain, certificate.key) if certificate else None
            await self.bus.start(where.hostname or "127.0.0.1", files)

    async def stopped(self) -> None:
        """Drop callouts still on their way, and end the streams of the bus."""
        await self.bus.stop()
        await self.outbound.stop()
        await self.events.stop()

    async def _rest_answer(self, request: Request) -> Answer:
        matched = _VERSION_PATH.fullmatch(request.raw_path.rstrip("/"))
        if matched is None:
            raise missing()
        version = matched[1]
        if float(version) < min(_VERSIONS):
            message = f"API version {version} has been retired. Use version {_NEWEST}."
            raise SalesforceError("UNSUPPORTED_API_VERSION", message, status=410)
        if float(version) not in _VERSIONS:
            raise missing()
        size = len(request.target) + sum(len(name) + len(value) for name, value in request.headers.items())
        if size > _MOST_HEADER_BYTES:
            raise SalesforceError("URI_TOO_LONG", "The URI and headers exceed 16,384 bytes.", status=414)
        session = self._auth.session(request.headers)
        call = call_of(request, version, (matched[2] or "").split("/"))
        self._limits.spend(self._rest.cost(call))
        return self._rest.answer(await self._raced(call), session.user_id)

    async def _raced(self, call: Call) -> Call:
        """Let a slow upsert keep what its look-up saw before the pause, as two of them at once would."""
        gap_s = self.world.number("upsert_gap_s")
        if (
            not gap_s
            or call.method != "PATCH"
            or call.segments[0] != "sobjects"
            or len(call.segments) != _UPSERT_SEGMENTS
        ):
            return call
        _, kind, key, value = call.segments
        target = self.org.schema.find(kind)
        field = target.field(key) if target else None
        known = bool(target and field and field.external_id and self.org.with_value(target.name, field.name, value))
        await asyncio.sleep(gap_s)
        if known or target is None or field is None or not field.external_id:
            return call
        return Call(**{**vars(call), "assume_new": True})


def _without_ids(match: re.Match[str]) -> str:
    if match[4]:
        return f"{match[4]}/{{locator}}"
    return f"{match[1]}{match[2]}/{{key}}" if match[3] else f"{match[1]}{{id}}"


def _versions() -> list[dict[str, str]]:
    shown = []
    for number in sorted(_VERSIONS):
        # Version 67 is Summer '26; three releases a year count back from there.
        season, year = _SEASONS[(int(number) - 65) % 3], 26 + (int(number) - 65) // 3
        label = f"{season} '{year}"
        shown.append({"label": label, "url": f"/services/data/v{number}", "version": f"{number}"})
    return shown
