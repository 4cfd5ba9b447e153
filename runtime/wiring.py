from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from activities.change_planning import ChangePlanningActivities
from activities.crm import CrmActivities
from activities.decisions import DecisionActivities
from activities.desk import DeskActivities
from activities.erp import ErpActivities
from activities.exactly_once import ExactlyOnce
from activities.holding import HoldActivities
from activities.planning import PlanningActivities
from activities.situation import Situations
from mappings.rulebook import RuleBook, load_rulebook
from ports.crm import Deals
from ports.erp import Erp
from ports.people import People
from runtime.change_wiring import build_changes
from runtime.people import FilePeople
from runtime.registry import open_crm, open_erp
from runtime.settings import Settings
from store import Store, open_store

__all__ = ["Tieline", "build_tieline", "open_tieline"]


@dataclass(frozen=True)
class Tieline:
    """Everything a process or a command works with, put together once."""

    store: Store
    crm: Deals
    erp: Erp
    people: People
    rules: Callable[[], RuleBook]
    planning: PlanningActivities
    activities: Sequence[Any]
    changes: ChangePlanningActivities | None = None
    """None where the CRM tells no amendments, or contracts of the ERP cannot be changed over its interface."""


@asynccontextmanager
async def open_tieline(settings: Settings) -> AsyncIterator[Tieline]:
    """Open store and connections by settings, and close them afterwards."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings.store_url.get_secret_value()))
        crm = await stack.enter_async_context(open_crm(settings.crm))
        erp = await stack.enter_async_context(open_erp(settings.erp))
        book = load_rulebook(settings.rulebook_folder)
        people = FilePeople(
            settings.people_file, settings.firm, longest_life=timedelta(minutes=settings.limits.decision_minutes)
        )
        yield build_tieline(store, crm, erp, people, rules=lambda: book)


def build_tieline(
    store: Store,
    crm: Deals,
    erp: Erp,
    people: People,
    *,
    rules: Callable[[], RuleBook],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Tieline:
    """Wire adapters into activities. Planning gets the reading half only."""
    once = ExactlyOnce(store.ledger)
    situations = Situations(store.desk, store.ledger, store.deal_bindings, crm.connection)
    crm_activities = CrmActivities(
        {crm.connection: crm}, crm.connection, plans=store.plans, situations=situations, ledger=store.ledger, once=once
    )
    erp_activities = ErpActivities({erp.connection: erp}, store.plans, once)
    holds = HoldActivities({erp.connection: erp}, store.ledger, once, store.desk)
    planning = PlanningActivities(
        crm=crm,
        erps={erp.connection: erp},
        main_erp=erp.connection,
        plans=store.plans,
        desk=store.desk,
        deal_bindings=store.deal_bindings,
        rules=rules,
        now=now,
    )
    decisions = DecisionActivities(
        people=people, plans=store.plans, desk=store.desk, audit=store.audit, rules=rules, now=now
    )
    desk = DeskActivities(store.desk, rules, now)
    changes = build_changes(store, crm, erp, once, rules=rules, now=now)
    return Tieline(
        store=store,
        crm=crm,
        erp=erp,
        people=people,
        rules=rules,
        planning=planning,
        activities=[
            crm_activities.read_signed_terms,
            crm_activities.write_back,
            crm_activities.show_status,
            erp_activities.ensure_customer,
            erp_activities.ensure_contact,
            erp_activities.ensure_cost_centre,
            erp_activities.ensure_project,
            erp_activities.ensure_billing_schedule,
            erp_activities.ensure_contract,
            holds.look_at_loss,
            holds.hold_engagement,
            planning.plan,
            planning.confirm,
            decisions.judge_decision,
            decisions.record_unreadable,
            desk.park,
            desk.escalate,
            desk.finish,
            *(changes.activities if changes else ()),
        ],
        changes=changes.planning if changes else None,
    )
