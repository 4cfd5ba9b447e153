from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

from models.errors import Fatal, Retryable, TielineError
from ports.event_source import EventSource, Found, PositionLost
from ports.inbox import Inbox
from runtime.back_off import BackOff
from runtime.log_events import log_event
from runtime.telemetry import current_traceparent, tracer

__all__ = ["Listener", "Listeners", "Places"]

_LONGEST_PAUSE_S = 300.0
_REST_AFTER_FATAL_S = 60.0
_LEAST_REST_S = 1.0
"""Between two looks, however often one is asked for: a source of nothing but gaps must not use up the day's calls."""


class Places(Protocol):
    """How far each source has been read."""

    async def get(self, name: str) -> str | None:
        """The kept place; None before the first look."""
        ...

    async def set(self, name: str, value: str) -> None:
        """Keep the place."""
        ...


class Listener:
    """Reads one source for as long as the process runs: first the events are stored, then the place moves.

    Whatever ends a look, the next one goes on from the kept place; what comes twice is one row in the inbox. A place
    that the sender forgot is given up only after the sweeps were told to look for what may have been missed.
    """

    def __init__(
        self,
        source: EventSource,
        inbox: Inbox,
        places: Places,
        *,
        on_accepted: Callable[[], None],
        on_gap: Callable[[], None],
    ) -> None:
        self._source = source
        self._inbox = inbox
        self._places = places
        self._on_accepted = on_accepted
        self._on_gap = on_gap
        self._stopping = asyncio.Event()
        self._look_now = asyncio.Event()
        self._back_off = BackOff(longest_s=_LONGEST_PAUSE_S)
        self.trouble = ""
        """Why it cannot read now; empty while all is well."""

    @property
    def source(self) -> EventSource:
        """What it reads."""
        return self._source

    def stop(self) -> None:
        """Finish what is in hand, then end `run`."""
        self._stopping.set()

    def look_now(self) -> None:
        """Do not wait for the next time."""
        self._look_now.set()

    async def run(self) -> None:
        """Until `stop`."""
        while not self._stopping.is_set():
            self._look_now.clear()
            try:
                await self._one_look()
            except Fatal as broken:
                self._in_trouble(broken)
                await self._rest(_REST_AFTER_FATAL_S)
            except Exception as failed:  # noqa: BLE001 - the loop's edge: told in health and log, and tried again
                self._in_trouble(failed)
                wish = failed.retry_after_s if isinstance(failed, Retryable) else None
                await self._rest(self._back_off.failed(wish))
            else:
                await self._rest(min(_LEAST_REST_S, self._source.pause_s))
                await self._rest(self._source.pause_s, unless=self._look_now)

    async def _one_look(self) -> None:
        """Read until the source ends."""
        position = await self._places.get(self._source.name) or ""
        try:
            async with aclosing(self._until_stopped(self._source.look(position))) as coming:
                async for found in coming:
                    await self._keep(found)
                    self._all_well()
        except PositionLost as lost:
            log_event("source.position_lost", level=logging.WARNING, exc=lost, source=self._source.name)
            await self._places.set(self._source.name, "")
            self._on_gap()

    async def _until_stopped(self, look: AsyncIterator[Found]) -> AsyncGenerator[Found]:
        """What the source brings. Only the waiting for it is broken off, never the storing of what it brought."""
        stopped = asyncio.create_task(self._stopping.wait())
        coming: asyncio.Future[Found | None] | None = None
        try:
            while not self._stopping.is_set():
                coming = asyncio.ensure_future(anext(look, None))
                await asyncio.wait({coming, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    return
                found = coming.result()
                if found is None:
                    return
                yield found
        finally:
            stopped.cancel()
            if coming is not None and not coming.done():
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
            close = getattr(look, "aclose", None)
            if close is not None:
                await close()

    async def _keep(self, found: Found) -> None:
        new = 0
        if found.events:
            with tracer().start_as_current_span("events.fetched"):
                for one in found.events:
                    new += await self._inbox.accept(one.event, one.raw, traceparent=current_traceparent())
            log_event("events.fetched", source=self._source.name, events=len(found.events), created=new)
        await self._places.set(self._source.name, found.position)
        if new:
            self._on_accepted()
        if found.is_incomplete:
            self._on_gap()

    async def _rest(self, seconds: float, *, unless: asyncio.Event | None = None) -> None:
        waits = [asyncio.create_task(one.wait()) for one in (self._stopping, unless) if one is not None]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()

    def _all_well(self) -> None:
        if self.trouble:
            log_event("source.came_back", source=self._source.name, failures=self._back_off.failures)
        self.trouble = ""
        self._back_off.worked()

    def _in_trouble(self, failed: Exception) -> None:
        if not self.trouble:
            log_event("source.away", level=logging.WARNING, exc=failed, source=self._source.name)
        self.trouble = failed.message if isinstance(failed, TielineError) else type(failed).__name__


class Listeners:
    """All sources of this process. A gap in one makes the sweeps look at once."""

    def __init__(
        self, sources: Sequence[EventSource], inbox: Inbox, places: Places, *, on_accepted: Callable[[], None]
    ) -> None:
        self._all = tuple(
            Listener(source, inbox, places, on_accepted=on_accepted, on_gap=self._sweep_now) for source in sources
        )

    async def run(self) -> None:
        """Until `stop`."""
        await asyncio.gather(*(one.run() for one in self._all))

    def stop(self) -> None:
        """Finish what is in hand, then end `run`."""
        for one in self._all:
            one.stop()

    async def check(self) -> str:
        """For the health page: which source cannot be read, and why."""
        return " ".join(f"{one.source.name}: {one.trouble}" for one in self._all if one.trouble)

    def _sweep_now(self) -> None:
        for one in self._all:
            if one.source.heals:
                one.look_now()
