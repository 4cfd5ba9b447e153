from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Self

from pydantic import Field, field_validator

from models.base import Canonical

__all__ = ["CurrencyMismatch", "Money", "decimals_of", "split_over_lines"]

# ISO 4217 list one: the currencies whose minor unit is not 2.
_DECIMALS = {
    **dict.fromkeys(
        ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
         "XPF"], 0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}  # fmt: skip


class CurrencyMismatch(ValueError):
    """Amounts of two currencies were added, compared or split together."""


def decimals_of(currency: str) -> int:
    """Decimals in which an amount of this currency is stored (ISO 4217)."""
    return _DECIMALS.get(currency, 2)


class Money(Canonical):
    """An amount in one currency, exact to the currency's minor unit. DOM-0.1."""

    amount: Decimal = Field(allow_inf_nan=False)
    currency: str = Field(pattern=r"^[A-Z]{3}$")

    @field_validator("amount", mode="before")
    @classmethod
    def _no_float(cls, value: object) -> object:
        if isinstance(value, float):
            raise ValueError("A float cannot hold money; pass a Decimal or a string.")  # noqa: TRY004 - pydantic's way
        return value

    @classmethod
    def of(cls, amount: Decimal | int | str, currency: str) -> Self:
        """Round once, half up, to the currency's decimals (DOM-0.1)."""
        step = Decimal(1).scaleb(-decimals_of(currency))
        return cls(amount=Decimal(amount).quantize(step, rounding=ROUND_HALF_UP), currency=currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in this currency."""
        return cls.of(0, currency)

    @classmethod
    def total(cls, amounts: Iterable[Money], currency: str) -> Self:
        """Sum of amounts that must all be in `currency`."""
        result: Money = cls.zero(currency)
        for amount in amounts:
            result = result + amount
        return cls(amount=result.amount, currency=currency)

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money.of(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money.of(self.amount - other.amount, self.currency)

    def __neg__(self) -> Money:
        return Money(amount=-self.amount, currency=self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.amount < other.amount

    def __le__(self, other: Money) -> bool:
        self._same(other)
        return self.amount <= other.amount

    def __str__(self) -> str:
        return f"{self.currency} {self.amount:,.{decimals_of(self.currency)}f}"

    @property
    def is_zero(self) -> bool:
        """Nothing to bill, pay or release."""
        return self.amount == 0

    def share(self, fraction: Decimal) -> Money:
        """`fraction` of this amount, rounded once."""
        return Money.of(self.amount * fraction, self.currency)

    def split(self, weights: Sequence[Decimal | int]) -> tuple[Money, ...]:
        """Shares by weight that add up to this amount: largest remainder, ties to the earliest row. DOM-0.2."""
        total = sum((Decimal(weight) for weight in weights), Decimal(0))
        if not weights or total <= 0 or any(Decimal(weight) < 0 for weight in weights):
            raise ValueError("A split needs weights that are not negative and do not add up to zero.")
        scale = Decimal(10) ** decimals_of(self.currency)
        units = int((abs(self.amount) * scale).to_integral_exact())
        exact = [Decimal(units) * Decimal(weight) / total for weight in weights]
        floors = [int(value) for value in exact]
        order = sorted(range(len(exact)), key=lambda row: (floors[row] - exact[row], row))
        for row in order[: units - sum(floors)]:
            floors[row] += 1
        sign = -1 if self.amount < 0 else 1
        return tuple(Money.of(Decimal(sign * share) / scale, self.currency) for share in floors)

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} cannot be combined.")


def split_over_lines(milestones: Sequence[Money], lines: Sequence[Money]) -> tuple[tuple[Money, ...], ...]:
    """Milestone amounts over contract lines so that rows and columns both add up. DOM-0.3.

    Every milestone but the last is split by the lines' remaining balances; the last takes what is left.
    Raises ValueError when the two totals differ.
    """
    currency = lines[0].currency
    if Money.total(milestones, currency) != Money.total(lines, currency):
        raise ValueError("Milestones and lines do not add up to the same total.")
    remaining = list(lines)
    table: list[tuple[Money, ...]] = []
    for amount in milestones[:-1]:
        shares = amount.split([balance.amount for balance in remaining])
        remaining = [balance - share for balance, share in zip(remaining, shares, strict=True)]
        table.append(shares)
    table.append(tuple(remaining))
    return tuple(table)
