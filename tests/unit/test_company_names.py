from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.company_names import name_score, normal_name, read_company_name, same_script, search_spellings


@pytest.mark.parametrize(
    ("written", "core", "forms"),
    [
        ("AT&amp;amp;T MOBILITY", "at and t mobility", ()),
        ("AT&T MOBILITY LLC", "at and t mobility", ("US-LLC",)),
        ("I360TECHNOLOGIES INCORPORATED", "i360technologies", ("US-INC",)),
        ("I360Technologies, Inc.", "i360technologies", ("US-INC",)),
        ("SNAP, INC.", "snap", ("US-INC",)),
        ("BUREAU OF NATIONAL AFFAIRS, INC., THE", "bureau of national affairs", ("US-INC",)),
        ("POTOMAC EDISON COMPANY, THE", "potomac edison", ("US-CO",)),
        ("TRANSPORTATION, MARYLAND DEPARTMENT OF", "maryland department of transportation", ()),
        ("NAVY, DEPARTMENT OF THE", "department of the navy", ()),
        ("ROE, JANE", "jane roe", ()),
        ("STUART L. PLOTNICK, LLC", "stuart l plotnick", ("US-LLC",)),
        ("EXECUTIVE INFORMATION SYSTEMS,", "executive information systems", ()),
        ("VETTORI, RUBINSTEIN & FOZ SOCIEDADE DE ADVOGADOS.", "vettori rubinstein and foz sociedade de advogados", ()),
        ("STANDARD & POOR'S FINANCIAL SERVICES LLC", "standard and poors financial services", ("US-LLC",)),
        ("F C N", "fcn", ()),
        ("CANON U.S.A., INC.", "canon usa", ("US-INC",)),
        ("Weiß und Söhne GmbH", "weiss and soehne", ("DE-GMBH",)),
        ("Dupont et Fils SARL", "dupont and fils", ("FR-SARL",)),
        ("Gómez y Pérez, S.L.", "gomez and perez", ("ES-SL",)),
        ("\uff21\uff23\uff2d\uff25\u3000\uff2c\uff54\uff44", "acme", ("GB-LTD",)),
        ("NORTHBANK P.L.C.", "northbank", ("GB-PLC",)),
        ("AG", "ag", ()),
        ("", "", ()),
        (" .,- ", "", ()),
    ],
)
def test_a_name_is_read_as_it_is_spoken(written: str, core: str, forms: tuple[str, ...]) -> None:
    read = read_company_name(written)

    assert (read.core, read.forms) == (core, forms)


@pytest.mark.parametrize(
    ("written", "core", "aliases"),
    [
        ("Maysoft, Inc. d/b/a The Mayflower Group", "maysoft", ("The Mayflower Group",)),
        ("Maysoft DBA The Mayflower Group", "maysoft", ("The Mayflower Group",)),
        ("CRA International, Inc. (formerly Charles River Associates)", "cra international",
         ("Charles River Associates",)),
        ("Acme Ltd f/k/a Apex Ltd d/b/a Zenith", "acme", ("Apex Ltd", "Zenith")),
        ("Formerly Hooli Inc", "hooli", ()),
    ],
)  # fmt: skip
def test_trade_names_and_former_names_become_aliases(written: str, core: str, aliases: tuple[str, ...]) -> None:
    read = read_company_name(written)

    assert (read.core, read.aliases) == (core, aliases)


def test_an_umlaut_is_found_written_out_and_dropped() -> None:
    assert read_company_name("Müller GmbH").spellings == {"mueller", "muller"}
    assert set(search_spellings("Müller GmbH (vormals)", "Acme d/b/a Röhm")) >= {"acme", "roehm", "rohm"}


def test_the_original_is_kept_to_be_shown() -> None:
    assert read_company_name("AT&amp;T MOBILITY").original == "AT&T MOBILITY"


def test_ampersands_that_only_look_like_entities_stay() -> None:
    assert normal_name("Kauf&notes Ltd") == "kauf and notes"
    assert normal_name("Foo &AMP; Bar") == normal_name("Foo & Bar")


def test_scripts_that_share_no_letter_are_not_compared() -> None:
    assert not same_script("株式会社日立製作所", "Hitachi, Ltd.")
    assert same_script("Hitachi", "Hitachi, Ltd.")


def test_a_score_suggests_typing_errors_but_not_relatives() -> None:
    assert name_score("Northwind Ltd", "Nortwind Limited") > 90
    assert name_score("J. Smith Consulting", "John Smith Consulting LLC") > 90
    assert name_score("Globex Corporation", "Globex Deutschland GmbH") < 60
    assert name_score("", "Acme") == 0


@given(st.text(max_size=40))
def test_reading_a_name_twice_changes_nothing(written: str) -> None:
    assert normal_name(normal_name(written)) == normal_name(written)


_WORDS = st.sampled_from(
    ["the", "a", "s", "&", "und", "Müller", "Inc.", "Ltd", "d/b/a", "(株)", "株式会社", "of", ",", "-", "ME", "S/A",
     "KG", "co", "&amp;", "formerly", "dba", "y"]
)  # fmt: skip


@given(st.lists(_WORDS, max_size=8).map(" ".join))
def test_reading_odd_names_twice_changes_nothing(written: str) -> None:
    assert normal_name(normal_name(written)) == normal_name(written)
