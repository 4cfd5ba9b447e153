from __future__ import annotations

import logging
import time
from collections.abc import Callable

__all__ = ["Outage"]

_LOGGER = logging.getLogger("tieline.vendor")
_AWAY = frozenset({502, 503, 504})
"""Answers of what stands in front of a system that does not answer."""


class Outage:
    """Logs once when a system goes away and once when it is back, however many calls meet it in between."""

    def __init__(self, system: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._system = system
        self._clock = clock
        self._since: float | None = None

    def unreachable(self, why: str) -> None:
        """A call got no answer."""
        if self._since is not None:
            return
        self._since = self._clock()
        self._log(logging.WARNING, "vendor.away", {"system": self._system, "reason": why})

    def answered(self, status: int) -> None:
        """A call got an answer."""
        if status in _AWAY:
            self.unreachable(f"HTTP {status}")
        elif self._since is not None:
            seconds, self._since = round(self._clock() - self._since, 1), None
            self._log(logging.INFO, "vendor.back", {"system": self._system, "after_s": seconds})

    @staticmethod
    def _log(level: int, event: str, fields: dict[str, object]) -> None:
        _LOGGER.log(level, event, extra={"tieline_event": event, "tieline_fields": fields})
