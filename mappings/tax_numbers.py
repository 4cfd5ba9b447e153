from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from stdnum.au import abn
from stdnum.br import cnpj
from stdnum.ca import bn
from stdnum.fr import siren, siret, tva
from stdnum.gb import vat as gb_vat
from stdnum.in_ import gstin, pan
from stdnum.jp import cn
from stdnum.sg import uen
from stdnum.us import ein
from stdnum.util import get_cc_module

from mappings.personal_numbers import is_personal_number
from models.base import Canonical

__all__ = ["EU_COUNTRIES", "NumberCheck", "TaxMatch", "TaxNumber", "compare_tax_numbers", "mask", "read_tax_number"]

EU_COUNTRIES = frozenset(
    {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
     "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"}
)  # fmt: skip
_PREFIXES = {**{code: code for code in EU_COUNTRIES}, "EL": "GR", "GB": "GB", "XI": "GB"}
_SG_GST = re.compile(r"^M[0-9RBX]\d{7}[0-9A-Z]$")
_SHOWN = 3
_SHORTEST = 4
_SIREN_DIGITS, _SIRET_DIGITS = 9, 14
_GSTIN_CHARACTERS = 15
_CNPJ_ROOT, _PAN, _BN, _GB_DIGITS = 8, slice(2, 12), 9, frozenset({9, 12})


class NumberCheck(StrEnum):
    """What form and check digits say. None of it says that the number is registered (DOM-4.1)."""

    ABSENT = "absent"
    WELL_FORMED = "well-formed"
    MALFORMED = "malformed"
    UNCHECKED = "unchecked"
    """No rule is known for this country's numbers."""
    PERSONAL = "personal"
    """The number of a person: never kept, never compared."""


class TaxMatch(StrEnum):
    """How two tax numbers stand to each other. DOM-3.2."""

    EQUAL = "equal"
    OTHER_SITE = "other-site"
    """Same legal entity, other state, establishment or account."""
    DIFFERENT = "different"
    UNKNOWN = "unknown"
    """One is missing, or they are numbers of two countries: nothing to compare."""


class TaxNumber(Canonical):
    """A tax number in its comparison form, with the part that names the legal entity. DOM-3.2."""

    country: str = ""
    """Who issued it; empty when neither the number nor the address says so."""
    compact: str = ""
    """Without separators and country prefix, but with the XI of Northern Ireland."""
    root: str = ""
    """What stays the same over all sites: PAN, SIREN, first eight of the CNPJ, nine of the BN; else the number."""
    site: str = ""
    check: NumberCheck = NumberCheck.ABSENT


def mask(number: str) -> str:
    """A number for texts that travel: all but the last three characters are hidden."""
    compact = _compact(number)
    return "*" * max(len(compact) - _SHOWN, 0) + compact[-_SHOWN:] if len(compact) > _SHOWN else "*" * len(compact)


def read_tax_number(text: str, country: str) -> TaxNumber:
    """Read a tax number as the country of its prefix, or else of the address, writes it.

    A filler ("n/a", "000000000") is absent. DOM-4.2.
    """
    compact = _compact(text)
    if _is_filler(compact):
        return TaxNumber(country=country)
    if is_personal_number(text, country):
        return TaxNumber(country=country, check=NumberCheck.PERSONAL)
    issuer, number = _issuer(compact, country)
    reader = _READERS.get(issuer, _read_value_added)
    return reader(issuer, number)


def compare_tax_numbers(left: str, left_country: str, right: str, right_country: str) -> TaxMatch:
    """Compare two numbers as written. Where one side names no country, the other side's is tried on it."""
    one = read_tax_number(left, left_country)
    other = read_tax_number(right, right_country)
    one, other = (
        one if one.country else read_tax_number(left, other.country),
        other if other.country else read_tax_number(right, one.country),
    )
    if not one.compact or not other.compact or one.country != other.country or _are_of_two_kinds(one, other):
        return TaxMatch.UNKNOWN
    if one.root != other.root:
        return TaxMatch.DIFFERENT
    return TaxMatch.OTHER_SITE if one.site and other.site and one.site != other.site else TaxMatch.EQUAL


def _are_of_two_kinds(one: TaxNumber, other: TaxNumber) -> bool:
    """A Singapore company may have a GST number beside its UEN: the two say nothing about each other."""
    return one.country == "SG" and bool(_SG_GST.match(one.compact)) != bool(_SG_GST.match(other.compact))


def _compact(text: str) -> str:
    wide = unicodedata.normalize("NFKC", text).upper()
    return "".join(char for char in wide if char.isascii() and char.isalnum())


def _is_filler(compact: str) -> bool:
    """Too short, without digits, or one digit over and over: people type that to get past a required field."""
    digits = [char for char in compact if char.isdigit()]
    return len(compact) < _SHORTEST or not digits or (len(compact) == len(digits) and len(set(digits)) == 1)


