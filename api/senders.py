from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["SenderLimit", "Turn"]

_MOST_SENDERS = 10_000
_MINUTE_S = 60.0


@dataclass(frozen=True)
class Turn:
    """Whether a sender may speak now. `is_first_refusal` marks the one of a row of refusals that is written down."""

    allowed: bool
    wait_s: int = 0
    is_first_refusal: bool = False


class _Allowance:
    __slots__ = ("at", "left", "refused")

    def __init__(self, left: float, at: float) -> None:
        self.left = left
        self.at = at
        self.refused = False


class SenderLimit:
    """How many requests one sender may make in a minute, in bounded memory: the quietest sender is forgotten first."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._senders: OrderedDict[str, _Allowance] = OrderedDict()

    def take(self, sender: str) -> Turn:
        """Count one request of this sender."""
        now = self._clock()
        allowance = self._senders.get(sender)
        if allowance is None:
            allowance = self._senders[sender] = _Allowance(float(self._per_minute), now)
            if len(self._senders) > _MOST_SENDERS:
                self._senders.popitem(last=False)
        else:
            self._senders.move_to_end(sender)
        refill = (now - allowance.at) * self._per_minute / _MINUTE_S
        allowance.left = min(float(self._per_minute), allowance.left + refill)
        allowance.at = now
        if allowance.left >= 1:
            allowance.left -= 1
            allowance.refused = False
            return Turn(allowed=True)
        first = not allowance.refused
        allowance.refused = True
        wait = (1 - allowance.left) * _MINUTE_S / self._per_minute
        return Turn(allowed=False, wait_s=max(1, round(wait + 0.5)), is_first_refusal=first)
