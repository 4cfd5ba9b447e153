"""The control routes this simulator has beside those of the kit."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.hubspot.account import Account
from sandbox.hubspot.admin_rules import AdminRules
from sandbox.hubspot.api_webhooks import WebhooksApi
from sandbox.hubspot.change_events import Change
from sandbox.hubspot.credentials import Credentials
from sandbox.hubspot.subscriptions import USUAL, Subscription, Target
from sandbox.hubspot.webhooks import Webhooks
from sandbox.hubspot.writes import Writer
from sandbox.kit import UI, ControlRoute, Request, Response

__all__ = ["Controls"]

Json = dict[str, Any]
_PERSON = "userId:61234567"


class Controls:
    """What a test or the demo sets on this account."""

    def __init__(
        self,
        account: Account,
        credentials: Credentials,
        rules: AdminRules,
        webhooks: Webhooks,
        settings: WebhooksApi,
    ) -> None:
        """Control these parts of the account."""
        self._account = account
        self._credentials = credentials
        self._rules = rules
        self._webhooks = webhooks
        self._settings = settings

    def routes(self) -> Mapping[str, ControlRoute]:
        """Return the routes by `METHOD path-after-/_sandbox/`."""
        actions: dict[str, Callable[[Request], Json]] = {
            "POST expire-tokens": lambda _: {"expired": self._credentials.expire_all()},
            "POST revoke": lambda request: {"revoked": self._credentials.revoke(request.json()["token"])},
            "GET subscriptions": lambda _: self._webhooks.as_json(),
            "GET deliveries": lambda _: self._webhooks.as_json(),
            "POST subscriptions": self._subscribe,
            "DELETE subscriptions": self._unsubscribe,
            "POST emit": self._emit,
            "GET rules": lambda _: self._rules.as_json(),
            "POST rules": self._add_rules,
            "DELETE rules": self._clear_rules,
            "POST archive": lambda request: self._each(request, "archive"),
            "POST restore": lambda request: self._each(request, "restore"),
            "POST merge": self._merge,
        }
        return {key: _as_route(action) for key, action in actions.items()}

    def _subscribe(self, request: Request) -> Json:
        raw = request.json()
        stamp = self._account.stamp
        wanted = [Subscription.of_json(self._settings.next_id(), one, stamp) for one in raw.get("subscriptions", USUAL)]
        secret = raw.get("secret") or self._credentials.app.client_secret
        target = Target(raw["url"], secret, int(raw.get("maxConcurrentRequests", 10)), wanted, stamp)
        # The same address subscribed again replaces the earlier one, so that a restarted receiver is told once.
        self._webhooks.targets[target.url] = target
        return self._webhooks.as_json()

    def _unsubscribe(self, _: Request) -> Json:
        self._webhooks.targets.clear()
        return self._webhooks.as_json()

    def _emit(self, request: Request) -> Json:
        """Send the stage of given deals once more, as if it had just been set."""
        one = self._account.catalog.type_of("deals")
        changes = []
        for record_id in request.json()["ids"]:
            found = self._account.find("deals", str(record_id))
            if found is None:
                raise ValueError(f"There is no deal {record_id} to send an event for.")
            now_ms = int(self._account.now.timestamp() * 1000)
            stage = str(found[1].get("dealstage", ""))
            changes.append(
                Change("propertyChange", one, found[0], now_ms, "CRM_UI", _PERSON, property="dealstage", value=stage)
            )
        return {"sent": self._webhooks.emit(changes)}

    def _add_rules(self, request: Request) -> Json:
        for raw in request.json()["rules"]:
            self._rules.add(raw)
        return self._rules.as_json()

    def _clear_rules(self, _: Request) -> Json:
        self._rules.clear()
        return self._rules.as_json()

    def _each(self, request: Request, action: str) -> Json:
        raw = request.json()
        one = self._account.catalog.type_of(raw["type"])
        writer = Writer(self._account, UI, None)
        for record_id in raw["ids"]:
            (writer.archive if action == "archive" else writer.restore)(one, str(record_id))
        return {action: raw["ids"]}

    def _merge(self, request: Request) -> Json:
        raw = request.json()
        one = self._account.catalog.type_of(raw["type"])
        writer = Writer(self._account, UI, None)
        return {"id": writer.merge(one, str(raw["primary"]), str(raw["other"]))}


def _as_route(action: Callable[[Request], Json]) -> ControlRoute:
    async def route(request: Request) -> Response:
        return Response.of_json(200, action(request))

    return route
