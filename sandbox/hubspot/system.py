"""The simulated account as one system of the sandbox: sign-in, limits, rights, then the interfaces."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar
from uuid import uuid4

from sandbox.hubspot.account import Account
from sandbox.hubspot.admin_rules import AdminRules
from sandbox.hubspot.api_associations import AssociationsApi
from sandbox.hubspot.api_objects import ObjectsApi
from sandbox.hubspot.api_properties import PropertiesApi, validations
from sandbox.hubspot.api_schemas import SchemasApi
from sandbox.hubspot.api_setup import SetUpApi
from sandbox.hubspot.api_webhooks import WebhooksApi
from sandbox.hubspot.change_events import ChangeReader
from sandbox.hubspot.control import Controls
from sandbox.hubspot.credentials import ALL_SCOPES, Credentials
from sandbox.hubspot.errors import HubSpotError, RateLimitedError, missing
from sandbox.hubspot.limits import Limits
from sandbox.hubspot.oauth import OAuth
from sandbox.hubspot.paths import Place, place_of, route_of
from sandbox.hubspot.pull_journal import PullJournal
from sandbox.hubspot.scopes import check_scopes
from sandbox.hubspot.ui import save_in_screens
from sandbox.hubspot.webhooks import Webhooks
from sandbox.hubspot.wire import Answer, Call, Caller
from sandbox.kit import ControlRoute, Record, Request, Response, System, World

__all__ = ["DEFAULTS", "HubSpotSystem"]

# Every setting can be given with --set and changed with POST /_sandbox/settings.
DEFAULTS: dict[str, str | int | float | bool] = {
    "versions": "2026-03,2026-09",  # dated generations that are served, beside v1 to v4
    "enforcing_versions": "2026-09",  # generations that hold interfaces to the administrator's rules
    "no_association_get_versions": "2026-09",  # generations without the read of one record's associations
    "client_credentials_versions": "2026-03",  # token interfaces that know the grant for the journal
    "custom_objects": True,  # false: an edition without them
    "token_lifetime_s": 1800,
    "withheld_scopes": "",  # comma-separated: rights the credentials were not given
    "burst_limit": 190,  # calls in ten seconds of a key or private app
    "oauth_burst_limit": 110,
    "daily_limit": 625_000,
    "calls_before": 0,  # calls pretended to have been made earlier in the day
    "search_per_second": 5,
    "retry_after_s": 0,  # not 0: a 429 carries Retry-After, which the vendor does not promise
    "search_lag_s": 5.0,  # search learns of a change this much later
    "search_cap": 10_000,
    "batch_shuffles": False,  # results of a batch come in another order than its inputs
    "partial_status": 207,  # of a batch that succeeded in part
    "merge_gives_new_id": True,
    "upsert_gap_s": 0.0,  # pause between an upsert's look-up and its write: makes real races
    "time_zone": "America/New_York",  # of the account; its midnight ends the daily allowance
    "webhook_signature": "v1",  # or v2; the v3 headers are always there
    "webhook_timeout_s": 5.0,
    "webhook_first_retry_s": 60.0,  # doubles with every attempt
    "webhook_retries_4xx": True,
    "webhook_shuffle": False,
    "webhook_duplicates": False,
}
_JSON_TYPE = "application/json;charset=utf-8"
_UNSIGNED = {"oauth"}


class HubSpotSystem(System):
    """One account of the vendor."""

    name: ClassVar[str] = "hubspot"

    def __init__(self, world: World) -> None:
        """Stand on an opened, not yet filled world."""
        super().__init__(world)
        self.account = Account(world)
        self.credentials = Credentials(world)
        self.rules = AdminRules(self.account.portal_id)
        reader = ChangeReader(self.account, self.credentials)
        self.webhooks = Webhooks(self.account, reader, self.credentials.app.app_id)
        self._limits = Limits(world)
        self._oauth = OAuth(world, self.credentials)
        self._journal = PullJournal(self.account, reader, self.credentials)
        self._webhook_settings = WebhooksApi(self.account, self.credentials, self.webhooks)
        objects = ObjectsApi(self.account, self.rules)
        set_up, schemas = SetUpApi(self.account), SchemasApi(self.account)
        self._families: dict[str, Callable[[Call], Answer]] = {
            "objects": objects.handle,
            "associations": AssociationsApi(self.account, objects.writer).handle,
            "properties": PropertiesApi(self.account).handle,
            "validations": lambda call: validations(self.account, self.rules, call),
            "schemas": schemas.handle,
            "limits": schemas.limits,
            "pipelines": set_up.pipelines,
            "owners": set_up.owners,
            "account": set_up.details,
            "webhooks": self._webhook_settings.handle,
            "journal": self._journal.handle,
            "journal-local": self._journal.handle,
            "journal-subscriptions": self._journal.subscriptions,
        }

    async def handle(self, request: Request) -> Response:
        """Answer one call of the vendor's interfaces."""
        correlation_id = str(uuid4())
        more: list[tuple[str, str]] = []
        try:
            answer = await self._answer(request, correlation_id, more)
        except RateLimitedError as error:
            more += self._limits.retry_after()
            answer = Answer(error.status, error.as_body(correlation_id))
        except HubSpotError as error:
            answer = Answer(error.status, error.as_body(correlation_id))
        headers = [("X-HubSpot-Correlation-Id", correlation_id), *answer.headers.items(), *more]
        if answer.body is None:
            return Response(answer.status, headers)
        return Response.of_json(answer.status, answer.body, headers, content_type=_JSON_TYPE)

    def route_of(self, request: Request) -> str:
        """Return the route with ids taken out."""
        return route_of(request.method, request.raw_path, self._versions)

    def client_facts(self) -> dict[str, Any]:
        """Return what a client needs to sign in."""
        app = self.credentials.app
        return {
            "access_token": self.credentials.service_key,
            "private_app_token": self.credentials.private_token,
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "refresh_token": app.refresh_token,
            "app_id": app.app_id,
            "portal_id": self.account.portal_id,
            "api_version": self.world.text("versions").split(",")[-1],
        }

    def save_as_person(self, record: Record) -> str:
        """Create or change a record as a person in the vendor's screens would."""
        return save_in_screens(self.account, record)

    def reference(self, record_id: str) -> Any:
        """Return the bare id, which is what a link names."""
        return record_id

    def control_routes(self) -> Mapping[str, ControlRoute]:
        """Return this simulator's own control routes."""
        return Controls(self.account, self.credentials, self.rules, self.webhooks, self._webhook_settings).routes()

    async def started(self) -> None:
        """Begin to send webhooks."""
        await self.webhooks.start()

    async def stopped(self) -> None:
        """Stop sending webhooks."""
        await self.webhooks.stop()

    @property
    def _versions(self) -> frozenset[str]:
        return frozenset(self.world.text("versions").split(","))

    async def _answer(self, request: Request, correlation_id: str, more: list[tuple[str, str]]) -> Answer:
        if request.path == "/oauth/authorize":
            return self._oauth.consent(request)
        if (downloaded := self._journal.download(request)) is not None:
            return downloaded
        place = place_of(request.raw_path.rstrip("/"), self._versions)
        if place is not None and place.family in _UNSIGNED:
            return self._oauth.handle(request, place, correlation_id)
        caller = self._caller(request, place)
        if place is None:
            raise missing()
        search = place.family == "objects" and place.segments[1:] == ("search",)
        try:
            self._limits.spend(caller, search=search)
        finally:
            if not search:
                more += self._limits.headers(caller)
        call = Call(request, place.family, place.version, place.segments, caller, correlation_id)
        check_scopes(call, self.account.catalog)
        return self._families[place.family](await self._raced(call))

    def _caller(self, request: Request, place: Place | None) -> Caller:
        if place is not None and place.family == "webhooks" and "hapikey" in request.query:
            if request.query["hapikey"] == self.credentials.developer_key:
                return Caller("developer", 0, ALL_SCOPES)
            raise HubSpotError("INVALID_AUTHENTICATION", "The API key provided is invalid.", status=401)
        return self.credentials.caller(request.headers)

    async def _raced(self, call: Call) -> Call:
        """Let a slow upsert keep what its look-up saw before the pause, as two of them at once would."""
        gap_s = self.world.number("upsert_gap_s")
        if not gap_s or call.segments[1:] != ("batch", "upsert"):
            return call
        one = self.account.catalog.type_of(call.segments[0])
        unknown = frozenset(
            str(row["id"])
            for row in call.body().get("inputs", [])
            if self.account.holder(one.name, str(row.get("idProperty")), str(row["id"])) is None
        )
        await asyncio.sleep(gap_s)
        return replace(call, assume_new=unknown)
