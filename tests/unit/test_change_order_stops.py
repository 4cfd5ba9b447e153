"""What stops an amendment, who must sign it, and when it is booked and written."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from models.amending import AmendContract
from models.base import digest_of
from models.change_order import NamedField, RateChange, RetainerChange, RowAction, RowChange
from models.contract_standing import AppliedAmendment, ContractState, RowState, StandingLine, StandingRate
from models.operations import WriteBackDeal
from models.plan import VerdictKind
from models.records import Guard
from models.roles import Role
from models.terms import BillingType
from models.values import SoldValues
from tests.unit.contracts_in_force import (
    BASE_K,
    added,
    amendment,
    answered,
    blockers_of_change,
    change_of,
    money,
    plan_of_change,
    row,
    rows_of,
    sold,
    verdict_of,
)

_MORE = amendment("1", value_change=sold(6000))


def _with(**facts: Any) -> Any:
    return BASE_K.model_copy(update=facts)


@pytest.mark.parametrize("at", [None, _with(state=ContractState.PENDING), _with(contract=None)])
def test_an_amendment_of_a_contract_that_is_not_active_waits_visibly(at: Any) -> None:
    asked = blockers_of_change(_MORE, at=at)["TL-CHG-011"]

    assert "amendment 1 waits for the contract itself" in asked.message
    assert asked.owner is Role.CONTRACTS


def test_a_closed_contract_takes_no_new_scope() -> None:
    assert blockers_of_change(_MORE, at=_with(state=ContractState.CLOSED))["TL-CHG-004"].field == "contract"


def test_one_number_on_two_deals_with_other_terms_asks_which_counts() -> None:
    other = amendment("1", deal_id="006-copy", value_change=sold(7000))
    copy = _MORE.model_copy(update={"deal_id": "006-copy"})

    assert "TL-CHG-007" in blockers_of_change(_MORE, other)
    assert change_of(_MORE, copy).values_after.exercised == money(126000)


def test_the_newest_version_of_an_amendment_counts_however_late_the_older_one_comes() -> None:
    older = amendment("1", value_change=sold(1), source_version=datetime(2027, 2, 1, tzinfo=UTC))

    assert change_of(_MORE, older).values_after.exercised == money(126000)


_APPLIED = _with(applied=(AppliedAmendment(number="1", terms_digest=_MORE.digest),))


def test_what_is_applied_is_not_applied_again() -> None:
    assert verdict_of(_MORE, at=_APPLIED).kind is VerdictKind.NOT_YET


@pytest.mark.parametrize("news", [{"is_voided": True}, {"value_change": sold(9000)}])
def test_what_is_voided_or_changed_after_it_was_applied_is_a_persons_matter(news: dict[str, Any]) -> None:
    asked = blockers_of_change(_MORE.model_copy(update=news), at=_APPLIED)["TL-CHG-008"]

    assert "after it was applied" in asked.message or "when it was applied" in asked.message
    assert asked.owner is Role.CONTROLLER


def test_what_was_passed_over_and_comes_after_all_is_not_lost() -> None:
    passed = _with(applied=(AppliedAmendment(number="1", skipped=True), AppliedAmendment(number="2")))

    assert "taken as never written" in blockers_of_change(_MORE, at=passed)["TL-CHG-008"].message


def test_what_was_replaced_stays_out_also_where_the_erp_keeps_no_note_of_it() -> None:
    later = amendment("2", replaces=("1",), value_change=sold(500))
    held = _with(applied=(AppliedAmendment(number="2", predecessor="1", terms_digest=later.digest),))

    assert verdict_of(_MORE, later, at=held).kind is VerdictKind.NOT_YET


def test_a_change_that_binds_both_sides_needs_both_signatures_and_a_unilateral_one_does_not() -> None:
    half = amendment("1", value_change=sold(6000), company_signed_on=None)
    funding = amendment("1", value_change=SoldValues(funded=money(1000)), company_signed_on=None)
    funded = _with(values=sold(120000, funded=money(50000)))

    assert "our signature is missing" in blockers_of_change(half)["TL-CON-001"].message
    assert change_of(funding, at=funded).values_after.funded == money(51000)


def test_an_unsigned_amendment_holds_up_what_comes_after_it() -> None:
    half = amendment("1", value_change=sold(6000), company_signed_on=None)

    assert set(blockers_of_change(half, amendment("2", value_change=sold(1)))) == {"TL-CON-001", "TL-CHG-001"}


@pytest.mark.parametrize(
    ("facts", "roles"),
    [
        ({"value_change": sold(12000)}, set()),
        ({"value_change": sold(12001)}, {"finance-operations"}),
        ({"value_change": sold(250001)}, {"finance-operations", "controller"}),
        ({"value_change": sold(-10000)}, {"finance-operations"}),
        ({"value_change": sold(-10001)}, {"finance-operations", "controller"}),
        ({"fields": (NamedField(field="po_number", after="88-13"),)}, set()),
        ({"fields": (NamedField(field="bill_to", after="Elsewhere 1"),)}, {"master-data"}),
        ({"customer_name_after": "Northwind Group, Inc."}, {"master-data"}),
        ({"end_on": date(2028, 3, 31)}, set()),
    ],
)
def test_who_must_sign(facts: dict[str, Any], roles: set[str]) -> None:
    plan = plan_of_change(amendment("1", **facts))

    assert {role.value for slot in plan.approvals for role in slot.roles} == roles


def test_a_rate_that_the_signed_card_announced_needs_nobody_and_a_lower_one_always_somebody() -> None:
    rated = _with(rates=(StandingRate(role="Consultant", rate_per_hour=Decimal(150)),))
    up = RateChange(role="Consultant", rate_per_hour=Decimal(160), valid_from=date(2027, 4, 1), is_in_signed_card=True)
    down = up.model_copy(update={"rate_per_hour": Decimal(140)})

    assert plan_of_change(amendment("1", rates=(up,)), at=rated).approvals == ()
    assert len(plan_of_change(amendment("1", rates=(down,)), at=rated).approvals) == 1


def test_a_label_that_differs_is_asked_about_once_and_the_answer_counts() -> None:
    labelled = amendment("3", predecessor="", label="OTHER ADMINISTRATIVE ACTION", labelled_kind="administrative",
                         value_change=sold("32130.88"))  # fmt: skip

    asked = blockers_of_change(labelled)["TL-CHG-005"]
    plan = plan_of_change(labelled, answers=(answered(asked.answer_field, "scope"),))

    assert asked.message == (
        "Contract K-1, amendment 3 is labelled 'OTHER ADMINISTRATIVE ACTION', but it adds USD 32,130.88. "
        "Choose what it is."
    )
    assert {choice.value for choice in asked.choices} == {"scope", "administrative"}
    assert plan.approvals, "calling it administrative or scope takes nobody's signature away"


def test_a_closed_period_moves_the_posting_to_the_first_open_day_and_no_further_than_two_months() -> None:
    back = amendment("1", effective_on=date(2027, 1, 15), value_change=sold(-500))
    open_from_march, open_from_june = _with(first_open_day=date(2027, 3, 1)), _with(first_open_day=date(2027, 6, 1))

    near = plan_of_change(back, at=open_from_march)
    asked = blockers_of_change(back, at=open_from_june)["TL-CHG-006"]
    far = change_of(back, at=open_from_june, answers=(answered(asked.answer_field, "2027-06-01"),))

    assert near.change is not None
    assert near.change.posting_on == date(2027, 3, 1)
    assert "Adjustments are booked on 01 Mar 2027: the period before is closed." in near.warnings
    assert far.posting_on == date(2027, 6, 1)


def test_rows_that_do_not_come_to_the_stated_value_are_sent_back() -> None:
    wrong = amendment("1", value_change=sold(18000), rows=(added("M4", money(17000), date(2027, 4, 30)),))

    asked = blockers_of_change(wrong)["TL-CHG-009"]

    assert "USD 1,000.00 less than its stated value" in asked.message


def test_a_row_that_is_not_there_is_sent_back() -> None:
    wrong = amendment("1", rows=(RowChange(action=RowAction.AMEND, code="M9", amount=money(1)),))

    assert "names M9" in blockers_of_change(wrong)["TL-CHG-009"].message


def test_what_needs_a_person_does_not_hold_up_what_comes_before_it() -> None:
    wrong = amendment("2", rows=(RowChange(action=RowAction.AMEND, code="M9", amount=money(1)),))

    verdict = verdict_of(wrong, _MORE, amendment("3", value_change=sold(1)))

    assert verdict.plan is not None
    assert verdict.plan.change is not None
    assert verdict.plan.change.amendments == ("1",)
    assert [(item.code, item.record) for item in verdict.blockers] == [("TL-CHG-009", "K-1 amendment 2")]


def test_what_is_replaced_by_one_that_waits_for_a_person_is_not_noted_as_skipped_yet() -> None:
    replaced = amendment("2", value_change=sold(700))
    wrong = amendment("3", replaces=("2",), rows=(RowChange(action=RowAction.AMEND, code="M9", amount=money(1)),))

    change = change_of(_MORE, replaced, wrong)

    assert (change.amendments, change.skipped) == (("1",), ())


def test_what_was_invoiced_under_a_replaced_amendment_stays_and_is_trued_up() -> None:
    first = amendment("1", unbilled_percent=Decimal(-5))
    (contract,) = [item.request for item in plan_of_change(first).operations if isinstance(item.request, AmendContract)]
    billed = tuple(
        item.model_copy(update={"state": RowState.INVOICED, "amount": money(42750)}) if item.code == "M3" else item
        for item in BASE_K.rows
    )
    now = _with(rows=billed, values=contract.values, lines=contract.lines, applied=contract.applied)

    change = change_of(first, amendment("2", replaces=("1",), value_change=sold(1000)), at=now)

    assert rows_of(change) == {"M1": "30000.00", "M2": "45000.00", "M3": "42750.00", "CO-2": "3250.00"}
    assert change.values_after.exercised == money(121000)


def test_a_lower_retainer_fee_in_a_billed_period_lowers_the_next_row_and_never_makes_a_negative_one() -> None:
    days = [date(2027, month, 1) for month in (3, 4, 5)]
    retained = _with(
        values=sold(9000),
        lines=(StandingLine(code="R", billing_type=BillingType.RETAINER, amount=money(9000)),),
        rows=tuple(
            row(f"R-{place}", day, money(3000), "invoiced" if place == 0 else "planned",
                service_from=day, service_until=day.replace(day=30 if day.month == 4 else 31))
            for place, day in enumerate(days)
        ),
        invoices=(),
    )  # fmt: skip
    lower = RetainerChange(fee_per_period=money(2380), fee_from=date(2027, 3, 17))

    change = change_of(amendment("1", retainer=lower), at=retained)

    assert rows_of(change) == {"R-0": "3000.00", "R-1": "2080.00", "R-2": "2380.00"}
    assert change.values_after.exercised == money(7460)


def test_an_amendment_in_another_currency_is_refused_also_with_totals() -> None:
    euros = amendment("1", currency="EUR", values_after=sold(100, "EUR"))

    assert blockers_of_change(euros)["TL-CHG-004"].field == "currency"


def test_more_taken_away_than_there_is_left_is_sent_back() -> None:
    assert blockers_of_change(amendment("1", value_change=sold(-120001)))["TL-CHG-004"].field == "value"


def test_a_difference_to_a_limit_that_is_not_there_asks_for_the_total() -> None:
    assert blockers_of_change(amendment("1", value_change=SoldValues(cap=money(15000))))["TL-CHG-009"].field == "cap"
    assert change_of(amendment("1", values_after=SoldValues(cap=money(150000)))).values_after.cap == money(150000)


def test_another_customer_is_another_contract() -> None:
    assert blockers_of_change(amendment("1", customer_after="001-77"))["TL-CHG-012"].owner is Role.CONTRACTS


def test_the_writes_name_what_they_bring_in_and_expect() -> None:
    plan = plan_of_change(_MORE, amendment("2", value_change=sold(4000)), guards={"amend-schedule": Guard.MANUAL})

    steps = [item.step for item in plan.operations]
    (contract,) = [item for item in plan.operations if isinstance(item.request, AmendContract)]
    shown = [item.request for item in plan.operations if isinstance(item.request, WriteBackDeal)]
    assert steps == ["schedule:77", "contract", "write-back:1", "write-back:2"]
    assert contract.key == f"harbour-finch/change-order/K-1/2/contract@{digest_of('v1')[:12]}"
    assert isinstance(contract.request, AmendContract)
    assert contract.request.expected_version == "v1"
    assert [item.number for item in contract.request.applied] == ["1", "2"]
    assert [item.deal_id for item in shown] == ["006-1", "006-2"]
    assert plan.requested_by == ("sam.seller@example.com",)
    assert any(step.startswith("By hand in the ERP: Change the billing schedule") for step in plan.manual_steps)


def test_the_same_facts_in_another_order_make_the_same_plan_and_another_standing_another() -> None:
    two = amendment("2", value_change=sold(4000))

    plans = {plan_of_change(_MORE, two).digest, plan_of_change(two, _MORE, two).digest}

    assert len(plans) == 1
    assert plan_of_change(_MORE, two, at=_with(version="v2")).digest not in plans


def test_every_row_shows_before_invoiced_after_and_difference() -> None:
    change = change_of(amendment("1", value_change=sold(-10000)))

    shown = {item.code: (item.before, item.invoiced, item.after, item.difference) for item in change.rows}
    assert shown["M2"] == (money(45000), money(45000), money(45000), money(0))
    assert shown["M3"] == (money(45000), money(0), money(35000), money(-10000))
    assert (change.invoiced, change.still_to_bill) == (money(75000), money(35000))
    assert rows_of(change) == {"M1": "30000.00", "M2": "45000.00", "M3": "35000.00"}
    assert {Role.SALES, Role.CONTRACTS, Role.PMO, Role.BILLING, Role.REVENUE} == set(change.told)
