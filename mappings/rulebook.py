from __future__ import annotations

import hashlib
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, ValidationError

from models.base import Canonical
from models.blocker import Fix
from models.errors import Fatal, NeedsRepair
from models.ids import LegalEntityCode, PersonId
from models.money import Money
from models.plan import RuleRef
from models.roles import Role
from models.terms import BillingType

__all__ = [
    "ApprovalPolicy",
    "ApprovalRow",
    "BillingRule",
    "BlockerKind",
    "LegalEntityRule",
    "RuleBook",
    "ServiceLineRule",
    "SigningRule",
    "TermsRule",
    "WorkingTime",
    "load_rulebook",
]


class Rule(Canonical):
    """One dated choice of the firm: in force on `valid_from <= day < valid_until`."""

    id: str
    requirement: str
    valid_from: date
    valid_until: date | None = None

    def covers(self, day: date) -> bool:
        """Whether it is in force that day."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)


class LegalEntityRule(Rule):
    """One of our companies and every spelling of its name on signed papers."""

    code: LegalEntityCode
    names: tuple[str, ...]
    country: str
    functional_currency: str


class SigningRule(Rule):
    """Which of our companies usually signs for a region; a check of the signature, never a replacement (DOM-5.1)."""

    regions: tuple[str, ...]
    expected: tuple[LegalEntityCode, ...]


class TermsRule(Rule):
    """Signed payment terms -> the ERP's code, per legal entity (DOM-5.3)."""

    text: str
    code: str
    days: int
    entities: tuple[LegalEntityCode, ...] = ()


class ServiceLineRule(Rule):
    """What a service line becomes: project template and cost centre."""

    service_line: str
    template: str
    cost_centre: str
    cost_centre_name: str


class BillingRule(Rule):
    """What a billing type becomes: ERP item and billing rule."""

    billing_type: BillingType
    item: str
    billing_rule: str


class UsdRate(Rule):
    """Rate for comparing with people's limits only; never for booking (DOM-5.4)."""

    currency: str
    usd_per_unit: Decimal


class ApprovalRow(Rule):
    """A signature a plan needs when its condition holds (DOM-9). `condition` is one of the named ones of the policy."""

    slot: str
    condition: str
    roles: frozenset[Role]
    reason: str
    over_usd: Decimal = Decimal(0)


class ApprovalPolicy(Canonical):
    """Lines and countries that the conditions of approval rows are measured against."""

    home_countries: tuple[str, ...]
    """Countries where the firm has tax set-up; a new customer elsewhere asks the tax team."""
    known_margin_percent: Decimal = Decimal(25)


class WorkingTime(Canonical):
    """Business hours of people who decide; one business day is eight hours."""

    zone: str
    starts_at_hour: int = 9
    ends_at_hour: int = 17
    holidays: tuple[date, ...] = ()


class BlockerKind(Canonical):
    """One row of the blocker catalogue (DOM-11)."""

    code: str
    owner: Role
    fix: Fix
    due_hours: int
    title: str


Dated = TypeVar("Dated", bound=Rule)


