"""What the ERP will bill against what was approved: codes, amounts, due dates and the hold."""

from __future__ import annotations

from datetime import date

from mappings.read_back import differences
from models.operations import EnsureBillingSchedule, EnsureContract
from models.plan import Plan
from models.records import BilledRow, ReadBack
from tests.unit.planning import plan_of
from tests.unit.signed_terms import fixed_fee, money


def _as_planned(plan: Plan) -> ReadBack:
    rows: list[BilledRow] = []
    hold = ""
    for operation in plan.operations:
        request = operation.request
        if isinstance(request, EnsureContract):
            hold = request.billing_hold
            rows += [BilledRow(source="line", code=line.code, amount=line.amount) for line in request.lines]
        if isinstance(request, EnsureBillingSchedule):
            rows += [
                BilledRow(source="milestone", code=row.code, amount=row.amount, due_on=row.due_on)
                for row in request.rows
            ]
    return ReadBack(rows=tuple(reversed(rows)), billing_hold=hold)


def _changed(read: ReadBack, row_code: str, **changes: object) -> ReadBack:
    rows = [row.model_copy(update=changes) if row.code == row_code else row for row in read.rows]
    return read.model_copy(update={"rows": tuple(rows)})


def test_the_same_rows_in_any_order_differ_in_nothing() -> None:
    plan = plan_of(fixed_fee())
    assert differences(plan, _as_planned(plan)) == {}


def test_one_cent_is_named_with_its_row() -> None:
    plan = plan_of(fixed_fee())
    told = differences(plan, _changed(_as_planned(plan), "M2", amount=money("51300.00")))
    assert told == {
        "milestone": "the ERP will bill M2 USD 51,300.00 due 31 Jul 2027 as milestones, the plan says M2 USD 51,299.99 "
        "due 31 Jul 2027"
    }


def test_a_moved_due_date_and_swapped_codes_are_differences_although_the_amounts_agree() -> None:
    plan = plan_of(fixed_fee())
    read = _as_planned(plan)
    assert "due 01 Aug 2027" in differences(plan, _changed(read, "M2", due_on=date(2027, 8, 1)))["milestone"]
    assert "a row without code" in differences(plan, _changed(read, "1", code=""))["line"]


def test_what_must_wait_and_is_billed_is_a_difference_and_a_hold_of_theirs_is_none() -> None:
    held = plan_of(fixed_fee(po_required=True))
    told = differences(held, _as_planned(held).model_copy(update={"billing_hold": ""}))
    assert told["billing hold"].startswith("the ERP bills it already, although it must wait: Contract C-1001")
    plan = plan_of(fixed_fee())
    assert differences(plan, _as_planned(plan).model_copy(update={"billing_hold": "Ask Ann first."})) == {}
