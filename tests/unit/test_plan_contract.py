from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mappings.plan_contract import plan_contract
from mappings.survey_question import contract_key, customer_external_key, project_key, schedule_key, survey_question
from models.ids import ConnectionId, FirmId, Step
from models.money import Money
from models.operations import (
    EnsureBillingSchedule,
    EnsureContract,
    EnsureCostCentre,
    EnsureCustomer,
    EnsureProject,
    WriteBackDeal,
)
from models.plan import Plan, VerdictKind
from models.records import Guard, RecordKind, RecordRef
from models.survey import CustomerCandidate, ErpTraits, ExistingRecord, Survey
from models.terms import SignedTerms
from tests.fakes import FakeErp, demo_chart
from tests.unit.planning import BOOK, answer, case_of, plan_of
from tests.unit.signed_terms import cost_plus, fixed_fee, line, mixed, money, percent_complete, retainer, time_billed

FIRM = FirmId("harbour-finch")


def contract_in(plan: Plan) -> EnsureContract:
    request = next(item.request for item in plan.operations if item.step == "contract")
    assert isinstance(request, EnsureContract)
    return request


def projects_in(plan: Plan) -> dict[str, EnsureProject]:
    return {item.step: item.request for item in plan.operations if isinstance(item.request, EnsureProject)}


def schedules_in(plan: Plan) -> dict[str, EnsureBillingSchedule]:
    return {item.step: item.request for item in plan.operations if isinstance(item.request, EnsureBillingSchedule)}


def ref(kind: RecordKind, record_id: str) -> RecordRef:
    return RecordRef(connection=ConnectionId("erp-main"), kind=kind, record_id=record_id)


EVERY_TYPE = {
    "milestones": fixed_fee(),
    "percent-complete": percent_complete(),
    "time": time_billed(),
    "time-capped": time_billed(capped=True),
    "retainer": retainer(),
    "cost-plus": cost_plus(),
    "mixed": mixed(),
}


@pytest.mark.parametrize("terms", EVERY_TYPE.values(), ids=EVERY_TYPE)
def test_each_operation_comes_after_what_it_needs(terms: SignedTerms) -> None:
    plan = plan_of(terms, chart=demo_chart().model_copy(update={"cost_centres": ()}))
    done: set[str] = set()
    for operation in plan.operations:
        assert set(operation.needs) <= done, operation.step
        done.add(operation.step)
    assert plan.operations[0].step == "customer"
    assert plan.operations[-1].step == "write-back"
    assert len({operation.key for operation in plan.operations}) == len(plan.operations)


@pytest.mark.parametrize("terms", EVERY_TYPE.values(), ids=EVERY_TYPE)
def test_requests_refer_only_to_steps_they_wait_for(terms: SignedTerms) -> None:
    for operation in plan_of(terms).operations:
        request = operation.request
        named = {
            getattr(request, field, None) for field in ("customer_step", "project_step", "contract_step", "parent_step")
        }
        if isinstance(request, EnsureContract):
            named |= {step for row in request.lines for step in (row.project_step, row.schedule_step)}
        assert named - {None} <= set(operation.needs), operation.step


@pytest.mark.parametrize("terms", EVERY_TYPE.values(), ids=EVERY_TYPE)
def test_the_survey_asks_for_every_key_the_plan_uses(terms: SignedTerms) -> None:
    question = survey_question(terms, BOOK, FIRM)
    plan = plan_of(terms)
    ours = {
        item.request.key
        for item in plan.operations
        if isinstance(item.request, EnsureProject | EnsureBillingSchedule | EnsureContract)
    }
    assert ours <= set(question.keys)
    customer = plan.operations[0].request
    assert isinstance(customer, EnsureCustomer)
    assert customer.key == question.customer_key


@pytest.mark.parametrize("terms", EVERY_TYPE.values(), ids=EVERY_TYPE)
def test_a_plan_that_was_stored_has_the_digest_it_was_approved_under(terms: SignedTerms) -> None:
    plan = plan_of(terms)
    stored = Plan.model_validate_json(plan.model_dump_json())
    assert stored.digest == plan.digest
    assert [item.payload_hash for item in stored.operations] == [item.payload_hash for item in plan.operations]


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


