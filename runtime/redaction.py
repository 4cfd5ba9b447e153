from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from enum import Enum

from pydantic import BaseModel, SecretStr

from models.personal_data import EMAIL, TAX_NUMBERS

__all__ = ["HIDDEN", "Redactor", "secrets_in"]

HIDDEN = "[hidden]"
_SHORTEST_SECRET = 6
"""A shorter text would be found everywhere by chance."""

_DENIED = re.compile(
    r"token|secret|passw|authori[sz]ation|cookie|api_?key|private_?key|signature|credential|assertion|"
    r"iban|\bbic\b|tax_?(id|number|no)|\bvat|registration_number|e_?mail|phone|address|street|"
    r"payload|\bbody|\braw|statement|parameters|rate_per",
    re.IGNORECASE,
)
"""Fields that never leave, whatever they hold."""

_OURS = frozenset(
    {
        "blocker", "connection", "contract", "deal", "decision", "engagement", "event_id", "firm", "operation",
        "person", "plan", "record_id", "run_id", "span_id", "step", "task_queue", "trace_id", "workflow_id",
    }
)  # fmt: skip
"""Ids of ours: a contract number may look like somebody's tax number and must stay readable."""

_EVERYWHERE: tuple[re.Pattern[str], ...] = (
    re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL),
    re.compile(r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?"),
    re.compile(r"\b00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]+"),
    re.compile(r"(?i)\b(?:bearer|basic|oauth)\s+[A-Za-z0-9+/=._~-]{8,}"),
    re.compile(r"(?<=://)[^/\s@]+@"),
    re.compile(
        r"(?i)[\"']?\b[a-z_-]*(?:token|secret|password|assertion|api[_-]?key|private[_-]?key|signature|sig)\b"
        r"[\"']?\s*[=:]\s*[\"']?[^\s&\"',;}]+"
    ),
    EMAIL,
)
_IBAN = re.compile(r"\b[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?\b")
_IBAN_LENGTHS = range(15, 35)
_OUR_HEX = re.compile(r"[0-9a-f]{16,}")


class Redactor:
    """Takes out of everything that leaves the process what must not: secrets we know, and what looks like one.

    Two nets: fields by name, values by form. It would rather hide a harmless word than let a tax number out.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}, key=len, reverse=True)
        self._known = re.compile("|".join(re.escape(secret) for secret in known)) if known else None

    def text(self, text: str, *, ours: bool = False) -> str:
        """The text without what must not leave. `ours`: an id of ours, in which a look-alike of a number may stay."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for pattern in _EVERYWHERE:
            text = pattern.sub(HIDDEN, text)
        if ours:
            return text
        text = _IBAN.sub(_without_iban, text)
        for pattern in TAX_NUMBERS:
            text = pattern.sub(HIDDEN, text)
        return text

    def field(self, name: str, value: object) -> object:
        """The value as it may be written under that name, in types that JSON knows."""
        if value is None or isinstance(value, bool):
            return value
        if _DENIED.search(name) or isinstance(value, (SecretStr, bytes)):
            return HIDDEN
        if isinstance(value, (int, float)):
            return value
        if isinstance(value, BaseModel):
            # A record holds whatever its fields are called; only what the caller names itself is written.
            return f"{type(value).__name__} {HIDDEN}"
        if isinstance(value, (Mapping, list, tuple, set, frozenset)):
            return self._inside(name, value)
        return self.text(str(value.value if isinstance(value, Enum) else value), ours=name in _OURS)

    def _inside(
        self, name: str, value: Mapping[object, object] | list[object] | tuple[object, ...] | AbstractSet[object]
    ) -> object:
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.field(str(key), inner) for key, inner in value.items()}
        items = sorted(value, key=str) if isinstance(value, AbstractSet) else value
        return [self.field(name, inner) for inner in items]


def secrets_in(value: object) -> Iterator[str]:
    """Every secret that settings hold, so that each can be recognised wherever it turns up."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from secrets_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from secrets_in(inner)


def _without_iban(found: re.Match[str]) -> str:
    text = found[0]
    compact = text.replace(" ", "")
    if len(compact) not in _IBAN_LENGTHS or _OUR_HEX.fullmatch(text):
        return text
    return HIDDEN
