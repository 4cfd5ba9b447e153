from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from mappings.approvals import ApprovalFacts, approval_slots
from models.ids import ConnectionId
from models.records import RecordKind, RecordRef
from models.survey import CustomerCandidate, Survey
from models.terms import BillingType
from tests.unit.planning import BOOK, answer, blockers_of, plan_of
from tests.unit.signed_terms import PAPER, cost_plus, fixed_fee, mixed, money, time_billed

CUSTOMER_7 = RecordRef(connection=ConnectionId("erp-main"), kind=RecordKind.CUSTOMER, record_id="7")
STANDARD: dict[str, Any] = {
    "value_usd": "100000", "country": "US", "terms_days": 30, "margin_percent": "40",
    "billing_types": ["milestones"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "slots"),
    [
        ({}, set()),
        ({"value_usd": "250000.00"}, set()),
        ({"value_usd": "250000.01"}, {"finance"}),
        ({"value_usd": "1000000.00"}, {"finance"}),
        ({"value_usd": "1000000.01"}, {"finance", "controller"}),
        ({"value_usd": "5000000.01"}, {"finance", "controller", "cfo"}),
        ({"is_new_customer": True}, set()),
        ({"is_new_customer": True, "is_identified": False}, {"new-customer"}),
        ({"is_new_customer": True, "country": "DE"}, set()),
        ({"is_new_customer": True, "country": "BR"}, {"new-customer", "tax-new-country"}),
        ({"is_new_customer": False, "country": "BR"}, set()),
        ({"terms_days": 45}, set()),
        ({"terms_days": 46}, {"credit-terms"}),
        ({"terms_days": 60}, {"credit-terms"}),
        ({"terms_days": 61}, {"credit-terms", "controller-terms"}),
        ({"margin_percent": "25"}, set()),
        ({"margin_percent": "24.99"}, {"practice-margin"}),
        ({"margin_percent": "10"}, {"practice-margin"}),
        ({"margin_percent": "9.99"}, {"practice-margin", "controller-margin"}),
        ({"margin_percent": "0"}, {"practice-margin", "controller-margin"}),
        ({"margin_percent": "-0.01"}, {"practice-margin", "controller-margin", "cfo-margin"}),
        ({"margin_percent": None}, set()),
        ({"billing_types": ["cost-plus-fixed-fee"]}, {"contracts-cost-plus"}),
        ({"billing_types": ["milestones", "cost-plus-fixed-fee"]}, {"contracts-cost-plus"}),
        ({"is_government": True}, {"contracts-government"}),
    ],
    ids=str,
)
def test_the_approval_table(changes: dict[str, Any], slots: set[str]) -> None:
    facts = ApprovalFacts.model_validate(STANDARD | changes)
    assert {slot.slot for slot in approval_slots(facts, BOOK, date(2027, 1, 6))} == slots


def test_a_billing_type_that_is_new_to_the_firm_asks_contracts() -> None:
    policy = BOOK.policy.model_copy(update={"known_billing_types": (BillingType.MILESTONES,)})
    book = BOOK.model_copy(update={"policy": policy})
    facts = ApprovalFacts.model_validate(STANDARD | {"billing_types": ["retainer"]})
    assert [slot.slot for slot in approval_slots(facts, book, date(2027, 1, 6))] == ["contracts-billing-type"]


def test_a_policy_row_counts_from_its_first_day() -> None:
    facts = ApprovalFacts.model_validate(STANDARD | {"value_usd": "9000000"})
    assert not approval_slots(facts, BOOK, date(2014, 12, 31))


def test_each_signature_says_why_by_which_rule_and_is_one_role() -> None:
    slot = plan_of(cost_plus()).approvals[-1]
    assert slot.reason == "cost plus contracts are always checked by contracts"
    assert (slot.rule.rule, slot.rule.requirement, slot.rule.version) == ("APR-11", "LEG-07", BOOK.version)
    assert all(len(row.roles) == 1 for row in plan_of(cost_plus()).approvals)


@pytest.mark.parametrize(
    ("terms", "value"),
    [
        (time_billed(values={}, lines=[{**time_billed().lines[0].model_dump(), "net_price": money("900000.00")}]),
         "900000.00"),
        (time_billed(values={"exercised": money("1.00")}, signed_total=money("800000.00")), "800000.00"),
        (time_billed(capped=True, values={"exercised": money("1.00"), "cap": money("700000.00")}), "700000.00"),
    ],
    ids=["no value on the deal", "the paper says more", "the cap is higher"],
)  # fmt: skip
def test_an_empty_or_low_field_on_the_deal_does_not_avoid_a_signature(terms: Any, value: str) -> None:
    slots = plan_of(terms).approvals
    assert [(slot.slot, slot.value_usd) for slot in slots] == [("finance", Decimal(value))]


def test_a_foreign_value_is_compared_in_dollars_at_the_rate_of_the_signature() -> None:
    assert not plan_of(mixed()).approvals
    large = mixed(values={"exercised": money("95000.000", "BHD")})
    assert [slot.value_usd for slot in plan_of(large).approvals] == [Decimal("251750.00")]


def test_a_known_customer_in_a_country_without_set_up_needs_no_tax_signature() -> None:
    address = {"street": "Rua 1", "country": "BR"}
    buyer = PAPER["buyer"] | {"address": address, "tax_number": "16.727.230/0001-97", "registration_number": ""}
    known = CustomerCandidate.model_validate(
        {"ref": CUSTOMER_7, "account_id": "001-1",
         "name": "Northwind Traders, Inc.", "address": address, "tax_number": "16.727.230/0001-97"}
    )  # fmt: skip
    assert {slot.slot for slot in plan_of(fixed_fee(buyer=buyer)).approvals} == {"new-customer", "tax-new-country"}
    assert not plan_of(fixed_fee(buyer=buyer), survey=Survey(candidates=(known,))).approvals


def test_an_unknown_margin_is_said_and_not_assumed() -> None:
    said = "Contract C-1001 states no estimated cost, so its margin was not checked."
    assert said in plan_of(fixed_fee()).warnings
    assert said not in plan_of(fixed_fee(estimated_cost=money("1.00"))).warnings
    thin = plan_of(fixed_fee(estimated_cost=money("100000.00")))
    assert [slot.slot for slot in thin.approvals] == ["practice-margin"]


def test_a_customer_on_credit_hold_waits_for_credit_control() -> None:
    held = CustomerCandidate.model_validate(
        {"ref": CUSTOMER_7, "account_id": "001-1",
         "name": "Northwind Traders, Inc.", "address": PAPER["buyer"]["address"], "on_credit_hold": True}
    )  # fmt: skip
    survey = Survey(candidates=(held,))
    blocker = blockers_of(fixed_fee(), survey=survey)[0]
    assert (blocker.code, blocker.answer_field) == ("TL-CUS-008", "credit_hold:7")
    assert blocker.message == (
        "Northwind Traders, Inc. is on credit hold. Release it in the ERP, release this contract alone, or wait."
    )
    assert blockers_of(fixed_fee(), survey=survey, answers=(answer("credit_hold:7", "keep"),))[0].code == "TL-CUS-008"
    plan = plan_of(fixed_fee(), survey=survey, answers=(answer("credit_hold:7", "release"),))
    assert any("credit control released this contract" in text for text in plan.warnings)
