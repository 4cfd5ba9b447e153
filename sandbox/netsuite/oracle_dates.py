"""Date masks of the query language, such as `YYYY-MM-DD HH24:MI:SS`."""

import re
from datetime import datetime, timedelta
from typing import Any

__all__ = ["from_mask", "shifted", "to_mask"]

_PARTS = {"YYYY": "%Y", "YY": "%y", "HH24": "%H", "HH12": "%I", "HH": "%I", "MON": "%b", "MM": "%m", "DD": "%d",
          "MI": "%M", "SS": "%S", "FF3": "%f", "FF": "%f", "AM": "%p", "PM": "%p"}  # fmt: skip
_MASK = re.compile("|".join(sorted(_PARTS, key=len, reverse=True)), re.IGNORECASE)


def to_mask(value: Any, mask: str) -> str | None:
    """Write a stored date or instant by a mask; a number is written plainly."""
    if value is None:
        return None
    if not isinstance(value, str):
        return str(value)
    return datetime.fromisoformat(value).strftime(_as_strftime(mask))


def from_mask(text: Any, mask: str) -> str | None:
    """Read a text by a mask into the form the tables hold; raises ValueError when it does not fit."""
    if text is None:
        return None
    return datetime.strptime(str(text), _as_strftime(mask)).strftime("%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - account time


def shifted(value: Any, days: float) -> str | None:
    """Move a stored date or instant by days, which may be a fraction."""
    if value is None:
        return None
    return (datetime.fromisoformat(str(value)) + timedelta(days=float(days))).strftime("%Y-%m-%d %H:%M:%S")


def _as_strftime(mask: str) -> str:
    return mask if "%" in mask else _MASK.sub(lambda found: _PARTS[found.group().upper()], mask).replace('"', "")
