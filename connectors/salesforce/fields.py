from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from enum import StrEnum
from typing import Any, TypeVar

import pycountry

from models.errors import NeedsRepair
from models.money import Money
from models.roles import Role

__all__ = ["Row"]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
Choice = TypeVar("Choice", bound=StrEnum)
_LONGEST = 4000
_LARGEST = 15
"""Digits before (or noughts after) the point of anything a contract can mean."""
_OF_A_DOUBLE = Context(prec=15)
"""The vendor keeps numbers as doubles: what they say beyond 15 digits (99.99000000000001) is no part of the value."""


class Row:
    """One wire record, read field by field; what cannot be read names the deal, the field and the fix."""

    def __init__(self, values: Mapping[str, Any], *, deal: str, where: str = "") -> None:
        self._values = values
        self._deal = deal[:200]
        self._where = where

    def inner(self, name: str) -> Row | None:
        """A parent record, or None."""
        value = self._values.get(name)
        return Row(value, deal=self._deal, where=f"{self._where}{name}.") if isinstance(value, Mapping) else None

    def text(self, name: str) -> str:
        """Text without surrounding blanks; empty when the CRM has none."""
        value = self._values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self._unreadable(name, "text")
        if len(value) > _LONGEST:
            raise self._unreadable(name, f"text of at most {_LONGEST} characters")
        return value.strip()

    def needed(self, name: str, what: str) -> str:
        """Text that must be there."""
        if text := self.text(name):
            return text
        raise self.missing(name, what)

    def flag(self, name: str) -> bool:
        """A checkbox."""
        value = self._values.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self._unreadable(name, "yes or no")

    def known_flag(self, name: str) -> bool:
        """A flag that the CRM always has; without it nobody knows where the deal stands."""
        value = self._values.get(name)
        if not isinstance(value, bool):
            raise self._unreadable(name, "yes or no")
        return value

    def number(self, name: str) -> Decimal | None:
        """A number, exact."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise self._unreadable(name, "a number")
        number = Decimal(value)
        # The exponent is looked at first: arithmetic on 1E+999999999 would never end.
        size = number.adjusted() if number.is_finite() and number != 0 else 0
        if not number.is_finite() or abs(size) > _LARGEST:
            raise self._unreadable(name, "a number that can be meant")
        return _OF_A_DOUBLE.plus(number)

    def count(self, name: str) -> int | None:
        """A whole number that is not negative."""
        number = self.number(name)
        if number is None:
            return None
        if number < 0 or number != number.to_integral_value():
            raise self._unreadable(name, "a whole number")
        return int(number)

    def money(self, name: str, currency: str) -> Money | None:
        """An amount in the deal's currency; more decimals than the currency has are no amount (DOM-0.1)."""
        number = self.number(name)
        if number is None:
            return None
        amount = Money.of(number, currency)
        if amount.amount != number:
            raise self._unreadable(name, f"an amount in {currency}")
        return amount

    def day(self, name: str) -> date | None:
        """A business date."""
        value = self._values.get(name)
        if value is None:
            return None
        try:
            if _DAY.fullmatch(value):
                return date.fromisoformat(value)
        except (TypeError, ValueError) as wrong:
            raise self._unreadable(name, "a date") from wrong
        raise self._unreadable(name, "a date")

    def instant(self, name: str) -> datetime:
        """A UTC instant such as 2026-11-20T14:03:11.000+0000."""
        value = self._values.get(name)
        try:
            return datetime.strptime(str(value), "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC)
        except ValueError as wrong:
            raise self._unreadable(name, "an instant") from wrong

    def choice(self, name: str, known: Mapping[str, Choice]) -> Choice | None:
        """A value of a list; one we do not know is a stop, never a guess."""
        value = self.text(name)
        if not value:
            return None
        if value not in known:
            raise self._unreadable(name, f"one of: {', '.join(known)}")
        return known[value]

    def country(self, name: str, spellings: Mapping[str, str]) -> str:
        """ISO code of a country that is given by code, by its ISO name or as this org spells it; empty if blank."""
        text = self.text(name)
        if not text:
            return ""
        if code := spellings.get(text):
            return code
        try:
            return str(pycountry.countries.lookup(text).alpha_2)
        except LookupError as unknown:
            raise self._unreadable(name, "a country by its ISO code or English name") from unknown

    def missing(self, name: str, what: str) -> NeedsRepair:
        """A field that must be filled."""
        return NeedsRepair(
            f"Deal {self._deal} has no {what}. Enter it in field {self._where}{name} in the CRM, then press Retry.",
            code="TL-CON-015",
            record=self._deal,
            field=f"{self._where}{name}",
            owner=Role.SALES_OPERATIONS,
        )

    def _unreadable(self, name: str, wanted: str) -> NeedsRepair:
        return NeedsRepair(
            f"Deal {self._deal}: field {self._where}{name} is not {wanted}. Correct it in the CRM, then press Retry.",
            code="TL-CON-015",
            record=self._deal,
            field=f"{self._where}{name}",
            owner=Role.SALES_OPERATIONS,
        )
