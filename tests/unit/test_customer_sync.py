from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mappings.customer_sync import (
    CustomerCase,
    CustomerVerdict,
    carried,
    compare,
    doubted,
    plan_customer_sync,
    settled,
)
from mappings.rulebook import load_rulebook
from models.customer_sync import (
    AccountState,
    AgreedState,
    CustomerState,
    PersonState,
    ShowCustomer,
    UpdateContact,
    UpdateCustomer,
)
from models.desk import GivenAnswer
from models.ids import ConnectionId, ContractNumber, EngagementId, FirmId, PersonId
from models.party import Address, ContactPerson
from models.records import Guard, RecordKind, RecordRef
from models.roles import Role

BOOK = load_rulebook(Path(__file__).resolve().parents[2] / "mappings" / "demo_firm")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ERP = ConnectionId("erp-main")
CUSTOMER = RecordRef(connection=ERP, kind=RecordKind.CUSTOMER, record_id="4711", number="C-4711")
CONTACT = RecordRef(connection=ERP, kind=RecordKind.CONTACT, record_id="88")
HOME = Address(street="1 High St", city="Leeds", postal_code="LS1 1AA", country="GB")
PAT = ContactPerson(code="003A", first_name="Pat", last_name="Lee", email="pat@acme.example")


def account(**changes: Any) -> AccountState:
    facts: dict[str, Any] = {
        "account_id": "001A", "owner": "Dana@firm.example", "name": "Acme Ltd", "address": HOME,
        "invoice_email": "ap@acme.example", "erp_customer_id": "4711", "shown_number": "C-4711",
        "shown_terms": "NET30", "people": (PAT,), "source_version": NOW,
    }  # fmt: skip
    return AccountState(**{**facts, **changes})


def customer(**changes: Any) -> CustomerState:
    facts: dict[str, Any] = {
        "ref": CUSTOMER, "account_id": "001A", "name": "ACME LTD.", "address": HOME,
        "invoice_email": "ap@acme.example", "payment_terms": "NET30",
        "people": (PersonState(code="003A", ref=CONTACT, first_name="Pat", last_name="Lee", email="PAT@acme.example"),),
    }  # fmt: skip
    return CustomerState(**{**facts, **changes})


def agreed_on(one: AccountState, other: CustomerState) -> AgreedState:
    """What is kept after both were looked at once and nothing was to be done."""
    start = AgreedState()
    return settled(one, other, start, compare(one, other, start, BOOK.field_rules(NOW.date())))


def verdict(
    one: AccountState, other: CustomerState, agreed: AgreedState, answers: tuple[GivenAnswer, ...] = ()
) -> CustomerVerdict:
    case = CustomerCase(
        firm=FirmId("hf"), engagement=EngagementId("hf/account-001A"), contract_number=ContractNumber("account-001A"),
        crm_connection=ConnectionId("crm-main"), account=one, customer=other, agreed=agreed, answers=answers,
        guard=Guard.PROOF, now=NOW,
    )  # fmt: skip
    return plan_customer_sync(case, BOOK)


def requests(found: CustomerVerdict) -> list[Any]:
    assert found.plan is not None, found
    return [operation.request for operation in found.plan.operations]


def left(blocker: Any) -> GivenAnswer:
    return GivenAnswer(field=blocker.answer_field, value="keep", person=PersonId("mia"), decided_at=NOW)


def test_what_is_equal_but_for_spelling_is_in_order() -> None:
    assert verdict(account(), customer(), AgreedState()).is_in_order


def test_a_change_in_the_crm_is_carried_to_the_erp_and_says_what_was_there() -> None:
    agreed = agreed_on(account(), customer())
    moved = account(address=HOME.model_copy(update={"street": "2 Low St"}))
    [request] = requests(verdict(moved, customer(), agreed))
    assert isinstance(request, UpdateCustomer)
    assert (request.address, request.name) == (moved.address, None)
    assert request.expected == {"address": "1 High St, LS1 1AA, Leeds, GB"}


def test_what_the_erps_people_changed_is_not_written_over_until_the_crm_changes_it() -> None:
    agreed = agreed_on(account(), customer())
    corrected = customer(address=HOME.model_copy(update={"street": "1a High St"}))
    assert verdict(account(), corrected, agreed).is_in_order


def test_before_both_ever_agreed_only_what_the_erp_lacks_is_carried_over() -> None:
    other = customer(invoice_email="", address=Address(street="Elsewhere", country="GB"))
    [request] = requests(verdict(account(), other, AgreedState()))
    assert (request.invoice_email, request.address) == ("ap@acme.example", None)
    first = verdict(account(), other, AgreedState()).plan
    assert first is not None
    assert first.approvals == (), "an address where there was none leads no invoice astray"


