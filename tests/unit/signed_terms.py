"""Signed terms that a test changes where it needs to: one complete contract per billing type."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from models.money import Money
from models.terms import SignedTerms

__all__ = ["PAPER", "cost_plus", "fixed_fee", "line", "mixed", "money", "percent_complete", "retainer", "time_billed"]


def money(amount: str, currency: str = "USD") -> Money:
    return Money.of(amount, currency)


def line(code: str, billing_type: str | None, price: str | None, currency: str = "USD", **more: Any) -> dict[str, Any]:
    return {
        "code": code,
        "description": f"Work {code}",
        "service_line": "Advisory",
        "billing_type": billing_type,
        "net_price": None if price is None else money(price, currency),
        **more,
    }


PAPER: dict[str, Any] = {
    "deal_id": "006-1",
    "deal_name": "Northwind: finance review",
    "deal_state": "won",
    "owner_id": "005-9",
    "owner_name": "Sam Seller",
    "owner_email": "sam.seller@example.com",
    "source_version": datetime(2026, 11, 5, 9, tzinfo=UTC),
    "contract_number": "C-1001",
    "contract_status": "approved",
    "signing_entity": "Harbour & Finch Consulting Inc.",
    "customer_legal_name": "Northwind Traders, Inc.",
    "customer_signed_on": date(2027, 1, 4),
    "company_signed_on": date(2027, 1, 5),
    "effective_on": date(2027, 1, 1),
    "start_on": date(2027, 1, 15),
    "end_on": date(2027, 12, 31),
    "currency": "USD",
    "payment_terms": "Net 30",
    "expense_policy": "At cost",
    "acceptance_person": "Ann Lee",
    "bill_to_name": "Northwind Traders, Inc.",
    "bill_to": {"street": "1 Main St", "city": "Boston", "region": "MA", "postal_code": "02101", "country": "US"},
    "buyer": {
        "account_id": "001-1",
        "name": "Northwind Traders",
        "legal_name": "Northwind Traders, Inc.",
        "address": {"street": "1 Main St", "city": "Boston", "region": "MA", "postal_code": "02101", "country": "US"},
        "tax_number": "12-3456789",
        "registration_number": "MA-000123",
        "invoice_email": "ap@northwind.example",
    },
    "contacts": [
        {"code": "003-1", "first_name": "Bea", "last_name": "Payer", "email": "bea@northwind.example",
         "role": "billing"},
    ],
}  # fmt: skip


def _terms(**changes: Any) -> SignedTerms:
    return SignedTerms.model_validate({**PAPER, **changes})


def fixed_fee(**changes: Any) -> SignedTerms:
    """E1: three lines, 5% header discount, three milestones."""
    rows = [("M1", "38475.00", date(2027, 3, 31)), ("M2", "51299.99", date(2027, 7, 31)),
            ("M3", "38475.00", date(2027, 12, 31))]  # fmt: skip
    base: dict[str, Any] = {
        "header_discount_percent": "5",
        "signed_total": money("128249.99"),
        "values": {"exercised": money("128249.99"), "funded": money("128249.99"), "with_options": money("128249.99")},
        "lines": [line("1", "milestones", "40000.00"), line("2", "milestones", "85000.00"),
                  line("3", "milestones", "9999.99")],
        "milestones": [
            {"code": code, "name": f"Milestone {code}", "due_on": due, "amount": money(amount), "trigger": "acceptance"}
            for code, amount, due in rows
        ],
    }  # fmt: skip
    return _terms(**{**base, **changes})


def percent_complete(**changes: Any) -> SignedTerms:
    """E2: a fee in euro, billed by progress of cost."""
    base: dict[str, Any] = {
        "signing_entity": "Harbour & Finch GmbH",
        "currency": "EUR",
        "signed_total": money("240000.00", "EUR"),
        "values": {"exercised": money("240000.00", "EUR"), "funded": money("240000.00", "EUR")},
        "estimated_cost": money("150000.00", "EUR"),
        "lines": [line("1", "percent-complete", "240000.00", "EUR", cost_budget=money("150000.00", "EUR"),
                       progress_measure="cost", bill_frequency="Monthly")],
    }  # fmt: skip
    return _terms(**{**base, **changes})


def time_billed(*, capped: bool = False, **changes: Any) -> SignedTerms:
    """Time and materials by role, in dollars; capped as in E4."""
    cap: dict[str, Any] = {"cap": money("50000.00"), "cap_scope": "all"} if capped else {}
    base: dict[str, Any] = {
        "values": {"exercised": money("48000.00"), "funded": money("48000.00"),
                   **({"cap": money("50000.00")} if capped else {})},
        "lines": [line("1", "time-and-materials-capped" if capped else "time-and-materials", "48000.00", **cap)],
        "rates": [
            {"role": "Partner", "rate_per_hour": "300.00", "currency": "USD", "estimated_hours": "80"},
            {"role": "Consultant", "rate_per_hour": "150.00", "currency": "USD", "estimated_hours": "160"},
        ],
    }  # fmt: skip
    return _terms(**{**base, **changes})


def retainer(anchor: str = "anniversary", **changes: Any) -> SignedTerms:
    """E5: a year in Kuwaiti dinar."""
    base: dict[str, Any] = {
        "currency": "KWD",
        "start_on": date(2027, 1, 15),
        "end_on": date(2028, 1, 14),
        "signed_total": money("10000.000", "KWD"),
        "values": {"exercised": money("10000.000", "KWD"), "funded": money("10000.000", "KWD")},
        "lines": [line("1", "retainer", "10000.000", "KWD", billed_in="advance", period_anchor=anchor,
                       fee_per_period=money("833.333", "KWD"), periods=12, bill_frequency="Monthly")],
    }  # fmt: skip
    return _terms(**{**base, **changes})


def cost_plus(**changes: Any) -> SignedTerms:
    """E6: cost plus fixed fee, half of it funded."""
    base: dict[str, Any] = {
        "signing_entity": "Harbour & Finch Federal LLC",
        "estimated_cost": money("200000.00"),
        "values": {"exercised": money("214000.00"), "funded": money("100000.00")},
        "lines": [line("1", "cost-plus-fixed-fee", "214000.00", cost_budget=money("200000.00"),
                       fixed_fee=money("14000.00"), indirect_rate_table="FY27 provisional")],
    }  # fmt: skip
    return _terms(**{**base, **changes})


def mixed(**changes: Any) -> SignedTerms:
    """E7: assessment by milestones, implementation by time with a cap, run service as a retainer."""
    base: dict[str, Any] = {
        "currency": "BHD",
        "start_on": date(2027, 1, 1),
        "end_on": date(2027, 6, 30),
        "values": {"exercised": money("11500.000", "BHD"), "funded": money("16960.000", "BHD"),
                   "with_options": money("16960.000", "BHD")},
        "lines": [
            line("1", "milestones", "7500.000", "BHD"),
            line("2", "time-and-materials-capped", "5460.000", "BHD", cap=money("6000.000", "BHD"), cap_scope="all",
                 service_line="Technology"),
            line("3", "retainer", "4000.000", "BHD", billed_in="advance", period_anchor="anniversary",
                 fee_per_period=money("1333.333", "BHD"), periods=3, start_on=date(2027, 1, 1),
                 end_on=date(2027, 3, 31), service_line="Operations"),
        ],
        "milestones": [
            {"code": "M1", "due_on": date(2027, 1, 31), "amount": money("3000.000", "BHD"), "trigger": "acceptance"},
            {"code": "M2", "due_on": date(2027, 3, 31), "amount": money("4500.000", "BHD"), "trigger": "acceptance"},
        ],
        "rates": [{"role": "Consultant", "rate_per_hour": "45.500", "currency": "BHD", "estimated_hours": "120",
                   "line_code": "2"}],
    }  # fmt: skip
    return _terms(**{**base, **changes})
