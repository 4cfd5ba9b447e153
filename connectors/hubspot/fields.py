from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

import pycountry

from models.errors import NeedsRepair
from models.money import Money
from models.roles import Role

__all__ = ["Row"]

Choice = TypeVar("Choice", bound=StrEnum)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,2})?")
_LONGEST = 65_536
_LARGEST = 15
"""Digits before (or noughts after) the point of anything a contract can mean."""


class Row:
    """The properties of one record, read one by one; what cannot be read names the deal, the property and the fix.

    The vendor sends every value as text (sheet 2): numbers, flags and dates too. Empty and absent are the same.
    """

    def __init__(self, values: Mapping[str, Any], *, deal: str, where: str = "") -> None:
        self._values = values
        self._deal = deal[:200]
        self._where = where

    def text(self, name: str) -> str:
        """Text without surrounding blanks; empty when the CRM has none."""
        value = self._values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > _LONGEST:
            raise self.unreadable(name, "text")
        return value.strip()

    def needed(self, name: str, what: str) -> str:
        """Text that must be there."""
        if text := self.text(name):
            return text
        raise self.missing(name, what)

    def flag(self, name: str) -> bool:
        """A checkbox."""
        match self.text(name).casefold():
            case "":
                return False
            case "true" | "false" as said:
                return said == "true"
            case _:
                raise self.unreadable(name, "yes or no")

    def number(self, name: str) -> Decimal | None:
        """A number, exact as it stands."""
        text = self.text(name)
        if not text:
            return None
        if not _NUMBER.fullmatch(text) or not text.isascii():
            raise self.unreadable(name, "a number")
        number = Decimal(text)
        if number != 0 and abs(number.adjusted()) > _LARGEST:
            raise self.unreadable(name, "a number that can be meant")
        return number

    def count(self, name: str) -> int | None:
        """A whole number that is not negative."""
        number = self.number(name)
        if number is None:
            return None
        if number < 0 or number != number.to_integral_value():
            raise self.unreadable(name, "a whole number")
        return int(number)

    def money(self, name: str, currency: str) -> Money | None:
        """An amount in the deal's currency; more decimals than the currency has are no amount (DOM-0.1)."""
        number = self.number(name)
        if number is None:
            return None
        amount = Money.of(number, currency)
        if amount.amount != number:
            raise self.unreadable(name, f"an amount in {currency}")
        return amount

    def day(self, name: str) -> date | None:
        """A business date."""
        text = self.text(name)
        if not text:
            return None
        try:
            if _DAY.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError as wrong:
            raise self.unreadable(name, "a date") from wrong
        raise self.unreadable(name, "a date")

    def instant(self, name: str) -> datetime:
        """A UTC instant such as 2026-11-20T10:11:12.345Z."""
        try:
            at = datetime.fromisoformat(self.text(name))
        except ValueError as wrong:
            raise self.unreadable(name, "an instant") from wrong
        if at.tzinfo is None:
            raise self.unreadable(name, "an instant with its time zone")
        return at.astimezone(UTC)

    def choice(self, name: str, known: Mapping[str, Choice]) -> Choice | None:
        """An option of a list, by its internal name or by its label; one we do not know is a stop, never a guess."""
        text = self.text(name)
        if not text:
            return None
        found = known.get(_plain(text))
        if found is None:
            raise self.unreadable(name, f"one of: {', '.join(known)}")
        return found

    def country(self, name: str, spellings: Mapping[str, str]) -> str:
        """ISO code of a country given by code, by ISO name or as this account spells it; empty if blank."""
        text = self.text(name)
        if not text:
            return ""
        if code := spellings.get(text):
            return code
        try:
            return str(pycountry.countries.lookup(text).alpha_2)
        except LookupError as unknown:
            raise self.unreadable(name, "a country by its ISO code or English name") from unknown

    def missing(self, name: str, what: str) -> NeedsRepair:
        """A property that must be filled."""
        return self._stop(name, f"Deal {self._deal} has no {what}. Enter it in property {self._where}{name} in the CRM")

    def unreadable(self, name: str, wanted: str) -> NeedsRepair:
        """A property that does not say what it must."""
        return self._stop(
            name, f"Deal {self._deal}: property {self._where}{name} is not {wanted}. Correct it in the CRM"
        )

    def _stop(self, name: str, sentence: str) -> NeedsRepair:
        return NeedsRepair(
            f"{sentence}, then press Retry.",
            code="TL-CON-015",
            record=self._deal,
            field=f"{self._where}{name}",
            owner=Role.SALES_OPERATIONS,
        )


def _plain(text: str) -> str:
    """Labels and internal names of one option differ in case and in the sign between words only."""
    return re.sub(r"[\s_&-]+", "-", text.strip().lower())
