from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from models.roles import Role
from models.terms import SignedTerms
from tests.fakes import demo_chart
from tests.unit.blocker_sentences import ALL
from tests.unit.changed_terms import BUYER, one_line, one_milestone
from tests.unit.planning import BOOK, answer, blockers_of, plan_of
from tests.unit.signed_terms import cost_plus, fixed_fee, money, retainer, time_billed


def only(terms: SignedTerms, **changes: Any) -> tuple[str, str, str]:
    """Code, field and sentence of the one blocker."""
    blockers = blockers_of(terms, **changes)
    assert len(blockers) == 1, [item.message for item in blockers]
    return blockers[0].code, blockers[0].field, blockers[0].message


@pytest.mark.parametrize(("code", "terms", "sentence"), ALL, ids=[f"{row[0]}-{row[2][:50]}" for row in ALL])
def test_the_sentence_names_the_record_the_field_and_the_fix(code: str, terms: SignedTerms, sentence: str) -> None:
    found, field, message = only(terms)
    assert (found, message) == (code, sentence)
    assert field


@pytest.mark.parametrize("code", sorted({row[0] for row in ALL}))
def test_every_stop_is_in_the_catalogue_with_owner_fix_and_deadline(code: str) -> None:
    kind = BOOK.blocker_kind(code)
    assert kind is not None
    blocker = blockers_of(next(terms for found, terms, _ in ALL if found == code))[0]
    assert (blocker.owner, blocker.fix, blocker.due_hours) == (kind.owner, kind.fix, kind.due_hours)


def test_a_currency_the_erp_would_round_is_not_booked() -> None:
    chart = demo_chart().model_copy(update={"currencies": {"KWD": 2}})
    code, _, message = only(retainer(), chart=chart)
    assert code == "TL-CON-006"
    assert message.startswith("Contract C-1001: currency KWD is kept with 2 decimals in the ERP, but has 3.")


def test_an_item_or_a_company_the_erp_lacks_is_set_up_first() -> None:
    chart = demo_chart().model_copy(update={"items": ("SVC-TM",)})
    assert only(cost_plus(), chart=chart)[2] == (
        "Contract C-1001, line 1: item SVC-COSTPLUS and SVC-FEE is not in the ERP. Set it up there, then repair."
    )
    entities = tuple(item for item in demo_chart().entities if item.code != "LE-US")
    assert only(fixed_fee(), chart=demo_chart().model_copy(update={"entities": entities}))[2] == (
        "Harbour & Finch Consulting Inc. (LE-US) is not in the ERP. Set it up there, then repair."
    )


def test_a_copied_deal_never_overwrites_the_original() -> None:
    code, _, message = only(fixed_fee(), bound_to_other_deal="006-0")
    assert code == "TL-CON-014"
    assert message == (
        "Contract C-1001: deal Northwind: finance review carries the contract or project number of deal 006-0 (copied "
        "record). Clear the numbers on the copy in the CRM, then repair; if it adds to that contract, enter its "
        "amendment number."
    )


def test_two_signing_entities_on_one_deal_are_two_contracts() -> None:
    both = "Harbour & Finch Consulting Inc.; Harbour & Finch Ltd"
    code, _, message = only(fixed_fee(signing_entity=both))
    assert code == "TL-CON-019"
    assert message == (
        f"Contract C-1001: deal Northwind: finance review names two of our companies as signers: {both}. Make a deal "
        "with a contract number of its own for what each of them sold, then repair."
    )


def test_changed_terms_after_set_up_are_a_change_order() -> None:
    code, _, message = only(fixed_fee(), applied_terms_digest="other")
    assert code == "TL-CHG-000"
    assert message == (
        "Contract C-1001 is set up on other terms: signed terms changed after set-up, this is a change order. "
        "Nothing was written. Sign a change order, or restore the deal."
    )
    assert plan_of(fixed_fee(), applied_terms_digest=fixed_fee().digest)


def test_an_answer_does_not_make_terms_look_changed() -> None:
    terms = fixed_fee(po_required=True)
    assert plan_of(terms, applied_terms_digest=terms.digest, answers=(answer("po_number", "88-12"),))


def test_all_that_is_wrong_is_told_at_once_with_what_it_holds_up() -> None:
    terms = fixed_fee(payment_terms="net 75", acceptance_person="", company_signed_on=None)
    blockers = blockers_of(terms)
    assert {item.code for item in blockers} == {"TL-CON-001", "TL-CON-007", "TL-CON-015"}
    assert len({item.blocker for item in blockers}) == len(blockers)
    assert blockers[0].stake == money("128249.99")


