"""What the suite holds every connector to: guard and vendor calls of each operation, and what else its page says.

The suite counts the calls and asks the connector for the guard; `python -m tests.capabilities` makes a page of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from models.records import Guard

__all__ = ["COSTS", "FACTS", "Cost", "Facts", "cost_of"]


@dataclass(frozen=True)
class Cost:
    """Calls of the first run over a warm connection, how many of them write, and how one effect is kept."""

    calls: int
    writes: int = 1
    guard: Guard = Guard.PROOF


@dataclass(frozen=True)
class Facts:
    """What is true of a connector as a whole."""

    calls_per_deal: int
    counted: str
    """What the number is made of."""
    index_lag: str
    events: str
    tried_at: str


_ONE = Cost(1)
_MODULE = {
    "customer": _ONE, "contact": _ONE, "cost-centre": Cost(2), "project": _ONE, "billing-schedule": Cost(2),
    "contract": Cost(2), "hold": Cost(2), "release": Cost(2), "cancellation": Cost(4, 2),
    "purchase-order": Cost(3),
}  # fmt: skip
_PLAIN = _MODULE | {"project": Cost(2), "billing-schedule": Cost(3), "contract": Cost(6, 3)}
_UNGUARDED = ("cost-centre", "project", "billing-schedule", "contract")
COSTS: dict[str, dict[str, Cost]] = {
    "salesforce@sandbox": {"write-back": _ONE},
    "hubspot@sandbox": {"write-back": Cost(8, 5, Guard.GUARDED)},
    "netsuite@sandbox": {
        "customer": _ONE, "contact": _ONE, "cost-centre": _ONE, "project": _ONE, "billing-schedule": _ONE,
        "contract": _ONE, "hold": Cost(4, 2), "release": Cost(4, 2), "cancellation": Cost(6, 3),
        "purchase-order": Cost(2),
    },
    "tryton@real": _MODULE,
    "tryton-plain@real": _PLAIN | {name: replace(_PLAIN[name], guard=Guard.GUARDED) for name in _UNGUARDED},
}  # fmt: skip

_OF_A_CRM = "which contract, signed terms, outcome with a note"
_OF_AN_ERP = "survey, customer, one contact, project, schedule, contract, read-back"
_OUTBOX = "read from the outbox of the module; nothing polls it yet"
FACTS: dict[str, Facts] = {
    "salesforce@sandbox": Facts(
        3, _OF_A_CRM, "none: reads by id and unique key",
        "signed callout, outbound message, event bus, sweep", "the simulated org",
    ),
    "hubspot@sandbox": Facts(
        15, f"{_OF_A_CRM}; contacts, lines, milestones and rates are one call each",
        "searches lag by seconds to minutes: used to list won deals only", "signed webhooks", "the simulated account",
    ),
    "netsuite@sandbox": Facts(
        7, _OF_AN_ERP, "none known: reads by external id", "signed callout", "the simulated account"
    ),
    "tryton@real": Facts(12, _OF_AN_ERP, "none: reads the database", _OUTBOX, "a real server with the module"),
    "tryton-plain@real": Facts(18, _OF_AN_ERP, "none: reads the database", "none", "a real server without the module"),
}  # fmt: skip


def cost_of(backend: str, operation: str) -> Cost:
    """The declared cost."""
    return COSTS[backend][operation]
