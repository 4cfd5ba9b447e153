from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["LEGAL_FORMS", "LegalForm", "split_legal_forms"]


@dataclass(frozen=True)
class LegalForm:
    """A kind of company, known by every way it is written. DOM-3.4.

    `form_id` is this table's own id in the manner of ISO 20275 (home jurisdiction, then the form); it is not the
    register's four-character code. One id covers the form wherever the same words are used.
    `spellings` are in the comparison form of `company_names`: folded case, no punctuation, initials joined.
    """

    form_id: str
    spellings: tuple[str, ...]
    may_lead: bool = False
    """Also written before the name."""
    is_size_class: bool = False
    """Says how the company is taxed, not what it is: never tells two companies apart."""


LEGAL_FORMS: tuple[LegalForm, ...] = (
    LegalForm("US-INC", ("inc", "incorporated", "incorporee")),
    LegalForm("US-CORP", ("corp", "corporation")),
    LegalForm("US-CO", ("co", "company", "and co", "and company", "cie", "and cie", "compagnie")),
    LegalForm("US-LLC", ("llc", "limited liability company")),
    LegalForm("US-PLLC", ("pllc", "professional limited liability company")),
    LegalForm("US-PC", ("pc", "professional corporation")),
    LegalForm("US-LP", ("lp", "limited partnership")),
    LegalForm("GB-LLP", ("llp", "limited liability partnership")),
    LegalForm("GB-LTD", ("ltd", "limited", "ltee", "limitee")),
    LegalForm("GB-PLC", ("plc", "public limited company")),
    LegalForm("GB-CIC", ("cic", "community interest company")),
    LegalForm("IE-DAC", ("dac", "designated activity company")),
    LegalForm("IE-CLG", ("clg", "company limited by guarantee")),
    LegalForm("DE-GMBH", ("gmbh", "gesellschaft mit beschraenkter haftung", "gesellschaft mbh")),
    LegalForm("DE-GMBH-KG", ("gmbh and co kg", "gmbh and cokg")),
    LegalForm("DE-AG-KG", ("ag and co kg",)),
    LegalForm("DE-AG", ("ag", "aktiengesellschaft")),
    LegalForm("DE-KG", ("kg", "kommanditgesellschaft", "and co kg")),
    LegalForm("DE-UG", ("ug", "ug haftungsbeschraenkt", "unternehmergesellschaft haftungsbeschraenkt")),
    LegalForm("DE-OHG", ("ohg",)),
    LegalForm("DE-EG", ("eg", "eingetragene genossenschaft")),
    LegalForm("DE-EV", ("ev", "eingetragener verein")),
    LegalForm("EU-SE", ("se", "societas europaea")),
    LegalForm("FR-SA", ("sa", "societe anonyme", "sociedade anonima", "sociedad anonima")),
    LegalForm("FR-SAS", ("sas", "societe par actions simplifiee")),
    LegalForm("FR-SASU", ("sasu",)),
    LegalForm("FR-SARL", ("sarl", "sa rl", "societe a responsabilite limitee"), may_lead=True),
    LegalForm("FR-EURL", ("eurl",), may_lead=True),
    LegalForm("FR-SNC", ("snc", "societe en nom collectif")),
    LegalForm("FR-SCI", ("sci", "societe civile immobiliere"), may_lead=True),
    LegalForm("NL-BV", ("bv", "besloten vennootschap")),
    LegalForm("NL-NV", ("nv", "naamloze vennootschap")),
    LegalForm("NL-VOF", ("vof",)),
    LegalForm("NL-CV", ("cv", "commanditaire vennootschap")),
    LegalForm("NL-STICHTING", ("stichting",), may_lead=True),
    LegalForm("IT-SPA", ("spa",)),
    LegalForm("IT-SRL", ("srl",)),
    LegalForm("ES-SL", ("sl", "sociedad limitada")),
    LegalForm("SE-AB", ("ab", "aktiebolag")),
    LegalForm("DK-AS", ("as", "aktieselskab")),
    LegalForm("FI-OY", ("oy", "oyj")),
    LegalForm("PL-SPZOO", ("sp zoo", "sp z oo")),
    LegalForm("IN-PVT-LTD", ("pvt ltd", "private limited", "pvt limited", "private ltd")),
    LegalForm("AU-PTY-LTD", ("pty ltd", "pty limited", "proprietary limited", "pty")),
    LegalForm("SG-PTE-LTD", ("pte ltd", "pte limited", "pte")),
    LegalForm("BR-LTDA", ("ltda", "limitada")),
    LegalForm("BR-EIRELI", ("eireli",)),
    LegalForm("BR-ME", ("me", "microempresa"), is_size_class=True),
    LegalForm("BR-EPP", ("epp", "empresa de pequeno porte"), is_size_class=True),
    LegalForm("JP-KK", ("kk", "kabushiki kaisha", "kabushiki gaisha", "株式会社", "株"), may_lead=True),
    LegalForm("JP-GK", ("gk", "godo kaisha", "合同会社", "合"), may_lead=True),
    LegalForm("JP-YK", ("yk", "yugen kaisha", "有限会社", "有"), may_lead=True),
)

_BY_WORDS = {tuple(spelling.split()): form for form in LEGAL_FORMS for spelling in form.spellings}
_LONGEST = max(map(len, _BY_WORDS))
_NEEDS_A_FORM_BEFORE = frozenset({("me",), ("epp",)})
"""Everyday words or initials: a size class only where another form stands before it."""
_UNSPACED = ("株式会社", "合同会社", "有限会社")
"""Written without a space before or after the name."""


def split_legal_forms(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The name without its legal forms, and the ids of those forms; size classes are dropped. DOM-3.4.

    Forms are taken from the end (several may stand there), and from the front only where nothing stood at the end and
    the form is one that is written in front. A name that is nothing but forms is kept as it is.
    """
    rest = _with_spaces_around_forms(words)
    found: list[LegalForm] = []
    while taken := _form_at_end(rest):
        size, form = taken
        rest = rest[:-size]
        found.append(form)
    while not found and (leading := _form_at_front(rest)):
        size, form = leading
        rest = rest[size:]
        found.append(form)
    while len(rest) > 1 and rest[-1] == "and":
        rest = rest[:-1]
    return rest, tuple(sorted({form.form_id for form in found if not form.is_size_class}))


def _with_spaces_around_forms(words: Sequence[str]) -> tuple[str, ...]:
    text = " ".join(words)
    for form in _UNSPACED:
        text = text.replace(form, f" {form} ")
    return tuple(text.split())


def _form_at_end(words: tuple[str, ...]) -> tuple[int, LegalForm] | None:
    for size in range(min(_LONGEST, len(words) - 1), 0, -1):
        tail = words[-size:]
        form = _BY_WORDS.get(tail)
        if form and not (tail in _NEEDS_A_FORM_BEFORE and _form_at_end(words[:-size]) is None):
            return size, form
    return None


def _form_at_front(words: tuple[str, ...]) -> tuple[int, LegalForm] | None:
    for size in range(min(_LONGEST, len(words) - 1), 0, -1):
        form = _BY_WORDS.get(words[:size])
        if form and form.may_lead:
            return size, form
    return None
