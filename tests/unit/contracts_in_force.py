"""Contracts as they stand in an ERP, amendments of them, and the plan of the two, for tests of change orders."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from mappings.change_order.case import ChangeCase
from mappings.change_order.plan import plan_change
from mappings.rulebook import RuleBook
from models.blocker import Blocker
from models.change_order import Amendment, ChangePlan, RowChange
from models.contract_standing import ContractStanding, InvoiceRef, RowState, StandingLine, StandingRow
from models.desk import GivenAnswer
from models.ids import ConnectionId, ContractNumber, PersonId
from models.money import Money
from models.plan import Plan, PlanVerdict, VerdictKind
from models.records import RecordKind, RecordRef
from models.terms import BillingType
from models.values import SoldValues
from tests.unit.planning import BOOK

__all__ = [
    "BASE_K", "added", "amendment", "answered", "blockers_of_change", "case_of_change", "change_of", "invoice", "money",
    "plan_of_change", "row", "rows_of", "sold", "standing", "verdict_of",
]  # fmt: skip

TODAY = datetime(2027, 3, 22, 15, tzinfo=UTC)


def money(amount: Decimal | str | int, currency: str = "USD") -> Money:
    return Money.of(amount, currency)


def sold(amount: str | int, currency: str = "USD", **more: Money) -> SoldValues:
    return SoldValues(exercised=money(amount, currency), **more)


def row(code: str, due_on: date, amount: Money, state: str = "planned", **more: Any) -> StandingRow:
    return StandingRow(code=code, due_on=due_on, amount=amount, state=RowState(state), schedule="77", **more)


def invoice(number: str, issued_on: date, net: Money, balance: Money) -> InvoiceRef:
    return InvoiceRef(number=number, issued_on=issued_on, net=net, balance=balance)


def standing(currency: str = "USD", **facts: Any) -> ContractStanding:
    whole: dict[str, Any] = {
        "contract_number": "K-1",
        "contract": RecordRef(connection=ConnectionId("erp-main"), kind=RecordKind.CONTRACT, record_id="501"),
        "project": RecordRef(connection=ConnectionId("erp-main"), kind=RecordKind.PROJECT, record_id="301"),
        "legal_entity": "LE-US",
        "customer_name": "Northwind Traders",
        "currency": currency,
        "start_on": date(2026, 10, 1),
        "end_on": date(2027, 12, 31),
        "version": "v1",
    }
    return ContractStanding.model_validate(whole | facts)


BASE_K = standing(
    values=sold(120000),
    lines=(StandingLine(code="L1", billing_type=BillingType.MILESTONES, amount=money(120000), schedule="77"),),
    rows=(
        row("M1", date(2026, 11, 30), money(30000), "settled", invoice="4701"),
        row("M2", date(2027, 1, 31), money(45000), "invoiced", invoice="4702"),
        row("M3", date(2027, 3, 31), money(45000)),
    ),
    invoices=(
        invoice("4701", date(2026, 12, 1), money(30000), money(0)),
        invoice("4702", date(2027, 2, 1), money(45000), money(45000)),
    ),
)


def amendment(number: str = "1", **facts: Any) -> Amendment:
    whole: dict[str, Any] = {
        "deal_id": f"006-{number}",
        "deal_name": f"Change {number}",
        "source_version": datetime(2027, 3, 1, 9, tzinfo=UTC),
        "contract_number": "K-1",
        "number": number,
        "customer_signed_on": date(2027, 3, 1),
        "company_signed_on": date(2027, 3, 2),
        "effective_on": date(2027, 3, 1),
        "currency": "USD",
        "requested_by": ("sam.seller@example.com",),
    }
    return Amendment.model_validate(whole | facts)


def answered(field: str, value: str) -> GivenAnswer:
    return GivenAnswer(field=field, value=value, person=PersonId("fay.finance"), decided_at=TODAY)


def case_of_change(*amendments: Amendment, at: ContractStanding | None = BASE_K, **facts: Any) -> ChangeCase:
    whole: dict[str, Any] = {
        "firm": "harbour-finch",
        "engagement": "harbour-finch/K-1",
        "contract_number": ContractNumber("K-1"),
        "amendments": amendments,
        "standing": at,
        "crm_connection": "crm-main",
        "erp_connection": "erp-main",
        "now": TODAY,
    }
    return ChangeCase.model_validate(whole | facts)


def verdict_of(
    *amendments: Amendment, at: ContractStanding | None = BASE_K, book: RuleBook = BOOK, **facts: Any
) -> PlanVerdict:
    return plan_change(case_of_change(*amendments, at=at, **facts), book)


def plan_of_change(*amendments: Amendment, at: ContractStanding | None = BASE_K, **facts: Any) -> Plan:
    verdict = verdict_of(*amendments, at=at, **facts)
    assert verdict.kind is VerdictKind.PLAN, [item.message for item in verdict.blockers] or verdict.reason
    assert verdict.plan is not None
    return verdict.plan


def change_of(*amendments: Amendment, at: ContractStanding | None = BASE_K, **facts: Any) -> ChangePlan:
    change = plan_of_change(*amendments, at=at, **facts).change
    assert change is not None
    return change


def blockers_of_change(
    *amendments: Amendment, at: ContractStanding | None = BASE_K, **facts: Any
) -> dict[str, Blocker]:
    """By code; only what stops everything."""
    verdict = verdict_of(*amendments, at=at, **facts)
    assert verdict.kind is VerdictKind.BLOCKED, verdict
    return {item.code: item for item in verdict.blockers}


def rows_of(change: ChangePlan) -> dict[str, str]:
    """Rows that bill something after the change, as text."""
    return {item.code: f"{item.after.amount}" for item in change.rows if not item.after.is_zero}


def added(code: str, amount: Money, due_on: date) -> RowChange:
    return RowChange.model_validate({"action": "add", "code": code, "amount": amount, "due_on": due_on})
