from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["BackOff"]


class BackOff:
    """How long to leave a side alone that does not answer: doubling, bounded, never in step with other processes."""

    def __init__(
        self, *, first_s: float = 0.5, longest_s: float = 30.0, chance: Callable[[], float] = random.random
    ) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._chance = chance
        self.failures = 0
        """In a row."""

    def failed(self, wish_s: float | None = None) -> float:
        """Seconds to wait now; `wish_s` is what the other side asked for, followed up to five times the usual limit."""
        full: float = self._first_s * 2 ** min(self.failures, 16)
        self.failures += 1
        waited = min(full, self._longest_s) * (0.5 + self._chance() / 2)
        return waited if wish_s is None else max(waited, min(wish_s, 5 * self._longest_s))

    def worked(self) -> None:
        """The next failure is a first one again."""
        self.failures = 0
