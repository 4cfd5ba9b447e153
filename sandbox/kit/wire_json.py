"""JSON as the simulators read and write it: numbers stay exact while they are kept."""

import json
from decimal import Decimal
from typing import Any

__all__ = ["dumps", "loads"]


def loads(text: str | bytes) -> Any:
    """Parse JSON; a number with decimals becomes a Decimal, so that stored money stays exact."""
    return json.loads(text, parse_float=Decimal)


def dumps(value: Any) -> str:
    """Write compact JSON; a Decimal leaves as a plain JSON number, as the vendors send money."""
    return json.dumps(value, default=_plain_number, separators=(",", ":"), ensure_ascii=False)


def _plain_number(value: Any) -> int | float:
    if isinstance(value, Decimal):
        # A JSON double carries up to 15 significant digits unchanged, which is all the vendors keep themselves.
        return int(value) if value == value.to_integral_value() else float(value)
    message = f"A simulator cannot write a {type(value).__name__} as JSON."
    raise TypeError(message)
