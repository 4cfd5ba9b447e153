from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from mappings.rule_kinds import ChangeCondition, ChangePolicy
from mappings.rulebook import RuleBook
from models.base import Canonical
from models.change_order import ChangeKind
from models.plan import ApprovalSlot

__all__ = ["RouteFacts", "change_slots"]


class RouteFacts(Canonical):
    """What the approval policy looks at in a change order."""

    kinds: frozenset[ChangeKind]
    change_usd: Decimal
    """Difference of the sold value or of the cap, whichever is larger, with its sign."""
    value_before_usd: Decimal
    credit_usd: Decimal = Decimal(0)
    rates_as_announced: bool = True
    """Every new rate is higher than the old one and stands in the signed rate card."""
    option_at_its_price: bool = True
    funding_below_billed: bool = False
    fields: frozenset[str] = frozenset()

    @property
    def at_stake_usd(self) -> Decimal:
        """What a signature answers for: the change, or what is credited."""
        return max(abs(self.change_usd), self.credit_usd)


def _is_large_increase(facts: RouteFacts, policy: ChangePolicy) -> bool:
    """More than the policy lets through; an option at its price was decided when it was sold."""
    option = ChangeKind.OPTION_EXERCISED in facts.kinds and facts.option_at_its_price
    if facts.change_usd <= 0 or option:
        return False
    percent = facts.change_usd * 100 / facts.value_before_usd if facts.value_before_usd > 0 else Decimal("Infinity")
    return percent > policy.increase_percent or facts.change_usd > policy.increase_usd


_Test = Callable[[RouteFacts, ChangePolicy], bool]

_CONDITIONS: dict[ChangeCondition, _Test] = {
    ChangeCondition.INCREASE: _is_large_increase,
    ChangeCondition.DECREASE: lambda facts, _policy: facts.change_usd < 0 or facts.credit_usd > 0,
    ChangeCondition.RATE: lambda facts, _policy: ChangeKind.RATE in facts.kinds and not facts.rates_as_announced,
    ChangeCondition.BILLING_RULE: lambda facts, _policy: ChangeKind.BILLING_RULE in facts.kinds,
    ChangeCondition.TERMINATION: lambda facts, _policy: ChangeKind.TERMINATION in facts.kinds,
    ChangeCondition.CLOSE_OUT: lambda facts, _policy: ChangeKind.CLOSE_OUT in facts.kinds,
    ChangeCondition.OPTION_PRICE: lambda facts, _policy: (
        ChangeKind.OPTION_EXERCISED in facts.kinds and not facts.option_at_its_price
    ),
    ChangeCondition.FUNDING_BELOW_BILLED: lambda facts, _policy: facts.funding_below_billed,
    ChangeCondition.SENSITIVE_FIELD: lambda facts, policy: bool(facts.fields & set(policy.sensitive_fields)),
    ChangeCondition.NAME_CHANGE: lambda facts, _policy: ChangeKind.NAME_CHANGE in facts.kinds,
}


def change_slots(facts: RouteFacts, book: RuleBook, on: date) -> tuple[ApprovalSlot, ...]:
    """The signatures this change needs. None: it is applied at once. DOM-6.1."""
    slots: list[ApprovalSlot] = []
    at_stake = facts.at_stake_usd
    for row in book.change_approvals:
        if not row.covers(on) or not _CONDITIONS[row.condition](facts, book.change_policy):
            continue
        if row.over_usd and at_stake <= row.over_usd:
            continue
        counts = at_stake if row.answers_for_usd is None else min(at_stake, row.answers_for_usd)
        slots.append(
            ApprovalSlot(
                slot=row.slot, roles=frozenset({row.role}), reason=row.reason, rule=book.ref(row), value_usd=counts
            )
        )
    return tuple(slots)
