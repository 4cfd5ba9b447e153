from __future__ import annotations

from models.base import Canonical
from models.money import Money

__all__ = ["SoldValues"]


class SoldValues(Canonical):
    """The four values of a contract, never one "amount". DOM-0.7. Framework agreements have none (all None)."""

    with_options: Money | None = None
    exercised: Money | None = None
    """Sold and binding; the base of backlog."""
    funded: Money | None = None
    """May be billed now."""
    cap: Money | None = None
    """Not to exceed."""
