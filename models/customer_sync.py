from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from models.base import Canonical
from models.ids import ConnectionId
from models.party import Address, ContactPerson
from models.records import RecordRef

__all__ = [
    "AccountState",
    "AccountView",
    "AgreedState",
    "CustomerState",
    "FieldChange",
    "KnownPerson",
    "PersonState",
    "ReleaseCustomer",
    "SharedField",
    "ShowCustomer",
    "UpdateContact",
    "UpdateCustomer",
]


class SharedField(StrEnum):
    """What both sides hold of a customer. Who owns each is a rule of the firm (DOM-5.8)."""

    NAME = "name"
    ADDRESS = "address"
    INVOICE_EMAIL = "invoice-email"
    TAX_NUMBER = "tax-number"
    REGISTRATION_NUMBER = "registration-number"
    CUSTOMER_NUMBER = "customer-number"
    PAYMENT_TERMS = "payment-terms"
    CREDIT_HOLD = "credit-hold"
    PERSON = "person"
    """Name, e-mail, phone and title of somebody at the customer."""


class AccountState(Canonical):
    """An account as the CRM holds it now, with the people there."""

    account_id: str
    owner: str = ""
    """E-mail of whoever looks after the account; may not decide on its own changes."""
    name: str
    legal_name: str = ""
    address: Address = Address()
    invoice_email: str = ""
    tax_number: str = ""
    registration_number: str = ""
    erp_customer_id: str = ""
    shown_number: str = ""
    """What the CRM shows of the ERP's facts: to be kept equal."""
    shown_terms: str | None = ""
    """None when the CRM has no place for it."""
    shown_hold: bool | None = False
    is_deleted: bool = False
    merged_into: str = ""
    """Id of the account that swallowed it."""
    people: tuple[ContactPerson, ...] = Field(default=(), max_length=2000)
    source_version: datetime

    @property
    def trading_name(self) -> str:
        """The name a buyer signs with."""
        return self.legal_name.strip() or self.name.strip()


class AccountView(Canonical):
    """Which account an event is about, and how fresh that is."""

    account_id: str
    erp_customer_id: str = ""
    source_version: datetime


class KnownPerson(Canonical):
    """A person of the CRM for whom there is a contact in the ERP."""

    code: str
    ref: RecordRef


class PersonState(Canonical):
    """A contact as the ERP holds it now."""

    code: str
    """The CRM's id of the person."""
    ref: RecordRef
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    title: str = ""
    is_active: bool = True

    def says(self, person: ContactPerson) -> bool:
        """Whether it holds what the CRM says of that person."""
        return (self.first_name, self.last_name, self.email.casefold(), self.phone, self.title) == (
            person.first_name, person.last_name, person.email.casefold(), person.phone, person.title,
        )  # fmt: skip


class CustomerState(Canonical):
    """The customer as the ERP holds it now."""

    ref: RecordRef
    account_id: str = ""
    name: str
    address: Address = Address()
    invoice_email: str = ""
    tax_number: str = ""
    registration_number: str = ""
    payment_terms: str = ""
    on_credit_hold: bool = False
    is_active: bool = True
    merged_into: str = ""
    people: tuple[PersonState, ...] = Field(default=(), max_length=2000)

    @property
    def is_verified(self) -> bool:
        """Legal name and tax status were checked once: from then on they are the ERP's (DOM-5.8)."""
        return bool(self.tax_number or self.registration_number)


class AgreedState(Canonical):
    """What both sides last agreed on, by field and person: tells who of the two changed something since."""

    revision: int = 0
    customer_id: str = ""
    """The ERP's id of the customer; still known when the account is gone."""
    values: dict[str, str] = Field(default_factory=dict)
    """What the CRM said of each of its fields when it was last carried over, or accepted as different."""


class FieldChange(Canonical):
    """One difference, and which side it is to be carried to."""

    field: SharedField
    side: Literal["erp", "crm"]
    subject: str = ""
    """The person it is about, by the CRM's id; empty for the customer itself."""
    before: str = ""
    after: str = ""


class UpdateCustomer(Canonical):
    """Change fields of a customer that is there; what is None stays."""

    kind: Literal["update-customer"] = "update-customer"
    customer: RecordRef
    name: str | None = None
    address: Address | None = None
    invoice_email: str | None = None
    tax_number: str | None = None
    tax_country: str = ""
    registration_number: str | None = None
    expected: dict[str, str] = Field(default_factory=dict)
    """Fields as the plan saw them: when one of them moved meanwhile, nothing is written and a new plan is made."""


class UpdateContact(Canonical):
    """Change a person at a customer; an inactive one stays in the books and is written to no more."""

    kind: Literal["update-contact"] = "update-contact"
    contact: RecordRef
    person: ContactPerson
    is_active: bool = True


class ShowCustomer(Canonical):
    """What the ERP owns of a customer, shown on the CRM's account."""

    kind: Literal["show-customer"] = "show-customer"
    account_id: str
    customer: RecordRef
    payment_terms: str = ""
    on_credit_hold: bool = False
    connection: ConnectionId


class ReleaseCustomer(Canonical):
    """The account is not that customer: take the customer's id, number and facts off it. Another customer's stay."""

    kind: Literal["release-customer"] = "release-customer"
    account_id: str
    customer: RecordRef
    undo: str
    """The wish that this fulfils."""
    connection: ConnectionId
