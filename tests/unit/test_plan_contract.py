from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mappings.plan_contract import plan_contract
from mappings.survey_question import contract_key, customer_external_key, project_key, schedule_key, survey_question
from models.ids import ConnectionId, FirmId, Step
from models.operations import (
    EnsureBillingSchedule,
    EnsureContract,
    EnsureCustomer,
    EnsureProject,
    WriteBackDeal,
)
from models.plan import Plan, VerdictKind
from models.records import Guard, RecordKind, RecordRef
from models.roles import Role
from models.survey import CustomerCandidate, ExistingRecord, Survey
from models.terms import SignedTerms
from tests.fakes import demo_chart
from tests.unit.plan_parts import contract_in, projects_in
from tests.unit.planning import BOOK, answer, blockers_of, case_of, plan_of
from tests.unit.signed_terms import (
    PAPER,
    cost_plus,
    fixed_fee,
    mixed,
    money,
    percent_complete,
    retainer,
    time_billed,
)

FIRM = FirmId("harbour-finch")


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
    after = plan_of(
        fixed_fee(source_version=datetime(2027, 2, 1, tzinfo=UTC), erp_project_id="71", erp_contract_number="SO-73")
    )
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
    new = plan_of(fixed_fee())
    found = found.model_copy(update={"external_key": customer_external_key(FIRM, new.customer_key)})
    known = plan_of(fixed_fee(), survey=Survey(candidates=(found,)))
    taken = known.operations[0]
    assert isinstance(taken.request, EnsureCustomer)
    assert (taken.action, taken.request.adopt) == ("adopt", found.ref)
    assert taken.key == new.operations[0].key == f"harbour-finch/customer/erp-main/{new.customer_key}"
    assert taken.request.key == customer_external_key(FIRM, new.customer_key)


def test_another_record_than_the_one_we_made_is_never_taken_for_it() -> None:
    """The ERP merged our customer into another, or a person named another: what is in the ledger is the old one."""
    merged = CustomerCandidate(
        ref=ref(RecordKind.CUSTOMER, "4802"), account_id="001-1", name="Northwind Traders, Inc.",
        registration_number="MA-000123", address=fixed_fee().bill_to,
    )  # fmt: skip
    new, later = plan_of(fixed_fee()), plan_of(fixed_fee(), survey=Survey(candidates=(merged,)))
    keys = {operation.key for operation in new.operations}
    shared = [operation for operation in later.operations if operation.step.startswith(("customer", "contact:"))]
    assert shared[0].key == f"harbour-finch/customer/erp-main/{new.customer_key}/4802"
    assert not [operation.key for operation in shared if operation.key in keys]


LIKE_THE_BUYER = CustomerCandidate(
    ref=ref(RecordKind.CUSTOMER, "4711"), name="Northwind Traders", address=fixed_fee().bill_to
)  # fmt: skip


def test_a_customer_that_looks_like_the_buyer_is_asked_about_and_each_answer_is_used() -> None:
    survey = Survey(candidates=(LIKE_THE_BUYER,))
    blocker = blockers_of(fixed_fee(), survey=survey)[0]
    assert (blocker.code, blocker.answer_field, blocker.owner) == ("TL-CUS-001", "match", Role.MASTER_DATA)
    assert [choice.value for choice in blocker.choices] == ["same:4711", "different"]
    assert "Northwind Traders" in blocker.message
    assert blockers_of(fixed_fee(), survey=survey, answers=(answer("match", "same:9999"),))[0].code == "TL-CUS-001"
    same = plan_of(fixed_fee(), survey=survey, answers=(answer("match", "same:4711"),))
    assert (same.operations[0].action, same.match.decided_by, same.match.candidate_id) == ("adopt", "person", "4711")
    other = plan_of(fixed_fee(), survey=survey, answers=(answer("match", "different"),))
    assert (other.operations[0].action, other.match.decided_by) == ("create", "person")
    assert other.customer_key != same.customer_key


def test_a_number_entered_by_a_person_gives_way_to_a_good_one_in_the_crm() -> None:
    def number_in(tax_number: str) -> str:
        buyer = {**PAPER["buyer"], "tax_number": tax_number}
        plan = plan_of(fixed_fee(buyer=buyer), answers=(answer("tax_number", "98-7654321"),))
        request = plan.operations[0].request
        assert isinstance(request, EnsureCustomer)
        return request.tax_number

    assert number_in("") == "98-7654321"
    assert number_in("12-3456789") == "12-3456789"


def test_a_signed_contract_is_no_longer_at_risk() -> None:
    assert not projects_in(plan_of(fixed_fee(is_at_risk=True)))["project"].is_at_risk


def test_a_project_that_was_opened_at_risk_is_taken_on_and_not_doubled() -> None:
    """DOM-1.5: creating a second one on signature is the classic duplicate."""
    opened = RecordRef(connection=ConnectionId("erp-main"), kind=RecordKind.PROJECT, record_id="31", number="PRJ31")
    plan = plan_of(fixed_fee(is_at_risk=True), survey=Survey(at_risk=opened))
    operation = plan.operation(Step("project"))
    assert (operation.action, projects_in(plan)["project"].adopt) == ("adopt", opened)
    assert operation.summary == "Take on project PRJ31, which was opened at risk, and make it billable"


def test_the_sellers_are_named_so_that_they_do_not_decide() -> None:
    assert plan_of(fixed_fee()).requested_by == ("005-9", "sam.seller@example.com")


def test_a_plan_cites_its_rules_and_their_version_and_author() -> None:
    plan = plan_of(fixed_fee(region="US"))
    cited = {item.rule for item in plan.rules}
    assert {"ENT-1", "TRM-3", "SVC-1", "BIL-1", "SIG-2"} <= cited
    assert {item.version for item in plan.rules} == {BOOK.version}
    assert (plan.rules_version, plan.rules_author) == (BOOK.version, "rosa.rules")


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
