from __future__ import annotations

from datetime import datetime
from typing import Protocol

from models.base import Canonical
from models.ids import FirmId

__all__ = ["BusinessFigures", "FigureBook", "Spread"]


class Spread(Canonical):
    """How long something took, in seconds: the middle one, and the one that 95 of 100 did not exceed."""

    count: int
    p50_s: float
    p95_s: float


class BusinessFigures(Canonical):
    """How well selling and booking go together at a firm. Times and counts only; no amount, no name."""

    firm: FirmId
    since: datetime
    until: datetime
    contracts: dict[str, int]
    """Contracts by the stage they are at now."""
    writes: dict[str, int]
    """Writes meant since then, by what became of them."""
    success_rate: float | None
    """Share of the settled ones that had their effect; None when there were none."""
    sync_latency: Spread | None
    """From the intent of a write to its proven effect."""
    records_adopted: int
    """Records that were there already and were taken, where a second one would have been made."""
    writes_repeated: int
    """Writes that were tried again after a lost answer, and had one effect."""
    failed_validations: dict[str, int]
    """Stops raised since then, by code."""
    open_items: dict[str, int]
    """What waits for people now, by owner."""
    oldest_open_s: dict[str, float]
    """Age of the oldest of them, by owner."""
    cycle_time: Spread | None
    """From the first look at a won deal to its project being active, of those that became active since then."""


class FigureBook(Protocol):
    """The figures, from our own records."""

    async def figures(self, firm: FirmId, since: datetime) -> BusinessFigures:
        """What happened since then, and what stands now."""
        ...
