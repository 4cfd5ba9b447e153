from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

__all__ = [
    "AddressRow", "AnalyticRow", "CompanyRow", "CountryRow", "CurrencyRow", "EnsureAnswer", "ErrorBody", "EventRow",
    "FieldRow", "IdRow", "Named", "PartyRow", "ProductRow", "SaleLineRow", "SaleRow", "TermsRow", "WorkRow",
    "wire_date", "wire_decimal",
]  # fmt: skip


def wire_decimal(amount: Decimal) -> dict[str, str]:
    """An exact number as the ERP writes it; a plain JSON number would pass through a binary float."""
    return {"__class__": "Decimal", "decimal": format(amount, "f")}


def wire_date(day: date) -> dict[str, Any]:
    """A day as the ERP writes it."""
    return {"__class__": "date", "year": day.year, "month": day.month, "day": day.day}


def _plain(value: Any) -> Any:
    """An object with `__class__` as what it stands for."""
    if not isinstance(value, dict) or "__class__" not in value:
        return value
    match value["__class__"]:
        case "Decimal":
            return Decimal(str(value["decimal"]))
        case "date":
            return date(value["year"], value["month"], value["day"])
        case "datetime":
            # The ERP's stamps are UTC without saying so.
            return datetime(
                value["year"], value["month"], value["day"], value["hour"], value["minute"], value["second"],
                value["microsecond"], tzinfo=UTC,
            )  # fmt: skip
        case other:
            raise ValueError(f"unknown class {str(other)[:20]}")


Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
Number = Annotated[Decimal | None, BeforeValidator(_plain)]
Day = Annotated[date | None, BeforeValidator(_plain)]
Moment = Annotated[datetime | None, BeforeValidator(_plain)]
Flag = Annotated[bool, BeforeValidator(lambda value: True if value is None else value)]


class _Row(BaseModel):
    """One record, with the fields that were asked for."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    id: int


class IdRow(_Row):
    """Only its id."""


class Named(_Row):
    """A record that another one points at."""

    code: Text = ""
    name: Text = ""


class AddressRow(_Row):
    """A postal address."""

    street: Text = ""
    city: Text = ""
    postal_code: Text = ""
    country: Named | None = None
    subdivision: Named | None = None


class IdentifierRow(_Row):
    """A number by which a party is known."""

    type: Text = ""
    code: Text = ""


class MechanismRow(_Row):
    """A way to reach a party."""

    type: Text = ""
    value: Text = ""


class RelationRow(_Row):
    """How a party belongs to another one."""

    to: Named | None = None
    type: Named | None = None


class PartyRow(_Row):
    """A customer or a person."""

    name: Text = ""
    code: Text = ""
    active: Flag = True
    external_id: Text = ""
    replaced_by: Named | None = None
    addresses: tuple[AddressRow, ...] = ()
    identifiers: tuple[IdentifierRow, ...] = ()
    relations: tuple[RelationRow, ...] = ()


class CompanyRow(_Row):
    """One of our legal entities."""

    party: PartyRow = Field(default_factory=lambda: PartyRow(id=0))
    currency: Named = Field(default_factory=lambda: Named(id=0))


class CurrencyRow(Named):
    """A currency."""

    digits: int


class CountryRow(Named):
    """A country or a part of one."""


class TermsRow(Named):
    """Payment terms."""


class FieldRow(Named):
    """A field of a kind of record."""

    model: Text = ""


class AnalyticRow(Named):
    """A cost centre or its root."""

    type: Text = ""
    active: Flag = True
    company: Named | None = None
    root: IdRow | None = None


class _Category(_Row):
    customer_taxes: tuple[IdRow, ...] = ()


class _Template(_Row):
    account_category: _Category | None = None
    default_uom: Named


class ProductRow(Named):
    """What an invoice line sells."""

    template: _Template


class WorkRow(_Row):
    """A project or a task."""

    number: Text = ""
    name: Text = ""
    type: Text = ""
    external_id: Text = ""
    comment: Text = ""
    list_price: Number = None
    project_invoice_method: Text = ""
    timesheet_available: bool = False
    timesheet_start_date: Day = None
    invoiced_amount: Number = None
    company: CompanyRow | None = None


class _Entry(_Row):
    account: Named | None = None


class SaleLineRow(_Row):
    """A line of a contract."""

    amount: Number = None
    note: Text = ""


class InvoiceRow(_Row):
    """An invoice that was raised from a contract."""

    number: Text = ""


class TimeRow(_Row):
    """Time that somebody booked."""


class SaleRow(_Row):
    """A contract."""

    number: Text = ""
    state: Text = ""
    external_id: Text = ""
    reference: Text = ""
    party: Named | None = None
    comment: Text = ""
    sale_date: Day = None
    untaxed_amount: Number = None
    currency: Named | None = None
    payment_term: Named | None = None
    company: CompanyRow | None = None
    lines: tuple[SaleLineRow, ...] = ()
    invoices: tuple[InvoiceRow, ...] = ()


class EventRow(_Row):
    """A row of the outbox that the module `tieline` keeps."""

    model: str
    record: int
    external_id: Text = ""
    kind: str
    create_date: Moment = None


class ErrorBody(BaseModel):
    """A refusal with a reason."""

    message: Text = Field(default="")
    description: Text = Field(default="")


EnsureAnswer: TypeAdapter[tuple[int, bool]] = TypeAdapter(tuple[int, bool])
"""Id, and whether the record was created."""
