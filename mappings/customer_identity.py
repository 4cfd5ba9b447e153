from __future__ import annotations

import hashlib

from mappings.company_names import normal_name, read_company_name
from mappings.registration_numbers import read_duns, read_lei, registration_of
from mappings.tax_numbers import read_tax_number
from models.ids import CustomerKey
from models.party import BuyerIdentity

__all__ = ["customer_key", "trading_name"]

_HASH_LENGTH = 40


def customer_key(buyer: BuyerIdentity, *, stands_apart: bool = False) -> CustomerKey:
    """Fingerprint of the legal entity that buys; deals of one buyer run one at a time under it. DOM-3.2.

    The first of these that the record has decides, and nothing readable is left in the key:
    1. registration number and country (in countries with local registers together with the name),
    2. LEI,
    3. the part of the tax number that names the company, and name and legal form: tax groups share a number,
    4. D-U-N-S number, only where it is the sole number: it names a site, and one company may have many (DOM-3.1(4)),
    5. name, legal form and country,
    6. a record without a name is only itself.
    A number that is added later gives another key; the customer is then found again by its binding, not by the key.
    `stands_apart`: a person said that this buyer is not the ERP customer it looks like, so it must not share its key.
    """
    facts = _identity(buyer)
    if stands_apart:
        facts = (*facts, "apart", buyer.account_id)
    return CustomerKey("c" + hashlib.sha256("\x1f".join(facts).encode()).hexdigest()[:_HASH_LENGTH])


def trading_name(buyer: BuyerIdentity) -> str:
    """The name a buyer signs with: the legal name, or the account's name where no legal name is known."""
    return buyer.legal_name.strip() or buyer.name.strip()


def _identity(buyer: BuyerIdentity) -> tuple[str, ...]:
    written = trading_name(buyer)
    name = (normal_name(written), *read_company_name(written).forms)
    registration = registration_of(buyer)
    if registration.number:
        number = ("registration", registration.country, registration.number)
        return number if registration.is_unique and registration.country else (*number, name[0])
    if lei := read_lei(buyer.lei):
        return ("lei", lei)
    tax = read_tax_number(buyer.tax_number, buyer.address.country)
    if tax.root:
        return ("tax", tax.country, tax.root, *name)
    if duns := read_duns(buyer.duns):
        return ("duns", duns)
    if name[0]:
        return ("name", buyer.address.country, *name)
    return ("account", buyer.account_id)
