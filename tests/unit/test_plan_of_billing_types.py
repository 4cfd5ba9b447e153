from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.ids import Step
from models.money import Money
from models.operations import (
    EnsureCostCentre,
)
from models.survey import ErpTraits
from tests.fakes import FakeErp, demo_chart
from tests.unit.plan_parts import contract_in, projects_in, schedules_in
from tests.unit.planning import plan_of
from tests.unit.signed_terms import (
    cost_plus,
    fixed_fee,
    line,
    mixed,
    money,
    percent_complete,
    retainer,
    time_billed,
)


def test_e1_a_fixed_fee_contract_bills_its_milestones_and_spreads_its_discount() -> None:
    plan = plan_of(fixed_fee())
    assert [operation.step for operation in plan.operations] == [
        "customer", "contact:003-1", "project", "billing-schedule", "contract", "write-back",
    ]  # fmt: skip
    assert [row.amount for row in contract_in(plan).lines] == [
        money("38000.00"), money("80750.00"), money("9499.99"),
    ]  # fmt: skip
    rows = schedules_in(plan)["billing-schedule"].rows
    assert [row.amount for row in rows] == [money("38475.00"), money("51299.99"), money("38475.00")]
    assert projects_in(plan)["project"].price == money("128249.99")
    assert not plan.approvals
    assert contract_in(plan).billing_hold == ""


def test_a_percent_complete_contract_has_a_budget_and_no_dated_schedule() -> None:
    plan = plan_of(percent_complete())
    project = projects_in(plan)["project"]
    assert (project.price, project.cost_budget) == (money("240000.00", "EUR"), money("150000.00", "EUR"))
    assert not schedules_in(plan)
    assert plan.legal_entity == "LE-DE"


def test_a_contract_by_time_has_no_schedule_and_no_price_on_the_project() -> None:
    plan = plan_of(time_billed())
    assert not schedules_in(plan)
    assert projects_in(plan)["project"].price is None
    assert contract_in(plan).lines[0].item == "SVC-TM"
    assert contract_in(plan).lines[0].schedule_step is None


def test_an_estimate_the_deal_does_not_state_comes_from_hours_and_rates() -> None:
    plan = plan_of(time_billed(lines=[line("1", "time-and-materials", None)]))
    assert contract_in(plan).lines[0].amount == money("48000.00")


def test_a_cap_stands_on_project_and_contract_and_its_manual_step_is_told() -> None:
    traits = ErpTraits.model_validate(
        FakeErp().traits.model_dump() | {"manual": ("time-and-materials-capped: Enter the cap by hand.", "retainer: x")}
    )
    plan = plan_of(time_billed(capped=True), traits=traits)
    assert projects_in(plan)["project"].cap == money("50000.00")
    assert contract_in(plan).cap == money("50000.00")
    assert plan.manual_steps == ("Enter the cap by hand.",)


def test_e5_a_retainer_has_a_row_per_period_with_its_service_dates() -> None:
    rows = schedules_in(plan_of(retainer()))["billing-schedule"].rows
    assert [row.amount for row in rows] == [money("833.334", "KWD")] * 4 + [money("833.333", "KWD")] * 8
    assert (rows[0].service_from, rows[0].service_until) == (date(2027, 1, 15), date(2027, 2, 14))
    calendar = schedules_in(plan_of(retainer("calendar")))["billing-schedule"].rows
    assert [row.amount for row in calendar][::12] == [money("456.989", "KWD"), money("376.344", "KWD")]


def test_a_quarterly_retainer_is_billed_by_quarters() -> None:
    quarter = line("1", "retainer", "12000.00", billed_in="advance", period_anchor="calendar", periods=4,
                   fee_per_period=money("3000.00"), bill_frequency="Quarterly")  # fmt: skip
    terms = fixed_fee(
        header_discount_percent=0, milestones=[], lines=[quarter], start_on=date(2027, 1, 1),
        signed_total=money("12000.00"), values={"exercised": money("12000.00")},
    )  # fmt: skip
    rows = schedules_in(plan_of(terms))["billing-schedule"].rows
    assert [row.due_on for row in rows] == [date(2027, month, 1) for month in (1, 4, 7, 10)]
    assert rows[0].service_until == date(2027, 3, 31)


def test_a_retainer_without_end_is_scheduled_twelve_months_ahead() -> None:
    evergreen = line("1", "retainer", None, "KWD", billed_in="arrears", period_anchor="anniversary",
                     fee_per_period=money("100.000", "KWD"))  # fmt: skip
    terms = retainer(lines=[evergreen], end_on=None, signed_total=None, notice_clause="3 months", values={})
    plan = plan_of(terms)
    rows = schedules_in(plan)["billing-schedule"].rows
    assert [row.amount for row in rows] == [money("100.000", "KWD")] * 12
    assert contract_in(plan).lines[0].amount == money("1200.000", "KWD")


