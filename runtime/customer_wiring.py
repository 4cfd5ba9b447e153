from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from activities.customer_sync import CustomerPlanning, CustomerSyncActivities
from activities.exactly_once import ExactlyOnce
from activities.match_undo import MatchUndoActivities
from mappings.rulebook import RuleBook
from models.ids import ConnectionId
from ports.crm import Deals
from ports.customer_sync import Accounts, CustomerKeeper
from ports.erp import Erp
from store import Store

__all__ = ["CustomerSyncs", "build_customer_sync"]


@dataclass(frozen=True)
class CustomerSyncs:
    """Customer sync of one CRM with the ERPs its customers are in."""

    accounts: Accounts
    activities: Sequence[Any]


def build_customer_sync(
    store: Store,
    crm: Deals,
    erps: Mapping[ConnectionId, Erp],
    once: ExactlyOnce,
    *,
    rules: Callable[[], RuleBook],
    now: Callable[[], datetime],
) -> CustomerSyncs | None:
    """Sync where both sides can do it; planning gets the reading half only. None: customers are kept equal by hand."""
    if not isinstance(crm, Accounts) or not erps:
        return None
    # The id of a customer on a CRM account is one of the first ERP; in another it would be somebody else's.
    main, leading = next(iter(erps.items()))
    if not isinstance(leading, CustomerKeeper):
        return None
    keepers: dict[ConnectionId, CustomerKeeper] = {main: leading}
    planning = CustomerPlanning(
        crm=crm,
        erps=keepers,
        guards=keepers,
        memory=store.customers,
        plans=store.plans,
        desk=store.desk,
        rules=rules,
        now=now,
    )
    syncing = CustomerSyncActivities(
        crm=crm, erps=keepers, plans=store.plans, desk=store.desk, memory=store.customers, once=once
    )
    undoing = MatchUndoActivities(
        crm=crm,
        undos=store.match_undos,
        memory=store.customers,
        plans=store.plans,
        desk=store.desk,
        audit=store.audit,
        once=once,
        rules=rules,
        now=now,
    )
    steps = [
        planning.plan_customer, planning.confirm_customer, syncing.update_customer, syncing.show_customer,
        syncing.drop_customer_plan, undoing.plan_undo, undoing.release_customer, undoing.confirm_undo,
        undoing.refuse_undo,
    ]  # fmt: skip
    return CustomerSyncs(crm, steps)
