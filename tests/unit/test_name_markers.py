from __future__ import annotations

import pytest

from mappings.name_markers import is_consumer_mail, is_placeholder, names_a_government_body


@pytest.mark.parametrize(
    "name",
    ["DOMESTIC AWARDEES (UNDISCLOSED)", "Miscellaneous foreign awardees", "Test", "Test Account 12", "TEST GmbH", "N/A",
     "Individual", "One-Time Customer", "tbd", "", "???"],
)  # fmt: skip
def test_a_placeholder_is_nobody(name: str) -> None:
    assert is_placeholder(name)


@pytest.mark.parametrize(
    "name", ["Test Equipment Inc", "Miscellaneous Metals Inc", "Individual Software Inc", "Sample Ltd", "The Limited"]
)
def test_an_odd_name_is_still_a_company(name: str) -> None:
    assert not is_placeholder(name)


@pytest.mark.parametrize(
    ("name", "is_government"),
    [
        ("TRANSPORTATION, MARYLAND DEPARTMENT OF", True),
        ("Maryland Transportation Authority", True),
        ("VIRGINIA INFORMATION TECHNOLOGIES AGENCY", True),
        ("HM Revenue & Customs", True),
        ("HM Treasury", True),
        ("財務省", True),
        ("GOVERNMENT ACQUISITIONS, INC.", False),
        ("VERIZON FEDERAL INC.", False),
    ],
)
def test_a_government_body_is_marked(name: str, is_government: bool) -> None:
    assert names_a_government_body(name) is is_government


@pytest.mark.parametrize(
    ("address", "is_consumer"), [("gmail.com", True), ("j.smith@GMail.com", True), ("acme.com", False), ("", False)]
)
def test_a_consumer_mail_domain_is_marked(address: str, is_consumer: bool) -> None:
    assert is_consumer_mail(address) is is_consumer
