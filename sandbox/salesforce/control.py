"""Control routes of this simulator only: rules, locks, subscriptions, tokens."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.kit import ControlRoute, Request, Response
from sandbox.salesforce.auth import Auth, ConnectedApp
from sandbox.salesforce.events import Events, Subscription
from sandbox.salesforce.guards import DuplicateRule, Guards, Lock, ValidationRule
from sandbox.salesforce.ids import is_id, to_18

__all__ = ["Controls"]

Json = dict[str, Any]


class Controls:
    """What a test or the demo sets on this org beside the kit's own control routes."""

    def __init__(self, auth: Auth, guards: Guards, events: Events) -> None:
        """Control these parts of the org."""
        self._auth = auth
        self._guards = guards
        self._events = events

    def routes(self) -> Mapping[str, ControlRoute]:
        """Return the routes by `METHOD path-after-/_sandbox/`."""
        actions: dict[str, Callable[[Request], Json]] = {
            "POST expire-tokens": lambda _: {"expired": self._auth.expire_all()},
            "POST apps": self._register,
            "GET subscriptions": lambda _: self._events.as_json(),
            "POST subscriptions": self._subscribe,
            "DELETE subscriptions": self._unsubscribe,
            "POST emit": self._emit,
            "GET rules": lambda _: self._guards.as_json(),
            "POST rules": self._add_rules,
            "DELETE rules": self._clear_rules,
            "POST locks": self._lock,
            "DELETE locks": self._unlock,
        }
        return {key: _as_route(action) for key, action in actions.items()}

    def _register(self, request: Request) -> Json:
        app = ConnectedApp(**request.json())
        self._auth.register(app)
        return {"registered": app.consumer_key}

    def _subscribe(self, request: Request) -> Json:
        raw = request.json()
        wanted = Subscription(raw["url"], raw["secret"], tuple(raw.get("objects", ("Opportunity",))))
        # The same address subscribed again replaces the earlier one, so that a restarted receiver is told once.
        others = [one for one in self._events.subscriptions if one.url != wanted.url]
        self._events.subscriptions[:] = [*others, wanted]
        return self._events.as_json()

    def _unsubscribe(self, _: Request) -> Json:
        self._events.subscriptions.clear()
        return self._events.as_json()

    def _emit(self, request: Request) -> Json:
        return {"sent": self._events.emit([to_18(str(one)) for one in request.json()["ids"]])}

    def _add_rules(self, request: Request) -> Json:
        raw = request.json()
        self._guards.validation.extend(ValidationRule(**one) for one in raw.get("validation_rules", []))
        self._guards.duplicates.extend(
            DuplicateRule(**{**one, "match": tuple(one["match"])}) for one in raw.get("duplicate_rules", [])
        )
        return self._guards.as_json()

    def _clear_rules(self, _: Request) -> Json:
        self._guards.clear()
        return self._guards.as_json()

    def _lock(self, request: Request) -> Json:
        for one in request.json()["locks"]:
            if one.get("kind") not in {"approval", "row"} or not is_id(one.get("id")):
                raise ValueError(f"A lock needs an id and a kind, approval or row; got {one}.")
            self._guards.locks.append(Lock(to_18(one["id"]), one["kind"], int(one.get("times", 0))))
        return self._guards.as_json()

    def _unlock(self, _: Request) -> Json:
        self._guards.locks.clear()
        return self._guards.as_json()


def _as_route(action: Callable[[Request], Json]) -> ControlRoute:
    async def route(request: Request) -> Response:
        return Response.of_json(200, action(request))

    return route