def test_a_rule_that_expects_another_signer_asks_and_never_re_assigns() -> None:
    terms = fixed_fee(region="EU")
    blocker = blockers_of(terms)[0]
    assert (blocker.code, blocker.owner) == ("TL-CON-005", Role.CONTRACTS)
    assert blocker.message == (
        "Contract C-1001 was signed by Harbour & Finch Consulting Inc.; rule SIG-4 expects LE-DE for region EU. The "
        "signature counts: confirm the signer and tell the rule's owner, or send the paper back."
    )
    assert [choice.value for choice in blocker.choices] == ["LE-US"]
    plan = plan_of(terms, answers=(answer("signing_entity", "LE-US"),))
    assert plan.legal_entity == "LE-US"
    assert any("the owner of the rule should look at it" in text for text in plan.warnings)


@pytest.mark.parametrize(
    ("terms", "field", "good", "bad"),
    [
        (fixed_fee(payment_terms="net 75"), "payment_terms", "NET60", "NET75"),
        (fixed_fee(region="EU"), "signing_entity", "LE-US", "LE-DE"),
        (one_line(time_billed(), service_line="Relocation"), "project_template:Relocation", "Operations", "Goods"),
        (fixed_fee(buyer=BUYER | {"address": {"street": "1"}}), "country", "us", "United States"),
        (fixed_fee(bill_to={}, buyer=BUYER | {"address": {"country": "US"}}), "bill_to", "1 Main St, Boston", ""),
        (one_milestone(due_on=date(2028, 2, 28)), "milestone:M1:2028-02-28", "as-signed", "yes"),
        (time_billed(rates=[{"role": "Partner"}]), "rate:Partner", "310.50", "three hundred"),
        (time_billed(rates=[{"role": "Partner"}]), "rate:Partner", "310.50", "-1"),
    ],
    ids=["terms", "signer", "service-line", "country", "bill-to", "milestone", "rate", "rate-below-zero"],
)
def test_an_answer_outside_the_choices_is_not_used_and_the_stop_stays(
    terms: SignedTerms, field: str, good: str, bad: str
) -> None:
    before = blockers_of(terms)
    assert before[0].answer_field == field
    after = blockers_of(terms, answers=(answer(field, bad),))
    assert [item.blocker for item in after] == [item.blocker for item in before]
    assert plan_of(terms, answers=(answer(field, bad), answer(field, good)))


def test_an_answer_never_replaces_terms_that_have_a_rule() -> None:
    given = (answer("payment_terms", "NET60"), answer("project_template:Advisory", "Learning"))
    plan = plan_of(fixed_fee(), answers=given)
    assert plan.digest != plan_of(fixed_fee()).digest
    contract = plan.operations[-2].request
    assert contract.model_dump()["payment_terms_code"] == "NET30"
    assert {row["cost_centre"] for row in contract.model_dump()["lines"]} == {"ADV"}


def test_a_confirmed_date_is_asked_about_again_when_it_moves() -> None:
    given = (answer("milestone:M1:2028-02-28", "as-signed"),)
    assert blockers_of(one_milestone(due_on=date(2028, 3, 31)), answers=given)[0].code == "TL-CON-011"


def test_a_foreign_customer_without_its_number_stops_where_no_invoice_would_be_possible() -> None:
    buyer = BUYER | {"tax_number": "", "registration_number": "", "address": {"street": "Rua 1", "country": "BR"}}
    blockers = blockers_of(fixed_fee(buyer=buyer))
    assert [(item.code, item.answer_field) for item in blockers] == [("TL-CUS-014", "tax_number")]
    plan = plan_of(fixed_fee(buyer=buyer), answers=(answer("tax_number", "16.727.230/0001-97"),))
    assert {slot.slot for slot in plan.approvals} == {"new-customer", "tax-new-country"}


def test_a_po_that_is_too_small_is_a_warning_with_what_is_missing() -> None:
    plan = plan_of(fixed_fee(po_number="88-12", po_limit=money("80000.00")))
    assert plan.warnings[0] == (
        "Contract C-1001: PO 88-12 covers USD 80,000.00; the contract is USD 128,249.99. "
        "Ask for an increase of USD 48,249.99, or invoices stop at the limit."
    )


def test_estimates_need_not_equal_anything() -> None:
    plan = plan_of(time_billed(signed_total=money("1.00")))
    assert plan.values.exercised == money("48000.00")