def test_e6_cost_plus_books_cost_and_fee_apart_and_asks_contracts() -> None:
    plan = plan_of(cost_plus())
    assert [(row.code, row.item, row.amount) for row in contract_in(plan).lines] == [
        ("1", "SVC-COSTPLUS", money("200000.00")),
        ("1-FEE", "SVC-FEE", money("14000.00")),
    ]
    assert contract_in(plan).funded == money("100000.00")
    assert "contracts-cost-plus" in {slot.slot for slot in plan.approvals}


def test_cost_without_fee_has_no_fee_line() -> None:
    terms = cost_plus(
        lines=[line("1", "cost-plus-fixed-fee", "200000.00", fixed_fee=money("0.00"), indirect_rate_table="FY27")]
    )
    assert [row.code for row in contract_in(plan_of(terms)).lines] == ["1"]


def test_e7_a_mixed_contract_gets_a_part_project_per_billing_type_under_one_parent() -> None:
    plan = plan_of(mixed())
    projects = projects_in(plan)
    assert set(projects) == {
        "project", "project:milestones", "project:time-and-materials-capped", "project:retainer",
    }  # fmt: skip
    assert projects["project"].billing_type is None
    assert projects["project:milestones"].parent_step == "project"
    assert projects["project:time-and-materials-capped"].cap == money("6000.000", "BHD")
    assert {step: len(request.rows) for step, request in schedules_in(plan).items()} == {
        "billing-schedule:milestones": 2,
        "billing-schedule:retainer": 3,
    }
    assert [str(row.amount.amount) for row in contract_in(plan).lines] == ["7500.000", "5460.000", "4000.000"]
    assert contract_in(plan).lines[1].cost_centre == "TEC"


def test_an_erp_that_mixes_billing_types_gets_one_project() -> None:
    traits = FakeErp().traits.model_copy(update={"one_billing_type_per_project": False})
    plan = plan_of(mixed(), traits=traits)
    assert set(projects_in(plan)) == {"project"}
    assert set(schedules_in(plan)) == {"billing-schedule:milestones", "billing-schedule:retainer"}


def test_a_cost_centre_is_only_made_when_the_erp_lacks_it() -> None:
    plan = plan_of(fixed_fee(), chart=demo_chart().model_copy(update={"cost_centres": ("TEC",)}))
    made = [item for item in plan.operations if isinstance(item.request, EnsureCostCentre)]
    assert [item.step for item in made] == ["cost-centre:ADV"]
    assert "cost-centre:ADV" in plan.operation(Step("project")).needs


def test_lines_of_nothing_and_options_are_left_out_and_said() -> None:
    terms = fixed_fee(
        header_discount_percent=0,
        lines=[
            line("1", "milestones", "128249.99"),
            line("2", "milestones", "0.00"),
            line("3", "milestones", "5000.00", is_option=True),
        ],
    )
    plan = plan_of(terms)
    assert [row.code for row in contract_in(plan).lines] == ["1"]
    assert "Contract C-1001, line 2 is of nothing and is left out of the ERP contract." in plan.warnings
    assert "Contract C-1001: option lines 3 are not exercised, so they are not set up." in plan.warnings


def test_an_amount_is_never_lost_between_contract_and_schedule() -> None:
    plan = plan_of(mixed())
    fixed = [row.amount for row in contract_in(plan).lines if row.schedule_step]
    rows = [row.amount for request in schedules_in(plan).values() for row in request.rows]
    assert Money.total(fixed, "BHD") == Money.total(rows, "BHD") == money("11500.000", "BHD")


@settings(deadline=None)
@given(
    prices=st.lists(st.integers(1, 10**7), min_size=1, max_size=6),
    percent=st.decimals(0, 50, places=2),
    shares=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_lines_contract_and_schedule_always_agree(
    prices: list[int], percent: Decimal, shares: list[int], currency: str
) -> None:
    lines = [line(str(number), "milestones", str(price), currency) for number, price in enumerate(prices)]
    gross = Money.total((Money.of(price, currency) for price in prices), currency)
    total = gross - gross.share(percent / 100)
    assume(total.amount > 0)
    amounts = total.split(shares)
    rows = [
        {"code": str(number), "due_on": date(2027, 6, 1), "amount": amount, "trigger": "date"}
        for number, amount in enumerate(amounts)
    ]
    terms = fixed_fee(
        currency=currency, header_discount_percent=percent, lines=lines, milestones=rows, signed_total=total,
        values={"exercised": total},
    )  # fmt: skip
    plan = plan_of(terms)
    contract = Money.total((row.amount for row in contract_in(plan).lines), currency)
    scheduled = Money.total((row.amount for row in schedules_in(plan)["billing-schedule"].rows), currency)
    assert contract == scheduled == total
