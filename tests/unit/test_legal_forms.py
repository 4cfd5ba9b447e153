from __future__ import annotations

import pytest

from mappings.company_names import read_company_name
from mappings.legal_forms import LEGAL_FORMS


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("Foo Inc", "US-INC"), ("Foo Corp.", "US-CORP"), ("Foo, L.L.C.", "US-LLC"), ("Foo L.P.", "US-LP"),
        ("Foo PLLC", "US-PLLC"), ("Foo & Co.", "US-CO"), ("Foo Ltée", "GB-LTD"), ("Foo LLP", "GB-LLP"),
        ("Foo Limited", "GB-LTD"), ("Foo C.I.C.", "GB-CIC"), ("Foo DAC", "IE-DAC"), ("Foo CLG", "IE-CLG"),
        ("Foo GmbH", "DE-GMBH"), ("Foo Gesellschaft mit beschränkter Haftung", "DE-GMBH"), ("Foo AG", "DE-AG"),
        ("Foo KG", "DE-KG"), ("Foo GmbH & Co. KG", "DE-GMBH-KG"), ("Foo UG (haftungsbeschränkt)", "DE-UG"),
        ("Foo SE", "EU-SE"), ("Foo eG", "DE-EG"), ("Foo e.V.", "DE-EV"), ("Foo S.A.", "FR-SA"), ("Foo SAS", "FR-SAS"),
        ("Foo SASU", "FR-SASU"), ("SARL Foo", "FR-SARL"), ("Foo S.à r.l.", "FR-SARL"), ("Foo SNC", "FR-SNC"),
        ("SCI Foo", "FR-SCI"), ("Foo B.V.", "NL-BV"), ("Foo NV", "NL-NV"), ("Foo V.O.F.", "NL-VOF"),
        ("Foo CV", "NL-CV"), ("Stichting Foo", "NL-STICHTING"), ("Foo Pvt. Ltd.", "IN-PVT-LTD"),
        ("Foo Private Limited", "IN-PVT-LTD"), ("Foo Pty Ltd", "AU-PTY-LTD"), ("Foo Ltda.", "BR-LTDA"),
        ("Foo S/A", "FR-SA"), ("Foo EIRELI", "BR-EIRELI"), ("株式会社Foo", "JP-KK"), ("Foo株式会社", "JP-KK"),
        ("㈱Foo", "JP-KK"), ("Foo K.K.", "JP-KK"), ("KK Foo", "JP-KK"), ("合同会社Foo", "JP-GK"), ("Foo GK", "JP-GK"),
        ("Foo Pte. Ltd.", "SG-PTE-LTD"),
    ],
)  # fmt: skip
def test_a_legal_form_is_told_from_the_name(written: str, form: str) -> None:
    read = read_company_name(written)

    assert (read.core, read.forms) == ("foo", (form,))


@pytest.mark.parametrize(
    ("written", "core", "forms"),
    [
        ("Foo S/A", "foo", ("FR-SA",)),
        ("Foo DAC", "foo", ("IE-DAC",)),
        ("Foo Ltda - EPP", "foo", ("BR-LTDA",)),
        ("株式会社日立製作所", "日立製作所", ("JP-KK",)),
        ("Foo (Singapore) Pte. Ltd.", "foo singapore", ("SG-PTE-LTD",)),
    ],
)
def test_the_forms_that_word_lists_leave_behind_are_read(written: str, core: str, forms: tuple[str, ...]) -> None:
    read = read_company_name(written)

    assert (read.core, read.forms) == (core, forms)


@pytest.mark.parametrize(
    ("written", "core", "forms"),
    [
        ("SAS Institute Inc.", "sas institute", ("US-INC",)),
        ("GK Software SE", "gk software", ("EU-SE",)),
        ("Help Me", "help me", ()),
        ("METROPOLITAN LIFE INSURANCE COMPANY (INC)", "metropolitan life insurance", ("US-CO", "US-INC")),
    ],
)
def test_words_that_only_look_like_a_form_stay_in_the_name(written: str, core: str, forms: tuple[str, ...]) -> None:
    read = read_company_name(written)

    assert (read.core, read.forms) == (core, forms)


def test_no_spelling_and_no_id_stands_twice_in_the_table() -> None:
    spellings = [spelling for form in LEGAL_FORMS for spelling in form.spellings]

    assert len(spellings) == len(set(spellings))
    assert len(LEGAL_FORMS) == len({form.form_id for form in LEGAL_FORMS})
