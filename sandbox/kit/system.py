"""What the author of a simulator writes: one subclass of System, and a `build(options)` that makes it."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from sandbox.kit.http import Request, Response
from sandbox.kit.record_store import Author, Record
from sandbox.kit.world import World

__all__ = ["UI", "ControlRoute", "System"]

ControlRoute = Callable[[Request], Awaitable[Response]]
UI = Author("ui")


class System(ABC):
    """One vendor dialect over a World.

    `sandbox/<system>/__init__.py` exports `build(options: Options) -> System`; the command line, the server and
    the control routes need nothing else. All effects of a call happen inside `handle`, without an await between
    the first and the last of them, so that no other call sees half of it.
    """

    name: ClassVar[str]

    def __init__(self, world: World) -> None:
        """Serve this account; `url` is known once the server listens."""
        self.world = world
        self.url = ""

    @abstractmethod
    async def handle(self, request: Request) -> Response:
        """Answer one vendor call, authentication and limits included."""

    @abstractmethod
    def route_of(self, request: Request) -> str:
        """Return the call's route without ids, such as `PUT /record/v1/customer`, for the counters."""

    @abstractmethod
    def client_facts(self) -> dict[str, Any]:
        """Return the throw-away credentials and addresses a client needs, for the ready line."""

    @abstractmethod
    def save_as_person(self, record: Record) -> str:
        """Create or change (`id` given and known) a record as a person in the vendor's screens would; return its id.

        Raises ValueError in plain words when the vendor's screens would refuse it. Author is `UI`.
        """

    @abstractmethod
    def reference(self, record_id: str) -> Any:
        """Return what a field that points at a record holds: the bare id, or an object around it."""

    def shown(self, kind: str, record: Record) -> Record:
        """Return a record as `GET /_sandbox/state` shows it."""
        del kind
        return record

    def control_routes(self) -> Mapping[str, ControlRoute]:
        """Return further control routes of this system by `METHOD path-after-/_sandbox/`."""
        return {}

    def unexpected(self, request: Request, error: Exception) -> Response:
        """Answer when the simulator itself has a defect; loud, so that a test fails on it."""
        return Response.of_json(500, {"sandbox_defect": f"{request.method} {request.target}: {error!r}"})

    async def started(self) -> None:  # noqa: B027 - a hook most systems do not need
        """Begin background work; called once the server listens."""

    async def stopped(self) -> None:  # noqa: B027 - a hook most systems do not need
        """End background work."""
