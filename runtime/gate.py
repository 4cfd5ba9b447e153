from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import ParamSpec, TypeVar

import httpx

from models.errors import TielineError
from models.ids import ConnectionId
from models.pausing import SIGN_IN_REFUSED, ConnectionPaused

__all__ = ["Gate", "Gates"]

P = ParamSpec("P")
R = TypeVar("R")
Adapter = TypeVar("Adapter")

_PROBING: ContextVar[bool] = ContextVar("probing", default=False)


class Gate:
    """Whether calls to one account may leave. It closes when the account refuses our sign-in; only a probe opens it.

    A credential that is tried again and again gets its user locked, so that nothing but the probe is sent meanwhile.
    """

    def __init__(
        self, connection: ConnectionId, on_closed: Callable[[], None], now: Callable[[], datetime]
    ) -> None:
        self.connection = connection
        self.reason = ""
        """Why it is closed; empty while it is open."""
        self.since: datetime | None = None
        self._on_closed = on_closed
        self._now = now

    @property
    def is_closed(self) -> bool:
        """Whether calls are held back."""
        return self.since is not None

    def close(self, reason: str) -> None:
        """The sign-in was refused."""
        self.reason = reason
        if self.since is None:
            self.since = self._now()
            self._on_closed()

    def open(self) -> None:
        """The sign-in was taken."""
        self.reason, self.since = "", None

    def admit(self) -> None:
        """Raises ConnectionPaused while closed, except to the probe."""
        if self.is_closed and not _PROBING.get():
            raise ConnectionPaused(self.connection, self.reason)

    async def admit_request(self, _request: httpx.Request) -> None:
        """The same for whatever is about to leave by HTTP, retries of a sign-in included."""
        self.admit()

    @contextmanager
    def probing(self) -> Iterator[None]:
        """Calls made inside may pass."""
        token = _PROBING.set(True)
        try:
            yield
        finally:
            _PROBING.reset(token)

    def guard(self, adapter: Adapter) -> Adapter:
        """Every call of the adapter goes through the gate from now on, and closes it when its sign-in is refused."""
        for name, _ in inspect.getmembers(type(adapter), inspect.iscoroutinefunction):
            if not name.startswith("_"):
                setattr(adapter, name, self._through(getattr(adapter, name)))
        return adapter

    def _through(self, call: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        @functools.wraps(call)
        async def through(*args: P.args, **kwargs: P.kwargs) -> R:
            self.admit()
            try:
                return await call(*args, **kwargs)
            except TielineError as refused:
                if refused.code != SIGN_IN_REFUSED or isinstance(refused, ConnectionPaused):
                    raise
                self.close(refused.message)
                raise ConnectionPaused(self.connection, refused.message) from refused

        return through


class Gates:
    """The gates of all connections of this process."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._all: dict[ConnectionId, Gate] = {}
        self.on_closed: Callable[[], None] = _nothing

    def of(self, connection: ConnectionId) -> Gate:
        """The gate of that connection, open at first."""
        if connection not in self._all:
            self._all[connection] = Gate(connection, self._closed_one, self._now)
        return self._all[connection]

    def _closed_one(self) -> None:
        self.on_closed()

    def closed(self) -> tuple[Gate, ...]:
        """Those that hold calls back now."""
        return tuple(gate for gate in self._all.values() if gate.is_closed)

    def paused(self) -> frozenset[ConnectionId]:
        """The connections whose work waits."""
        return frozenset(gate.connection for gate in self.closed())


def _nothing() -> None:
    """Nobody watches yet: the gate itself stays closed until somebody does."""
