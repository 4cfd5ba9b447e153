from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

from mappings.line_prices import sold_lines
from mappings.rule_kinds import Condition
from mappings.rulebook import ApprovalPolicy, RuleBook, TermsRule
from models.base import Canonical
from models.money import Money
from models.plan import ApprovalSlot
from models.terms import BillingType, SignedTerms

__all__ = ["ApprovalFacts", "approval_facts", "approval_slots"]


class ApprovalFacts(Canonical):
    """What the approval policy looks at."""

    value_usd: Decimal
    is_new_customer: bool = False
    is_identified: bool = True
    """The buyer has a number that names it: registration, LEI, tax or D-U-N-S number."""
    country: str = ""
    terms_days: int | None = None
    margin_percent: Decimal | None = None
    """None when the deal states no cost: nothing can be said about it (the plan warns)."""
    billing_types: frozenset[BillingType] = frozenset()
    is_government: bool = False
    undoes_match: bool = False


_Test = Callable[[ApprovalFacts, ApprovalPolicy], bool]

_CONDITIONS: dict[Condition, _Test] = {
    Condition.NEW_CUSTOMER: lambda facts, policy: (
        facts.is_new_customer and (facts.country not in policy.automatic_countries or not facts.is_identified)
    ),
    Condition.NEW_COUNTRY: lambda facts, policy: (
        facts.is_new_customer and facts.country not in policy.home_countries
    ),
    Condition.TERMS_LONG: lambda facts, policy: (facts.terms_days or 0) > policy.terms_long_days,
    Condition.TERMS_TOO_LONG: lambda facts, policy: (facts.terms_days or 0) > policy.terms_too_long_days,
    Condition.MARGIN_LOW: lambda facts, policy: _margin_below(facts, policy.margin_low_percent),
    Condition.MARGIN_VERY_LOW: lambda facts, policy: _margin_below(facts, policy.margin_very_low_percent),
    Condition.MARGIN_NEGATIVE: lambda facts, _policy: _margin_below(facts, Decimal(0)),
    Condition.COST_PLUS: lambda facts, _policy: BillingType.COST_PLUS_FIXED_FEE in facts.billing_types,
    Condition.GOVERNMENT: lambda facts, _policy: facts.is_government,
    Condition.NEW_BILLING_TYPE: lambda facts, policy: bool(facts.billing_types - set(policy.known_billing_types)),
    Condition.MATCH_UNDONE: lambda facts, _policy: facts.undoes_match,
}  # fmt: skip


def approval_facts(
    terms: SignedTerms,
    book: RuleBook,
    *,
    prices: Mapping[str, Money],
    is_new_customer: bool,
    terms_rule: TermsRule | None,
    on: date,
) -> ApprovalFacts:
    """Measure a contract for the policy.

    The value is the highest of what was sold, what the paper says and what the lines add up to (for time and
    materials: the estimate, and the cap), so that no empty or low field on the deal makes it smaller for the policy.
    """
    total = Money.total(prices.values(), terms.currency)
    stated = (terms.values.exercised, terms.signed_total, terms.values.cap)
    value = max([total, *(amount for amount in stated if amount is not None)])
    base = terms.values.exercised or terms.signed_total or total
    margin: Decimal | None = None
    if terms.estimated_cost is not None and base.amount > 0:
        margin = (base - terms.estimated_cost).amount / base.amount * 100
    buyer = terms.buyer
    return ApprovalFacts(
        value_usd=book.usd(value, on),
        is_new_customer=is_new_customer,
        is_identified=bool(
            buyer and (buyer.registration_number or buyer.lei or buyer.tax_number or buyer.duns)
        ),
        country=buyer.address.country if buyer else "",
        terms_days=terms_rule.days if terms_rule else None,
        margin_percent=margin,
        billing_types=frozenset(line.billing_type for line in sold_lines(terms) if line.billing_type is not None),
        is_government=bool(buyer and buyer.is_government),
    )  # fmt: skip


def approval_slots(facts: ApprovalFacts, book: RuleBook, on: date) -> tuple[ApprovalSlot, ...]:
    """The signatures this contract needs, by DOM-9 and the firm's limits. None means: apply at once."""
    slots: list[ApprovalSlot] = []
    for row in book.approvals:
        holds = (
            facts.value_usd > row.over_usd
            if row.condition is Condition.VALUE
            else _CONDITIONS[row.condition](facts, book.policy)
        )
        if not row.covers(on) or not holds:
            continue
        counts = facts.value_usd if row.answers_for_usd is None else min(facts.value_usd, row.answers_for_usd)
        slots.append(
            ApprovalSlot(
                slot=row.slot, roles=frozenset({row.role}), reason=row.reason, rule=book.ref(row), value_usd=counts
            )
        )
    return tuple(slots)


def _margin_below(facts: ApprovalFacts, percent: Decimal) -> bool:
    return facts.margin_percent is not None and facts.margin_percent < percent
