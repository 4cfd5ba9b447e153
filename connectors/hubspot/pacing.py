from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

__all__ = ["Pace"]


class Pace:
    """At most so many calls in any window of so many seconds; who is too early waits for its turn.

    It keeps this process inside its share of a limit. The vendor's own refusal still counts: others share the account.
    """

    def __init__(
        self,
        most: int,
        window_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._most = most
        self._window_s = window_s
        self._clock = clock
        self._sleep = sleep
        self._turns: deque[float] = deque()

    async def turn(self) -> None:
        """Take a turn; it counts from the moment at which it may be used."""
        now = self._clock()
        while self._turns and self._turns[0] <= now - self._window_s:
            self._turns.popleft()
        at = now
        if len(self._turns) >= self._most:
            at = max(now, self._turns[-self._most] + self._window_s)
        # Booked before waiting, so that many who come at once queue up behind each other.
        self._turns.append(at)
        if at > now:
            await self._sleep(at - now)