def _issuer(compact: str, country: str) -> tuple[str, str]:
    """The issuing country and the number without its prefix. A prefix counts where such prefixes are written."""
    prefix, rest = compact[:2], compact[2:]
    issuer = _PREFIXES.get(prefix)
    in_prefix_area = not country or country in EU_COUNTRIES or country == "GB"
    if issuer and any(char.isdigit() for char in rest) and (in_prefix_area or _is_valid(_vat_module(issuer), rest)):
        return issuer, compact if prefix == "XI" else rest
    if prefix == country and country not in _READERS:
        return country, rest if _is_valid(_vat_module(country), rest) else compact
    return country, compact


def _vat_module(country: str) -> Any:
    return get_cc_module(country.lower(), "vat") if country else None


def _is_valid(module: Any, number: str) -> bool:
    return module is not None and bool(module.is_valid(number))


def _checked(*modules: Any, number: str) -> NumberCheck:
    return NumberCheck.WELL_FORMED if any(_is_valid(module, number) for module in modules) else NumberCheck.MALFORMED


def _read_value_added(country: str, number: str) -> TaxNumber:
    module = _vat_module(country)
    check = NumberCheck.UNCHECKED if module is None else _checked(module, number=number)
    if check is NumberCheck.WELL_FORMED:
        number = str(module.validate(number))  # one spelling of one number: leading zeros, optional letters
    return TaxNumber(country=country, compact=number, root=number, check=check)


def _read_gb(country: str, number: str) -> TaxNumber:
    """Keeps XI: the same registration, but the prefix that trade with the EU needs. Twelve digits name a branch."""
    digits = number.removeprefix("XI")
    is_long = digits.isdigit() and len(digits) == max(_GB_DIGITS)
    root, site = (digits[: min(_GB_DIGITS)], digits[min(_GB_DIGITS) :]) if is_long else (digits, "")
    return TaxNumber(country=country, compact=number, root=root, site=site, check=_checked(gb_vat, number=digits))


def _read_us(country: str, number: str) -> TaxNumber:
    return TaxNumber(country=country, compact=number, root=number, check=_checked(ein, number=number))


def _read_ca(country: str, number: str) -> TaxNumber:
    """The nine digits are the business; RT0001, RT0002 are its GST/HST accounts."""
    return TaxNumber(
        country=country, compact=number, root=number[:_BN], site=number[_BN:], check=_checked(bn, number=number)
    )


def _read_fr(country: str, number: str) -> TaxNumber:
    """VAT number, SIREN and SIRET of one company share the SIREN."""
    if len(number) == _SIRET_DIGITS and number.isdigit():
        root, site, module = number[:_SIREN_DIGITS], number[_SIREN_DIGITS:], siret
    else:
        root, site = number[-_SIREN_DIGITS:], ""
        module = siren if len(number) == _SIREN_DIGITS else tva
    return TaxNumber(country=country, compact=number, root=root, site=site, check=_checked(module, number=number))


def _read_in(country: str, number: str) -> TaxNumber:
    """One GSTIN per state for one PAN."""
    check = _checked(gstin, pan, number=number)
    if len(number) == _GSTIN_CHARACTERS:
        return TaxNumber(country=country, compact=number, root=number[_PAN], site=number[:2], check=check)
    return TaxNumber(country=country, compact=number, root=number, check=check)


def _read_br(country: str, number: str) -> TaxNumber:
    """One CNPJ per establishment; the first eight characters are the company."""
    check = _checked(cnpj, number=number)
    return TaxNumber(
        country=country, compact=number, root=number[:_CNPJ_ROOT], site=number[_CNPJ_ROOT:-2] if number else "",
        check=check,
    )  # fmt: skip


def _read_jp(country: str, number: str) -> TaxNumber:
    """The T of an invoice number stands before the corporate number."""
    digits = number.removeprefix("T")
    return TaxNumber(country=country, compact=digits, root=digits, check=_checked(cn, number=digits))


def _read_au(country: str, number: str) -> TaxNumber:
    return TaxNumber(country=country, compact=number, root=number, check=_checked(abn, number=number))


def _read_sg(country: str, number: str) -> TaxNumber:
    """A GST number is the UEN, or one of its own that starts with M."""
    is_known = bool(_SG_GST.match(number)) or _is_valid(uen, number)
    check = NumberCheck.WELL_FORMED if is_known else NumberCheck.MALFORMED
    return TaxNumber(country=country, compact=number, root=number, check=check)


_READERS: dict[str, Callable[[str, str], TaxNumber]] = {
    "AU": _read_au, "BR": _read_br, "CA": _read_ca, "FR": _read_fr, "GB": _read_gb, "IN": _read_in, "JP": _read_jp,
    "SG": _read_sg, "US": _read_us,
}  # fmt: skip
