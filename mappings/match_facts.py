from __future__ import annotations

import re
from enum import StrEnum

from mappings.company_names import name_score, read_company_name, same_script, search_spellings
from mappings.customer_identity import trading_name
from mappings.name_markers import is_placeholder, names_a_government_body
from mappings.registration_numbers import Registration, read_duns, read_lei, registration_of
from mappings.tax_numbers import NumberCheck, TaxMatch, compare_tax_numbers, mask, read_tax_number
from models.base import Canonical
from models.party import Address, BuyerIdentity
from models.survey import CustomerCandidate

__all__ = ["NEAR_LINE", "Facts", "Fit", "NameFit", "compare_parties"]

NEAR_LINE = 85
"""Names scoring at least this much are shown to a person; the firm may set another line (DOM-3.6)."""
_US_POSTAL_DIGITS = 5


class Fit(StrEnum):
    """How one fact of the buyer stands to the same fact of an ERP customer."""

    SAME = "same"
    DIFFERENT = "different"
    UNKNOWN = "unknown"
    """Missing on one side at least."""


class NameFit(StrEnum):
    """How the names stand to each other after DOM-3.3."""

    EQUAL = "equal"
    ALIAS = "alias"
    """A former, alternate or trade name of one side is a name of the other."""
    NEAR = "near"
    FAR = "far"
    OTHER_SCRIPT = "other-script"


class Facts(Canonical):
    """Everything that was compared between the buyer and one ERP customer."""

    name: NameFit
    form: Fit
    """SAME also where neither side has a legal form."""
    country: Fit
    place: Fit
    registration: Fit
    registration_site: Fit
    register_is_unique: bool
    lei: Fit
    tax: TaxMatch
    tax_country: str
    tax_is_doubtful: bool
    """One of the numbers does not pass its own check."""
    duns: Fit
    is_government: bool
    evidence: tuple[str, ...]


def compare_parties(buyer: BuyerIdentity, candidate: CustomerCandidate, near_line: int) -> Facts:
    """Compare the buyer with one ERP customer, fact by fact; nothing is decided here. DOM-3.1 to 3.4."""
    country, other_country = _country(buyer), _country(candidate)
    mine, theirs = registration_of(buyer), registration_of(candidate)
    number, other_number = (
        read_tax_number(buyer.tax_number, country),
        read_tax_number(candidate.tax_number, other_country),
    )
    tax = compare_tax_numbers(buyer.tax_number, country, candidate.tax_number, other_country)
    facts = Facts(
        name=_name_fit(buyer, candidate, near_line),
        form=_form_fit(trading_name(buyer), candidate.name),
        country=_fit(country, other_country),
        place=_place_fit(buyer.address, candidate.address),
        registration=_registration_fit(mine, theirs),
        registration_site=_fit(mine.site, theirs.site),
        register_is_unique=mine.is_unique and theirs.is_unique,
        lei=_fit(read_lei(buyer.lei), read_lei(candidate.lei)),
        tax=tax,
        tax_country=number.country or other_number.country,
        tax_is_doubtful=NumberCheck.MALFORMED in {number.check, other_number.check},
        duns=_fit(read_duns(buyer.duns), read_duns(candidate.duns)),
        is_government=buyer.is_government or names_a_government_body(trading_name(buyer)),
        evidence=(),
    )
    return facts.model_copy(update={"evidence": _evidence(facts, buyer, candidate)})


def _country(party: BuyerIdentity | CustomerCandidate) -> str:
    return party.address.country or read_tax_number(party.tax_number, "").country


def _fit(mine: str, theirs: str) -> Fit:
    if not mine or not theirs:
        return Fit.UNKNOWN
    return Fit.SAME if mine == theirs else Fit.DIFFERENT


def _registration_fit(mine: Registration, theirs: Registration) -> Fit:
    """Numbers of two countries' registers say nothing about each other."""
    if mine.country and theirs.country and mine.country != theirs.country:
        return Fit.UNKNOWN
    return _fit(mine.number, theirs.number)


def _name_fit(buyer: BuyerIdentity, candidate: CustomerCandidate, near_line: int) -> NameFit:
    main = trading_name(buyer)
    if read_company_name(main).spellings & read_company_name(candidate.name).spellings:
        return NameFit.EQUAL
    mine = [main, *(name for name in (buyer.name, *buyer.aliases) if not is_placeholder(name))]
    theirs = [candidate.name, *(name for name in candidate.aliases if not is_placeholder(name))]
    if set(search_spellings(*mine)) & set(search_spellings(*theirs)):
        return NameFit.ALIAS
    if max(name_score(one, other) for one in mine for other in theirs) >= near_line:
        return NameFit.NEAR
    return NameFit.FAR if same_script(main, candidate.name) else NameFit.OTHER_SCRIPT


def _form_fit(mine: str, theirs: str) -> Fit:
    one, other = read_company_name(mine).forms, read_company_name(theirs).forms
    if one == other:
        return Fit.SAME
    return Fit.DIFFERENT if one and other else Fit.UNKNOWN


def _place_fit(mine: Address, theirs: Address) -> Fit:
    postal = _fit(_postal(mine), _postal(theirs))
    return postal if postal is not Fit.UNKNOWN else _fit(mine.city.strip().casefold(), theirs.city.strip().casefold())


def _postal(address: Address) -> str:
    compact = re.sub(r"\W", "", address.postal_code).upper()
    return compact[:_US_POSTAL_DIGITS] if address.country == "US" else compact


def _evidence(facts: Facts, buyer: BuyerIdentity, candidate: CustomerCandidate) -> tuple[str, ...]:
    """One sentence per fact that both sides have, in the order of DOM-3.1."""
    sentences = [f'Names: "{trading_name(buyer)}" and "{candidate.name}" are {_NAME_WORDS[facts.name]}.']
    if facts.form is not Fit.SAME:
        sentences.append(f"Legal forms are {_FIT_WORDS[facts.form]}.")
    for what, fit, number in (
        ("Registration numbers", facts.registration, buyer.registration_number or buyer.tax_number),
        ("Legal entity identifiers", facts.lei, buyer.lei),
        ("D-U-N-S numbers", facts.duns, buyer.duns),
        ("Places", facts.place, ""),
        ("Countries", facts.country, ""),
    ):
        if fit is not Fit.UNKNOWN:
            sentences.append(f"{what} are {_FIT_WORDS[fit]}{f' ({mask(number)})' if number else ''}.")
    if facts.tax is not TaxMatch.UNKNOWN:
        sentences.append(f"Tax numbers {_TAX_WORDS[facts.tax]} ({mask(buyer.tax_number)}).")
    return tuple(sentences)


_NAME_WORDS = {
    NameFit.EQUAL: "equal once case, punctuation and legal form are set aside",
    NameFit.ALIAS: "joined by a former, alternate or trade name",
    NameFit.NEAR: "similar",
    NameFit.FAR: "not similar",
    NameFit.OTHER_SCRIPT: "in two scripts and cannot be compared",
}
_FIT_WORDS = {Fit.SAME: "equal", Fit.DIFFERENT: "different", Fit.UNKNOWN: "not known on both sides"}
_TAX_WORDS = {
    TaxMatch.EQUAL: "are equal",
    TaxMatch.OTHER_SITE: "name the same legal entity at another site",
    TaxMatch.DIFFERENT: "are different",
}
