from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from mappings.match_facts import Facts, Fit, NameFit
from mappings.tax_numbers import TaxMatch
from models.base import Canonical

__all__ = ["Likeness", "Verdict", "contradiction", "judge_facts"]

_SITE_COUNTRIES = frozenset({"FR", "IN"})
"""Another site of the same legal entity is the same customer: SIRET of one SIREN, GSTIN of one PAN (DOM-3, 13 and 15).
Elsewhere an establishment with its own tax number is for a person: the invoice must name the right one (14)."""


class Likeness(StrEnum):
    """What the facts come to for one ERP customer."""

    SAME = "same"
    OTHER_SITE = "other-site"
    DOUBTFUL = "doubtful"
    """For a person."""
    OTHER = "other"


class Verdict(Canonical):
    """The likeness, why, and which question it raises."""

    likeness: Likeness
    reason: str
    code: str = ""
    note: str = ""


def judge_facts(facts: Facts) -> Verdict:
    """Whether one ERP customer is the buyer, by the first evidence in the order of DOM-3.1 that tells. DOM-3.5."""
    for judge in _JUDGES:
        if verdict := judge(facts):
            return verdict
    return _by_name(facts)


def contradiction(facts: Facts) -> str:
    """Why a binding or an ERP id on the CRM record cannot be believed, or nothing. DOM-3.1(1)."""
    if facts.country is Fit.DIFFERENT:
        return "the countries differ"
    if facts.lei is Fit.DIFFERENT:
        return "the legal entity identifiers differ"
    if facts.registration is Fit.DIFFERENT:
        return "the registration numbers differ"
    if facts.name is NameFit.FAR and facts.lei is not Fit.SAME:
        return "the names are not similar"
    if facts.form is Fit.DIFFERENT and facts.name is not NameFit.OTHER_SCRIPT and facts.lei is not Fit.SAME:
        return "the legal forms differ"
    return ""


def _same(reason: str, facts: Facts) -> Verdict:
    note = (
        "" if facts.name in {NameFit.EQUAL, NameFit.NEAR} else "Known to the ERP under another name: keep it as alias."
    )
    return Verdict(likeness=Likeness.SAME, reason=reason, note=note)


def _other(reason: str) -> Verdict:
    return Verdict(likeness=Likeness.OTHER, reason=reason)


def _ask(reason: str, code: str = "TL-CUS-001") -> Verdict:
    return Verdict(likeness=Likeness.DOUBTFUL, reason=reason, code=code)


def _by_lei(facts: Facts) -> Verdict | None:
    """An LEI names one legal entity and survives a change of name (pair 25)."""
    if facts.lei is Fit.SAME:
        if facts.country is Fit.DIFFERENT or facts.registration is Fit.DIFFERENT:
            return _ask("the legal entity identifier is equal, but country or registration number differs")
        return _same("the legal entity identifier is equal", facts)
    if facts.lei is Fit.DIFFERENT:
        if facts.registration is Fit.SAME or facts.tax is TaxMatch.EQUAL:
            return _ask("the legal entity identifiers differ, but another number is equal")
        return _other("the legal entity identifiers differ")
    return None


def _by_registration(facts: Facts) -> Verdict | None:
    if facts.registration is Fit.SAME:
        return _by_equal_registration(facts)
    if facts.registration is Fit.DIFFERENT:
        if facts.name is NameFit.EQUAL and facts.form is Fit.SAME and _something_else_agrees(facts):
            return _ask("only the registration numbers differ; one may be mistyped", "TL-CUS-002")
        if facts.tax is TaxMatch.EQUAL:
            return _other("the registration numbers differ, so the equal tax number is that of a tax group")
        return _other("the registration numbers differ")
    return None


def _something_else_agrees(facts: Facts) -> bool:
    return facts.tax is TaxMatch.EQUAL or facts.duns is Fit.SAME or facts.place is Fit.SAME


def _by_equal_registration(facts: Facts) -> Verdict:
    is_certain = facts.register_is_unique and facts.country is Fit.SAME
    if facts.name is NameFit.FAR:
        return _ask("the registration number is equal, but the names are not similar", "TL-CUS-002")
    if facts.name is not NameFit.EQUAL and not is_certain:
        return _ask("the registration number is equal, but numbers like it are given out by more than one register")
    if facts.registration_site is Fit.DIFFERENT:
        return _at_other_site(facts)
    return _same("the registration number is equal", facts)


def _at_other_site(facts: Facts) -> Verdict:
    if facts.tax_country in _SITE_COUNTRIES and facts.name is NameFit.EQUAL and facts.form is Fit.SAME:
        return Verdict(
            likeness=Likeness.OTHER_SITE,
            reason="it is the same legal entity at another site",
            note="New site: the contract names another registration of the same legal entity. Add it to the customer.",
        )
    return _ask("it shares the company's number but is another establishment or account", "TL-CUS-002")


def _by_tax(facts: Facts) -> Verdict | None:
    if facts.tax is TaxMatch.OTHER_SITE:
        return _at_other_site(facts)
    if facts.tax is TaxMatch.EQUAL:
        if facts.name is NameFit.EQUAL and facts.form is Fit.SAME and facts.country is not Fit.DIFFERENT:
            return _same("tax number, name and legal form are equal", facts)
        return _ask("the tax number is equal, but name, legal form or country is not", "TL-CUS-002")
    if facts.tax is TaxMatch.DIFFERENT:
        if facts.duns is Fit.SAME or _may_be_mistyped(facts):
            return _ask("the tax numbers differ, but the rest agrees; one may be mistyped", "TL-CUS-002")
        return _other("the tax numbers differ")
    return None


def _may_be_mistyped(facts: Facts) -> bool:
    is_namesake = facts.name is NameFit.EQUAL and facts.form is not Fit.DIFFERENT
    return is_namesake and facts.country is not Fit.DIFFERENT and (facts.tax_is_doubtful or facts.place is Fit.SAME)


def _by_duns(facts: Facts) -> Verdict | None:
    """It names a site, so it may confirm a name but never replace one."""
    if facts.duns is Fit.SAME:
        is_named_alike = facts.name is NameFit.EQUAL or (facts.name is NameFit.ALIAS and not facts.is_government)
        if is_named_alike and facts.form is not Fit.DIFFERENT and facts.country is not Fit.DIFFERENT:
            return _same("the D-U-N-S number and the name are equal", facts)
        return _ask("the D-U-N-S number is equal, but name, legal form or country is not")
    if facts.duns is Fit.DIFFERENT:
        if facts.name in _LIKE_NAMES and facts.place is Fit.SAME and facts.country is not Fit.DIFFERENT:
            return _ask("the D-U-N-S numbers differ, but name and place agree")
        return _other("the D-U-N-S numbers differ")
    return None


def _by_name(facts: Facts) -> Verdict:
    """A name suggests, it never decides."""
    if facts.country is Fit.DIFFERENT:
        return _other("it is in another country")
    if facts.name is NameFit.EQUAL:
        form = ", but the legal forms differ" if facts.form is Fit.DIFFERENT else ""
        return _ask(f"the names are equal{form} and no number is known on both sides")
    if facts.name is NameFit.ALIAS:
        return _ask("a former, alternate or trade name is equal")
    if facts.name is NameFit.NEAR:
        return _ask("the names are similar")
    return _other("no number and no name agrees")


_LIKE_NAMES = frozenset({NameFit.EQUAL, NameFit.ALIAS, NameFit.NEAR})
_JUDGES: tuple[Callable[[Facts], Verdict | None], ...] = (_by_lei, _by_registration, _by_tax, _by_duns)