@pytest.mark.parametrize(
    ("email", "asks"), [("invoices@acme.example", False), ("ap@acme-payments.example", True), ("ap@ACME.example", None)]
)
def test_another_domain_for_invoices_asks_for_a_call_back(email: str, asks: bool | None) -> None:
    found = verdict(account(invoice_email=email), customer(), agreed_on(account(), customer()))
    if asks is None:
        assert found.is_in_order
        return
    assert found.plan is not None
    assert [slot.roles for slot in found.plan.approvals] == ([frozenset({Role.MASTER_DATA})] if asks else [])
    assert found.plan.requested_by == ("dana@firm.example",)


def test_a_verified_name_is_never_written_over_and_the_question_comes_once() -> None:
    verified = customer(registration_number="01234567")
    known = account(registration_number="01234567")
    agreed = agreed_on(known, verified)
    renamed = known.model_copy(update={"name": "Acme Global Ltd"})
    [stop] = verdict(renamed, verified, agreed).blockers
    assert (stop.code, stop.owner, stop.field) == ("TL-CUS-021", Role.MASTER_DATA, "name")
    assert verdict(renamed, verified, agreed, (left(stop),)).is_in_order
    again = known.model_copy(update={"name": "Acme Universal Ltd"})
    assert verdict(again, verified, agreed, (left(stop),)).blockers, "another name is another question"


def test_an_unverified_customer_takes_the_crms_name() -> None:
    agreed = agreed_on(account(), customer())
    [request] = requests(verdict(account(name="Acme Global Ltd"), customer(), agreed))
    assert request.name == "Acme Global Ltd"


def test_a_doubt_about_one_field_holds_up_no_other() -> None:
    verified, known = customer(tax_number="GB980780684"), account(tax_number="GB 980 7806 84")
    changed = known.model_copy(update={"name": "Acme Global Ltd", "invoice_email": "new@acme.example"})
    found = verdict(changed, verified, agreed_on(known, verified))
    assert [request.invoice_email for request in requests(found)] == ["new@acme.example"]


def test_what_the_erp_owns_is_shown_on_the_account() -> None:
    other = customer(payment_terms="NET45", on_credit_hold=True)
    [request] = requests(verdict(account(), other, AgreedState()))
    assert isinstance(request, ShowCustomer)
    assert (request.payment_terms, request.on_credit_hold) == ("NET45", True)


def test_people_are_brought_up_to_date_and_never_deleted() -> None:
    agreed = agreed_on(account(), customer())
    [request] = requests(verdict(account(people=(PAT.model_copy(update={"phone": "+44 1"}),)), customer(), agreed))
    assert isinstance(request, UpdateContact)
    assert (request.contact, request.person.phone, request.is_active) == (CONTACT, "+44 1", True)
    [gone] = requests(verdict(account(people=()), customer(), agreed))
    assert (gone.is_active, gone.person.last_name) == (False, "Lee")
    stranger = ContactPerson(code="003B", last_name="New")
    assert verdict(account(people=(PAT, stranger)), customer(), agreed).is_in_order


def test_a_plan_holds_no_data_of_people_in_its_words() -> None:
    agreed = agreed_on(account(), customer())
    plan = verdict(account(people=(PAT.model_copy(update={"phone": "+44 1"}),)), customer(), agreed).plan
    assert plan is not None
    words = [operation.summary for operation in plan.operations] + [
        text for operation in plan.operations for diff in operation.diffs for text in (diff.before, diff.after)
    ]
    assert not any("Lee" in text or "+44" in text for text in words)


@pytest.mark.parametrize(
    ("one", "other", "code"),
    [
        (account(), customer(is_active=False, merged_into="4802"), "TL-CUS-003"),
        (account(), customer(account_id="001B"), "TL-CUS-003"),
        (account(is_deleted=True), customer(), "TL-CUS-022"),
        (account(is_deleted=True, merged_into="001B"), customer(), "TL-CUS-022"),
    ],
)
def test_merges_deactivations_and_crossed_ids_are_a_persons_matter(
    one: AccountState, other: CustomerState, code: str
) -> None:
    changed = one.model_copy(update={"invoice_email": "new@acme.example"})
    found = verdict(changed, other, agreed_on(account(), customer()))
    assert (found.plan, [stop.code for stop in found.blockers]) == (None, [code])


