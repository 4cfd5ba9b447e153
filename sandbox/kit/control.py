"""The routes under /_sandbox/: what a test reads to judge, and what it sets to disturb."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sandbox.kit.http import Request, Response
from sandbox.kit.state_file import load_records
from sandbox.kit.system import System

__all__ = ["PREFIX", "Control"]

PREFIX = "/_sandbox/"


class Control:
    """Answers the control routes of one system; they bypass auth, faults, counters and limits."""

    def __init__(self, system: System) -> None:
        """Control this system."""
        self._system = system
        self._world = system.world
        self._routes: dict[str, Callable[[Request], Any]] = {
            "GET health": lambda _: {"system": system.name, "status": "ok"},
            "GET journal": self._journal,
            "GET state": self._state,
            "GET calls": lambda _: self._world.calls.as_json(),
            "DELETE calls": self._reset_calls,
            "GET faults": lambda _: {"rules": self._world.faults.as_json()},
            "POST faults": self._add_faults,
            "DELETE faults": self._clear_faults,
            "GET clock": lambda _: {"now": self._world.clock.now().isoformat()},
            "POST clock": self._advance,
            "GET settings": lambda _: self._world.settings,
            "POST settings": self._change_settings,
            "POST records": self._save_records,
        }

    async def handle(self, request: Request) -> Response:
        """Answer one control call."""
        key = f"{request.method} {request.path.removeprefix(PREFIX).strip('/')}"
        try:
            if own := self._system.control_routes().get(key):
                return await own(request)
            if (route := self._routes.get(key)) is None:
                return Response.of_json(404, {"error": f"There is no control route {key}."})
            return Response.of_json(200, route(request))
        except (ValueError, KeyError, TypeError) as error:
            return Response.of_json(400, {"error": str(error)})

    def _journal(self, request: Request) -> dict[str, Any]:
        query = request.query
        limit = int(query["limit"]) if "limit" in query else None
        entries = self._world.journal.since(int(query.get("since", "0")), limit)
        return {
            "system": self._system.name,
            "count": len(entries),
            "last_seq": self._world.journal.last_seq,
            "entries": [asdict(entry) for entry in entries],
        }

    def _state(self, request: Request) -> dict[str, Any]:
        del request
        store = self._world.store
        return {
            kind: [self._system.shown(kind, {"id": record_id, **record}) for record_id, record in store.rows(kind)]
            for kind in store.kinds()
        }

    def _reset_calls(self, request: Request) -> dict[str, Any]:
        del request
        self._world.calls.reset()
        return self._world.calls.as_json()

    def _add_faults(self, request: Request) -> dict[str, Any]:
        return {"ids": [self._world.faults.add(rule) for rule in request.json()["rules"]]}

    def _clear_faults(self, request: Request) -> dict[str, Any]:
        del request
        self._world.faults.clear()
        return {"rules": []}

    def _advance(self, request: Request) -> dict[str, Any]:
        self._world.clock.advance(float(request.json()["advance_s"]))
        return {"now": self._world.clock.now().isoformat()}

    def _change_settings(self, request: Request) -> dict[str, Any]:
        self._world.change_settings(request.json())
        return self._world.settings

    def _save_records(self, request: Request) -> dict[str, Any]:
        with self._world.store.transaction():
            ids = load_records(request.json()["records"], self._system.save_as_person, self._system.reference)
        return {"ids": ids}
