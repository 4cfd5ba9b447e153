from __future__ import annotations

from models.base import Canonical
from models.contract_standing import WorkItem
from models.money import Money
from models.values import SoldValues

__all__ = ["Release", "billing_limit", "release_parked"]


class Release(Canonical):
    """Parked work that a higher cap or more funding lets go, once, at its own work dates. DOM-6 X5, X9."""

    amount: Money
    work: tuple[str, ...] = ()
    """Entries, in order of their work dates; the last one may go in part."""
    still_parked: Money
    room_left: Money | None = None
    """What may be billed after that; None: there is no limit."""


def billing_limit(values: SoldValues) -> Money | None:
    """Invoicing is limited by the lesser of funding and cap. DOM-0.7."""
    limits = [limit for limit in (values.funded, values.cap) if limit is not None]
    return min(limits) if limits else None


def release_parked(values: SoldValues, billed: Money, work: tuple[WorkItem, ...]) -> Release:
    """Fill the new room in order of work date."""
    parked = sorted((item for item in work if item.is_parked and not item.invoice), key=lambda item: item.worked_on)
    zero = Money.zero(billed.currency)
    waiting = Money.total((item.amount for item in parked), billed.currency)
    limit = billing_limit(values)
    if limit is None:
        return Release(amount=waiting, work=tuple(item.code for item in parked), still_parked=zero)
    room = max(limit - billed, zero)
    released, codes = zero, []
    for item in parked:
        part = min(item.amount, room - released)
        if part.amount <= 0:
            break
        released = released + part
        codes.append(item.code)
    return Release(amount=released, work=tuple(codes), still_parked=waiting - released, room_left=room - released)
