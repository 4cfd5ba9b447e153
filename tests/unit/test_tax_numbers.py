from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.personal_numbers import is_personal_number
from mappings.tax_numbers import NumberCheck, TaxMatch, compare_tax_numbers, mask, read_tax_number


@pytest.mark.parametrize(
    ("written", "country", "issuer", "compact", "parts"),
    [
        ("GB 980 7806 84", "", "GB", "980780684", ("980780684", "")),
        ("XI980780684", "GB", "GB", "XI980780684", ("980780684", "")),
        ("980 7806 84 001", "GB", "GB", "980780684001", ("980780684", "001")),
        ("GD001", "GB", "GB", "GD001", ("GD001", "")),
        ("DE 136 695 976", "DE", "DE", "136695976", ("136695976", "")),
        ("136695976", "DE", "DE", "136695976", ("136695976", "")),
        ("T7010001008844", "JP", "JP", "7010001008844", ("7010001008844", "")),
        ("7010001008844", "JP", "JP", "7010001008844", ("7010001008844", "")),
        ("27AAPFU0939F1ZV", "IN", "IN", "27AAPFU0939F1ZV", ("AAPFU0939F", "27")),
        ("AAPFU0939F", "IN", "IN", "AAPFU0939F", ("AAPFU0939F", "")),
        ("16.727.230/0001-97", "BR", "BR", "16727230000197", ("16727230", "0001")),
        ("12.ABC.345/01DE-35", "BR", "BR", "12ABC34501DE35", ("12ABC345", "01DE")),
        ("732 829 320 00025", "FR", "FR", "73282932000025", ("732829320", "00025")),
        ("FR40303265045", "FR", "FR", "40303265045", ("303265045", "")),
        ("303265045", "FR", "FR", "303265045", ("303265045", "")),
        ("M90312345A", "SG", "SG", "M90312345A", ("M90312345A", "")),
        ("M9-0312345-A", "SG", "SG", "M90312345A", ("M90312345A", "")),
        ("00192200M", "SG", "SG", "00192200M", ("00192200M", "")),
        ("123026635 RT 0001", "CA", "CA", "123026635RT0001", ("123026635", "RT0001")),
        ("12302 6635", "CA", "CA", "123026635", ("123026635", "")),
        ("12-3456789", "US", "US", "123456789", ("123456789", "")),
        ("83 914 571 673", "AU", "AU", "83914571673", ("83914571673", "")),
        ("NL4495445B01", "NL", "NL", "004495445B01", ("004495445B01", "")),
        ("IE6433435F", "IE", "IE", "6433435F", ("6433435F", "")),
        ("CHE-107.787.577 IVA", "CH", "CH", "CHE107787577IVA", ("CHE107787577IVA", "")),
    ],
)
def test_a_number_is_read_as_its_country_writes_it(
    written: str, country: str, issuer: str, compact: str, parts: tuple[str, str]
) -> None:
    number = read_tax_number(written, country)

    assert (number.country, number.compact, (number.root, number.site)) == (issuer, compact, parts)
    assert number.check is NumberCheck.WELL_FORMED


@pytest.mark.parametrize(
    ("written", "country", "check"),
    [
        ("DE136695977", "DE", NumberCheck.MALFORMED),
        ("07-1234567", "US", NumberCheck.MALFORMED),
        ("16.727.230/0001-98", "BR", NumberCheck.MALFORMED),
        ("n/a", "US", NumberCheck.ABSENT),
        ("none", "DE", NumberCheck.ABSENT),
        ("", "DE", NumberCheck.ABSENT),
        ("00-0000000", "US", NumberCheck.ABSENT),
        ("999999999", "US", NumberCheck.ABSENT),
        ("1234567", "QA", NumberCheck.UNCHECKED),
        ("123-45-6789", "US", NumberCheck.PERSONAL),
        ("1234 5678 9012", "JP", NumberCheck.PERSONAL),
        ("390.533.447-05", "BR", NumberCheck.PERSONAL),
        ("S1234567D", "SG", NumberCheck.PERSONAL),
        ("AB 12 34 56 C", "GB", NumberCheck.PERSONAL),
        ("2 95 10 99 126 111 93", "FR", NumberCheck.PERSONAL),
        ("36 574 261 809", "DE", NumberCheck.PERSONAL),
    ],
)
def test_what_cannot_be_a_company_number_is_told(written: str, country: str, check: NumberCheck) -> None:
    assert read_tax_number(written, country).check is check


def test_a_persons_number_is_not_kept() -> None:
    number = read_tax_number("123-45-6789", "US")

    assert (number.compact, number.root) == ("", "")


def test_a_company_number_is_not_taken_for_a_persons() -> None:
    assert not is_personal_number("7010001008844", "JP")
    assert not is_personal_number("12-3456789", "US")
    assert not is_personal_number("73282932000017", "FR")
    assert not is_personal_number("123026635", "CA")


@pytest.mark.parametrize(
    ("left", "left_country", "right", "right_country", "match"),
    [
        ("GB980780684", "", "980 7806 84", "", TaxMatch.EQUAL),
        ("XI980780684", "GB", "GB980780684", "GB", TaxMatch.EQUAL),
        ("T7010001008844", "JP", "7010001008844", "", TaxMatch.EQUAL),
        ("27AAPFU0939F1ZV", "IN", "29AAPFU0939F1ZR", "IN", TaxMatch.OTHER_SITE),
        ("AAPFU0939F", "IN", "29AAPFU0939F1ZR", "IN", TaxMatch.EQUAL),
        ("123026635RT0001", "CA", "123026635RT0002", "CA", TaxMatch.OTHER_SITE),
        ("16727230000197", "BR", "16727230000278", "BR", TaxMatch.OTHER_SITE),
        ("FR40303265045", "FR", "303 265 045", "FR", TaxMatch.EQUAL),
        ("DE136695976", "DE", "DE129273398", "DE", TaxMatch.DIFFERENT),
        ("DE136695976", "DE", "136695976", "AT", TaxMatch.UNKNOWN),
        ("M90312345A", "SG", "00192200M", "SG", TaxMatch.UNKNOWN),
        ("", "DE", "DE136695976", "DE", TaxMatch.UNKNOWN),
        ("123-45-6789", "US", "123-45-6789", "US", TaxMatch.UNKNOWN),
    ],
)
def test_numbers_are_compared_by_the_entity_they_name(
    left: str, left_country: str, right: str, right_country: str, match: TaxMatch
) -> None:
    assert compare_tax_numbers(left, left_country, right, right_country) is match
    assert compare_tax_numbers(right, right_country, left, left_country) is match


def test_only_the_last_three_characters_are_shown() -> None:
    assert mask("DE 136-695-976") == "********976"
    assert mask("123") == "***"
    assert mask("") == ""


_COUNTRIES = st.sampled_from(["", "US", "GB", "DE", "FR", "IN", "BR", "JP", "SG", "CA", "NL", "CH", "QA"])


@given(st.text(max_size=30), _COUNTRIES)
def test_any_text_is_read_without_failing(written: str, country: str) -> None:
    number = read_tax_number(written, country)

    assert bool(number.compact) is (number.check not in {NumberCheck.ABSENT, NumberCheck.PERSONAL})


@given(st.text("0123456789", min_size=7, max_size=14), _COUNTRIES)
def test_separators_never_make_another_number(digits: str, country: str) -> None:
    assert compare_tax_numbers(digits, country, f" {digits[:3]}.{digits[3:]} ", country) in {
        TaxMatch.EQUAL,
        TaxMatch.UNKNOWN,
    }
