"""How often which route of a simulator was called."""

from collections import Counter
from typing import Any

__all__ = ["Calls"]


class Calls:
    """Counts every vendor call, refused and faulted ones included, by method and route."""

    def __init__(self) -> None:
        """Start at zero."""
        self._by_route: Counter[str] = Counter()

    def add(self, route: str) -> None:
        """Count one call."""
        self._by_route[route] += 1

    def reset(self) -> None:
        """Start at zero again."""
        self._by_route.clear()

    def as_json(self) -> dict[str, Any]:
        """Return the counters as the control route answers them."""
        return {"total": self._by_route.total(), "by_route": dict(sorted(self._by_route.items()))}
