"""Single facts against each other: which evidence wins, and what only asks (DOM-3.1, 3.2, 3.5)."""

from __future__ import annotations

from typing import Any

import pytest

from mappings.match_facts import NEAR_LINE, compare_parties
from mappings.match_verdict import Likeness, contradiction, judge_facts
from tests.unit.matching import buyer, customer

SAME, SITE, DOUBTFUL, OTHER = Likeness.SAME, Likeness.OTHER_SITE, Likeness.DOUBTFUL, Likeness.OTHER
_LEI, _OTHER_LEI = "213800KUD8LAJWSQ9D15", "5493001KJTIIGC8Y1R12"
Side = dict[str, Any]


def side(name: str, country: str = "", **facts: Any) -> Side:
    return {"name": name, "country": country, **facts}


@pytest.mark.parametrize(
    ("mine", "theirs", "likeness", "reason"),
    [
        (side("Acme Inc", "US", lei=_LEI), side("Acme Inc", "GB", lei=_LEI), DOUBTFUL, "country or registration"),
        (side("Acme Inc", "US", lei=_LEI), side("Acme Inc", "US", lei=_OTHER_LEI), OTHER, "identifiers differ"),
        (side("Acme Ltd", "GB", lei=_LEI, registration_number="01234567"),
         side("Acme Ltd", "GB", lei=_OTHER_LEI, registration_number="1234567"), DOUBTFUL, "another number is equal"),
        (side("Acme Ltd", "GB", registration_number="01234567"),
         side("ACME LIMITED", "GB", registration_number="1234567"), SAME, "registration number is equal"),
        (side("Acme Ltd", "GB", registration_number="01234567"),
         side("Hooli Ltd", "GB", registration_number="01234567"), DOUBTFUL, "names are not similar"),
        (side("Acme Ltd", "GB", registration_number="01234567"),
         side("Acme Ltd", "GB", registration_number="07654321"), OTHER, "registration numbers differ"),
        (side("Acme Ltd", "GB", registration_number="01234567", postal_code="EC1A 1BB"),
         side("Acme Ltd", "GB", registration_number="01234576", postal_code="ec1a1bb"), DOUBTFUL, "mistyped"),
        (side("Northbank plc", "GB", registration_number="01234567", tax_number="GB980780684"),
         side("Northbank Services Ltd", "GB", registration_number="07654321", tax_number="GB980780684"), OTHER,
         "tax group"),
        (side("Orme SAS", "FR", registration_number="73282932000017"),
         side("Orme Conseil SAS", "FR", registration_number="73282932000025"), DOUBTFUL, "not similar"),
        (side("Asha LLP", "IN", tax_number="27AAPFU0939F1ZV"),
         side("Asha Pvt Ltd", "IN", tax_number="29AAPFU0939F1ZR"), DOUBTFUL, "another establishment"),
        (side("Acme Inc", "CA", tax_number="123026635RT0001"),
         side("Acme Inc", "CA", tax_number="123026635RT0002"), DOUBTFUL, "another establishment"),
        (side("Acme Inc", "US", tax_number="12-3456789"), side("Acme Inc", "US", tax_number="12-3456780"), OTHER,
         "tax numbers differ"),
        (side("Acme GmbH", "DE", tax_number="DE136695976"), side("Acme GmbH", "DE", tax_number="DE136695977"),
         DOUBTFUL, "mistyped"),
        (side("Acme Inc", "US", tax_number="12-3456789", city="Boston"),
         side("Acme Inc", "US", tax_number="12-3456780", city="BOSTON"), DOUBTFUL, "mistyped"),
        (side("Acme Inc", "US", tax_number="12-3456789", duns="003548489"),
         side("Acme Inc", "US", tax_number="12-3456780", duns="003548489"), DOUBTFUL, "mistyped"),
        (side("Acme GmbH", "DE", tax_number="DE136695976"), side("Acme", "DE", tax_number="DE136695976"), DOUBTFUL,
         "tax number is equal, but"),
        (side("Acme Inc", "US", duns="003548489"), side("Hooli Inc", "US", duns="003548489"), DOUBTFUL,
         "D-U-N-S number is equal, but"),
        (side("Acme Inc", "US", duns="003548489"), side("Acme LLC", "US", duns="003548489"), DOUBTFUL,
         "D-U-N-S number is equal, but"),
        (side("Acme Inc", "US", duns="003548489", aliases=("Apex",)), side("Apex", "US", duns="003548489"), SAME,
         "D-U-N-S number and the name"),
        (side("City of Acme", "US", duns="003548489", aliases=("Acme Water",)),
         side("Acme Water", "US", duns="003548489"), DOUBTFUL, "D-U-N-S number is equal, but"),
        (side("Acme Inc", "US", duns="003548489", postal_code="02110-1234"),
         side("Acme Inc", "US", duns="003548488", postal_code="02110"), DOUBTFUL, "name and place agree"),
        (side("Acme Inc", "US"), side("Acme Inc", "US"), DOUBTFUL, "no number is known on both sides"),
        (side("Acme Inc", "US"), side("Acme LLC", "US"), DOUBTFUL, "legal forms differ"),
        (side("日立製作所", "JP"), side("Hitachi", "JP"), OTHER, "no number and no name agrees"),
    ],
)  # fmt: skip
def test_the_strongest_evidence_decides(mine: Side, theirs: Side, likeness: Likeness, reason: str) -> None:
    verdict = judge_facts(compare_parties(buyer(**mine), customer(**theirs), NEAR_LINE))

    assert verdict.likeness is likeness
    assert reason in verdict.reason
    assert bool(verdict.code) is (likeness is DOUBTFUL)


def test_another_script_needs_a_number_that_names_one_company_of_one_country() -> None:
    facts = compare_parties(
        buyer("日立製作所", registration_number="12345678"),
        customer("Hitachi", registration_number="12345678"),
        NEAR_LINE,
    )

    assert judge_facts(facts).likeness is DOUBTFUL


@pytest.mark.parametrize(
    ("mine", "theirs", "why"),
    [
        (side("Acme", lei=_LEI), side("Acme", lei=_OTHER_LEI), "the legal entity identifiers differ"),
        (side("Acme", "GB", registration_number="01234567"), side("Acme", "GB", registration_number="07654321"),
         "the registration numbers differ"),
        (side("Acme Inc", lei=_LEI), side("Apex Corp", lei=_LEI), ""),
        (side("Acme"), side("Acme Inc"), ""),
        (side("株式会社日立製作所"), side("Hitachi, Ltd."), ""),
    ],
)  # fmt: skip
def test_a_pointer_is_doubted_for_what_names_another_entity(mine: Side, theirs: Side, why: str) -> None:
    assert contradiction(compare_parties(buyer(**mine), customer(**theirs), NEAR_LINE)) == why
