from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from models.errors import NotSent
from ports.event_source import Found, PositionLost
from runtime.listener import Listeners

Look = Callable[[str], AsyncIterator[Found]]


class Source:
    """A source whose looks a test writes."""

    def __init__(self, name: str, look: Look, *, heals: bool = False, pause_s: float = 0.0) -> None:
        self.name = name
        self.heals = heals
        self.pause_s = pause_s
        self.looks: list[str] = []
        self._look = look

    def look(self, position: str) -> AsyncIterator[Found]:
        self.looks.append(position)
        return self._look(position)


class Places(dict[str, str]):
    """Kept places; fails so often as it is told."""

    failures = 0

    async def set(self, name: str, value: str) -> None:
        if self.failures:
            self.failures -= 1
            raise NotSent("The store is down.")
        self[name] = value

    async def get(self, name: str) -> str | None:  # type: ignore[override]
        return dict.get(self, name)


@asynccontextmanager
async def listening(places: Places, *sources: Source) -> AsyncIterator[Listeners]:
    listeners = Listeners(cast("Any", sources), cast("Any", None), places, on_accepted=lambda: None)
    running = asyncio.create_task(listeners.run())
    try:
        yield listeners
    finally:
        listeners.stop()
        await asyncio.wait_for(running, 5)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in the code under test
            await asyncio.sleep(0.01)


async def test_a_store_that_is_down_when_a_place_is_lost_ends_no_listener() -> None:
    async def look(position: str) -> AsyncIterator[Found]:
        if position:
            raise PositionLost("Forgotten.")
        yield Found((), "new")
        await asyncio.sleep(60)

    places, source = Places(stream="old"), Source("stream", look)
    places.failures = 1
    async with listening(places, source):
        await until(lambda: dict(places).get("stream") == "new")
    assert source.looks == ["old", "old", ""]


async def test_a_source_of_nothing_but_gaps_does_not_use_up_the_calls_of_a_sweep() -> None:
    async def gaps(_position: str) -> AsyncIterator[Found]:
        while True:
            await asyncio.sleep(0.001)
            yield Found((), "here", is_incomplete=True)

    async def nothing(_position: str) -> AsyncIterator[Found]:
        yield Found((), "swept")

    stream, sweep = Source("stream", gaps), Source("sweep", nothing, heals=True, pause_s=300)
    async with listening(Places(), stream, sweep):
        await asyncio.sleep(0.4)
        assert len(sweep.looks) == 1
        await until(lambda: len(sweep.looks) == 2)


async def test_a_look_is_closed_before_the_next_one_begins() -> None:
    open_looks = most = 0

    async def look(_position: str) -> AsyncIterator[Found]:
        nonlocal open_looks, most
        open_looks += 1
        most = max(most, open_looks)
        try:
            yield Found((), "here")
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            open_looks -= 1

    places, source = Places(), Source("stream", look)
    places.failures = 1
    async with listening(places, source):
        await until(lambda: "stream" in places)
    assert (most, open_looks) == (1, 0)


async def test_a_listener_that_is_cancelled_leaves_nothing_running() -> None:
    async def look(_position: str) -> AsyncIterator[Found]:
        await asyncio.sleep(60)
        yield Found((), "here")

    source = Source("stream", look)
    before = asyncio.all_tasks()
    listeners = Listeners(cast("Any", [source]), cast("Any", None), Places(), on_accepted=lambda: None)
    running = asyncio.create_task(listeners.run())
    await until(lambda: bool(source.looks))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == before
