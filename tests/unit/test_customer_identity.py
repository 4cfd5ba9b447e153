from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from mappings.customer_identity import customer_key
from mappings.registration_numbers import read_duns, read_lei, read_registration
from tests.unit.matching import buyer

_LEI = "213800KUD8LAJWSQ9D15"


def test_nothing_readable_is_left_in_a_key() -> None:
    key = customer_key(buyer("Acme GmbH", "DE", tax_number="DE136695976"))

    assert "acme" not in key
    assert "136695976" not in key
    assert len(key) <= 60
    assert key.isascii()
    assert key.isalnum()


def test_a_registration_number_comes_before_everything_else() -> None:
    one = buyer("Northbank plc", "GB", registration_number="1234567", tax_number="GB980780684", lei=_LEI)
    other = buyer("North Bank", "GB", registration_number="01234567")

    assert customer_key(one) == customer_key(other)
    assert customer_key(one) != customer_key(buyer("Northbank plc", "IE", registration_number="1234567"))


def test_a_number_of_a_local_register_counts_together_with_the_name() -> None:
    one = buyer("Orme GmbH", "DE", registration_number="HRB 12345")

    assert customer_key(one) == customer_key(buyer("ORME G.m.b.H.", "DE", registration_number="HRB12345"))
    assert customer_key(one) != customer_key(buyer("Acme GmbH", "DE", registration_number="HRB 12345"))


def test_members_of_a_tax_group_have_keys_of_their_own() -> None:
    names = ("Northbank plc", "Northbank Ltd", "Northbank Services Ltd")

    assert len({customer_key(buyer(name, "GB", tax_number="GB980780684")) for name in names}) == 3


def test_sites_of_one_tax_root_share_a_key() -> None:
    states = {customer_key(buyer("Asha LLP", "IN", tax_number=f"{state}AAPFU0939F1ZV")) for state in ("27", "29")}
    establishments = {
        customer_key(buyer("Banco X", "BR", tax_number=number)) for number in ("16727230000197", "16.727.230/0002-78")
    }

    assert len(states) == len(establishments) == 1


def test_a_siren_counts_as_registration_number_wherever_it_stands() -> None:
    in_tax_field = buyer("Orme SAS", "FR", tax_number="73282932000017")

    assert customer_key(in_tax_field) == customer_key(buyer("Orme", "FR", registration_number="732 829 320"))


def test_a_japanese_or_singapore_entity_number_counts_wherever_it_stands() -> None:
    for country, number in (("JP", "T7010001008844"), ("SG", "00192200M")):
        in_tax_field = buyer("Acme", country, tax_number=number)

        assert customer_key(in_tax_field) == customer_key(buyer("Acme Ltd", country, registration_number=number))


def test_a_duns_number_counts_only_where_it_is_the_sole_number() -> None:
    sole = buyer("AT&T Mobility LLC", "US", duns="003548489")
    with_tax = buyer("AT&T Mobility LLC", "US", duns="003548489", tax_number="12-3456789")

    assert customer_key(sole) == customer_key(buyer("AT&amp;T MOBILITY", duns="00-354-8489"))
    assert customer_key(with_tax) == customer_key(buyer("AT&T Mobility LLC", "US", tax_number="123456789"))


def test_a_name_counts_with_legal_form_and_country() -> None:
    keys = {customer_key(buyer(*who)) for who in (("Acme GmbH", "DE"), ("Acme AG", "DE"), ("Acme GmbH", "AT"))}

    assert len(keys) == 3


def test_fillers_are_no_number() -> None:
    one = buyer("Acme Inc", "US", tax_number="n/a", registration_number="none", duns="000000000", lei="?")

    assert customer_key(one) == customer_key(buyer("ACME, Inc.", "US"))
    assert customer_key(one) != customer_key(buyer("Hooli Inc", "US", tax_number="n/a", registration_number="none"))


def test_a_persons_number_is_never_part_of_a_key() -> None:
    assert customer_key(buyer("Acme Inc", "US", tax_number="123-45-6789")) == customer_key(buyer("Acme Inc", "US"))


def test_records_without_a_name_are_only_themselves() -> None:
    assert customer_key(buyer("?", account_id="A-1")) != customer_key(buyer("?", account_id="A-2"))


def test_a_buyer_that_was_told_apart_has_a_key_of_its_own() -> None:
    mine = buyer("Contoso Ltd", "GB", account_id="A-1")
    other = buyer("Contoso Ltd", "GB", account_id="A-2")

    assert customer_key(mine) == customer_key(other)
    assert len({customer_key(mine), customer_key(mine, stands_apart=True), customer_key(other, stands_apart=True)}) == 3


def test_registration_numbers_are_read_as_registers_write_them() -> None:
    assert read_registration("Company No. 1234567", "GB").number == "01234567"
    assert read_registration("SC123456", "GB").number == "SC123456"
    assert read_registration("RCS Paris 732 829 320", "FR").number == "732829320"
    assert read_registration("16.727.230/0002-78", "BR").site == "0002"
    assert read_registration("T7010001008844", "JP").number == "7010001008844"
    assert not read_registration("HRB 12345", "DE").is_unique
    assert read_registration("0000", "GB").number == ""


def test_identifiers_with_a_wrong_check_prove_nothing() -> None:
    assert read_lei(_LEI.lower()) == _LEI
    assert read_lei("213800KUD8LAJWSQ9D16") == ""
    assert read_duns("00-354-8489") == "003548489"
    assert read_duns("12345") == ""


_NAMES = st.lists(
    st.sampled_from(["Müller", "Straße", "Nord", "AT&T", "O'Brien", "日立", "Élan"]), min_size=1, max_size=4
)
_FORMS = st.sampled_from(["GmbH", "Inc", "S/A", "Ltd", "LLC", ""])
_GAPS = st.sampled_from([" ", "  ", "\t", "\u00a0"])


@given(_NAMES, _FORMS, _GAPS, st.sampled_from([str.upper, str.lower, str.title]), st.sampled_from(["", ".", " .", "!"]))
def test_a_key_does_not_move_with_case_space_and_punctuation(
    words: list[str], form: str, gap: str, case: Callable[[str], str], end: str
) -> None:
    name = " ".join([*words, form]).strip()
    other = case(gap.join([*words, form])) + end

    assert customer_key(buyer(name, "DE")) == customer_key(buyer(other, "DE"))
