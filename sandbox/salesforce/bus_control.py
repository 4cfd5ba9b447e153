"""What a test sets on the org's event bus and its outbound messages."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.kit import ControlRoute, Request, Response
from sandbox.salesforce.bus import BusServer, ChangeLog
from sandbox.salesforce.ids import to_18
from sandbox.salesforce.outbound import OutboundMessages, OutboundSubscription

__all__ = ["BusControls"]

Json = dict[str, Any]


class BusControls:
    """Disturb the bus, and point outbound messages at a receiver."""

    def __init__(self, changes: ChangeLog, bus: BusServer, outbound: OutboundMessages) -> None:
        """Control these parts of the org."""
        self._changes = changes
        self._bus = bus
        self._outbound = outbound

    def routes(self) -> Mapping[str, ControlRoute]:
        """Return the routes by `METHOD path-after-/_sandbox/`."""
        actions: dict[str, Callable[[Request], Json]] = {
            "GET bus": lambda _: self._shown(),
            "POST bus": self._disturb,
            "GET outbound": lambda _: self._outbound.as_json(),
            "POST outbound": self._subscribe,
            "DELETE outbound": self._unsubscribe,
        }
        return {key: _as_route(action) for key, action in actions.items()}

    def _shown(self) -> Json:
        return {"address": self._bus.address, "deaf": self._changes.is_deaf, "topics": sorted(self._changes.topics)}

    def _disturb(self, request: Request) -> Json:
        """Do what the body names: deaf, reset, hang_up, repeat, gap."""
        raw = request.json()
        if "deaf" in raw:
            self._changes.is_deaf = bool(raw["deaf"])
        if raw.get("reset"):
            self._changes.reset()
        if raw.get("hang_up"):
            self._bus.hang_up()
        if raw.get("repeat"):
            self._changes.repeat(int(raw["repeat"]))
        if gap := raw.get("gap"):
            ids = [to_18(str(one)) for one in gap.get("ids", [])] or [f"{gap.get('prefix', '006')}*"]
            self._changes.publish_gap(gap["object"], ids, gap.get("change", "GAP_UPDATE"))
        return self._shown()

    def _subscribe(self, request: Request) -> Json:
        raw = request.json()
        fields = tuple(raw.get("fields", ("StageName",)))
        self._outbound.subscribe(OutboundSubscription(raw["url"], raw.get("object", "Opportunity"), fields))
        return self._outbound.as_json()

    def _unsubscribe(self, _: Request) -> Json:
        self._outbound.clear()
        return self._outbound.as_json()


def _as_route(action: Callable[[Request], Json]) -> ControlRoute:
    async def route(request: Request) -> Response:
        return Response.of_json(200, action(request))

    return route
