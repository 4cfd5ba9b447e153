"""Facts that the ERP has no field for, as lines of text that people can read and we can read back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from models.money import Money

__all__ = ["CANCELLED", "CAP", "CODE", "CONTRACT", "DUE", "ENDS", "FROZEN", "FUNDED", "HOLD", "KEY", "METHOD",
           "PO", "WITH_OPTIONS", "before_freeze", "frozen", "note", "read_note"]  # fmt: skip

KEY = "Tieline key"
CONTRACT = "Contract"
CODE = "Code"
DUE = "Due on"
ENDS = "Ends on"
FUNDED = "Funded"
CAP = "Not to exceed"
WITH_OPTIONS = "With options"
METHOD = "Bills by"
HOLD = "Billing hold"
PO = "Purchase order"
FROZEN = "Frozen"
CANCELLED = "Cancelled"
_BEFORE = "Before the freeze"


def note(facts: Iterable[tuple[str, str | date | Decimal | Money | None]]) -> str:
    """One `label: value` a line; facts that are not there are left out."""
    return "\n".join(f"{label}: {_text(value)}" for label, value in facts if value is not None and value != "")


def read_note(text: str) -> dict[str, str]:
    """The facts of such a text; other lines are people's own."""
    parts = (line.partition(": ") for line in text.splitlines())
    return {label.strip(): value.strip() for label, colon, value in parts if colon}


def frozen(text: str, reason: str, before: str) -> str:
    """The text of a frozen record; keeps what it was before, so that a release can restore it."""
    return f"{note([(FROZEN, reason), (_BEFORE, before or 'none')])}\n{text}"


def before_freeze(text: str) -> tuple[str, str]:
    """What the record was before the freeze, and its text without the freeze and without a cancellation."""
    before = read_note(text).get(_BEFORE, "")
    ours = (f"{FROZEN}: ", f"{_BEFORE}: ", f"{CANCELLED}: ")
    kept = [line for line in text.splitlines() if not line.startswith(ours)]
    return before, "\n".join(kept)


def _text(value: str | date | Decimal | Money) -> str:
    if isinstance(value, Money):
        return f"{value.amount} {value.currency}"
    if isinstance(value, date):
        return value.isoformat()
    return " ".join(str(value).split())
