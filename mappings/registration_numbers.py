from __future__ import annotations

import re

from stdnum import lei as lei_number
from stdnum.fr import siren
from stdnum.jp import cn
from stdnum.sg import uen

from mappings.tax_numbers import NumberCheck, read_tax_number
from models.base import Canonical
from models.party import BuyerIdentity
from models.survey import CustomerCandidate

__all__ = ["Registration", "read_duns", "read_lei", "read_registration", "registration_of"]

_LOCAL_REGISTERS = frozenset({"AE", "CA", "DE", "US"})
"""Courts, states or free zones number for themselves: the same number means another company next door."""
_WORDS = re.compile(
    r"\b(company|registration|registered|register|reg|number|no|nr|num|crn|cin|rcs|siren|siret|uen|cnpj)\b\.?",
    re.IGNORECASE,
)
_GB_DIGITS, _SIREN_DIGITS, _SIRET_DIGITS, _CNPJ_ROOT, _DUNS_DIGITS = 8, 9, 14, 8, 9
_SHORTEST = 2


class Registration(Canonical):
    """A company registration number in its comparison form. DOM-3.1(2)."""

    country: str = ""
    number: str = ""
    site: str = ""
    """Establishment inside the legal entity, where the number names one (SIRET, CNPJ)."""
    is_unique: bool = True
    """False where the number alone does not name one company of the country (local registers)."""


def read_registration(text: str, country: str) -> Registration:
    """Read a registration number; fillers ("n/a", "0000") are no number."""
    compact = re.sub(r"[\W_]", "", _WORDS.sub(" ", text)).upper()
    digits = "".join(char for char in compact if char.isdigit())
    if len(compact) < _SHORTEST or not digits.strip("0"):
        return Registration(country=country)
    if country == "FR" and len(digits) >= _SIREN_DIGITS:
        tail = digits[-_SIRET_DIGITS:] if len(digits) >= _SIRET_DIGITS else digits[-_SIREN_DIGITS:]
        return Registration(country=country, number=tail[:_SIREN_DIGITS], site=tail[_SIREN_DIGITS:])
    if country == "BR" and len(compact) == _SIRET_DIGITS:
        return Registration(country=country, number=compact[:_CNPJ_ROOT], site=compact[_CNPJ_ROOT:-2])
    if country == "JP":
        compact = compact.removeprefix("T")
    if country in {"GB", "IE"} and compact.isdigit():
        compact = compact.zfill(_GB_DIGITS)
    return Registration(country=country, number=compact, is_unique=country not in _LOCAL_REGISTERS)


def registration_of(party: BuyerIdentity | CustomerCandidate) -> Registration:
    """The registration number of a buyer or ERP customer.

    In France, Japan and Singapore it may stand in the tax field instead. A French VAT number does not count: a VAT
    group has one of its own for all its members (DOM-3.2).
    """
    country = party.address.country
    tax = read_tax_number(party.tax_number, country)
    if party.registration_number:
        return read_registration(party.registration_number, country or tax.country)
    if tax.check is NumberCheck.WELL_FORMED:
        if tax.country == "FR" and (tax.site or siren.is_valid(tax.compact)):
            return Registration(country="FR", number=tax.root, site=tax.site)
        if (tax.country == "JP" and cn.is_valid(tax.compact)) or (tax.country == "SG" and uen.is_valid(tax.compact)):
            return Registration(country=tax.country, number=tax.compact)
    return Registration(country=country or tax.country)


def read_lei(text: str) -> str:
    """A legal entity identifier whose check digits are right, else nothing: a mistyped one proves nothing."""
    return str(lei_number.validate(text)) if lei_number.is_valid(text) else ""


def read_duns(text: str) -> str:
    """Nine digits of a D-U-N-S number, else nothing. It names a site, not a legal entity (DOM-3.1(4))."""
    digits = "".join(char for char in text if char.isascii() and char.isdigit())
    return digits if len(digits) == _DUNS_DIGITS and len(set(digits)) > 1 else ""
