"""The companies of a public list of contract actions: 102 companies with their alternate spellings."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from mappings.customer_identity import customer_key
from mappings.customer_match import match_customer
from mappings.name_markers import is_placeholder
from models.party import BuyerIdentity
from tests.unit.matching import buyer, customer

_FILE = Path(__file__).parents[2] / "sandbox/salesforce/data/us-treasury-contract-actions-2016-09.csv"
_COUNTRIES = {"USA": "US", "BRA": "BR", "": ""}


@pytest.fixture(scope="module")
def companies() -> dict[str, list[BuyerIdentity]]:
    """D-U-N-S number -> every spelling of the company, each with the alternate names of its row."""
    found: dict[str, dict[str, BuyerIdentity]] = defaultdict(dict)
    with _FILE.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            for name in (row["vendorname"], row["vendorlegalorganizationname"]):
                if name:
                    found[row["dunsnumber"]][name] = buyer(
                        name,
                        _COUNTRIES[row["vendorcountrycode"][:3]],
                        duns=row["dunsnumber"],
                        city=row["city"],
                        aliases=tuple(filter(None, (row["vendoralternatename"], row["vendordoingasbusinessname"]))),
                    )
    return {duns: list(spellings.values()) for duns, spellings in found.items()}


def test_the_file_is_the_one_we_know(companies: dict[str, list[BuyerIdentity]]) -> None:
    assert len(companies) == 102


def test_two_companies_never_share_a_key(companies: dict[str, list[BuyerIdentity]]) -> None:
    by_number = {customer_key(one) for spellings in companies.values() for one in spellings}
    by_name = {
        customer_key(spellings[0].model_copy(update={"duns": "", "account_id": duns}))
        for duns, spellings in companies.items()
    }

    assert len(by_number) == len(by_name) == len(companies)


def test_every_spelling_of_a_company_is_adopted_by_its_own_record(companies: dict[str, list[BuyerIdentity]]) -> None:
    erp = [
        customer(one.name, one.address.country, duns, duns=duns, city=one.address.city)
        for duns, (one, *_) in companies.items()
    ]
    for duns, spellings in companies.items():
        for one in spellings:
            match = match_customer(one, erp)
            if is_placeholder(one.name):
                assert match.outcome == "refuse"
            else:
                assert (one.name, match.adopt and match.adopt.ref.record_id) == (one.name, duns)


def test_without_its_own_record_no_company_is_adopted_by_another(companies: dict[str, list[BuyerIdentity]]) -> None:
    for duns, (one, *_) in companies.items():
        others = [
            customer(other.name, other.address.country, other_duns, duns=other_duns, city=other.address.city)
            for other_duns, (other, *_) in companies.items()
            if other_duns != duns
        ]

        assert (one.name, match_customer(one, others).outcome) in {(one.name, "create"), (one.name, "refuse")}


def test_a_name_alone_is_never_adopted(companies: dict[str, list[BuyerIdentity]]) -> None:
    for one, *_ in companies.values():
        alone = match_customer(one.model_copy(update={"duns": ""}), [customer(one.name, one.address.country)])

        assert alone.outcome in {"ask", "refuse"}
