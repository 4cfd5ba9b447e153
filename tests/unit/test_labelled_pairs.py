"""The 25 labelled pairs of the matching rules (DOM-3), by their number."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from mappings.customer_identity import customer_key
from mappings.customer_match import match_customer
from models.party import BuyerIdentity
from models.survey import CustomerCandidate
from tests.unit.matching import buyer, customer


@dataclass(frozen=True)
class Pair:
    number: int
    buyer: BuyerIdentity
    customer: CustomerCandidate
    outcome: str
    code: str = ""
    one_company: bool | None = None
    """True: the two sides must share a customer key. False: they must not. None: the pair does not say."""
    note: str = ""


PAIRS = [
    Pair(1, buyer("I360TECHNOLOGIES INCORPORATED", duns="019842462"),
         customer("I360Technologies, Inc.", duns="019842462"), "adopt", one_company=True),
    Pair(2, buyer("AT&T MOBILITY LLC", duns="003548489"), customer("AT&amp;amp;T MOBILITY", duns="003548489"),
         "adopt", one_company=True),
    Pair(3, buyer("AT&T MOBILITY LLC"), customer("AT&T TECHNICAL SERVICES COMPANY, INC"), "create", one_company=False),
    Pair(4, buyer("VERIZON FEDERAL INC.", city="Ashburn"),
         customer("VERIZON BUSINESS NETWORK SERVICES INC.", city="Ashburn"), "create", one_company=False),
    Pair(5, buyer("SNAP, INC.", "US", city="Chantilly", duns="007805067"),
         customer("Snap Inc.", "US", city="Santa Monica", duns="080066501"), "create", one_company=False),
    Pair(6, buyer("CRA INTERNATIONAL, INC.", city="Boston", aliases=("CHARLES RIVER ASSOCIATES",), duns="079525325"),
         customer("Charles River Associates", city="Boston"), "ask", "TL-CUS-001"),
    Pair(7, buyer("TRANSPORTATION, MARYLAND DEPARTMENT OF", aliases=("MARYLAND TRANSPORTATION AUTHORITY",),
                  duns="021334987"),
         customer("Maryland Transportation Authority"), "ask", "TL-CUS-001", one_company=False),
    Pair(8, buyer("DOMESTIC AWARDEES (UNDISCLOSED)", duns="790238638"),
         customer("DOMESTIC AWARDEES (UNDISCLOSED)", duns="790238638"), "refuse", "TL-CUS-005"),
    Pair(9, buyer("Müller & Söhne GmbH", tax_number="DE136695976"),
         customer("Mueller und Soehne GmbH", tax_number="DE136695976"), "adopt", one_company=True),
    Pair(10, buyer("Müller GmbH", city="Köln"), customer("Müller GmbH & Co. KG", city="Köln"), "ask", "TL-CUS-001",
         one_company=False),
    Pair(11, buyer("Northbank plc", tax_number="GB980780684", registration_number="01234567"),
         customer("Northbank Services Ltd", tax_number="GB980780684", registration_number="07654321"), "create",
         one_company=False),
    Pair(12, buyer("Northbank plc", tax_number="GB980780684"), customer("NORTHBANK P.L.C.", tax_number="980 7806 84"),
         "adopt"),
    Pair(13, buyer("Asha Advisory LLP", "IN", tax_number="27AAPFU0939F1ZV"),
         customer("Asha Advisory LLP", "IN", tax_number="29AAPFU0939F1ZR"), "adopt", one_company=True,
         note="New site"),
    Pair(14, buyer("Banco X S/A", "BR", tax_number="16.727.230/0001-97"),
         customer("Banco X S.A.", "BR", tax_number="16.727.230/0002-78"), "ask", "TL-CUS-002"),
    Pair(15, buyer("Orme SAS", "FR", registration_number="73282932000017"),
         customer("Orme SAS", "FR", registration_number="73282932000025"), "adopt", one_company=True,
         note="New site"),
    Pair(16, buyer("Contoso Ltd", "GB"), customer("Contoso Ltd", "IE"), "create", one_company=False),
    Pair(17, buyer("KPX Advisory LLP", "GB"), customer("KPX Advisory LLP", "US"), "create", one_company=False),
    Pair(18, buyer("株式会社日立製作所", "JP", registration_number="7010001008844"),
         customer("Hitachi, Ltd.", "JP", registration_number="7010001008844"), "adopt", one_company=True,
         note="alias"),
    Pair(19, buyer("Globex Corporation", domain="globex.com"), customer("Globex Deutschland GmbH"), "create",
         one_company=False),
    Pair(20, buyer("J. Smith Consulting", domain="gmail.com"), customer("John Smith Consulting LLC"), "ask",
         "TL-CUS-001"),
    Pair(21, buyer("Initech Inc", erp_customer_id="4711"), customer("Hooli Inc"), "ask", "TL-CUS-001",
         one_company=False),
    Pair(22, buyer("Initech Inc", erp_customer_id="4711"),
         customer("Initech Inc", is_active=False, merged_into="4802"), "ask", "TL-CUS-003"),
    Pair(23, buyer("Delta Logistics LLC", "US", tax_number="12-3456789"),
         customer("Delta Logistics Holdings Inc", "US", tax_number="12-3456789"), "ask", "TL-CUS-002",
         one_company=False),
    Pair(24, buyer("HM Revenue & Customs", is_government=True), customer("HM Treasury"), "create", one_company=False),
    Pair(25, buyer("Acme Holdings, Inc.", lei="213800KUD8LAJWSQ9D15"),
         customer("Apex Corp", lei="213800KUD8LAJWSQ9D15"),
         "adopt", one_company=True, note="alias"),
]  # fmt: skip
_NUMBERED = pytest.mark.parametrize("pair", PAIRS, ids=[f"pair-{pair.number}" for pair in PAIRS])


def test_all_pairs_are_here() -> None:
    assert [pair.number for pair in PAIRS] == list(range(1, 26))


@_NUMBERED
def test_a_labelled_pair_is_decided_as_labelled(pair: Pair) -> None:
    match = match_customer(pair.buyer, [pair.customer])

    assert (match.outcome, match.blocker_code) == (pair.outcome, pair.code)
    assert (match.adopt == pair.customer) is (pair.outcome == "adopt")
    assert match.evidence
    assert bool(match.question) is (pair.outcome in {"ask", "refuse"})
    assert bool(match.choices) is (pair.outcome == "ask")
    assert any(pair.note in note for note in match.notes) if pair.note else not match.notes


@_NUMBERED
def test_a_key_is_shared_by_one_company_and_never_by_two(pair: Pair) -> None:
    seen = pair.customer
    other_side = BuyerIdentity(
        account_id="A-2", name=seen.name, address=seen.address, tax_number=seen.tax_number, lei=seen.lei,
        registration_number=seen.registration_number, duns=seen.duns,
    )  # fmt: skip

    if pair.one_company is not None:
        assert (customer_key(pair.buyer) == customer_key(other_side)) is pair.one_company


@_NUMBERED
def test_no_number_is_readable_in_what_travels(pair: Pair) -> None:
    match = match_customer(pair.buyer, [pair.customer])
    told = " ".join((*match.evidence, *match.notes, match.question))
    numbers = [
        number
        for side in (pair.buyer, pair.customer)
        for number in (side.tax_number, side.registration_number, side.duns, side.lei)
        if number
    ]

    assert not any(number in told for number in numbers)


def test_pair_3_and_4_stay_apart_with_their_own_numbers_too() -> None:
    for mine, theirs in (
        (buyer("AT&T MOBILITY LLC", "US", duns="003548489"),
         customer("AT&T TECHNICAL SERVICES COMPANY, INC", "US", duns="958303430")),
        (buyer("VERIZON FEDERAL INC.", "US", city="ASHBURN", duns="178041406"),
         customer("VERIZON BUSINESS NETWORK SERVICES INC.", "US", city="ASHBURN", duns="556565836")),
    ):  # fmt: skip
        assert match_customer(mine, [theirs]).outcome == "create"


def test_pair_5_asks_when_neither_side_has_a_number() -> None:
    match = match_customer(buyer("SNAP, INC.", "US", city="Chantilly"), [customer("Snap Inc.", "US")])

    assert (match.outcome, match.blocker_code) == ("ask", "TL-CUS-001")


def test_pair_15_also_holds_where_the_number_stands_in_the_tax_field() -> None:
    match = match_customer(
        buyer("Orme SAS", "FR", tax_number="732 829 320 00017"),
        [customer("Orme SAS", "FR", registration_number="73282932000025")],
    )

    assert match.outcome == "adopt"
    assert match.notes[0].startswith("New site")


def test_pair_20_says_that_the_mail_domain_is_no_evidence() -> None:
    pair = PAIRS[19]

    assert any("mail domain" in sentence for sentence in match_customer(pair.buyer, [pair.customer]).evidence)


def test_pair_22_offers_the_survivor_and_nothing_else() -> None:
    pair = PAIRS[21]
    survivor = customer("Initech Incorporated", record_id="4802")

    match = match_customer(pair.buyer, [pair.customer, survivor])

    assert [choice.value for choice in match.choices] == ["same:4802"]
    assert "4802" in match_customer(pair.buyer, [pair.customer]).question
    assert match_customer(pair.buyer, [pair.customer, survivor], answer="same:4802").adopt == survivor
    assert match_customer(pair.buyer, [pair.customer, survivor], answer="same:4711").outcome == "ask"
    assert match_customer(pair.buyer, [pair.customer, survivor], answer="different").outcome == "ask"
