from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from models.base import Canonical

__all__ = ["Address", "BuyerIdentity", "ContactPerson", "ContactRole"]


class Address(Canonical):
    """A postal address as the source wrote it; `country` is ISO 3166-1 alpha-2, empty when unknown (never assumed)."""

    street: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = Field(default="", pattern=r"^([A-Z]{2})?$")

    @property
    def one_line(self) -> str:
        """The address as a plan says it and as two of them are compared; empty when there is none."""
        parts = (self.street, self.postal_code, self.city, self.region, self.country)
        return ", ".join(" ".join(part.split()) for part in parts if part.strip())


class ContactRole(StrEnum):
    """What a person at the customer does for this contract."""

    BILLING = "billing"
    SIGNER = "signer"
    OTHER = "other"


class ContactPerson(Canonical):
    """A person at the customer. `code` is the CRM's own id of the person."""

    code: str
    first_name: str = ""
    last_name: str
    email: str = ""
    phone: str = ""
    title: str = ""
    role: ContactRole = ContactRole.OTHER


class BuyerIdentity(Canonical):
    """Who buys, with everything that can tell one legal entity from another. DOM-3.1."""

    account_id: str
    """The CRM's own id of the record."""
    name: str
    legal_name: str = ""
    aliases: tuple[str, ...] = ()
    address: Address = Address()
    tax_number: str = ""
    registration_number: str = ""
    duns: str = ""
    lei: str = ""
    domain: str = ""
    invoice_email: str = ""
    is_government: bool = False
    route_id: str = ""
    """E-invoice route id of a public buyer (DOM-4.2)."""
    erp_customer_id: str = ""
    """ERP id already written on the CRM record, if any; evidence (DOM-3.1), and what a cloned record drags along."""
