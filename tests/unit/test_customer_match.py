from __future__ import annotations

from mappings.customer_match import match_customer
from tests.unit.matching import buyer, customer

ACME = buyer("Acme GmbH", "DE", tax_number="DE136695976", city="Köln")


def test_nobody_near_means_create() -> None:
    match = match_customer(ACME, [])

    assert match.outcome == "create"
    assert match.evidence == ("The ERP has no customer near this buyer.",)
    assert match.decision.model_dump(include={"outcome", "candidate_id", "decided_by"}) == {
        "outcome": "create", "candidate_id": "", "decided_by": "rule",
    }  # fmt: skip


def test_two_customers_with_equal_number_name_and_form_ask() -> None:
    twice = [customer("Acme GmbH", "DE", record_id, tax_number="DE136695976") for record_id in ("4711", "4802")]

    match = match_customer(ACME, twice)

    assert (match.outcome, match.blocker_code) == ("ask", "TL-CUS-004")
    assert match.question == "Acme GmbH fits 2 ERP customers: 4711 Acme GmbH and 4802 Acme GmbH. Which one is it?"


def test_a_certain_match_stands_beside_a_namesake_and_names_it() -> None:
    certain = customer("Acme GmbH", "DE", "4711", tax_number="DE136695976")
    namesake = customer("Acme GmbH", "DE", "4802")

    match = match_customer(ACME, [namesake, certain])

    assert match.adopt == certain
    assert "4802" in match.notes[0]


def test_the_exact_establishment_wins_over_its_sister() -> None:
    mine = buyer("Banco X S/A", "BR", tax_number="16.727.230/0001-97")
    exact = customer("Banco X S.A.", "BR", "1", tax_number="16727230000197")
    sister = customer("Banco X S.A.", "BR", "2", tax_number="16727230000278")

    assert match_customer(mine, [sister, exact]).adopt == exact


def test_several_sites_of_one_entity_and_none_exact_ask() -> None:
    mine = buyer("Asha Advisory LLP", "IN", tax_number="27AAPFU0939F1ZV")
    sites = [customer("Asha Advisory LLP", "IN", state, tax_number=f"{state}AAPFU0939F1ZR") for state in ("29", "33")]

    assert match_customer(mine, sites).blocker_code == "TL-CUS-004"


def test_a_certain_match_that_is_inactive_asks() -> None:
    match = match_customer(ACME, [customer("Acme GmbH", "DE", tax_number="DE136695976", is_active=False)])

    assert (match.outcome, match.blocker_code) == ("ask", "TL-CUS-003")
    assert "Make it active in the ERP" in match.question


def test_a_near_name_asks_only_from_the_firms_line_on() -> None:
    mine, near = buyer("Northwind Ltd", "GB"), customer("Nortwind Limited", "GB")

    assert match_customer(mine, [near]).question == (
        "Northwind Ltd looks like customer 4711 Nortwind Limited. Same company?"
    )
    assert match_customer(mine, [near], near_line=99).outcome == "create"


def test_only_the_registration_number_differs_is_a_typing_error_until_a_person_says_no() -> None:
    mine = buyer("Northbank plc", "GB", tax_number="GB980780684", registration_number="01234567")
    theirs = customer("Northbank plc", "GB", tax_number="GB980780684", registration_number="01234576")

    assert match_customer(mine, [theirs]).blocker_code == "TL-CUS-002"


def test_a_local_registers_number_needs_the_name_to_be_equal() -> None:
    mine = buyer("Orme Beratung GmbH", "DE", registration_number="HRB 12345")

    assert (
        match_customer(mine, [customer("Orme Beratungs GmbH", "DE", registration_number="HRB12345")]).outcome == "ask"
    )
    assert (
        match_customer(mine, [customer("ORME Beratung GmbH", "DE", registration_number="HRB 12345")]).outcome == "adopt"
    )


def test_a_company_number_of_another_country_is_not_compared() -> None:
    mine = buyer("Contoso Ltd", "GB", registration_number="1234567")

    assert match_customer(mine, [customer("Contoso Ltd", "IE", registration_number="1234567")]).outcome == "create"


