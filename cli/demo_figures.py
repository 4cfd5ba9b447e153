from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from models.base import Canonical
from models.money import Money
from models.values import SoldValues

__all__ = ["Totals", "totals_of"]


class Totals(Canonical):
    """Funded, sold and with options of a set of contracts, in one currency: three figures, never one (DOM-0.7)."""

    currency: str
    contracts: int
    funded: Money
    sold: Money
    with_options: Money


def totals_of(contracts: Iterable[SoldValues]) -> tuple[Totals, ...]:
    """Per currency; never across."""
    groups: dict[str, list[SoldValues]] = defaultdict(list)
    for values in contracts:
        known = values.exercised or values.funded or values.with_options
        if known is not None:
            groups[known.currency].append(values)
    return tuple(
        Totals(
            currency=currency,
            contracts=len(rows),
            funded=Money.total((row.funded for row in rows if row.funded), currency),
            sold=Money.total((row.exercised for row in rows if row.exercised), currency),
            with_options=Money.total((row.with_options for row in rows if row.with_options), currency),
        )
        for currency, rows in sorted(groups.items())
    )
