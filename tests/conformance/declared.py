"""What each operation costs at each backend, in vendor calls, once the connection is warm. The suite counts them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COSTS", "Cost", "cost_of"]


@dataclass(frozen=True)
class Cost:
    """Calls of the first run, and how many of them write."""

    calls: int
    writes: int


_ONE = Cost(1, 1)
_MODULE = {
    "customer": _ONE, "contact": _ONE, "cost-centre": Cost(2, 1), "project": _ONE, "billing-schedule": Cost(2, 1),
    "contract": Cost(2, 1), "hold": Cost(2, 1), "release": Cost(2, 1), "cancellation": Cost(4, 2),
}  # fmt: skip
COSTS: dict[str, dict[str, Cost]] = {
    "salesforce@sandbox": {"write-back": _ONE},
    "hubspot@sandbox": {"write-back": Cost(8, 5)},
    "netsuite@sandbox": {
        "customer": _ONE, "contact": _ONE, "cost-centre": _ONE, "project": _ONE, "billing-schedule": _ONE,
        "contract": _ONE, "hold": Cost(4, 2), "release": Cost(4, 2), "cancellation": Cost(6, 3),
    },
    "tryton@real": _MODULE,
    "tryton-plain@real": _MODULE | {
        "project": Cost(2, 1), "billing-schedule": Cost(3, 1), "contract": Cost(6, 3),
    },
}  # fmt: skip


def cost_of(backend: str, operation: str) -> Cost:
    """The declared cost."""
    return COSTS[backend][operation]
