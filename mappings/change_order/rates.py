from __future__ import annotations

from datetime import date
from decimal import Decimal

from mappings.time_billing import labour_amount
from models.base import Canonical
from models.change_order import RateChange, WorkAdjustment
from models.contract_standing import StandingRate, WorkItem
from models.money import Money

__all__ = ["RateEffect", "effect_of_rates", "rate_in_force", "with_rates"]


class RateEffect(Canonical):
    """What new rates do to work that is there already. DOM-6.8."""

    unbilled: dict[str, Money]
    """Entry -> its amount at the rate of its work date; many systems keep the old one on approved time."""
    affected: tuple[str, ...]
    """Unbilled entries whose amount changes."""
    adjustments: tuple[WorkAdjustment, ...]
    """Billed entries: hours x (new rate - old rate), naming the invoice. Below zero: a credit, never a line."""

    unrated: tuple[str, ...] = ()
    """Billed entries with a new rate whose old one the ERP does not tell: a person corrects them."""

    def total(self, currency: str) -> Money:
        """Unbilled work at the rates of its work dates."""
        return Money.total(self.unbilled.values(), currency)


def with_rates(rates: tuple[StandingRate, ...], changes: tuple[RateChange, ...]) -> tuple[StandingRate, ...]:
    """The rate table with dated rows added; an earlier row is never edited."""
    added = {
        (change.role, change.valid_from): StandingRate(
            role=change.role, rate_per_hour=change.rate_per_hour, valid_from=change.valid_from
        )
        for change in changes
    }
    kept = [rate for rate in rates if (rate.role, rate.valid_from) not in added]
    return (*kept, *(added[key] for key in sorted(added)))


def rate_in_force(rates: tuple[StandingRate, ...], role: str, day: date) -> Decimal | None:
    """The rate of a role on a work date: the latest that has begun."""
    begun = [rate for rate in rates if rate.role == role and (rate.valid_from is None or rate.valid_from <= day)]
    latest = max(begun, key=lambda rate: rate.valid_from or date.min, default=None)
    return latest.rate_per_hour if latest is not None else None


def effect_of_rates(
    work: tuple[WorkItem, ...], before: tuple[StandingRate, ...], after: tuple[StandingRate, ...]
) -> RateEffect:
    """The work date picks the rate, never the day of entry, approval or invoice. DOM-6.8."""
    unbilled: dict[str, Money] = {}
    affected: list[str] = []
    adjustments: list[WorkAdjustment] = []
    unrated: list[str] = []
    for item in work:
        new = rate_in_force(after, item.role, item.worked_on)
        old = rate_in_force(before, item.role, item.worked_on)
        if item.is_expense or new is None:
            if not item.invoice:
                unbilled[item.code] = item.amount
            continue
        if not item.invoice:
            unbilled[item.code] = labour_amount(new, item.hours, item.amount.currency)
            if unbilled[item.code] != item.amount:
                affected.append(item.code)
        elif old is None:
            unrated.append(item.code)
        elif new != old:
            adjustments.append(
                WorkAdjustment(
                    work=item.code,
                    invoice=item.invoice,
                    worked_on=item.worked_on,
                    hours=item.hours,
                    amount=labour_amount(new - old, item.hours, item.amount.currency),
                )
            )
    return RateEffect(
        unbilled=unbilled, affected=tuple(affected), adjustments=tuple(adjustments), unrated=tuple(unrated)
    )
