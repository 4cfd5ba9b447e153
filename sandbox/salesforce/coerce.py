"""Turns what a client sent for a field into what is kept, or refuses it with the vendor's code and wording."""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from sandbox.salesforce.errors import SalesforceError
from sandbox.salesforce.ids import is_id, to_18
from sandbox.salesforce.schema_notation import NUMERIC, FieldDef
from sandbox.salesforce.values import stamp_text

__all__ = ["coerce", "instant"]

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_ZONE = re.compile(r"([+-]\d{2})(\d{2})$")
_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})", re.IGNORECASE)


_Reader = Callable[[FieldDef, Any], Any]


def coerce(field: FieldDef, value: Any) -> Any:
    """Return the value to keep; None clears the field, and so does an empty text."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return False if field.type == "boolean" else None
    if isinstance(value, (dict, list)):
        raise _unreadable(field.type, "START_OBJECT" if isinstance(value, dict) else "START_ARRAY", value)
    reader: _Reader = _READERS.get(field.type, _text)
    return reader(field, value)


def instant(value: Any) -> datetime:
    """Return the instant a client's text stands for; the vendor wants a full ISO 8601 date and time."""
    if not isinstance(value, str) or not _STAMP.fullmatch(value):
        raise _unreadable("datetime", "VALUE_STRING", value)
    try:
        return datetime.fromisoformat(_ZONE.sub(r"\1:\2", value.upper())).astimezone(UTC)
    except ValueError as error:
        raise _unreadable("datetime", "VALUE_STRING", value) from error


def _boolean(field: FieldDef, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise _unreadable(field.type, "VALUE_STRING", value)


def _number(field: FieldDef, value: Any) -> Decimal | int:
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal, float)):
        raise _unreadable("double", "VALUE_TRUE" if value is True else "VALUE_FALSE", value)
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise _unreadable("int" if field.type == "int" else "double", "VALUE_STRING", value) from error
    if not number.is_finite():
        raise _unreadable("double", "VALUE_STRING", value)
    if abs(number) >= Decimal(10) ** (field.precision - field.scale if field.type != "int" else field.precision):
        message = f"{field.label}: value outside of valid range on numeric field: {value}"
        raise SalesforceError("NUMBER_OUTSIDE_VALID_RANGE", message, fields=[field.name])
    if field.type == "int":
        if number != number.to_integral_value():
            raise _unreadable("int", "VALUE_NUMBER_FLOAT", value)
        return int(number)
    return number.quantize(Decimal(1).scaleb(-field.scale), rounding=ROUND_HALF_UP)


def _date(_: FieldDef, value: Any) -> str:
    # A date field takes a full instant too, of which it keeps the day.
    text = value[:10] if isinstance(value, str) and _STAMP.fullmatch(value) else value
    try:
        if not isinstance(text, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            raise _unreadable("date", "VALUE_STRING", value)
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise _unreadable("date", "VALUE_STRING", value) from error


def _reference(field: FieldDef, value: Any) -> str:
    if not is_id(value):
        message = f"{field.label} ID: id value of incorrect type: {value}"
        raise SalesforceError("MALFORMED_ID", message, fields=[field.name])
    return to_18(value)


def _base64(field: FieldDef, value: Any) -> str:
    try:
        base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _unreadable(field.type, "VALUE_STRING", str(value)[:20]) from error
    return str(value)


def _text(field: FieldDef, value: Any) -> str:
    text = (str(value).lower() if isinstance(value, bool) else str(value)).strip()
    if field.length and len(text) > field.length:
        message = f"{field.label}: data value too large: {text} (max length={field.length})"
        raise SalesforceError("STRING_TOO_LONG", message, fields=[field.name])
    if field.type == "email" and not _EMAIL.fullmatch(text):
        message = f"{field.label}: invalid email address: {text}"
        raise SalesforceError("INVALID_EMAIL_ADDRESS", message, fields=[field.name])
    if field.restricted and field.type in {"picklist", "multipicklist"}:
        return _listed(field, text)
    return text


def _listed(field: FieldDef, text: str) -> str:
    known = {one.lower(): one for one in field.values}
    chosen = text.split(";") if field.type == "multipicklist" else [text]
    if any(one.lower() not in known for one in chosen):
        message = f"{field.label}: bad value for restricted picklist field: {text}"
        raise SalesforceError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, fields=[field.name])
    return ";".join(known[one.lower()] for one in chosen)


def _stamp(_: FieldDef, value: Any) -> str:
    return stamp_text(instant(value))


def _unreadable(kind: str, token: str, value: Any) -> SalesforceError:
    message = (
        f"Cannot deserialize instance of {kind} from {token} value {value} or request may be missing a required field"
        " at [line:1, column:2]"
    )
    return SalesforceError("JSON_PARSER_ERROR", message)


_READERS: dict[str, _Reader] = {
    "boolean": _boolean,
    "date": _date,
    "datetime": _stamp,
    "reference": _reference,
    "id": _reference,
    "base64": _base64,
    **dict.fromkeys(NUMERIC, _number),
}
