from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from activities.change_planning import ChangePlanningActivities
from activities.connected import Connected
from activities.crm import CrmActivities
from activities.decisions import DecisionActivities
from activities.desk import DeskActivities
from activities.erp import ErpActivities
from activities.exactly_once import ExactlyOnce
from activities.holding import HoldActivities
from activities.planning import PlanningActivities
from activities.purchase_orders import PurchaseOrderActivities
from activities.situation import Situations
from mappings.rulebook import RuleBook, UnusableRules, load_rulebook
from models.ids import ConnectionId
from ports.crm import Deals
from ports.customer_sync import Accounts
from ports.erp import Erp
from ports.people import People
from runtime.change_wiring import build_changes
from runtime.connections import Connection
from runtime.customer_wiring import build_customer_sync
from runtime.feedback_wiring import build_feedback
from runtime.gate import Gate, Gates
from runtime.people import FilePeople
from runtime.registry import open_crm, open_erp, spec_of
from runtime.settings import Settings
from store import Store, open_store

__all__ = ["Tieline", "build_tieline", "open_tieline"]


@dataclass(frozen=True)
class Tieline:
    """Everything a process or a command works with, put together once."""

    store: Store
    crms: Connected[Deals]
    erps: Connected[Erp]
    people: People
    rules: Callable[[], RuleBook]
    planning: PlanningActivities
    activities: Sequence[Any]
    changes: ChangePlanningActivities | None = None
    """None where the CRM tells no amendments, or contracts of the ERP cannot be changed over its interface."""
    billing_accounts: tuple[ConnectionId, ...] = ()
    """ERP accounts whose invoices the CRM shows."""
    accounts: Accounts | None = None
    """None where customers are kept equal by hand."""

    @property
    def crm(self) -> Deals:
        """The first CRM account."""
        return self.crms.named(self.crms.main)

    @property
    def erp(self) -> Erp:
        """The first ERP."""
        return self.erps.named(self.erps.main)


@asynccontextmanager
async def open_tieline(settings: Settings, gates: Gates | None = None) -> AsyncIterator[Tieline]:
    """Open store and connections by settings, and close them afterwards. With gates, a refused sign-in pauses one."""

    def gate_of(connection: Connection) -> Gate | None:
        return gates.of(connection.connection) if gates is not None else None

    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings.store_url.get_secret_value()))
        crms = [await stack.enter_async_context(open_crm(settings.crm, gate_of(settings.crm)))]
        erps = [await stack.enter_async_context(open_erp(settings.erp, gate_of(settings.erp)))]
        for further in settings.further_connections:
            if "deals" in spec_of(further).capabilities:
                crms.append(await stack.enter_async_context(open_crm(further, gate_of(further))))
            else:
                erps.append(await stack.enter_async_context(open_erp(further, gate_of(further))))
        book = load_rulebook(settings.rulebook_folder)
        check_erp_rules(book, erps)
        people = FilePeople(
            settings.people_file, settings.firm, longest_life=timedelta(minutes=settings.limits.decision_minutes)
        )
        yield build_tieline(store, crms, erps, people, rules=lambda: book)


def check_erp_rules(book: RuleBook, erps: Sequence[Erp]) -> None:
    """A rule for all companies is clear with one ERP only; with more, a new company would be booked by a guess."""
    sweeping = [rule.id for rule in book.erps if not rule.entities and rule.valid_until is None]
    if len(erps) > 1 and sweeping:
        names = ", ".join(erp.connection for erp in erps)
        raise UnusableRules(
            f"Rule {sweeping[0]} of `erps` speaks of all companies, but there are several ERPs here ({names}). "
            "Name the companies of each in `entities`.",
            record=sweeping[0],
        )


def build_tieline(
    store: Store,
    crms: Iterable[Deals],
    erps: Iterable[Erp],
    people: People,
    *,
    rules: Callable[[], RuleBook],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Tieline:
    """Wire adapters into activities. Planning gets the reading half only."""
    selling = Connected({crm.connection: crm for crm in crms})
    booking = Connected({erp.connection: erp for erp in erps})
    once = ExactlyOnce(store.ledger)
    situations = Situations(store.desk, store.ledger, store.plans, store.deal_bindings, selling.main)
    crm_activities = CrmActivities(
        selling, first_erp=booking.main, plans=store.plans, situations=situations, ledger=store.ledger, once=once
    )
    erp_activities = ErpActivities(booking, store.plans, once)
    holds = HoldActivities(booking, store.ledger, once, store.desk)
    orders = PurchaseOrderActivities(booking, store.plans, store.ledger, once)
    planning = PlanningActivities(
        crms=selling,
        erps=booking,
        plans=store.plans,
        desk=store.desk,
        deal_bindings=store.deal_bindings,
        undos=store.match_undos,
        rules=rules,
        now=now,
    )
    decisions = DecisionActivities(
        people=people, plans=store.plans, desk=store.desk, audit=store.audit, rules=rules, now=now
    )
    desk = DeskActivities(store.desk, rules, now)
    every_erp = {name: booking.named(name) for name in booking}
    changes = build_changes(store, selling.named(selling.main), every_erp.values(), once, rules=rules, now=now)
    customers = build_customer_sync(store, selling.named(selling.main), every_erp, once, rules=rules, now=now)
    feedback = build_feedback(store, selling.named(selling.main), every_erp, rules=rules, now=now)
    return Tieline(
        store=store,
        crms=selling,
        erps=booking,
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
            orders.enter_purchase_order,
            planning.plan,
            planning.confirm,
            decisions.judge_decision,
            decisions.record_unreadable,
            desk.park,
            desk.escalate,
            desk.finish,
            *(changes.activities if changes else ()),
            *(customers.activities if customers else ()),
            *(feedback.activities if feedback else ()),
        ],
        changes=changes.planning if changes else None,
        billing_accounts=feedback.accounts if feedback else (),
        accounts=customers.accounts if customers else None,
    )
