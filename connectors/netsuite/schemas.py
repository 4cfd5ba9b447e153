from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = [
    "BillingScheduleRecord",
    "CustomerAddress",
    "CustomerRecord",
    "ErrorBody",
    "ErrorDetail",
    "MilestoneRow",
    "OrderLine",
    "ProjectRecord",
    "RecordHead",
    "Reference",
    "SalesOrderRecord",
    "ServerTime",
    "SuiteQlPage",
    "Token",
    "UserEvent",
    "Wire",
]


class Wire(BaseModel):
    """A vendor's answer: its own spelling, unknown members ignored (the account's fields differ by feature)."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True, hide_input_in_errors=True, frozen=True)


class Token(Wire):
    """What the token endpoint gives. Its `expires_in` comes as a string."""

    access_token: str = Field(min_length=1, max_length=20_000)
    expires_in: int = Field(gt=0, le=86_400)
    token_type: str = ""


class ErrorDetail(Wire):
    """One complaint."""

    detail: str = ""
    code: str = Field(default="", alias="o:errorCode")
    path: str = Field(default="", alias="o:errorPath")


class ErrorBody(Wire):
    """The vendor's error answer; several complaints may come at once."""

    details: tuple[ErrorDetail, ...] = Field(default=(), alias="o:errorDetails", max_length=200)


class ServerTime(Wire):
    """The account's clock."""

    server_time: datetime = Field(alias="serverTime")


class SuiteQlPage(Wire):
    """One page of a query: keys in lower case, every value a string, nulls missing."""

    items: tuple[dict[str, str], ...] = Field(max_length=1000)
    has_more: bool = Field(alias="hasMore")

    @field_validator("items", mode="before")
    @classmethod
    def _columns_only(cls, items: object) -> object:
        # Each row comes with an empty list of links beside its columns. Values are documented as strings only by
        # clients, so plain numbers and booleans are taken as well, in the spelling strings would have.
        if not isinstance(items, list):
            return items
        return [
            {name: _as_text(value) for name, value in row.items() if name != "links" and value is not None}
            if isinstance(row, dict)
            else row
            for row in items
        ]


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        return "T" if value else "F"
    return str(value) if isinstance(value, (int, Decimal)) else value


class Reference(Wire):
    """A record or list entry that another record points at."""

    id: str = ""
    ref_name: str = Field(default="", alias="refName")


class RecordHead(Wire):
    """What a look-up by external id asks of any record."""

    id: str = Field(pattern=r"^[0-9]{1,20}$")
    external_id: str = Field(default="", alias="externalId")
    entity_id: str = Field(default="", alias="entityId")
    tran_id: str = Field(default="", alias="tranId")
    name: str = ""
    is_inactive: bool = Field(default=False, alias="isInactive")


class CustomerAddress(Wire):
    """A postal address of a customer."""

    addr1: str = ""
    addr2: str = ""
    addr3: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    country: Reference = Reference()


class AddressBookEntry(Wire):
    """An address and what it is used for."""

    is_billing: bool = Field(default=False, alias="defaultBilling")
    address: CustomerAddress = Field(default=CustomerAddress(), alias="addressBookAddress")


class AddressBook(Wire):
    """The expanded addresses."""

    items: tuple[AddressBookEntry, ...] = Field(default=(), max_length=1000)


class CustomerRecord(Wire):
    """A customer, as far as its addresses are wanted."""

    id: str
    address_book: AddressBook = Field(default=AddressBook(), alias="addressBook")


class ProjectRecord(Wire):
    """A project, as far as it takes time."""

    id: str
    allow_time: bool = Field(default=True, alias="allowTime")


class ProjectHead(Wire):
    """What must fit before a project that somebody else opened becomes ours."""

    id: str
    parent: Reference = Reference()
    subsidiary: Reference = Reference()
    currency: Reference = Reference()


class OrderLine(Wire):
    """A line of a sales order; custom columns stay in `model_extra`."""

    model_config = ConfigDict(extra="allow", populate_by_name=True, hide_input_in_errors=True, frozen=True)

    amount: Decimal = Decimal(0)
    line: int | None = None
    is_closed: bool = Field(default=False, alias="isClosed")


class OrderLines(Wire):
    """The expanded lines."""

    items: tuple[OrderLine, ...] = Field(default=(), max_length=5000)


class SalesOrderRecord(Wire):
    """A contract; custom body fields stay in `model_extra`."""

    model_config = ConfigDict(extra="allow", populate_by_name=True, hide_input_in_errors=True, frozen=True)

    id: str
    tran_id: str = Field(default="", alias="tranId")
    currency: Reference = Reference()
    order_status: Reference = Field(default=Reference(), alias="orderStatus")
    other_ref_num: str = Field(default="", alias="otherRefNum")
    item: OrderLines = OrderLines()


class MilestoneRow(Wire):
    """A row of a billing schedule."""

    comments: str = ""
    milestone_amount: Decimal = Field(default=Decimal(0), alias="milestoneAmount")
    milestone_date: str = Field(default="", alias="milestoneDate")


class MilestoneRows(Wire):
    """The expanded rows."""

    items: tuple[MilestoneRow, ...] = Field(default=(), max_length=5000)


class BillingScheduleRecord(Wire):
    """A billing schedule with its rows."""

    id: str
    milestone: MilestoneRows = MilestoneRows()


class UserEvent(Wire):
    """What our own script in the account posts after a save. Sheet 8."""

    event_id: str = Field(alias="eventId", pattern=r"^[A-Za-z0-9-]{1,64}$")
    account_id: str = Field(alias="accountId", max_length=40)
    record_type: str = Field(alias="recordType", pattern=r"^[A-Za-z0-9_]{1,60}$")
    record_id: str = Field(alias="recordId", pattern=r"^[0-9]{1,20}$")
    external_id: str = Field(default="", alias="externalId", max_length=255)
    type: str = Field(pattern=r"^[A-Za-z]{1,30}$")
    execution_context: str = Field(default="", alias="executionContext", max_length=40)
    occurred_at: datetime = Field(alias="occurredAt")

    @field_validator("external_id", mode="before")
    @classmethod
    def _people_give_none(cls, value: object) -> object:
        return "" if value is None else value
