"""How many calls the account allows: per ten seconds and app, per day, and per second for search."""

from collections import deque
from datetime import datetime
from zoneinfo import ZoneInfo

from sandbox.hubspot.errors import RateLimitedError
from sandbox.hubspot.wire import Caller
from sandbox.kit import World

__all__ = ["Limits"]

_WINDOW_S = 10


class Limits:
    """Counts calls by the vendor's clock."""

    def __init__(self, world: World) -> None:
        """Start with unused allowances."""
        self._world = world
        self._recent: dict[str, deque[float]] = {}
        self._searches: deque[float] = deque()
        self._day = ""
        self._today = 0

    def spend(self, caller: Caller, *, search: bool) -> None:
        """Count a call, or refuse it."""
        if not caller.is_oauth and self._used_today() >= self._world.number("daily_limit"):
            raise RateLimitedError("DAILY", f"publicapi:private-app-api-calls-daily:{caller.app_id}")
        now = self._world.clock.epoch_s()
        if search:
            _drop(self._searches, now - 1)
            if len(self._searches) >= self._world.number("search_per_second"):
                raise RateLimitedError("SECONDLY", None)
            self._searches.append(now)
        else:
            recent = self._recent.setdefault(caller.name, deque())
            _drop(recent, now - _WINDOW_S)
            if len(recent) >= self._most(caller):
                kind = "oauth-app" if caller.is_oauth else "private-app"
                group = f"publicapi:{kind}-api-calls-ten-secondly:{caller.app_id}"
                raise RateLimitedError("TEN_SECONDLY_ROLLING", group)
            recent.append(now)
        self._today += 1

    def headers(self, caller: Caller) -> list[tuple[str, str]]:
        """Return what a caller reads about its allowances; search answers carry none of it."""
        most = self._most(caller)
        left = max(0, most - len(self._recent.get(caller.name, ())))
        shown = [
            ("X-HubSpot-RateLimit-Interval-Milliseconds", str(_WINDOW_S * 1000)),
            ("X-HubSpot-RateLimit-Max", str(most)),
            ("X-HubSpot-RateLimit-Remaining", str(left)),
            ("X-HubSpot-RateLimit-Secondly", str(most // _WINDOW_S)),
            ("X-HubSpot-RateLimit-Secondly-Remaining", str(min(left, most // _WINDOW_S))),
        ]
        if not caller.is_oauth:
            daily = int(self._world.number("daily_limit"))
            shown.append(("X-HubSpot-RateLimit-Daily", str(daily)))
            shown.append(("X-HubSpot-RateLimit-Daily-Remaining", str(max(0, daily - self._used_today()))))
        return shown

    def retry_after(self) -> list[tuple[str, str]]:
        """Return the header the vendor does not promise and a setting switches on."""
        seconds = int(self._world.number("retry_after_s"))
        return [("Retry-After", str(seconds))] if seconds else []

    def _most(self, caller: Caller) -> int:
        return int(self._world.number("oauth_burst_limit" if caller.is_oauth else "burst_limit"))

    def _used_today(self) -> int:
        zone = ZoneInfo(self._world.text("time_zone"))
        day = datetime.fromtimestamp(self._world.clock.epoch_s(), tz=zone).date().isoformat()
        if day != self._day:
            self._day, self._today = day, 0
        return self._today + int(self._world.number("calls_before"))


def _drop(stamps: deque[float], horizon: float) -> None:
    while stamps and stamps[0] <= horizon:
        stamps.popleft()