def test_sold_and_not_funded_is_active_and_not_billable() -> None:
    values = {"exercised": money("128249.99"), "funded": money("0.00"), "with_options": money("128249.99")}
    plan = plan_of(fixed_fee(values=values))
    hold = contract_in(plan).billing_hold
    assert hold == (
        "Contract C-1001: sold USD 128,249.99, funded USD 0.00: nothing may be invoiced yet. It waits for funding."
    )
    assert hold in plan.warnings
    write_back = plan.operations[-1].request
    assert isinstance(write_back, WriteBackDeal)
    assert write_back.message == f"Not billable yet: {hold}"


def test_a_missing_po_holds_billing_and_not_the_project() -> None:
    plan = plan_of(fixed_fee(po_required=True))
    assert "the customer requires a PO; none is recorded" in contract_in(plan).billing_hold
    told = plan_of(fixed_fee(po_required=True), answers=(answer("po_number", "88-12"),))
    assert (contract_in(told).billing_hold, contract_in(told).po_number) == ("", "88-12")


def test_the_number_on_the_deal_goes_before_an_older_answer() -> None:
    plan = plan_of(fixed_fee(po_required=True, po_number="99-1"), answers=(answer("po_number", "88-12"),))
    assert contract_in(plan).po_number == "99-1"


def test_the_same_case_gives_the_same_plan_whenever_it_is_made() -> None:
    first = plan_of(mixed())
    later = plan_of(mixed(), now=datetime(2027, 1, 7, 1, tzinfo=UTC))
    assert first.digest == later.digest


def test_a_status_that_we_wrote_to_the_deal_does_not_make_the_plan_stale() -> None:
    before = plan_of(fixed_fee())
    after = plan_of(fixed_fee(source_version=datetime(2027, 2, 1, tzinfo=UTC)))
    assert before.basis_digest == after.basis_digest
    assert before.digest == after.digest


def test_the_order_in_which_the_erp_answers_does_not_count() -> None:
    others = tuple(
        CustomerCandidate(ref=ref(RecordKind.CUSTOMER, number), name=f"Quite {number} Other GmbH") for number in "135"
    )
    one = plan_of(fixed_fee(), survey=Survey(candidates=others))
    other = plan_of(fixed_fee(), survey=Survey(candidates=others[::-1]))
    assert one.basis_digest == other.basis_digest


@pytest.mark.parametrize(
    "changed",
    [
        plan_of(fixed_fee(po_number="77-1")),
        plan_of(fixed_fee(), answers=(answer("match", "different"),)),
        plan_of(
            fixed_fee(),
            survey=Survey(candidates=(CustomerCandidate(ref=ref(RecordKind.CUSTOMER, "9"), name="Zeta AG"),)),
        ),
        plan_of(fixed_fee(), BOOK.model_copy(update={"version": "next"})),
    ],
    ids=["terms", "answers", "erp", "rules"],
)
def test_terms_answers_erp_and_rules_make_a_new_basis(changed: Plan) -> None:
    assert changed.basis_digest != plan_of(fixed_fee()).basis_digest
    assert changed.digest != plan_of(fixed_fee()).digest