def test_back_and_forth_are_three_writes_with_three_keys() -> None:
    first, other = account(), customer()
    agreed = agreed_on(first, other)
    keys = []
    for email in ("b@acme.example", "ap@acme.example", "b@acme.example"):
        now = first.model_copy(update={"invoice_email": email})
        found = verdict(now, other, agreed)
        assert found.plan is not None
        keys.append(found.plan.operations[0].key)
        other = other.model_copy(update={"invoice_email": email})
        agreed = settled(now, other, agreed, ())
        assert verdict(now, other, agreed).is_in_order
    assert len(set(keys)) == 3


def test_what_the_erp_owns_goes_back_and_forth_and_each_time_is_a_write() -> None:
    agreed, keys = agreed_on(account(), customer()), []
    for hold in (True, False, True):
        found = verdict(account(shown_hold=not hold), customer(on_credit_hold=hold), agreed)
        assert found.plan is not None
        [operation] = found.plan.operations
        keys.append(operation.key)
        agreed = carried(agreed, operation)
    assert len(set(keys)) == 3


def test_a_crm_without_a_place_for_the_erps_facts_is_in_order() -> None:
    assert verdict(account(shown_terms=None, shown_hold=None), customer(on_credit_hold=True), AgreedState()).is_in_order


def test_a_change_back_right_after_the_write_is_carried_over_too() -> None:
    agreed = agreed_on(account(), customer())
    plan = verdict(account(invoice_email="b@acme.example"), customer(), agreed).plan
    assert plan is not None
    agreed = carried(agreed, plan.operations[0])
    [request] = requests(verdict(account(), customer(invoice_email="b@acme.example"), agreed))
    assert request.invoice_email == "ap@acme.example"


def test_a_write_that_does_not_show_is_wanted_again_under_another_key() -> None:
    start, changed = agreed_on(account(), customer()), account(invoice_email="b@acme.example", people=())
    plan = verdict(changed, customer(), start).plan
    assert plan is not None
    agreed = start
    for operation in plan.operations:
        agreed = carried(agreed, operation)
    assert verdict(changed, customer(), agreed).is_in_order
    again = verdict(changed, customer(), doubted(agreed, plan)).plan
    assert again is not None
    assert [one.request for one in again.operations] == [one.request for one in plan.operations]
    assert not {one.key for one in again.operations} & {one.key for one in plan.operations}


def test_after_a_person_said_keep_a_deleted_account_changes_nothing() -> None:
    agreed = agreed_on(account(), customer())
    gone = AccountState(account_id="001A", name="", is_deleted=True, source_version=NOW)
    [stop] = verdict(gone, customer(), agreed).blockers
    assert verdict(gone, customer(), agreed, (left(stop),)).is_in_order


def test_a_touch_without_a_change_makes_no_other_plan() -> None:
    agreed = agreed_on(account(), customer())
    first = verdict(account(invoice_email="ap@else.example"), customer(), agreed).plan
    touched = account(invoice_email="ap@else.example", source_version=NOW + timedelta(hours=1))
    second = verdict(touched, customer(), agreed).plan
    assert first is not None
    assert second is not None
    assert first.digest == second.digest


def test_sentences_hold_no_mailbox_and_no_number_of_the_state() -> None:
    agreed = agreed_on(account(), customer())
    plan = verdict(account(invoice_email="jane.doe@else.example"), customer(), agreed).plan
    assert plan is not None
    assert "else.example" in plan.approvals[0].reason
    assert "jane.doe" not in plan.approvals[0].reason
    verified, known = customer(tax_number="GB980780684"), account(tax_number="GB980780684")
    other = known.model_copy(update={"tax_number": "GB123456789"})
    [stop] = verdict(other, verified, agreed_on(known, verified)).blockers
    assert not any(number in stop.message for number in ("123456789", "980780684"))


def test_what_waits_for_a_call_back_holds_up_nothing_else() -> None:
    agreed = agreed_on(account(), customer())
    moved = account(invoice_email="ap@else.example", address=HOME.model_copy(update={"street": "2 Low St"}))
    first = verdict(moved, customer(on_credit_hold=True), agreed)
    assert first.plan is not None
    assert first.plan.approvals == ()
    assert [type(one) for one in requests(first)] == [UpdateCustomer, ShowCustomer]
    assert requests(first)[0].invoice_email is None
    for operation in first.plan.operations:
        agreed = carried(agreed, operation)
    shown = moved.model_copy(update={"shown_hold": True})
    second = verdict(shown, customer(on_credit_hold=True, address=moved.address), agreed)
    [request] = requests(second)
    assert request.invoice_email == "ap@else.example"
    assert second.plan is not None
    assert second.plan.approvals
