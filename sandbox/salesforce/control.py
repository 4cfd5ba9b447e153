"""Control routes of this simulator only: rules, locks, subscriptions, tokens."""

from collections.abc import Mapping
from typing import Any

from sandbox.kit import ControlRoute, Request, Response
from sandbox.salesforce.auth import Auth, ConnectedApp
from sandbox.salesforce.events import Events, Subscription
from sandbox.salesforce.guards import DuplicateRule, Guards, Lock, ValidationRule
from sandbox.salesforce.ids import is_id, to_18

__all__ = ["control_routes"]


def control_routes(auth: Auth, guards: Guards, events: Events) -> Mapping[str, ControlRoute]:
    """Return the routes by `METHOD path-after-/_sandbox/`."""

    async def expire(_: Request) -> Response:
        return _ok({"expired": auth.expire_all()})

    async def register(request: Request) -> Response:
        auth.register(ConnectedApp(**request.json()))
        return _ok({"registered": request.json()["consumer_key"]})

    async def subscribe(request: Request) -> Response:
        raw = request.json()
        wanted = Subscription(raw["url"], raw["secret"], tuple(raw.get("objects", ("Opportunity",))))
        # The same address subscribed again replaces the earlier one, so that a restarted receiver is told once.
        events.subscriptions[:] = [one for one in events.subscriptions if one.url != wanted.url] + [wanted]
        return _ok(events.as_json())

    async def unsubscribe(_: Request) -> Response:
        events.subscriptions.clear()
        return _ok(events.as_json())

    async def subscriptions(_: Request) -> Response:
        return _ok(events.as_json())

    async def emit(request: Request) -> Response:
        return _ok({"sent": events.emit([to_18(str(one)) for one in request.json()["ids"]])})

    async def rules(request: Request) -> Response:
        raw = request.json()
        guards.validation.extend(ValidationRule(**one) for one in raw.get("validation_rules", []))
        guards.duplicates.extend(
            DuplicateRule(**{**one, "match": tuple(one["match"])}) for one in raw.get("duplicate_rules", [])
        )
        return _ok(guards.as_json())

    async def locks(request: Request) -> Response:
        for one in request.json()["locks"]:
            if one.get("kind") not in {"approval", "row"} or not is_id(one.get("id")):
                raise ValueError(f"A lock needs an id and a kind, approval or row; got {one}.")
            guards.locks.append(Lock(to_18(one["id"]), one["kind"], int(one.get("times", 0))))
        return _ok(guards.as_json())

    async def shown_rules(_: Request) -> Response:
        return _ok(guards.as_json())

    async def unlock(_: Request) -> Response:
        guards.locks.clear()
        return _ok(guards.as_json())

    async def no_rules(_: Request) -> Response:
        guards.clear()
        return _ok(guards.as_json())

    return {
        "POST expire-tokens": expire,
        "POST apps": register,
        "GET subscriptions": subscriptions,
        "POST subscriptions": subscribe,
        "DELETE subscriptions": unsubscribe,
        "POST emit": emit,
        "GET rules": shown_rules,
        "POST rules": rules,
        "DELETE rules": no_rules,
        "POST locks": locks,
        "DELETE locks": unlock,
    }


def _ok(value: Any) -> Response:
    return Response.of_json(200, value)
