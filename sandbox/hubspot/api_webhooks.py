"""The app's own webhook settings, as far as older public apps set them by interface."""

from typing import Any

from sandbox.hubspot.account import Account
from sandbox.hubspot.credentials import Credentials
from sandbox.hubspot.errors import HubSpotError, missing
from sandbox.hubspot.subscriptions import Subscription, Target
from sandbox.hubspot.webhooks import Webhooks
from sandbox.hubspot.wire import Answer, Call

__all__ = ["WebhooksApi"]

Json = dict[str, Any]


class WebhooksApi:
    """Answers .../webhooks/.../{app}/settings and /subscriptions. One app has one target."""

    def __init__(self, account: Account, credentials: Credentials, webhooks: Webhooks) -> None:
        """Set up this sender."""
        self._account = account
        self._app = credentials.app
        self._webhooks = webhooks
        self._target: Target | None = None
        self._next = 2_271_340

    def next_id(self) -> int:
        """Return the number of the next subscription."""
        self._next += 1
        return self._next - 1

    def handle(self, call: Call) -> Answer:
        """Answer one call about the app's settings."""
        if not call.segments or call.segments[0] != str(self._app.app_id):
            raise missing()
        try:
            if call.segments[1:] == ("settings",):
                return self._settings(call)
            if call.segments[1:2] == ("subscriptions",):
                return self._subscriptions(call, call.segments[2:])
        except ValueError as error:
            raise HubSpotError("VALIDATION_ERROR", str(error)) from error
        raise missing()

    def _settings(self, call: Call) -> Answer:
        if call.method == "PUT":
            body = call.body()
            kept = self._target.subscriptions if self._target else []
            self._drop()
            most = int(body["throttling"]["maxConcurrentRequests"])
            target = Target(str(body["targetUrl"]), self._app.client_secret, most, kept, self._account.stamp)
            self._target = target
            self._webhooks.targets[target.url] = target
            return Answer(200, _settings_of(target))
        if self._target is None:
            raise missing()
        if call.method == "DELETE":
            self._drop()
            return Answer(204)
        return Answer(200, _settings_of(self._target))

    def _drop(self) -> None:
        if self._target is not None:
            self._webhooks.targets.pop(self._target.url, None)
            self._target = None

    def _subscriptions(self, call: Call, rest: tuple[str, ...]) -> Answer:
        if self._target is None:
            raise HubSpotError("VALIDATION_ERROR", "The app has no target URL; set it first")
        kept = self._target.subscriptions
        if not rest and call.method == "GET":
            return Answer(200, {"results": [one.as_json() for one in kept]})
        if not rest and call.method == "POST":
            # A new subscription of an older app is off unless the call says otherwise.
            one = Subscription.of_json(self.next_id(), {"active": False, **call.body()}, self._account.stamp)
            kept.append(one)
            return Answer(201, one.as_json())
        if rest == ("batch", "update"):
            wanted = {str(row["id"]): bool(row["active"]) for row in call.body()["inputs"]}
            for one in kept:
                one.active = wanted.get(str(one.id), one.active)
            stamp = self._account.stamp
            changed = [one.as_json() for one in kept if str(one.id) in wanted]
            return Answer(200, {"status": "COMPLETE", "results": changed, "startedAt": stamp, "completedAt": stamp})
        return self._one(call, kept, rest)

    def _one(self, call: Call, kept: list[Subscription], rest: tuple[str, ...]) -> Answer:
        for one in kept:
            if rest == (str(one.id),):
                if call.method == "DELETE":
                    kept.remove(one)
                    return Answer(204)
                if call.method == "PATCH":
                    one.active = bool(call.body()["active"])
                return Answer(200, one.as_json())
        raise missing()


def _settings_of(target: Target) -> Json:
    throttling = {"maxConcurrentRequests": target.max_concurrent}
    stamps = {"createdAt": target.created_at, "updatedAt": target.created_at}
    return {"targetUrl": target.url, "throttling": throttling, **stamps}
