"""The worked change orders X1 to X16 of the business rules, to the minor unit."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from mappings.change_order.funding import release_parked
from mappings.change_order.rates import effect_of_rates, with_rates
from models.amending import AmendContract, CloseForTime, ProposeAdjustments, ProposeCreditNote, ReleaseParked
from models.change_order import (
    Amendment,
    BillingChange,
    ChangeKind,
    LineChange,
    RateChange,
    RetainerChange,
    RowAction,
    RowChange,
    Termination,
)
from models.contract_standing import (
    AppliedAmendment,
    ContractStanding,
    RowState,
    StandingLine,
    StandingRate,
    StandingRow,
    WorkItem,
)
from models.plan import ApprovalSlot, VerdictKind
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
    invoice,
    money,
    plan_of_change,
    row,
    rows_of,
    sold,
    standing,
    verdict_of,
)


def _roles(slots: tuple[ApprovalSlot, ...]) -> set[str]:
    return {role.value for slot in slots for role in slot.roles}


def test_x1_a_future_scope_increase_with_its_own_milestone_leaves_the_others_as_they_were() -> None:
    change = change_of(
        amendment(
            value_change=sold(18000),
            effective_on=date(2027, 4, 1),
            rows=(added("M4", money(18000), date(2027, 4, 30)),),
        )
    )

    assert rows_of(change) == {"M1": "30000.00", "M2": "45000.00", "M3": "45000.00", "M4": "18000.00"}
    assert change.values_after.exercised == money(138000)
    assert change.still_to_bill == money(63000)
    assert change.to_credit == money(0)
    assert change.kinds[0] is ChangeKind.SCOPE
    assert change.apply_on == date(2027, 3, 22)


def test_x1_where_the_erp_does_not_date_rows_it_is_held_until_its_day() -> None:
    change = change_of(amendment(value_change=sold(18000), effective_on=date(2027, 4, 1)), erp_dates_changes=False)

    assert change.apply_on == date(2027, 4, 1)


def test_x2_a_price_cut_falls_on_the_unbilled_row() -> None:
    plan = plan_of_change(amendment(values_after=sold(110000)))
    change = plan.change
    assert change is not None

    assert rows_of(change) == {"M1": "30000.00", "M2": "45000.00", "M3": "35000.00"}
    assert change.values_after.exercised == money(110000)
    assert change.to_credit == money(0)
    assert _roles(plan.approvals) == {"finance-operations"}


def test_x3_a_de_scope_below_what_is_invoiced_cancels_and_credits_the_open_invoice() -> None:
    plan = plan_of_change(amendment(values_after=sold(70000)))
    change = plan.change
    assert change is not None

    assert rows_of(change) == {"M1": "30000.00", "M2": "45000.00"}
    assert [(item.invoice, item.amount) for item in change.credits] == [("4702", money(5000))]
    assert change.values_after.exercised == money(70000)
    assert _roles(plan.approvals) == {"finance-operations", "controller"}
    (note,) = [item.request for item in plan.operations if isinstance(item.request, ProposeCreditNote)]
    assert (note.invoice, note.amount) == ("4702", money(5000))


def test_x3_of_a_paid_invoice_a_person_says_refund_or_on_account() -> None:
    paid = BASE_K.model_copy(
        update={"invoices": (BASE_K.invoices[0], BASE_K.invoices[1].model_copy(update={"balance": money(0)}))}
    )
    change = amendment(values_after=sold(70000))

    asked = blockers_of_change(change, at=paid)["TL-CHG-003"]
    said = change_of(change, at=paid, answers=(answered(asked.answer_field, "refund"),))

    assert {item.value for item in asked.choices} == {"refund", "on-account"}
    assert asked.stake == money(5000)
    assert "pay it back" in " ".join(said.to_do)


_RATES = (StandingRate(role="Consultant", rate_per_hour=Decimal(150)),)


def _february(invoice_number: str) -> tuple[WorkItem, ...]:
    hours = (("t1", date(2027, 2, 10), "15.5"), ("t2", date(2027, 2, 20), "14"))
    return tuple(
        WorkItem(
            code=code, role="Consultant", worked_on=day, hours=Decimal(count),
            amount=money(Decimal(count) * 150, "EUR"), invoice=invoice_number,
        )
        for code, day, count in hours
    )  # fmt: skip


_NEW_RATE = RateChange(role="Consultant", rate_per_hour=Decimal("162.50"), valid_from=date(2027, 2, 16))


def test_x4_the_work_date_picks_the_rate_of_unbilled_time() -> None:
    effect = effect_of_rates(_february(""), _RATES, with_rates(_RATES, (_NEW_RATE,)))

    assert effect.unbilled == {"t1": money("2325.00", "EUR"), "t2": money("2275.00", "EUR")}
    assert effect.total("EUR") == money("4600.00", "EUR")
    assert effect.affected == ("t2",)


def test_x4_billed_time_gets_an_adjusting_line_on_the_next_invoice() -> None:
    by_time = standing(
        "EUR",
        values=SoldValues(cap=money(50000, "EUR")),
        lines=(StandingLine(code="T1", billing_type=BillingType.TIME_AND_MATERIALS, amount=money(40000, "EUR")),),
        rates=_RATES,
        work=_february("4703"),
        invoices=(invoice("4703", date(2027, 3, 1), money(4425, "EUR"), money(4425, "EUR")),),
    )

    plan = plan_of_change(amendment(currency="EUR", rates=(_NEW_RATE,)), at=by_time)

    (request,) = [item.request for item in plan.operations if isinstance(item.request, ProposeAdjustments)]
    assert [(line.code, line.invoice, line.amount) for line in request.lines] == [("t2", "4703", money(175, "EUR"))]
    assert _roles(plan.approvals) == {"finance-operations"}


def test_x4_where_the_erp_does_not_tell_the_old_rate_a_person_corrects_billed_time() -> None:
    by_time = standing(
        "EUR",
        values=SoldValues(),
        lines=(StandingLine(code="T1", billing_type=BillingType.TIME_AND_MATERIALS, amount=money(40000, "EUR")),),
        work=_february("4703"),
    )

    change = change_of(amendment(currency="EUR", rates=(_NEW_RATE,)), at=by_time)

    assert change.adjustments == ()
    assert change.to_do == ("Billing: correct billed work by hand, the ERP does not tell its old rate: t2.",)


def test_x5_a_higher_cap_releases_parked_work_once() -> None:
    parked = (
        WorkItem(code="w3", worked_on=date(2027, 3, 16), amount=money("1600.00"), is_parked=True),
        WorkItem(code="x1", worked_on=date(2027, 3, 18), amount=money("312.50"), is_expense=True, is_parked=True),
    )
    capped = standing(
        values=SoldValues(cap=money(50000)),
        lines=(StandingLine(code="T1", billing_type=BillingType.TIME_AND_MATERIALS_CAPPED, amount=money(50000)),),
        work=parked,
        invoices=(invoice("4704", date(2027, 3, 31), money(50000), money(50000)),),
    )

    plan = plan_of_change(amendment(value_change=SoldValues(cap=money(15000))), at=capped)
    release = release_parked(SoldValues(cap=money(65000)), money(50000), parked)

    (request,) = [item.request for item in plan.operations if isinstance(item.request, ReleaseParked)]
    assert request.amount == money("1912.50")
    assert request.work == ("w3", "x1")
    assert release.room_left == money("13087.50")


def _yen(*rows: StandingRow) -> ContractStanding:
    return standing(
        "JPY",
        values=sold(5000000, "JPY"),
        lines=(StandingLine(code="L1", billing_type=BillingType.MILESTONES, amount=money(5000000, "JPY")),),
        rows=rows,
    )


def test_x6_a_yen_milestone_is_split_and_two_parts_merge_at_the_later_date() -> None:
    days = (date(2027, 4, 30), date(2027, 5, 31), date(2027, 6, 30))
    base = _yen(row("M1", days[0], money(5000000, "JPY")))
    split = amendment(currency="JPY", rows=(RowChange(action=RowAction.SPLIT, code="M1", parts=3, part_dates=days),))
    merge = amendment("2", currency="JPY", rows=(RowChange(action=RowAction.MERGE, code="M1.2", merges=("M1.3",)),))

    one = change_of(split, at=base)
    two = change_of(split, merge, at=base)

    assert rows_of(one) == {"M1": "1666667", "M1.2": "1666667", "M1.3": "1666666"}
    assert rows_of(two) == {"M1": "1666667", "M1.2": "3333333"}
    assert next(item.due_on for item in two.rows if item.code == "M1.2") == days[2]


def test_x6_a_ready_row_merges_after_pmo_takes_it_back_and_an_invoiced_one_never() -> None:
    day = date(2027, 4, 30)
    merge = amendment(currency="JPY", rows=(RowChange(action=RowAction.MERGE, code="A", merges=("B",)),))
    ready = _yen(row("A", day, money(2000000, "JPY")), row("B", day, money(3000000, "JPY"), "ready"))
    billed = _yen(row("A", day, money(2000000, "JPY")), row("B", day, money(3000000, "JPY"), "invoiced"))

    taken_back = change_of(merge, at=ready)

    assert rows_of(taken_back) == {"A": "5000000"}
    assert any(task.startswith("PMO: take back the readiness of B") for task in taken_back.to_do)
    assert "TL-CHG-002" in blockers_of_change(merge, at=billed)


def test_x7_a_longer_term_at_the_same_price_spreads_what_is_left() -> None:
    months = [date(2027, month, 15) for month in range(1, 13)]
    retained = standing(
        values=sold(60000),
        lines=(StandingLine(code="R", billing_type=BillingType.RETAINER, amount=money(60000)),),
        rows=tuple(
            row(f"R-{place:03d}", day, money(5000), "invoiced" if place <= 5 else "planned")
            for place, day in enumerate(months, 1)
        ),
    )

    change = change_of(amendment(retainer=RetainerChange(periods=15), end_on=date(2028, 4, 14)), at=retained)

    amounts = [item.after for item in change.rows]
    assert amounts == [money(5000)] * 5 + [money(3500)] * 10
    assert change.rows[-1].code == "R-015"
    assert change.rows[-1].due_on == date(2028, 3, 15)
    assert change.values_after.exercised == money(60000)


def test_x8_a_higher_retainer_fee_in_the_middle_of_a_billed_period_gets_a_catch_up() -> None:
    shares = money("10000.000", "KWD").split([1] * 12)
    starts = [date(2027 + (month > 12), (month - 1) % 12 + 1, 15) for month in range(1, 14)]
    rows = tuple(
        row(
            f"R-{place + 1:03d}", starts[place], share, "invoiced" if place < 4 else "planned",
            service_from=starts[place], service_until=starts[place + 1] - timedelta(days=1),
        )
        for place, share in enumerate(shares)
    )  # fmt: skip
    retained = standing(
        "KWD",
        values=sold("10000.000", "KWD"),
        lines=(StandingLine(code="R", billing_type=BillingType.RETAINER, amount=money("10000.000", "KWD")),),
        rows=rows,
    )
    fee = RetainerChange(fee_per_period=money("1000.000", "KWD"), fee_from=date(2027, 5, 1))

    change = change_of(amendment(currency="KWD", retainer=fee), at=retained)

    billed = [item.after for item in change.rows if not item.invoiced.is_zero]
    assert sum(item.amount for item in billed) == Decimal("3333.336")
    assert rows_of(change)["CO-1-catch-up"] == "77.777"
    assert sorted(str(item.after.amount) for item in change.rows).count("1000.000") == 8
    assert change.values_after.exercised == money("11411.113", "KWD")


def test_x9_more_funding_releases_what_was_parked_and_changes_nothing_else() -> None:
    parked = (WorkItem(code="w", worked_on=date(2027, 3, 1), amount=money(5150), is_parked=True),)
    funded = standing(
        values=sold(200000, funded=money(100000)),
        lines=(StandingLine(code="T", billing_type=BillingType.COST_PLUS_FIXED_FEE, amount=money(200000)),),
        work=parked,
        invoices=(invoice("4705", date(2027, 2, 28), money(100000), money(0)),),
    )

    plan = plan_of_change(
        amendment(labelled_kind="funding-only", company_signed_on=None, value_change=SoldValues(funded=money(60000))),
        at=funded,
    )
    change = plan.change
    assert change is not None

    assert change.kinds == (ChangeKind.FUNDING_ONLY,)
    assert change.to_release == money(5150)
    assert change.values_after == sold(200000, funded=money(160000))
    assert release_parked(change.values_after, money(100000), parked).room_left == money(54850)
    assert plan.approvals == ()


def test_x10_an_exercised_option_makes_sold_what_was_potential() -> None:
    optional = standing(
        values=sold(400000, with_options=money(900000)),
        lines=(StandingLine(code="Y1", billing_type=BillingType.MILESTONES, amount=money(400000)),),
        rows=(row("Y1-1", date(2027, 6, 30), money(400000)),),
    )
    option = SoldValues(exercised=money("176225.00"), with_options=money("0.00"))
    period = RowChange(action=RowAction.ADD, code="Y2-1", amount=money("176225.00"), due_on=date(2027, 12, 15))

    plan = plan_of_change(
        amendment(labelled_kind="option-exercised", company_signed_on=None, value_change=option, rows=(period,)),
        at=optional,
    )
    change = plan.change
    assert change is not None

    assert change.kinds[0] is ChangeKind.OPTION_EXERCISED
    assert change.values_after.exercised == money("576225.00")
    assert change.values_after.with_options == money(900000)
    assert rows_of(change)["Y2-1"] == "176225.00"
    assert plan.approvals == ()


def test_x10_where_label_and_price_differ_a_person_chooses() -> None:
    differs = SoldValues(exercised=money("907.20"), with_options=money("-189.00"))

    asked = blockers_of_change(
        amendment(label="EXERCISE AN OPTION", labelled_kind="option-exercised", value_change=differs)
    )

    assert "label and price differ" in asked["TL-CHG-005"].message


def _into_time() -> Amendment:
    return amendment(
        billing=BillingChange(
            billing_type=BillingType.TIME_AND_MATERIALS_CAPPED, from_on=date(2027, 3, 15), earned=money(84000)
        )
    )


def test_x11_another_billing_rule_asks_what_happens_to_earned_value() -> None:
    asked = blockers_of_change(_into_time())["TL-CHG-010"]

    assert {item.value for item in asked.choices} == {"final-row", "into-time", "give-up"}
    assert asked.stake == money(9000)


@pytest.mark.parametrize(
    ("answer", "rows", "fixed", "cap"),
    [
        ("final-row", {"M1": "30000.00", "M2": "45000.00", "M3": "9000.00"}, 84000, 36000),
        ("into-time", {"M1": "30000.00", "M2": "45000.00"}, 75000, 45000),
        ("give-up", {"M1": "30000.00", "M2": "45000.00"}, 75000, 36000),
    ],
)
def test_x11_the_rest_is_billed_by_time_up_to_what_the_paper_keeps(
    answer: str, rows: dict[str, str], fixed: int, cap: int
) -> None:
    plan = plan_of_change(_into_time(), answers=(answered("earned:1", answer),))
    change = plan.change
    assert change is not None

    assert rows_of(change) == rows
    assert change.values_after.exercised == money(fixed)
    assert change.values_after.cap == money(cap)
    assert {"controller", "revenue", "contracts"} <= _roles(plan.approvals)


def test_x12_a_termination_settles_closes_time_and_tells_the_revenue_owner() -> None:
    plan = plan_of_change(
        amendment(
            company_signed_on=None,
            termination=Termination(stops_on=date(2027, 3, 20), settlement=money(12500), work_in_progress=money(9000)),
        )
    )
    change = plan.change
    assert change is not None

    assert rows_of(change) == {"M1": "30000.00", "M2": "45000.00", "CO-1": "12500.00"}
    assert change.values_after.exercised == money(87500)
    assert change.values_after.exercised - money(120000) == money(-32500)
    assert any(task.startswith("Revenue owner: USD 9,000.00") for task in change.to_do)
    (request,) = [item.request for item in plan.operations if isinstance(item.request, CloseForTime)]
    assert request.after == date(2027, 3, 20)
    assert {"controller", "revenue", "contracts"} == _roles(plan.approvals) - {"finance-operations"}


def test_x13_a_small_close_out_releases_and_credits_nothing() -> None:
    left = standing(
        values=sold("1000.00", funded=money("1000.00")),
        end_on=date(2027, 2, 28),
        lines=(StandingLine(code="L", billing_type=BillingType.MILESTONES, amount=money("1000.00")),),
        rows=(
            row("M1", date(2027, 1, 31), money("877.29"), "settled", invoice="4706"),
            row("M2", date(2027, 2, 28), money("122.71")),
        ),
        invoices=(invoice("4706", date(2027, 2, 1), money("877.29"), money(0)),),
    )
    less = SoldValues(exercised=money("-122.71"), funded=money("-122.71"))

    plan = plan_of_change(amendment("M0001", labelled_kind="close-out", value_change=less), at=left)
    change = plan.change
    assert change is not None

    assert change.kinds[0] is ChangeKind.CLOSE_OUT
    assert rows_of(change) == {"M1": "877.29"}
    assert change.to_credit == money(0)
    assert change.values_after.exercised == money("877.29")
    assert "finance-operations" in _roles(plan.approvals)


def test_x13_a_close_out_that_adds_is_asked_about_and_ends_in_one_final_row() -> None:
    cost_plus = standing(
        values=sold(500000, funded=money(500000)),
        lines=(StandingLine(code="C", billing_type=BillingType.COST_PLUS_FIXED_FEE, amount=money(500000)),),
        invoices=(invoice("4707", date(2027, 2, 28), money(500000), money(0)),),
    )
    final = amendment(
        label="CLOSE OUT", labelled_kind="close-out", value_change=sold("40949.06"), effective_on=date(2027, 3, 8)
    )

    asked = blockers_of_change(final, at=cost_plus)["TL-CHG-005"]
    plan = plan_of_change(final, at=cost_plus, answers=(answered(asked.answer_field, "close-out"),))
    change = plan.change
    assert change is not None

    assert "adds USD 40,949.06" in asked.message
    assert rows_of(change) == {"CO-1": "40949.06"}
    assert any("USD 40,949.06 may not be invoiced until it is funded" in task for task in change.to_do)
    (contract,) = [item.request for item in plan.operations if isinstance(item.request, AmendContract)]
    assert contract.billing_hold.startswith("Funded USD 500,000.00 is used up")


def test_x14_a_paid_milestone_is_never_rewritten() -> None:
    swap = amendment(
        rows=(
            RowChange(action=RowAction.AMEND, code="M1", amount=money(25000)),
            RowChange(action=RowAction.AMEND, code="M3", amount=money(50000)),
        )
    )

    asked = blockers_of_change(swap)["TL-CHG-002"]
    left = change_of(swap, answers=(answered(asked.answer_field, "leave"),))
    rebilled = change_of(swap, answers=(answered(asked.answer_field, "credit-and-rebill"),))

    assert {item.value for item in asked.choices} == {"credit-and-rebill", "leave"}
    assert rows_of(left) == {"M1": "30000.00", "M2": "45000.00", "M3": "45000.00"}
    assert left.values_after.exercised == money(120000)
    assert rows_of(rebilled) == rows_of(left)
    assert any(task.startswith("Finance: credit and rebill") for task in rebilled.to_do)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"currency": "EUR"}, "currency"),
        ({"effective_on": date(2026, 9, 30)}, "effective date"),
        ({"values_after": SoldValues(cap=money(70000))}, "cap"),
    ],
)
def test_x14_what_cannot_be_applied_as_signed_is_sent_back(facts: dict[str, Any], field: str) -> None:
    asked = blockers_of_change(amendment(**facts))["TL-CHG-004"]

    assert asked.field == field
    assert asked.owner is Role.CONTRACTS


def test_x15_two_on_one_day_apply_in_their_chain_and_the_option_waits_for_funding() -> None:
    facts = {"customer_signed_on": date(2027, 3, 8), "company_signed_on": date(2027, 3, 8)}
    contract = standing(
        values=sold("1000000.00", with_options=money("9000000.00"), funded=money("920882.98")),
        lines=(StandingLine(code="Y1", billing_type=BillingType.MILESTONES, amount=money("1000000.00")),),
        rows=(row("Y1-1", date(2027, 3, 31), money("1000000.00")),),
        applied=(AppliedAmendment(number="77"),),
    )
    funding = amendment("78", effective_on=date(2027, 3, 6), value_change=SoldValues(funded=money("79117.02")), **facts)
    option = amendment(
        "79",
        labelled_kind="option-exercised",
        effective_on=date(2027, 10, 1),
        end_on=date(2028, 9, 30),
        value_change=SoldValues(exercised=money("2943384.65"), with_options=money(0), funded=money(0)),
        **facts,
    )

    one = change_of(funding, at=contract)
    both = change_of(option, funding, at=contract)

    assert one.values_after.funded == money("1000000.00")
    assert both.amendments == ("78", "79")
    assert both.values_after.exercised == money("3943384.65")
    assert both.values_after.funded == money("1000000.00")
    assert any("USD 2,943,384.65 may not be invoiced until it is funded" in task for task in both.to_do)


_A1 = amendment("1", rows=(added("M4", money(12000), date(2027, 4, 30)),))
_A2 = amendment("2", unbilled_percent=Decimal(-5), customer_signed_on=date(2027, 3, 10))
_A3 = amendment("3", unbilled_percent=Decimal(-3), replaces=("2",), customer_signed_on=date(2027, 3, 20))


@pytest.mark.parametrize("order", list(permutations((_A1, _A2, _A3))))
def test_x16_three_amendments_in_any_order_are_one_plan_with_one_result(order: tuple[Amendment, ...]) -> None:
    change = change_of(*order, *order)

    assert rows_of(change) == {"M1": "30000.00", "M2": "45000.00", "M3": "43650.00", "M4": "11640.00"}
    assert change.values_after.exercised == money(130290)
    assert change.amendments == ("1", "3")
    assert change.skipped == ("2",)


def test_x16_what_comes_first_in_sequence_alone_is_never_billed_differently() -> None:
    assert rows_of(change_of(_A1))["M4"] == "12000.00"
    assert {key: rows_of(change_of(_A1, _A2))[key] for key in ("M3", "M4")} == {"M3": "42750.00", "M4": "11400.00"}


def test_x16_delivered_in_reverse_each_waits_and_says_for_what() -> None:
    asked = blockers_of_change(_A3, now=datetime(2027, 3, 1, 15, tzinfo=UTC))["TL-CHG-001"]
    two = verdict_of(_A3, _A2)

    assert "amendment 3 waits for amendments 1 and 2." in asked.message
    assert asked.answer_field == ""
    assert two.kind is VerdictKind.BLOCKED
    assert {item.code for item in two.blockers} == {"TL-CHG-001"}
    assert len(two.blockers) == 2


def test_x16_if_the_replaced_one_never_comes_a_person_confirms_and_it_is_skipped() -> None:
    later: dict[str, Any] = {"now": datetime(2027, 3, 26, 15, tzinfo=UTC)}

    waits = verdict_of(_A1, _A3, **later)
    (asked,) = waits.blockers
    change = change_of(_A1, _A3, answers=(answered(asked.answer_field, "follows"),), **later)

    assert waits.plan is not None, "what is ready does not wait for what is not"
    assert waits.plan.change is not None
    assert waits.plan.change.amendments == ("1",)
    assert "Does number 2 exist?" in asked.message
    assert rows_of(change)["M3"] == "43650.00"
    assert change.skipped == ("2",)


def test_a_cancelled_row_shows_its_state() -> None:
    change = change_of(amendment(values_after=sold(70000)))

    assert next(item for item in change.rows if item.code == "M3").state is RowState.CANCELLED


def test_an_exercised_option_line_at_another_price_asks_finance() -> None:
    optional = standing(
        values=sold(1000, with_options=money(1500)),
        lines=(
            StandingLine(code="Y1", billing_type=BillingType.MILESTONES, amount=money(1000)),
            StandingLine(code="Y2", billing_type=BillingType.MILESTONES, amount=money(500), is_option=True),
        ),
        rows=(row("Y1-1", date(2027, 6, 30), money(1000)),),
    )
    dearer = LineChange(code="Y2", amount=money(600), exercises_option=True)

    plan = plan_of_change(amendment(lines=(dearer,), company_signed_on=None), at=optional)

    assert "finance-operations" in _roles(plan.approvals)
    assert plan.change is not None
    assert plan.change.values_after.exercised == money(1600)
