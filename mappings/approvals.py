from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from mappings.rulebook import ApprovalRow, RuleBook, TermsRule
from models.base import Canonical
from models.plan import ApprovalSlot
from models.terms import BillingType, SignedTerms

__all__ = ["ApprovalFacts", "approval_facts", "approval_slots"]

_TERMS_LONG, _TERMS_TOO_LONG = 45, 60
_LOW, _VERY_LOW = Decimal(25), Decimal(10)


class ApprovalFacts(Canonical):
    """What the approval policy looks at."""

    value_usd: Decimal
    is_new_customer: bool
    country: str
    terms_days: int | None
    margin_percent: Decimal | None
    has_cost_plus: bool
    home_countries: tuple[str, ...]


_CONDITIONS: dict[str, Callable[[ApprovalFacts, ApprovalRow], bool]] = {
    "value": lambda facts, row: facts.value_usd > row.over_usd,
    "new-country": lambda facts, _row: facts.is_new_customer and facts.country not in facts.home_countries,
    "terms-over-45": lambda facts, _row: facts.terms_days is not None and facts.terms_days > _TERMS_LONG,
    "terms-over-60": lambda facts, _row: facts.terms_days is not None and facts.terms_days > _TERMS_TOO_LONG,
    "margin-below-25": lambda facts, _row: facts.margin_percent is not None and facts.margin_percent < _LOW,
    "margin-below-10": lambda facts, _row: facts.margin_percent is not None and facts.margin_percent < _VERY_LOW,
    "cost-plus": lambda facts, _row: facts.has_cost_plus,
}


def approval_facts(
    terms: SignedTerms, book: RuleBook, *, is_new_customer: bool, terms_rule: TermsRule | None, on: date
) -> ApprovalFacts:
    """Measure a contract for the policy. The value is what was sold; without one, the cap or the estimate."""
    value = terms.values.exercised or terms.values.cap or terms.values.with_options or terms.signed_total
    margin: Decimal | None = None
    if terms.estimated_cost is not None and value is not None and value.amount > 0:
        margin = (value.amount - terms.estimated_cost.amount) / value.amount * 100
    return ApprovalFacts(
        value_usd=book.usd(value, on) if value is not None else Decimal(0),
        is_new_customer=is_new_customer,
        country=terms.buyer.address.country if terms.buyer else "",
        terms_days=terms_rule.days if terms_rule else None,
        margin_percent=margin,
        has_cost_plus=any(line.billing_type is BillingType.COST_PLUS_FIXED_FEE for line in terms.lines),
        home_countries=book.policy.home_countries,
    )


def approval_slots(facts: ApprovalFacts, book: RuleBook, on: date) -> tuple[ApprovalSlot, ...]:
    """The signatures this contract needs, by DOM-9 and the firm's limits. None means: apply at once."""
    return tuple(
        ApprovalSlot(slot=row.slot, roles=row.roles, reason=row.reason, rule=book.ref(row), value_usd=facts.value_usd)
        for row in book.approvals
        if row.covers(on) and _CONDITIONS[row.condition](facts, row)
    )