def test_a_placeholder_in_the_erp_is_never_the_buyer() -> None:
    assert match_customer(buyer("Undis Closed Ltd", "US"), [customer("Undisclosed", "US")]).outcome == "create"


def test_a_person_may_name_a_customer_that_the_rules_did_not_see() -> None:
    far = customer("Hooli Inc", "US", "4802")

    match = match_customer(ACME, [far], answer="same:4802")

    assert match.adopt == far
    assert match.decided_by == match.decision.decided_by == "person"
    assert match.evidence[0] == "A person decided that the buyer is customer 4802 Hooli Inc."


def test_an_answer_that_names_no_customer_is_not_used() -> None:
    asked = match_customer(ACME, [customer("Acme GmbH", "DE")], answer="same:9999")
    lone = match_customer(ACME, [], answer="same:9999")

    assert (asked.outcome, asked.blocker_code) == ("ask", "TL-CUS-001")
    assert asked.evidence[-1] == 'The answer "same:9999" names no customer that was read from the ERP.'
    assert (lone.outcome, [choice.value for choice in lone.choices]) == ("ask", ["different"])


def test_an_answer_that_names_a_closed_customer_is_not_used() -> None:
    closed = customer("Acme GmbH", "DE", is_active=False)

    assert match_customer(ACME, [closed], answer="same:4711").outcome == "ask"


def test_a_person_may_say_that_it_is_another_company() -> None:
    match = match_customer(ACME, [customer("Acme GmbH", "DE")], answer="different")

    assert match.outcome == "create"
    assert match.stands_apart
    assert match.decided_by == "person"


def test_different_does_not_undo_the_customer_that_was_created_after_it() -> None:
    asked_about = customer("Acme GmbH", "DE", "4711")
    created = customer("Acme GmbH", "DE", "4900", account_id="A-1")

    match = match_customer(ACME, [asked_about, created], answer="different")

    assert match.adopt == created


def test_a_persons_choice_against_the_rules_is_kept_and_told() -> None:
    by_rule = customer("Acme GmbH", "DE", "4711", tax_number="DE136695976")
    chosen = customer("Acme Holding GmbH", "DE", "4802")

    match = match_customer(ACME, [by_rule, chosen], answer="same:4802")

    assert match.adopt == chosen
    assert match.notes == ("The rules alone would have taken customer 4711 Acme GmbH.",)
    assert match_customer(ACME, [by_rule, chosen], answer="same:4711").decided_by == "rule"


def test_no_answer_makes_a_placeholder_a_customer() -> None:
    assert match_customer(buyer("Undisclosed"), [customer("Acme")], answer="same:4711").outcome == "refuse"


def test_a_closed_namesake_is_asked_about_but_cannot_be_chosen() -> None:
    match = match_customer(ACME, [customer("Acme GmbH", "DE", merged_into="4802", is_active=False)])

    assert (match.outcome, match.blocker_code) == ("ask", "TL-CUS-001")
    assert match.question == (
        "Acme GmbH looks like customer 4711 Acme GmbH, which is inactive or merged. Put the surviving customer 4802 on "
        "the CRM account, or say that it is another company."
    )
    assert [choice.value for choice in match.choices] == ["different"]


def test_the_question_is_about_the_nearest_and_does_not_depend_on_the_order() -> None:
    namesake = customer("Acme GmbH", "DE", "1")
    number = customer("Acme AG", "DE", "2", tax_number="DE136695976")

    one, other = match_customer(ACME, [namesake, number]), match_customer(ACME, [number, namesake])

    assert one == other
    assert one.blocker_code == "TL-CUS-002"
    assert one.question == (
        "Acme GmbH and customer 2 Acme AG: the tax number is equal, but name, legal form or country is not. "
        "Same company? (1 more to choose from.)"
    )
    assert {choice.value for choice in one.choices} == {"same:1", "same:2", "different"}
