from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.fields import Row
from models.errors import NeedsRepair
from models.party import Address, BuyerIdentity, ContactPerson, ContactRole
from models.roles import Role

__all__ = ["to_account_address", "to_buyer", "to_contacts"]

_CONTACT_ROLES = {"Billing": ContactRole.BILLING, "Signer": ContactRole.SIGNER}
_MOST_TELLING = (ContactRole.BILLING, ContactRole.SIGNER, ContactRole.OTHER)
_SCHEMES = ("https://", "http://")


def to_buyer(deal: Row, config: SalesforceConfig) -> BuyerIdentity:
    """Who buys. A deal without an account has nobody to bill."""
    account = deal.inner("Account")
    if account is None:
        raise deal.missing("AccountId", "account")
    n = config.names
    aliases = [item.strip() for item in account.text(n.account_aliases).replace("\n", ";").split(";")]
    return BuyerIdentity(
        account_id=account.needed("Id", "account id"),
        name=account.needed("Name", "account name"),
        legal_name=account.text(n.account_legal_name),
        aliases=tuple(item for item in aliases if item)[:20],
        address=to_account_address(account, config),
        tax_number=account.text(n.account_tax_number),
        registration_number=account.text(n.account_registration_number),
        duns=account.text(n.account_duns),
        lei=account.text(n.account_lei),
        domain=_domain(account.text("Website")),
        invoice_email=account.text(n.account_invoice_email),
        is_government=account.flag(n.account_is_government),
        route_id=account.text(n.account_route_id),
        erp_customer_id=account.text(n.account_erp_id),
    )


def to_account_address(account: Row, config: SalesforceConfig) -> Address:
    """Where the account is billed."""
    return Address(
        street=account.text("BillingStreet"),
        city=account.text("BillingCity"),
        region=account.text("BillingState"),
        postal_code=account.text("BillingPostalCode"),
        country=account.country("BillingCountry", config.countries),
    )


def to_contacts(rows: Iterable[Mapping[str, Any]], deal: str) -> tuple[ContactPerson, ...]:
    """Each person once, in the role that tells most: billing before signer before other."""
    found: dict[str, ContactPerson] = {}
    for item in rows:
        person = _person(Row(item, deal=deal, where="contact role "), deal)
        known = found.get(person.code)
        if known is None or _MOST_TELLING.index(person.role) < _MOST_TELLING.index(known.role):
            found[person.code] = person
    return tuple(found.values())


def _person(row: Row, deal: str) -> ContactPerson:
    code, contact = row.needed("ContactId", "contact"), row.inner("Contact")
    if contact is None:
        raise NeedsRepair(
            f"Deal {deal}: contact {code} is hidden from the integration user. Let it see the contact, or take the "
            "contact off the deal, then press Retry.",
            code="TL-CON-015",
            record=deal,
            field="contact role ContactId",
            owner=Role.SALES_OPERATIONS,
        )
    return ContactPerson(
        code=code,
        first_name=contact.text("FirstName"),
        last_name=contact.needed("LastName", "last name of a contact"),
        email=contact.text("Email"),
        phone=contact.text("Phone"),
        title=contact.text("Title"),
        role=_CONTACT_ROLES.get(row.text("Role"), ContactRole.OTHER),
    )


def _domain(website: str) -> str:
    host = website.strip().casefold()
    for scheme in _SCHEMES:
        host = host.removeprefix(scheme)
    return host.partition("/")[0].removeprefix("www.")
