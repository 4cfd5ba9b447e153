"""How values are kept and how they leave: exact decimals inside, the vendor's JSON outside."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.salesforce.schema_notation import NUMERIC, FieldDef

__all__ = ["ADDRESS_PARTS", "as_decimal", "parse_stamp", "shown_value", "stamp_text"]

ADDRESS_PARTS = ("City", "Country", "PostalCode", "State", "Street")


def stamp_text(moment: datetime) -> str:
    """Return an instant as the vendor writes it, in UTC with milliseconds."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}+0000"


def parse_stamp(text: str) -> datetime:
    """Return the instant a vendor's text stands for."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


def as_decimal(value: Any) -> Decimal:
    """Return a stored number as a decimal; blank counts as nothing."""
    if value is None:
        return Decimal(0)
    return value if isinstance(value, Decimal) else Decimal(str(value))


def shown_value(field: FieldDef, record: Any) -> Any:
    """Return a field as the JSON of a record holds it; `record` is the whole record."""
    if field.type == "address":
        return _address(field, record)
    value = record.get(field.name)
    if field.type == "boolean":
        return bool(value)
    if value is None:
        return None
    if field.type == "int":
        return int(value)
    if field.type in NUMERIC:
        # The vendor sends every decimal field as a JSON double, such as 250000.0.
        return float(value)
    return value


def _address(field: FieldDef, record: Any) -> dict[str, Any] | None:
    prefix = field.name.removesuffix("Address")
    parts = {part: record.get(prefix + part) for part in ADDRESS_PARTS}
    if not any(parts.values()):
        return None
    return {
        "city": parts["City"],
        "country": parts["Country"],
        "geocodeAccuracy": None,
        "latitude": None,
        "longitude": None,
        "postalCode": parts["PostalCode"],
        "state": parts["State"],
        "street": parts["Street"],
    }