class RuleBook(Canonical):
    """All rules of the firm in one version. A plan records the version and the rules that made it."""

    version: str
    author: PersonId
    entities: tuple[LegalEntityRule, ...]
    signing: tuple[SigningRule, ...] = ()
    terms: tuple[TermsRule, ...]
    service_lines: tuple[ServiceLineRule, ...]
    not_services: dict[str, str] = Field(default_factory=dict)
    """Service lines that are no services work -> the reason to refuse them."""
    billing: tuple[BillingRule, ...]
    usd_rates: tuple[UsdRate, ...]
    approvals: tuple[ApprovalRow, ...]
    policy: ApprovalPolicy
    working_time: WorkingTime
    blockers: tuple[BlockerKind, ...]

    def ref(self, rule: Rule) -> RuleRef:
        """How a plan cites a rule."""
        return RuleRef(rule=rule.id, requirement=rule.requirement, version=self.version)

    def entity_named(self, name: str, on: date) -> LegalEntityRule | None:
        """Our company of that name on a paper, spelled in any known way."""
        wanted = _plain(name)
        return _first(self.entities, on, lambda rule: wanted in {_plain(item) for item in rule.names})

    def terms_for(self, text: str, entity: LegalEntityCode, on: date) -> TermsRule | None:
        """The ERP code for signed payment terms."""
        wanted = _plain(text)
        return _first(
            self.terms, on, lambda rule: _plain(rule.text) == wanted and (not rule.entities or entity in rule.entities)
        )

    def service_line(self, name: str, on: date) -> ServiceLineRule | None:
        """Template and cost centre of a service line."""
        return _first(self.service_lines, on, lambda rule: rule.service_line == name)

    def templates(self, on: date) -> tuple[ServiceLineRule, ...]:
        """Every template in force, as choices for a person."""
        return tuple(rule for rule in self.service_lines if rule.covers(on))

    def billing_rule(self, billing_type: BillingType, on: date) -> BillingRule | None:
        """Item and billing rule of a billing type."""
        return _first(self.billing, on, lambda rule: rule.billing_type is billing_type)

    def signing_rule(self, region: str, on: date) -> SigningRule | None:
        """Who usually signs in a region."""
        return _first(self.signing, on, lambda rule: region in rule.regions)

    def usd(self, amount: Money, on: date) -> Decimal:
        """The amount in USD, for limits only. Raises NeedsRepair when no rate is in force."""
        if amount.currency == "USD":
            return amount.amount
        rule = _first(self.usd_rates, on, lambda rate: rate.currency == amount.currency)
        if rule is None:
            raise NeedsRepair(
                f"No USD rate for {amount.currency} is in force on {on:%d %b %Y}. Add one to the rules; limits need it.",
                code="TL-FIN-002",
                record=amount.currency,
                owner=Role.FINANCE_OPERATIONS,
            )
        return amount.amount * rule.usd_per_unit

    def blocker_kind(self, code: str) -> BlockerKind | None:
        """The catalogue row of a code."""
        return next((kind for kind in self.blockers if kind.code == code), None)


def _first(rules: tuple[Dated, ...], on: date, fits: Any) -> Dated | None:
    return next((rule for rule in rules if rule.covers(on) and fits(rule)), None)


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace(".", "").replace(",", "").split())


def load_rulebook(folder: Path) -> RuleBook:
    """Read and check the firm's rules. Raises Fatal naming file, rule and fix; a book with an error is never used."""
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise Fatal(f"No rules in {folder}. Set TIELINE_RULEBOOK_FOLDER to a folder of .toml files.")
    content: dict[str, Any] = {}
    fingerprint = hashlib.sha256()
    for file in files:
        text = file.read_text(encoding="utf-8")
        fingerprint.update(text.encode())
        try:
            part = tomllib.loads(text, parse_float=Decimal)
        except tomllib.TOMLDecodeError as wrong:
            raise Fatal(f"{file.name} is not valid TOML: {wrong}.", record=file.name) from wrong
        for name, value in part.items():
            if name in content:
                raise Fatal(f"{file.name} defines `{name}` again. Keep each section in one file.", record=file.name)
            content[name] = value
    content["version"] = f"{content.get('version', 'unnumbered')}+{fingerprint.hexdigest()[:8]}"
    try:
        book = RuleBook.model_validate(content)
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Fatal(f"Rule {where} in {folder.name}: {first['msg']}.", record=where) from wrong
    _check_unique(book)
    return book


def _check_unique(book: RuleBook) -> None:
    rules = [*book.entities, *book.signing, *book.terms, *book.service_lines, *book.billing, *book.usd_rates]
    seen: set[str] = set()
    for rule in [*rules, *book.approvals]:
        if rule.id in seen:
            raise Fatal(f"Two rules are called {rule.id}. A plan must be able to cite one.", record=rule.id)
        seen.add(rule.id)
