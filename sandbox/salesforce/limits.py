"""The org's daily allowance of API calls, counted over a rolling day, and what a caller reads about it."""

from collections import deque
from typing import Any

from sandbox.kit import World
from sandbox.salesforce.errors import SalesforceError

__all__ = ["Limits"]

_DAY_S = 86_400
_LONG_RUNNING_MAX = 25


class Limits:
    """Counts calls of the last 24 hours; there is no Retry-After and no 429 with this vendor."""

    def __init__(self, world: World) -> None:
        """Start with an unused allowance."""
        self._world = world
        self._spent: deque[tuple[float, int]] = deque()

    @property
    def used(self) -> int:
        """Return how many calls count at present, those a test pretends were made earlier included."""
        horizon = self._world.clock.epoch_s() - _DAY_S
        while self._spent and self._spent[0][0] < horizon:
            self._spent.popleft()
        return int(self._world.number("api_calls_before")) + sum(count for _, count in self._spent)

    @property
    def most(self) -> int:
        """Return the daily allowance."""
        return int(self._world.number("daily_api_limit"))

    def spend(self, calls: int = 1) -> None:
        """Count calls, or refuse them when the day's allowance or the concurrency limit is reached."""
        if self._world.number("long_running_calls") >= _LONG_RUNNING_MAX:
            message = "ConcurrentPerOrgLongTxn Limit exceeded."
            raise SalesforceError("REQUEST_LIMIT_EXCEEDED", message, status=403)
        if self.used + calls > self.most:
            raise SalesforceError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)
        self._spent.append((self._world.clock.epoch_s(), calls))

    def header(self, app: str) -> str:
        """Return the value of Sforce-Limit-Info."""
        text = f"api-usage={self.used}/{self.most}"
        per_app = int(self._world.number("per_app_api_limit"))
        return f"{text}; per-app-api-usage={self.used}/{per_app}(appName={app})" if per_app else text

    def as_json(self) -> dict[str, Any]:
        """Return the answer of the limits resource."""
        left = max(0, self.most - self.used)
        return {
            "DailyApiRequests": {"Max": self.most, "Remaining": left},
            "DailyBulkApiBatches": {"Max": 15000, "Remaining": 15000},
            "DailyBulkV2QueryJobs": {"Max": 10000, "Remaining": 10000},
            "HourlyPublishedPlatformEvents": {"Max": 250000, "Remaining": 250000},
            "DailyDeliveredPlatformEvents": {"Max": 25000, "Remaining": 25000},
            "DataStorageMB": {"Max": 10240, "Remaining": 10000},
            "FileStorageMB": {"Max": 10240, "Remaining": 10000},
        }
