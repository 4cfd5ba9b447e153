"""How a property's value is checked and kept: always as text, dates at midnight UTC, instants to the millisecond."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.hubspot.errors import PropertyFault
from sandbox.hubspot.schema import Property

__all__ = ["instant_text", "kept_value", "ordered"]

_DAY_MS = 86_400_000
_MILLISECONDS = re.compile(r"-?\d{9,14}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant_text(moment: datetime) -> str:
    """Write an instant as the vendor does."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def kept_value(prop: Property, raw: Any, allowed: tuple[str, ...]) -> str | PropertyFault:
    """Return the text that is kept of a value, "" for cleared, or why it is refused."""
    text = _as_text(raw)
    if text == "":
        return ""
    if prop.type == "number":
        return text if _number(text) is not None else _fault(prop, "INVALID_LONG", f"{text} was not a valid long.")
    if prop.type == "date":
        day = _day(text)
        return day if day is not None else _fault(prop, "INVALID_DATE", _date_message(text))
    if prop.type == "datetime":
        moment = _moment(text)
        return instant_text(moment) if moment else _fault(prop, "INVALID_DATE", f"{text} was not a valid date.")
    if prop.type in {"enumeration", "bool"}:
        return _option(prop, text, allowed)
    return text


def ordered(prop: Property, text: str) -> Any:
    """Return a value as it is compared: numbers and instants as numbers, texts without regard to case."""
    if prop.type == "number":
        number = _number(text)
        if number is None:
            raise ValueError(f"{text} is no number")
        return number
    if prop.type in {"date", "datetime"}:
        moment = _moment(text)
        if moment is None:
            raise ValueError(f"{text} is no date or instant")
        return Decimal(round((moment - _EPOCH) / timedelta(milliseconds=1)))
    return text.lower()


def _as_text(raw: Any) -> str:
    if raw is None:
        return ""
    return str(raw).lower() if isinstance(raw, bool) else str(raw)


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _day(text: str) -> str | None:
    if _MILLISECONDS.fullmatch(text):
        if int(text) % _DAY_MS:
            return None
        return (_EPOCH + timedelta(milliseconds=int(text))).date().isoformat()
    if not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None


def _date_message(text: str) -> str:
    if _MILLISECONDS.fullmatch(text) or "T" in text:
        return f"{text} is at a time of day; a date must be midnight UTC."
    return f"{text} was not a valid date."


def _moment(text: str) -> datetime | None:
    if _MILLISECONDS.fullmatch(text):
        return _EPOCH + timedelta(milliseconds=int(text))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _option(prop: Property, text: str, allowed: tuple[str, ...]) -> str | PropertyFault:
    # Several choices of a check-box list are joined by a semicolon.
    chosen = text.split(";") if prop.field_type == "checkbox" else [text]
    if wrong := [one for one in chosen if one and one not in allowed]:
        return _fault(prop, "INVALID_OPTION", f"{wrong[0]} was not one of the allowed options: [{', '.join(allowed)}]")
    return text


def _fault(prop: Property, error: str, message: str) -> PropertyFault:
    return PropertyFault(prop.name, error, message)
