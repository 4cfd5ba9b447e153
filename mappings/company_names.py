from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz

from mappings.legal_forms import split_legal_forms

__all__ = ["CompanyName", "name_score", "normal_name", "read_company_name", "same_script", "search_spellings"]

_ENTITY = re.compile(r"&(#\d+|#x[0-9a-f]+|[a-z][a-z0-9]*);", re.IGNORECASE)
_ALIAS_WORDS = (
    r"\bd\W*b\W*a\b|\bdoing business as\b|\btrading as\b|\bt/a\b|\bf\W*k\W*a\b|\bformerly(?: known as| called)?\b"
    r"|\bpreviously(?: known as)?\b|\bvormals\b|\banciennement\b|\ba\W*k\W*a\b|\balso known as\b"
)
_ALIAS_MARK = re.compile(rf"[\s(\[,;]*(?:{_ALIAS_WORDS})[\s:.,]*", re.IGNORECASE)
_TRAILING_THE = re.compile(r"^(.*\S)\s*,\s*the[\s.]*$", re.IGNORECASE | re.DOTALL)
_ENDS_IN_OF = re.compile(r"\b(?:of|for|of the)[\s.]*$", re.IGNORECASE)
_SIZE_CLASS_AFTER_DASH = re.compile(r"\s[-\u2013\u2014]\s*(?:me|epp)[\s.]*$", re.IGNORECASE)
_AND_WORDS = frozenset({"and", "und", "et", "y"})
_DOTTED_INITIALS = re.compile(r"(?<![^\W_])[a-z](?:[./][a-z])+(?![^\W_])")
_APOSTROPHES = dict.fromkeys(map(ord, "'`\u2018\u2019\u02bc\u00b4"))
_GERMAN = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "æ": "ae", "œ": "oe", "å": "aa"}
_PLAIN = {"ä": "a", "ö": "o", "ü": "u", "ø": "o", "æ": "ae", "œ": "oe", "å": "a"}
_MOST_FIRST_NAMES = 2
_PASSES = 8
"""Bound on repeated reading; each pass only takes something away."""


@dataclass(frozen=True)
class CompanyName:
    """A company's name taken apart for comparison. The original is what people are shown. DOM-3.3."""

    original: str
    core: str
    """The name without punctuation, case, accents and legal form; umlauts written out (ue)."""
    forms: tuple[str, ...]
    """Ids of the legal forms, sorted; evidence of its own (DOM-3.4)."""
    spellings: frozenset[str]
    """`core` with umlauts written out and with umlauts dropped: either may stand on the other side."""
    aliases: tuple[str, ...]
    """Names after "d/b/a" or "formerly", as written."""


@lru_cache(maxsize=4096)
def read_company_name(text: str) -> CompanyName:
    """Take a name apart as DOM-3.3 and DOM-3.4 say. The empty name has the empty core."""
    decoded = _decode_entities(text)
    main, *others = _ALIAS_MARK.split(decoded)
    aliases = [other.strip(" )].,;") for other in others]
    if not _words(main, _GERMAN):
        main, aliases = (aliases[0], aliases[1:]) if aliases else (decoded, [])
    words = _turned(main)
    core, forms = _core(words, _GERMAN)
    plain, _ = _core(words, _PLAIN)
    return CompanyName(
        original=decoded.strip(),
        core=core,
        forms=forms,
        spellings=frozenset({core, plain} - {""}),
        aliases=tuple(alias for alias in aliases if _words(alias, _GERMAN)),
    )


@lru_cache(maxsize=4096)
def normal_name(text: str) -> str:
    """The comparison form of a name; a comparison form is its own comparison form. DOM-3.3."""
    current = read_company_name(text).core
    for _ in range(_PASSES):
        again = read_company_name(current).core
        if again == current:
            break
        current = again
    return current


def search_spellings(*names: str) -> tuple[str, ...]:
    """Every comparison form under which these names, and the aliases inside them, may be filed; sorted."""
    found: set[str] = set()
    for name in names:
        read = read_company_name(name)
        found |= read.spellings
        for alias in read.aliases:
            found |= read_company_name(alias).spellings
    return tuple(sorted(found))


