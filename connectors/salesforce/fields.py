from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from models.errors import NeedsRepair
from models.money import Money
from models.roles import Role

__all__ = ["Row"]

Choice = TypeVar("Choice", bound=StrEnum)
_LONGEST = 4000
_LARGEST = Decimal(10) ** 15


class Row:
    """One wire record, read field by field; what cannot be read names the deal, the field and the fix."""

    def __init__(self, values: Mapping[str, Any], *, deal: str, where: str = "") -> None:
        self._values = values
        self._deal = deal
        self._where = where

    def inner(self, name: str) -> Row | None:
        """A parent record, or None."""
        value = self._values.get(name)
        return Row(value, deal=self._deal, where=f"{self._where}{name}.") if isinstance(value, Mapping) else None

    def raw(self, name: str) -> Any:
        """The value as sent."""
        return self._values.get(name)

    def text(self, name: str) -> str:
        """Text without surrounding blanks; empty when the CRM has none."""
        value = self._values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > _LONGEST:
            raise self._unreadable(name, "text")
        return value.strip()

    def flag(self, name: str) -> bool:
        """A checkbox."""
        value = self._values.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self._unreadable(name, "yes or no")

    def number(self, name: str) -> Decimal | None:
        """A number, exact."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise self._unreadable(name, "a number")
        number = Decimal(value)
        if not number.is_finite() or abs(number) > _LARGEST:
            raise self._unreadable(name, "a number of this size")
        return number

    def money(self, name: str, currency: str) -> Money | None:
        """An amount in the deal's currency; more decimals than the currency has are no amount (DOM-0.1)."""
        number = self.number(name)
        if number is None or not currency:
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
            return date.fromisoformat(value)
        except (TypeError, ValueError) as wrong:
            raise self._unreadable(name, "a date") from wrong

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

    def _unreadable(self, name: str, wanted: str) -> NeedsRepair:
        return NeedsRepair(
            f"Deal {self._deal}: field {self._where}{name} is not {wanted}. Correct it in the CRM, then repair.",
            code="TL-CON-015",
            record=self._deal,
            field=f"{self._where}{name}",
            owner=Role.SALES_OPERATIONS,
        )
