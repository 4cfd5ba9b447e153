"""What the file does not have and the demo therefore makes up, the same on every run: schedules, rates, contacts."""

import hashlib
import re
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal

__all__ = ["billing_contact", "fee_of", "milestones", "number_from", "rates", "split"]

_SEED = "harbour-finch-2016-09"
_CENT = Decimal("0.01")
_FIRST = ("Alex", "Bea", "Chris", "Dina", "Eli", "Fran", "Gus", "Hana", "Ira", "Jo", "Kim", "Lee")
_LAST = ("Abbott", "Brook", "Castle", "Dale", "Ember", "Field", "Grove", "Hale", "Inglis", "Joyce", "Knoll", "Lark")
_STEPS: dict[int, tuple[str, ...]] = {
    2: ("Kick-off and plan accepted", "Final delivery accepted"),
    3: ("Kick-off and plan accepted", "Interim delivery accepted", "Final delivery accepted"),
}
_ROLES = (("Senior consultant", 155, 3), ("Consultant", 118, 5), ("Analyst", 82, 4))
_FEE_PERCENT = 7


def number_from(text: str, below: int) -> int:
    """Return a number that depends on the text and the seed only."""
    return int.from_bytes(hashlib.sha256(f"{_SEED}/{text}".encode()).digest()[:8]) % below


def split(total: Decimal, weights: list[int]) -> list[Decimal]:
    """Split an amount by weights to the cent; the largest remainders get the cents left over."""
    cents = int(total / _CENT)
    whole = sum(weights)
    shares = [divmod(cents * weight, whole) for weight in weights]
    left = cents - sum(share for share, _ in shares)
    favoured = sorted(range(len(weights)), key=lambda index: (-shares[index][1], index))[:left]
    return [(share + (index in favoured)) * _CENT for index, (share, _) in enumerate(shares)]


def milestones(contract: str, total: Decimal, start: date, end: date) -> list[tuple[str, str, date, Decimal]]:
    """Return code, name, due day and amount of two or three milestones that add up to the total."""
    count = 2 + number_from(f"{contract}/milestones", 2)
    weights = [2 + number_from(f"{contract}/weight/{index}", 4) for index in range(count)]
    days = (end - start).days
    due = [start + timedelta(days * (index + 1) // count) for index in range(count)]
    amounts = split(total, weights)
    return [(f"M{index + 1}", _STEPS[count][index], due[index], amounts[index]) for index in range(count)]


def rates(contract: str, cap: Decimal) -> list[tuple[str, Decimal, Decimal]]:
    """Return role, hourly rate and estimated hours of a rate card that stays within the cap."""
    budgets = split(cap, [weight for _, _, weight in _ROLES])
    card = []
    for (role, base, _), budget in zip(_ROLES, budgets, strict=True):
        rate = Decimal(base + number_from(f"{contract}/{role}", 12))
        card.append((role, rate, (budget / rate).quantize(Decimal("0.5"), rounding=ROUND_DOWN)))
    return card


def fee_of(value: Decimal) -> Decimal:
    """Return the fixed fee inside a cost-plus value."""
    return (value * _FEE_PERCENT / (100 + _FEE_PERCENT)).quantize(_CENT, rounding=ROUND_DOWN)


def billing_contact(duns: str, company: str) -> tuple[str, str, str]:
    """Return first name, last name and address of a made-up billing contact."""
    first = _FIRST[number_from(f"{duns}/first", len(_FIRST))]
    last = _LAST[number_from(f"{duns}/last", len(_LAST))]
    host = re.sub(r"[^a-z0-9]+", "-", company.lower()).strip("-")[:40].strip("-")
    return first, last, f"billing@{host}.example.com"
