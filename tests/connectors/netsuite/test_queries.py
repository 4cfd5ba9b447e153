from __future__ import annotations

import pytest
from pydantic import SecretStr

from connectors.netsuite import queries
from connectors.netsuite.config import CustomFields, NetSuiteConfig, TbaLogin
from tests.connectors.netsuite import samples

SECRET = SecretStr("s")
CONFIG = NetSuiteConfig(
    account_id="123456",
    login=TbaLogin(consumer_key="c", consumer_secret=SECRET, token_id="t", token_secret=SECRET),
)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("Northwind Traders Ltd", "NORTHWIND"),
        ("The Graduate School", "GRADUATE"),
        ("General Electric Company", "GENERAL ELECTRIC"),
        ("AT&T Mobility LLC", "AT&T"),
        ("3M Company", "3M COMPANY"),
        ("United States National Bank", "UNITED STATES"),
        ("株式会社日立製作所", "株式会社日立製作所"),
        ("%_", ""),
        ("", ""),
    ],
)
def test_the_search_starts_with_the_words_that_tell_a_company_apart(name: str, start: str) -> None:
    assert queries.leading_words(name) == start


def test_a_name_is_searched_in_the_spellings_an_account_may_hold() -> None:
    forms = queries.name_forms(["Müller & Söhne  GmbH"])
    assert {"MÜLLER & SÖHNE GMBH", "MULLER & SOHNE GMBH", "MUELLER & SOEHNE GMBH"} == set(forms)


def test_a_number_is_searched_with_and_without_its_country() -> None:
    assert queries.number_forms(["gb 980 7806 84", "012-34"]) == ("GB980780684", "980780684", "01234")


def test_no_value_ever_stands_in_the_text() -> None:
    hostile = "x' OR '1'='1"
    asked = samples.question(
        names=(hostile,), tax_numbers=(hostile,), registration_number=hostile, duns=hostile, lei=hostile,
        account_id=hostile, contract_number=hostile, keys=(samples.key(hostile),), customer_key=samples.key(hostile),
    )  # fmt: skip
    query = queries.survey(asked, CONFIG, with_addresses=True)
    assert hostile not in query.text
    assert "'1'='1'" not in query.text
    assert query.text.count("?") == len(query.params)


def test_the_survey_is_one_text_with_as_many_places_as_values() -> None:
    query = queries.survey(samples.question(erp_customer_id="647"), CONFIG, with_addresses=True)
    assert query.text.count(" UNION ALL ") == 4
    assert query.text.count("?") == len(query.params)
    assert "647" in query.params


def test_a_crm_record_with_a_foreign_erp_id_does_not_search_by_it() -> None:
    assert "x; 1" not in queries.survey(samples.question(erp_customer_id="x; 1"), CONFIG, with_addresses=True).params


def test_fields_the_account_does_not_have_are_not_asked_for() -> None:
    poor = CONFIG.model_copy(
        update={
            "custom": CustomFields(customer_duns="", customer_lei="", project_at_risk="", contract_cap=""),
            "tax_registration_table": "",
            "customer_subsidiary_column": False,
        }
    )
    text = queries.survey(samples.question(), poor, with_addresses=False).text
    absent = ("tl_duns", "tl_lei", "tl_at_risk", "tl_value_cap", "taxregistration", "entityaddress", "c.subsidiary")
    assert not [name for name in absent if name in text]


def test_many_spellings_stay_bounded() -> None:
    query = queries.survey(samples.question(names=tuple(f"Name {n}" for n in range(1000))), CONFIG, with_addresses=True)
    assert len(query.params) < 100


def test_all_branches_of_the_survey_have_the_same_columns() -> None:
    query = queries.survey(samples.question(), CONFIG, with_addresses=True)
    widths = {_width(branch) for branch in query.text.split(" UNION ALL ")}
    assert len(widths) == 1


def _width(branch: str) -> int:
    """Columns of the outermost SELECT list, commas inside parentheses left out."""
    depth, width = 0, 1
    text = branch.removeprefix("SELECT ")
    for place, letter in enumerate(text):
        if depth == 0 and text.startswith(" FROM ", place):
            break
        depth += (letter == "(") - (letter == ")")
        width += letter == "," and depth == 0
    return width
