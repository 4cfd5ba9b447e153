from __future__ import annotations

import re
import unicodedata
from typing import Any

from stdnum.br import cpf
from stdnum.de import idnr
from stdnum.fr import nir
from stdnum.in_ import aadhaar
from stdnum.nl import bsn

__all__ = ["is_personal_number"]

_CHECKED: dict[str, Any] = {"BR": cpf, "DE": idnr, "FR": nir, "IN": aadhaar, "NL": bsn}
_WRITTEN: dict[str, re.Pattern[str]] = {
    "US": re.compile(r"^\d{3}[- ]\d{2}[- ]\d{4}$"),
    "GB": re.compile(r"^[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]$"),
    "JP": re.compile(r"^\d{4}[- ]?\d{4}[- ]?\d{4}$"),
    "SG": re.compile(r"^[STFG]\d{7}[A-Z]$"),
}
"""Told by how they are written: the digits alone could also be a company's number (Japan: only persons have twelve)."""
_FRENCH_PERSON_DIGITS = 15


def is_personal_number(text: str, country: str) -> bool:
    """Whether this is the number of a person (social security, income tax, identity card), not of a company.

    We never ask for one and never keep one; Canada's and Australia's cannot be told from a company's. DOM-4.2.
    """
    written = unicodedata.normalize("NFKC", text).strip().upper()
    if pattern := _WRITTEN.get(country):
        return bool(pattern.match(written))
    if country == "FR" and len(re.sub(r"\W", "", written)) != _FRENCH_PERSON_DIGITS:
        return False
    checked = _CHECKED.get(country)
    return checked is not None and bool(checked.is_valid(written))