def test_a_plan_has_the_same_digest_in_every_process() -> None:
    code = (
        "from tests.unit.planning import plan_of; from tests.unit.signed_terms import cost_plus, mixed; "
        "print(plan_of(cost_plus()).digest, plan_of(mixed()).digest)"
    )
    root = Path(__file__).parents[2]
    said = {
        subprocess.run(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-c", code],
            check=True, capture_output=True, text=True, cwd=root, env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1


def test_records_under_our_keys_that_are_as_planned_are_not_written_again() -> None:
    terms = fixed_fee()
    existing = (
        ExistingRecord(
            ref=ref(RecordKind.PROJECT, "71"), key=project_key(FIRM, terms), contract_number="C-1001",
            fields={"price": "128249.9900", "currency": "USD", "name": "Renamed by the PMO", "start_on": "2027-01-15"},
        ),
        ExistingRecord(
            ref=ref(RecordKind.BILLING_SCHEDULE, "72"), key=schedule_key(FIRM, terms), fields={"amount": "128249.99"}
        ),
        ExistingRecord(
            ref=ref(RecordKind.CONTRACT, "73"), key=contract_key(FIRM, terms),
            fields={"amount": "128249.99", "signed_on": "2027-01-05", "funded": "128249.99", "legal_entity": "LE-US"},
        ),
    )  # fmt: skip
    plan = plan_of(terms, survey=Survey(existing=existing))
    actions = {str(item.step): item.action for item in plan.operations}
    assert {actions[step] for step in ("project", "billing-schedule", "contract")} == {"unchanged"}
    assert all(not item.diffs for item in plan.operations)


def test_a_customer_of_ours_is_taken_and_shared_under_one_key() -> None:
    found = CustomerCandidate(
        ref=ref(RecordKind.CUSTOMER, "4711"), account_id="001-1", name="Northwind Traders, Inc.",
        registration_number="MA-000123", address=fixed_fee().bill_to,
    )  # fmt: skip
    new, known = plan_of(fixed_fee()), plan_of(fixed_fee(), survey=Survey(candidates=(found,)))
    taken = known.operations[0]
    assert isinstance(taken.request, EnsureCustomer)
    assert (taken.action, taken.request.adopt) == ("adopt", found.ref)
    assert taken.key == new.operations[0].key == f"harbour-finch/customer/erp-main/{new.customer_key}"
    assert taken.request.key == customer_external_key(FIRM, new.customer_key)


def test_the_sellers_are_named_so_that_they_do_not_decide() -> None:
    assert plan_of(fixed_fee()).requested_by == ("005-9", "sam.seller@example.com")


def test_a_plan_cites_its_rules_and_their_version_and_author() -> None:
    plan = plan_of(fixed_fee(region="US"))
    cited = {item.rule for item in plan.rules}
    assert {"ENT-1", "TRM-3", "SVC-1", "BIL-1", "SIG-2"} <= cited
    assert {item.version for item in plan.rules} == {BOOK.version}
    assert (plan.rules_version, plan.rules_author) == (BOOK.version, "rosa.rules")


def test_an_amount_is_never_lost_between_contract_and_schedule() -> None:
    plan = plan_of(mixed())
    fixed = [row.amount for row in contract_in(plan).lines if row.schedule_step]
    rows = [row.amount for request in schedules_in(plan).values() for row in request.rows]
    assert Money.total(fixed, "BHD") == Money.total(rows, "BHD") == money("11500.000", "BHD")


def test_guards_and_connections_are_those_of_the_two_sides() -> None:
    plan = plan_of(fixed_fee(), write_back_guard=Guard.GUARDED)
    assert {item.connection for item in plan.operations[:-1]} == {"erp-main"}
    assert (plan.operations[-1].connection, plan.operations[-1].guard) == ("crm-main", Guard.GUARDED)


def test_a_deal_that_is_not_won_or_not_approved_waits_without_a_blocker() -> None:
    for terms, said in (
        (fixed_fee(deal_state="open"), "The deal of contract C-1001 is open, not won; nothing is set up."),
        (fixed_fee(deal_state="lost"), "The deal of contract C-1001 is lost, not won; nothing is set up."),
        (fixed_fee(contract_status="draft"), "Contract C-1001 is draft, not approved; nothing is set up yet."),
    ):
        verdict = plan_contract(case_of(terms), BOOK)
        assert (verdict.kind, verdict.reason, verdict.blockers) == (VerdictKind.NOT_YET, said, ())


def test_goods_are_refused_with_a_plain_reason() -> None:
    lines = [{**item.model_dump(), "service_line": "Goods"} for item in fixed_fee().lines]
    verdict = plan_contract(case_of(fixed_fee(lines=lines)), BOOK)
    assert (verdict.kind, verdict.reason_code) == (VerdictKind.REFUSED, "TL-CON-018")
    assert verdict.reason.startswith("Contract C-1001: This contract sells goods, not services work.")


def test_a_framework_that_a_person_confirmed_is_closed_without_a_project() -> None:
    terms = fixed_fee(is_framework=True, lines=[], milestones=[], values={}, signed_total=None)
    verdict = plan_contract(case_of(terms, answers=(answer("framework", "terms-only"),)), BOOK)
    assert (verdict.kind, verdict.reason_code) == (VerdictKind.REFUSED, "TL-CON-012")


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
