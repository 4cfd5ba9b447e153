from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from mappings.rule_kinds import (
    ApprovalPolicy,
    ApprovalRow,
    BillingRule,
    BlockerKind,
    ErpRule,
    LegalEntityRule,
    Rule,
    ServiceLineRule,
    SigningRule,
    TermsRule,
    WorkingTime,
)
from mappings.rule_lookup import RuleBook, plain_words
from models.errors import Fatal

__all__ = [
    "ApprovalPolicy",
    "ApprovalRow",
    "BillingRule",
    "BlockerKind",
    "ErpRule",
    "LegalEntityRule",
    "RuleBook",
    "ServiceLineRule",
    "SigningRule",
    "TermsRule",
    "UnusableRules",
    "WorkingTime",
    "load_rulebook",
]

Dated = TypeVar("Dated", bound=Rule)
_SECTIONS = (
    "entities", "erps", "signing", "terms", "service_lines", "billing", "usd_rates", "approvals", "change_approvals",
    "customer_fields",
)  # fmt: skip


class UnusableRules(Fatal):
    """A rule file says something that cannot be used; nothing is planned until it is mended."""

    code = "TL-INT-045"


def load_rulebook(folder: Path) -> RuleBook:
    """Read and check the firm's rules. Raises UnusableRules: file, rule and fix; it is never used then."""
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise UnusableRules(f"No rules in {folder}. Set TIELINE_RULEBOOK_FOLDER to a folder of .toml files.")
    content: dict[str, Any] = {}
    origin: dict[str, str] = {}
    fingerprint = hashlib.sha256()
    for file in files:
        for name, value in _read(file, fingerprint.update).items():
            if name in content:
                message = f"{file.name} defines `{name}`, which {origin[name]} does already. Keep it in one file."
                raise UnusableRules(message, record=file.name)
            content[name] = value
            origin[name] = file.name
    content["version"] = f"{content.get('version', 'unnumbered')}+{fingerprint.hexdigest()[:8]}"
    try:
        book = RuleBook.model_validate(content)
    except ValidationError as wrong:
        raise _invalid(wrong, content, origin) from wrong
    for section, problem in _contradictions(book):
        where = origin.get(section, folder.name)
        raise UnusableRules(f"{where}: {problem}", record=where)
    return book


def _read(file: Path, count: Callable[[bytes], None]) -> dict[str, Any]:
    text = file.read_bytes()
    count(file.name.encode() + b"\0" + text + b"\0")
    try:
        return tomllib.loads(text.decode(), parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise UnusableRules(f"{file.name} is not valid TOML: {wrong}. Correct it there.", record=file.name) from wrong


def _invalid(wrong: ValidationError, content: dict[str, Any], origin: dict[str, str]) -> UnusableRules:
    """The first thing that is wrong, with its file and the rule's own id instead of a place in a list."""
    first = wrong.errors(include_input=False, include_url=False, include_context=False)[0]
    section, *path = first["loc"] or ("",)
    rule = ""
    if path and isinstance(path[0], int) and isinstance(content.get(str(section)), list):
        row = content[str(section)][path[0]]
        rule = str(row.get("id") or row.get("code") or f"number {path[0] + 1}") if isinstance(row, dict) else ""
        path = path[1:]
    field = ".".join(str(part) for part in path)
    what = f"rule {rule} of `{section}`" if rule else f"`{section}`"
    file = origin.get(str(section), "the rules")
    message = first["msg"].removeprefix("Value error, ")
    named = f", field {field}" if field else ""
    return UnusableRules(f"{file}: {what}{named}: {message}. Correct it there.", record=rule or str(section))


def _contradictions(book: RuleBook) -> Iterator[tuple[str, str]]:
    """Rules that are well formed one by one and do not fit together: (section, what is wrong and how to mend it)."""
    yield from _same_ids(book)
    yield from _two_at_once("entities", book.entities, lambda rule: [plain_words(name) for name in rule.names])
    yield from _two_at_once("erps", book.erps, lambda rule: rule.entities or ("",))
    yield from _two_at_once("terms", book.terms, _terms_keys)
    yield from _two_at_once("service_lines", book.service_lines, lambda rule: [rule.service_line])
    yield from _two_at_once("billing", book.billing, lambda rule: [rule.billing_type])
    yield from _two_at_once("usd_rates", book.usd_rates, lambda rule: [rule.currency])
    yield from _two_at_once("customer_fields", book.customer_fields, lambda rule: [rule.field])
    yield from _two_at_once("approvals", book.approvals, lambda rule: [(rule.slot, rule.condition, rule.over_usd)])
    yield from _two_at_once("change_approvals", book.change_approvals, lambda rule: [(rule.slot, rule.condition)])
    yield from _unknown_entities(book)
    for kind in book.blockers:
        if [item.code for item in book.blockers].count(kind.code) > 1:
            yield "blockers", f"code {kind.code} is defined twice. Keep one."
    for name in sorted(set(book.service_lines_named()) & set(book.not_services)):
        yield "not_services", f"'{name}' is also a service line. Remove it from one of the two."
    for role, name in sorted(book.calendar_of.items()):
        if name not in book.calendars:
            yield "calendar_of", f"{role} works by calendar '{name}', which is not defined. Add [calendars.{name}]."


def _same_ids(book: RuleBook) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = {}
    for section in _SECTIONS:
        for rule in getattr(book, section):
            if rule.id in seen:
                yield (
                    section,
                    f"rule {rule.id} exists already in `{seen[rule.id]}`. Give it an id of its own.",
                )
            seen[rule.id] = section


def _terms_keys(rule: TermsRule) -> list[tuple[str, str]]:
    """One code per text and company; a rule for some companies goes before the rule for all (so it is another key)."""
    owners = rule.entities or ("",)
    return [(plain_words(rule.text), owner) for owner in owners]


def _two_at_once(
    section: str, rules: Sequence[Dated], keys: Callable[[Dated], Iterable[object]]
) -> Iterator[tuple[str, str]]:
    for place, rule in enumerate(rules):
        for other in rules[:place]:
            same = set(keys(rule)) & set(keys(other))
            if same and rule.overlaps(other):
                yield (
                    section,
                    (
                        f"rules {other.id} and {rule.id} are in force on the same day for the same case. "
                        f"End {other.id} with valid_until on the day {rule.id} starts."
                    ),
                )


def _unknown_entities(book: RuleBook) -> Iterator[tuple[str, str]]:
    known = {entity.code for entity in book.entities}
    named = [("signing", rule.id, rule.expected) for rule in book.signing]
    named += [("terms", rule.id, rule.entities) for rule in book.terms]
    named += [("erps", rule.id, rule.entities) for rule in book.erps]
    for section, rule_id, codes in named:
        for code in sorted(set(codes) - known):
            yield section, f"rule {rule_id} names company {code}, which is not in `entities`. Correct the code."
