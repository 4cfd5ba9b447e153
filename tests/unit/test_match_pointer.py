from __future__ import annotations

import pytest

from mappings.customer_match import match_customer
from models.survey import CustomerCandidate
from tests.unit.matching import buyer, customer

ACME = buyer("Acme GmbH", "DE", tax_number="DE136695976", city="Köln")


def test_a_bound_customer_is_adopted_and_its_change_of_tax_number_is_told() -> None:
    bound = customer("ACME G.m.b.H.", "DE", tax_number="DE129273398")

    match = match_customer(ACME, [bound], bound_id="4711")

    assert match.adopt == bound
    assert match.notes == (
        "Customer 4711 ACME G.m.b.H. has another tax number in the ERP than the CRM account. Check it.",
    )
    assert match.decision.candidate_id == "4711"


def test_the_crm_id_on_the_erp_record_binds_as_well() -> None:
    assert match_customer(buyer("Acme"), [customer("Acme", account_id="A-1")]).outcome == "adopt"


@pytest.mark.parametrize(
    ("bound", "reason"),
    [
        (customer("Acme GmbH", "AT"), "the countries differ"),
        (customer("Hooli GmbH", "DE"), "the names are not similar"),
        (customer("Acme AG", "DE"), "the legal forms differ"),
    ],
)
def test_a_binding_that_contradicts_the_buyer_asks(bound: CustomerCandidate, reason: str) -> None:
    match = match_customer(ACME, [bound], bound_id="4711")

    assert (match.outcome, match.blocker_code) == ("ask", "TL-CUS-001")
    assert reason in match.question
    assert [choice.value for choice in match.choices] == ["same:4711", "different"]


def test_an_id_that_the_erp_does_not_have_asks_instead_of_creating() -> None:
    match = match_customer(ACME, [customer("Acme GmbH", "DE", "4802")], bound_id="9999")

    assert (match.outcome, match.blocker_code) == ("ask", "TL-CUS-003")
    assert [choice.value for choice in match.choices] == ["same:4802", "different"]


def test_an_inactive_bound_customer_is_never_revived() -> None:
    match = match_customer(ACME, [customer("Acme GmbH", "DE", is_active=False)], bound_id="4711")

    assert (match.outcome, match.blocker_code) == ("ask", "TL-CUS-003")
    assert [choice.value for choice in match.choices] == ["different"]


def test_two_holders_of_one_key_ask_for_the_survivor() -> None:
    first = customer("Acme GmbH", "DE", "4711", account_id="A-1")
    second = customer("Acme GmbH", "DE", "4802", account_id="A-1")

    match = match_customer(ACME, [first, second])

    assert (match.outcome, match.blocker_code) == ("ask", "TL-CUS-004")
    assert [choice.value for choice in match.choices] == ["same:4711", "same:4802"]
    assert match_customer(ACME, [first, second], answer="same:4802").adopt == second
    assert match_customer(ACME, [first, second], answer="different").outcome == "ask"


def test_two_records_with_one_external_key_ask_even_if_one_fits_alone() -> None:
    certain = customer("Acme GmbH", "DE", "4711", tax_number="DE136695976", external_key="k-1")
    twin = customer("Acme Deutschland GmbH", "DE", "4802", external_key="k-1")

    assert match_customer(ACME, [certain, twin]).blocker_code == "TL-CUS-004"
    assert match_customer(ACME, [certain, twin], bound_id="4711").blocker_code == "TL-CUS-004"


def test_a_holder_that_was_merged_into_the_other_one_is_settled() -> None:
    merged = customer("Acme GmbH", "DE", "4711", account_id="A-1", is_active=False, merged_into="4802")
    kept = customer("Acme GmbH", "DE", "4802", account_id="A-1")

    assert match_customer(ACME, [merged, kept]).adopt == kept


def test_different_silences_a_contradicting_id_on_the_crm_record() -> None:
    mine = buyer("Initech Inc", erp_customer_id="4711")
    hooli = customer("Hooli Inc", record_id="4711")
    created = customer("Initech Inc", record_id="4900", account_id="A-1")

    assert match_customer(mine, [hooli], answer="different").outcome == "create"
    assert match_customer(mine, [hooli, created], answer="different").adopt == created
