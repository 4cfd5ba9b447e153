"""The tax table of DOM-4.2, row by row, and what each finding says."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from mappings.tax_registration import FindingKind, TaxFinding, TaxLevel, check_tax_registration
from mappings.tax_rules import TAX_RULES, rule_for
from models.money import Money
from models.party import Address, BuyerIdentity

SETUP, HOLD, WARN = TaxLevel.BLOCK_SETUP, TaxLevel.BLOCK_INVOICING, TaxLevel.WARN
TODAY = date(2026, 11, 24)
ADDRESS = {"street": "1 Main Street", "city": "Springfield", "region": "KA", "postal_code": "10001"}


def check(country: str, seller: str = "US", **facts: Any) -> tuple[TaxFinding, ...]:
    asked = {
        "contract_currency": facts.pop("currency", "USD"),
        "value": facts.pop("value", None),
        "has_service_address": facts.pop("has_service_address", True),
        "on": facts.pop("on", TODAY),
    }
    address = Address(country=country, **facts.pop("address", ADDRESS))
    buyer = BuyerIdentity(account_id="A-1", name=facts.pop("name", "Acme"), address=address, **facts)
    return check_tax_registration(buyer, seller_country=seller, **asked)


def levels(found: tuple[TaxFinding, ...]) -> list[tuple[TaxLevel, str, FindingKind]]:
    return [(finding.level, finding.code, finding.kind) for finding in found]


@pytest.mark.parametrize(
    ("country", "seller", "level"),
    [
        ("US", "US", WARN), ("US", "DE", None),
        ("CA", "CA", WARN), ("CA", "US", WARN),
        ("GB", "GB", WARN), ("GB", "US", HOLD), ("GB", "DE", HOLD),
        ("DE", "DE", WARN), ("DE", "FR", HOLD), ("DE", "US", WARN),
        ("FR", "FR", HOLD), ("FR", "DE", HOLD), ("FR", "US", HOLD),
        ("NL", "NL", WARN), ("NL", "DE", HOLD), ("NL", "US", HOLD),
        ("IE", "IE", WARN), ("IE", "DE", HOLD), ("IE", "GB", HOLD),
        ("IN", "IN", HOLD), ("IN", "US", HOLD),
        ("AU", "AU", WARN), ("AU", "US", WARN),
        ("BR", "BR", SETUP), ("BR", "US", SETUP),
        ("JP", "JP", WARN), ("JP", "US", WARN),
        ("SG", "SG", WARN), ("SG", "US", WARN),
        ("AT", "AT", WARN), ("AT", "DE", HOLD), ("AT", "US", WARN),
        ("NO", "NO", WARN), ("NO", "US", WARN),
    ],
)  # fmt: skip
def test_a_missing_number_stops_what_the_country_says(country: str, seller: str, level: TaxLevel | None) -> None:
    found = check(country, seller, currency={"JP": "JPY", "SG": "SGD"}.get(country, "USD"))

    assert levels(found) == ([(level, "TL-CUS-014", FindingKind.MISSING)] if level else [])
    for finding in found:
        assert finding.record == "Acme"
        assert finding.field == "tax number"
        assert finding.sentence.startswith("Acme has no ")
        assert finding.sentence.endswith(" Enter it on the CRM account.")
        assert finding.requirement.startswith("DOM-4.")


@pytest.mark.parametrize(
    ("country", "number"),
    [
        ("US", "12-3456789"), ("CA", "123026635RT0001"), ("GB", "GB980780684"), ("DE", "DE136695976"),
        ("FR", "FR40303265045"), ("NL", "NL4495445B01"), ("IE", "IE6433435F"), ("IN", "27AAPFU0939F1ZV"),
        ("AU", "83 914 571 673"), ("BR", "16.727.230/0001-97"), ("JP", "T7010001008844"), ("SG", "M90312345A"),
        ("AT", "ATU13585627"),
    ],
)  # fmt: skip
def test_a_well_formed_number_is_not_yet_a_registered_one(country: str, number: str) -> None:
    found = check(country, tax_number=number)

    if country == "US":
        assert found == ()  # there is no public registry of employer numbers
        return
    assert levels(found) == [(WARN, "TL-CUS-015", FindingKind.FORMAT_ONLY)]
    assert "whether it is registered was not looked up" in found[0].sentence
    assert number not in found[0].sentence


@pytest.mark.parametrize(
    ("country", "seller", "number", "level", "words"),
    [
        ("US", "US", "07-1234567", WARN, "check digit are wrong"),
        ("DE", "FR", "DE136695977", HOLD, "check digit are wrong"),
        ("DE", "US", "DE136695977", WARN, "check digit are wrong"),
        ("BR", "US", "16.727.230/0001-98", SETUP, "check digit are wrong"),
        ("BR", "US", "16.727.230", SETUP, "names the company but no establishment"),
        ("CA", "US", "123026635RC0001", WARN, "names another tax account"),
        ("IN", "US", "AAPFU0939F", HOLD, "is a PAN"),
        ("FR", "DE", "DE136695976", HOLD, "was issued in DE, but the address is in FR"),
        ("US", "DE", "07-1234567", WARN, "check digit are wrong"),
    ],
)
def test_a_wrong_number_is_as_bad_as_none_and_says_why(
    country: str, seller: str, number: str, level: TaxLevel, words: str
) -> None:
    found = check(country, seller, tax_number=number)

    assert levels(found) == [(level, "TL-CUS-015", FindingKind.MALFORMED)]
    assert words in found[0].sentence
    assert "Correct it on the CRM account" in found[0].sentence
    assert number not in found[0].sentence


@pytest.mark.parametrize(
    ("country", "number"),
    [("US", "123-45-6789"), ("JP", "1234 5678 9012"), ("BR", "390.533.447-05"), ("SG", "S1234567D")],
)
def test_a_persons_number_must_go_and_is_not_repeated(country: str, number: str) -> None:
    found = check(country, tax_number=number)

    assert levels(found) == [(SETUP, "TL-CUS-015", FindingKind.PERSONAL_NUMBER)]
    assert "Remove it from the CRM account" in found[0].sentence
    assert number[-4:] not in found[0].sentence


def test_no_rule_ever_asks_for_a_persons_number() -> None:
    asked_for = " ".join(rule.number for rule in TAX_RULES).lower()

    assert not any(word in asked_for for word in ("my number", "social security", "cpf", "person", "identity"))


def test_letters_in_a_cnpj_count_from_july_2026() -> None:
    number = "12.ABC.345/01DE-35"

    assert levels(check("BR", tax_number=number, on=date(2026, 6, 30)))[0][0] is SETUP
    assert levels(check("BR", tax_number=number, on=date(2026, 7, 1)))[0][2] is FindingKind.FORMAT_ONLY


def test_the_french_number_becomes_mandatory_on_its_day() -> None:
    before, day = date(2026, 8, 31), date(2026, 9, 1)

    assert levels(check("FR", "FR", on=before))[0][0] is WARN
    assert levels(check("FR", "FR", on=day))[0][0] is HOLD
    assert levels(check("FR", "DE", on=before))[0][0] is HOLD


def test_a_siren_as_registration_number_is_enough_if_it_is_one() -> None:
    assert check("FR", registration_number="732 829 320") == ()
    assert levels(check("FR", registration_number="732 829 321")) == [(HOLD, "TL-CUS-014", FindingKind.MISSING)]


def test_a_company_number_is_evidence_enough_in_the_united_kingdom() -> None:
    assert check("GB", "US", registration_number="01234567") == ()


def test_a_small_australian_contract_needs_no_number() -> None:
    assert check("AU", "AU", currency="AUD", value=Money.of("999.99", "AUD")) == ()
    assert len(check("AU", "AU", currency="AUD", value=Money.of(1000, "AUD"))) == 1
    assert len(check("AU", "AU", currency="USD", value=Money.of(10, "USD"))) == 1


def test_an_indian_customer_without_number_needs_its_address_on_larger_invoices() -> None:
    found = check("IN", "IN", currency="INR", value=Money.of(50000, "INR"), address={"city": "Pune"})

    assert levels(found)[1] == (HOLD, "TL-CUS-006", FindingKind.MISSING)
    assert "Enter street and state" in found[1].sentence
    assert len(check("IN", "IN", currency="INR", value=Money.of(49999, "INR"), address={"city": "Pune"})) == 1
    assert len(check("IN", "IN", tax_number="27AAPFU0939F1ZV", address={"city": "Pune"})) == 1


def test_a_german_public_buyer_needs_a_valid_leitweg_id_whoever_sells() -> None:
    public: dict[str, Any] = {"is_government": True, "tax_number": "DE136695976"}

    for seller in ("DE", "US"):
        assert (HOLD, "TL-CUS-017", FindingKind.MISSING) in levels(check("DE", seller, **public))
    assert (HOLD, "TL-CUS-017", FindingKind.MALFORMED) in levels(check("DE", **public, route_id="991-03730-18"))
    assert not [code for _, code, _ in levels(check("DE", **public, route_id="991-03730-19")) if code == "TL-CUS-017"]


def test_a_french_public_buyer_is_asked_for_its_service_code() -> None:
    assert (WARN, "TL-CUS-017", FindingKind.MISSING) in levels(check("FR", is_government=True))
    assert "TL-CUS-017" not in {finding.code for finding in check("FR", is_government=True, route_id="SRV-1")}


def test_sales_tax_needs_to_know_where_the_service_is_used() -> None:
    found = check("US", tax_number="12-3456789", has_service_address=False)

    assert levels(found) == [(HOLD, "TL-CUS-006", FindingKind.MISSING)]
    assert check("US", "DE", has_service_address=False) == ()


def test_an_exempt_buyer_without_certificate_is_billed_with_tax_not_blocked() -> None:
    found = check("US", tax_number="12-3456789", is_government=True)

    assert levels(found) == [(WARN, "TL-CUS-016", FindingKind.MISSING)]
    assert found[0].requirement == "DOM-4.4"


@pytest.mark.parametrize(("country", "own", "words"), [("JP", "JPY", "tax in JPY"), ("SG", "SGD", "total in SGD")])
def test_a_domestic_invoice_in_foreign_money_shows_the_tax_in_its_own(country: str, own: str, words: str) -> None:
    content = [item for item in check(country, country) if item.kind is FindingKind.INVOICE_CONTENT]

    assert [item.level for item in content] == [WARN]
    assert words in content[0].sentence
    assert not [item for item in check(country, country, currency=own) if item.kind is FindingKind.INVOICE_CONTENT]
    assert not [item for item in check(country, "US") if item.kind is FindingKind.INVOICE_CONTENT]


def test_a_buyer_without_a_country_is_never_taken_for_an_american() -> None:
    found = check("", address={})

    assert levels(found) == [(HOLD, "TL-CUS-006", FindingKind.MISSING)]
    assert found[0].sentence == "Acme has no country. Enter it on the CRM account; no tax rule applies without it."


def test_the_country_of_a_vat_prefix_stands_in_for_a_missing_address() -> None:
    assert check("", "FR", tax_number="DE136695976", address={})[0].kind is FindingKind.FORMAT_ONLY


def test_the_example_of_the_catalogue_reads_as_a_sentence() -> None:
    found = check("DE", "FR", name="Acme GmbH")

    assert found[0].sentence == (
        "Acme GmbH has no VAT number (USt-IdNr.): without it we must charge our own country's tax, which is a price "
        "question for the customer. Enter it on the CRM account."
    )


def test_every_day_has_exactly_one_row_per_country() -> None:
    countries = {rule.country for rule in TAX_RULES}
    for day in (TODAY + timedelta(days=step) for step in range(-365, 730, 5)):
        for country in countries:
            assert len([rule for rule in TAX_RULES if rule.country == country and rule.covers(day)]) == 1
    assert rule_for("NO", TODAY).country == ""
    assert rule_for("AT", TODAY).country == "EU"
