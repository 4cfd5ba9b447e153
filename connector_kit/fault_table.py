from __future__ import annotations

from collections.abc import Callable, Mapping

from models.base import Canonical
from models.errors import TielineError

__all__ = ["Fault", "FaultTable"]


class Fault(Canonical):
    """What a vendor complains about, in its own words and codes."""

    code: str
    status: int
    message: str = ""
    fields: tuple[str, ...] = ()
    record: str = ""
    retry_after_s: float | None = None


Translate = Callable[[Fault], TielineError]


class FaultTable:
    """Vendor code -> one of our errors, ending in a fallback. Each row has a test."""

    def __init__(self, rows: Mapping[str, Translate], *, fallback: Translate) -> None:
        self._rows = dict(rows)
        self._fallback = fallback

    @property
    def codes(self) -> tuple[str, ...]:
        """Every code with a row of its own."""
        return tuple(sorted(self._rows))

    def error_for(self, fault: Fault) -> TielineError:
        """Our error for that complaint."""
        return self._rows.get(fault.code, self._fallback)(fault)