def name_score(left: str, right: str) -> float:
    """How near two names are, 0 to 100, whatever the order of their words. Suggests, never decides (DOM-3.5)."""
    pairs = [(one, other) for one in search_spellings(left) for other in search_spellings(right)]
    return max((fuzz.token_sort_ratio(one, other) for one, other in pairs), default=0.0)


def same_script(left: str, right: str) -> bool:
    """Whether two names can be compared letter by letter at all (日立製作所 and Hitachi cannot). DOM-3, pair 18."""
    return not _scripts(left).isdisjoint(_scripts(right))


def _scripts(text: str) -> frozenset[str]:
    core = normal_name(text)
    return frozenset(unicodedata.name(char, "UNKNOWN").split()[0] for char in core if char.isalpha())


def _decode_entities(text: str) -> str:
    for _ in range(_PASSES):
        decoded = _ENTITY.sub(_decoded_entity, text)
        if decoded == text:
            break
        text = decoded
    return text


def _decoded_entity(found: re.Match[str]) -> str:
    exact = html.unescape(found[0])
    return exact if exact != found[0] else html.unescape(found[0].lower())


def _turned(name: str) -> str:
    """The name in speaking order: "X, DEPARTMENT OF", "LAST, FIRST" and a trailing ", THE" are moved round."""
    name = _SIZE_CLASS_AFTER_DASH.sub("", name)
    if moved := _TRAILING_THE.match(name):
        name = f"the {moved[1]}"
    parts = [part.strip() for part in name.split(",") if _words(part, _GERMAN)]
    if len(parts) > 1 and _ENDS_IN_OF.search(parts[-1]):
        return f"{parts[-1]} {' '.join(parts[:-1])}"
    if len(parts) == 2 and _is_last_comma_first(*parts):  # noqa: PLR2004 - a surname and what follows it
        return f"{parts[1]} {parts[0]}"
    return name


def _is_last_comma_first(last: str, first: str) -> bool:
    last_words, first_words = _words(last, _GERMAN), _words(first, _GERMAN)
    if len(last_words) != 1 or len(first_words) > _MOST_FIRST_NAMES:
        return False
    whole, forms = split_legal_forms((*last_words, *first_words))
    return not forms and len(whole) == 1 + len(first_words) and "and" not in first_words


def _core(name: str, umlauts: dict[str, str]) -> tuple[str, tuple[str, ...]]:
    rest, forms = split_legal_forms(_without_the(_words(name, umlauts)))
    return " ".join(_without_the(rest)), forms


def _without_the(words: tuple[str, ...]) -> tuple[str, ...]:
    while len(words) > 1 and words[0] == "the":
        words = words[1:]
    return words


def _words(text: str, umlauts: dict[str, str]) -> tuple[str, ...]:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).translate(_APOSTROPHES)
    latin = "".join(umlauts.get(char, char) for char in folded)
    plain = "".join(char for char in unicodedata.normalize("NFD", latin) if not "\u0300" <= char <= "\u036f")
    whole = _DOTTED_INITIALS.sub(lambda found: re.sub(r"[./]", "", found[0]), unicodedata.normalize("NFC", plain))
    kept = whole.replace("&", " and ").replace("+", " and ")
    spaced = "".join(char if unicodedata.category(char)[0] in "LNM" else " " for char in kept)
    words = ["and" if word in _AND_WORDS else word for word in spaced.split()]
    return tuple(_join_initials(words))


def _join_initials(words: list[str]) -> list[str]:
    """S. A. and S A are one word (as S/A is by now); a single initial stays by itself."""
    joined: list[str] = []
    run = ""
    for word in [*words, ""]:
        if len(word) == 1 and word.isascii() and word.isalpha():
            run += word
            continue
        if run:
            joined.append(run)
            run = ""
        if word:
            joined.append(word)
    return joined
