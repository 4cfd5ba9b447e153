from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from activities.amending import AmendingActivities
from activities.change_planning import ChangePlanningActivities
from activities.connected import Connected
from activities.exactly_once import ExactlyOnce
from mappings.rulebook import RuleBook
from ports.amendments import AmendmentReader, ContractAmendments
from ports.crm import Deals
from ports.erp import Erp
from store import Store

__all__ = ["Changes", "build_changes"]


@dataclass(frozen=True)
class Changes:
    """The change orders of one pair of systems."""

    planning: ChangePlanningActivities
    activities: Sequence[Any]


def build_changes(
    store: Store,
    crm: Deals,
    erps: Iterable[Erp],
    once: ExactlyOnce,
    *,
    rules: Callable[[], RuleBook],
    now: Callable[[], datetime],
) -> Changes | None:
    """Change orders, where both sides can do them; planning gets the reading half only. None: they are done by hand."""
    able = {erp.connection: erp for erp in erps if isinstance(erp, ContractAmendments)}
    if not isinstance(crm, AmendmentReader) or not able:
        return None
    booking: Connected[ContractAmendments] = Connected(able, purpose="change orders")
    planning = ChangePlanningActivities(
        amendments=crm,
        deals=crm,
        erps=booking,
        plans=store.plans,
        desk=store.desk,
        ledger=store.ledger,
        rules=rules,
        now=now,
    )
    amending = AmendingActivities(
        erps=booking, crm=crm, plans=store.plans, desk=store.desk, ledger=store.ledger, once=once, now=now
    )
    steps = [
        planning.plan_changes, planning.confirm_changes, amending.amend, amending.drop_plan, amending.show_on_deals,
        amending.finish_changes,
    ]  # fmt: skip
    return Changes(planning, steps)
