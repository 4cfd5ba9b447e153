from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import TypeVar

from pydantic import Field

from mappings.field_ownership import FieldRule
from mappings.rule_kinds import (
    ApprovalPolicy,
    ApprovalRow,
    BillingRule,
    BlockerKind,
    ChangeApprovalRow,
    ChangePolicy,
    ErpRule,
    LegalEntityRule,
    Rule,
    ServiceLineRule,
    SigningRule,
    TermsRule,
    UsdRate,
    WorkingTime,
)
from models.base import Canonical
from models.customer_sync import SharedField
from models.errors import NeedsRepair
from models.ids import LegalEntityCode, PersonId
from models.money import Money
from models.plan import RuleRef
from models.roles import Role
from models.terms import BillingType

__all__ = ["RuleBook", "plain_words"]

Dated = TypeVar("Dated", bound=Rule)


class RuleBook(Canonical):
    """All rules of the firm in one version. A plan records the version and the rules that made it."""

    version: str
    """The author's number and the fingerprint of the files: two books that differ never share a version."""
    author: PersonId
    entities: tuple[LegalEntityRule, ...]
    erps: tuple[ErpRule, ...] = ()
    signing: tuple[SigningRule, ...] = ()
    terms: tuple[TermsRule, ...]
    service_lines: tuple[ServiceLineRule, ...]
    not_services: dict[str, str] = Field(default_factory=dict)
    """Service lines that are no services work -> the reason to refuse them."""
    billing: tuple[BillingRule, ...]
    usd_rates: tuple[UsdRate, ...]
    approvals: tuple[ApprovalRow, ...]
    policy: ApprovalPolicy
    change_approvals: tuple[ChangeApprovalRow, ...] = ()
    change_policy: ChangePolicy = ChangePolicy()
    working_time: WorkingTime
    """Of everybody whose role has no calendar of its own."""
    calendars: dict[str, WorkingTime] = Field(default_factory=dict)
    calendar_of: dict[Role, str] = Field(default_factory=dict)
    """Role -> the calendar its people work by."""
    next_level: dict[Role, Role]
    """Who is shown what a role did not act on in time (DOM-9.3)."""
    stands_in: dict[Role, tuple[Role, ...]] = Field(default_factory=dict)
    """Role -> higher roles whose people may act in its place."""
    blockers: tuple[BlockerKind, ...]
    customer_fields: tuple[FieldRule, ...] = ()
    """Who owns which field of a customer. A field without a rule is left alone."""

    def field_rules(self, on: date) -> dict[SharedField, FieldRule]:
        """The rules in force that day, by field."""
        return {rule.field: rule for rule in self.customer_fields if rule.covers(on)}

    def ref(self, rule: Rule) -> RuleRef:
        """How a plan cites a rule."""
        return RuleRef(rule=rule.id, requirement=rule.requirement, version=self.version)

    def entity_named(self, name: str, on: date) -> LegalEntityRule | None:
        """Our company of that name on a paper, spelled in any known way."""
        wanted = plain_words(name)
        return _first(self.entities, on, lambda rule: wanted in {plain_words(item) for item in rule.names})

    def erp_of(self, entity: LegalEntityCode | None, on: date) -> ErpRule | None:
        """Where that company of ours keeps its books; for an unknown one only a rule that speaks of all companies."""
        own = _first(self.erps, on, lambda rule: entity in rule.entities)
        return own or _first(self.erps, on, lambda rule: not rule.entities)

    def terms_for(self, text: str, entity: LegalEntityCode, on: date) -> TermsRule | None:
        """The ERP code for signed payment terms."""
        wanted = plain_words(text)
        return _first(self.terms_of(entity, on), on, lambda rule: plain_words(rule.text) == wanted)

    def terms_of(self, entity: LegalEntityCode, on: date) -> tuple[TermsRule, ...]:
        """All payment terms one of our companies may use; those of its own first."""
        rules = [rule for rule in self.terms if rule.covers(on) and (not rule.entities or entity in rule.entities)]
        return tuple(sorted(rules, key=lambda rule: not rule.entities))

    def service_line(self, name: str, on: date) -> ServiceLineRule | None:
        """Template and cost centre of a service line."""
        return _first(self.service_lines, on, lambda rule: rule.service_line == name)

    def service_lines_named(self) -> tuple[str, ...]:
        """Every service line a rule names, whenever it is in force."""
        return tuple(rule.service_line for rule in self.service_lines)

    def templates(self, on: date) -> tuple[ServiceLineRule, ...]:
        """Every template in force, as choices for a person."""
        return tuple(rule for rule in self.service_lines if rule.covers(on))

    def billing_rule(self, billing_type: BillingType, on: date) -> BillingRule | None:
        """Item and billing rule of a billing type."""
        return _first(self.billing, on, lambda rule: rule.billing_type is billing_type)

    def signing_rules(self, region: str, service_lines: frozenset[str], on: date) -> tuple[SigningRule, ...]:
        """Who usually signs in a region for these service lines."""
        return tuple(
            rule
            for rule in self.signing
            if rule.covers(on)
            and region in rule.regions
            and (not rule.service_lines or not service_lines.isdisjoint(rule.service_lines))
        )

    def usd(self, amount: Money, on: date) -> Decimal:
        """The amount in USD, for limits only. Raises NeedsRepair when no rate is in force."""
        if amount.currency == "USD":
            return amount.amount
        rule = _first(self.usd_rates, on, lambda rate: rate.currency == amount.currency)
        if rule is None:
            raise NeedsRepair(
                f"No USD rate for {amount.currency} is in force on {on:%d %b %Y}. Add one to the rules for limits.",
                code="TL-FIN-002",
                record=amount.currency,
                owner=Role.FINANCE_OPERATIONS,
            )
        return Money.of(amount.amount * rule.usd_per_unit, "USD").amount

    def blocker_kind(self, code: str) -> BlockerKind | None:
        """The catalogue row of a code."""
        return next((kind for kind in self.blockers if kind.code == code), None)

    def working_time_of(self, role: Role) -> WorkingTime:
        """Business hours of the people with that role."""
        return self.calendars.get(self.calendar_of.get(role, ""), self.working_time)

    def may_act_as(self, role: Role) -> frozenset[Role]:
        """Roles whose people may act where `role` is asked: itself and those that stand in for it."""
        return frozenset({role, *self.stands_in.get(role, ())})


def _first(rules: tuple[Dated, ...], on: date, fits: Callable[[Dated], bool]) -> Dated | None:
    return next((rule for rule in rules if rule.covers(on) and fits(rule)), None)


def plain_words(text: str) -> str:
    """Text for comparing names and terms: without case, dots, commas and double blanks."""
    return " ".join(text.casefold().replace("&", " and ").replace(".", "").replace(",", " ").split())
