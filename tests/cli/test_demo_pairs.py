"""Any pair of systems makes settings that the product reads, and says what is simulated and what is real."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.demo_books import books_of
from cli.demo_dialects import dialects_of
from cli.demo_firm import told_of
from cli.demo_processes import Ready
from cli.demo_settings import DemoPorts, accounts_of, demo_environment, demo_rules
from mappings.rulebook import load_rulebook
from models.errors import NeedsRepair
from models.ids import FirmId, LegalEntityCode
from runtime.people import make_demo_people
from runtime.registry import config_of
from runtime.settings import Settings, load_settings


def ready(folder: Path, system: str) -> Ready:
    key = folder / f"{system}.key"
    key.write_text("a key", encoding="utf-8")
    client: dict[str, str | int | bool | None] = dict.fromkeys(
        ("consumer_key", "username", "access_token", "account", "client_id", "certificate_id", "database", "api_key"),
        "123456",
    )
    client |= {"private_key_file": str(key), "private_key": str(key), "portal_id": 148}
    return Ready(system=system, url="http://127.0.0.1:8181", client=client)


def settings_of(folder: Path, crm: str, erp: str) -> Settings:
    dialects, books = dialects_of(crm), books_of(erp)
    selling, booking = accounts_of(
        [(said, ready(folder, said.system)) for said in dialects],
        [(kept, ready(folder, kept.system)) for kept in books],
    )
    rules = demo_rules(folder, booking, books)
    return load_settings(
        demo_environment(
            FirmId("hf"), folder, make_demo_people(folder), DemoPorts(), selling=selling, booking=booking, rules=rules,
            temporal="127.0.0.1:7233",
        )
    )  # fmt: skip


@pytest.mark.parametrize("crm", ["salesforce", "hubspot", "both"])
@pytest.mark.parametrize("erp", ["netsuite", "tryton", "both"])
def test_each_pair_makes_settings_that_every_connector_reads(tmp_path: Path, crm: str, erp: str) -> None:
    settings = settings_of(tmp_path, crm, erp)
    assert [one.connection for one in settings.connections[:2]] == ["crm-main", "erp-main"]
    assert len(settings.connections) == 2 + (crm == "both") + (erp == "both")
    for connection in settings.connections:
        assert config_of(connection)


def test_with_two_erps_each_company_has_one_and_only_one(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "both", "both")
    book = load_rulebook(settings.rulebook_folder)
    found = {
        rule.code: chosen.connection
        for rule in book.entities
        if (chosen := book.erp_of(LegalEntityCode(rule.code), rule.valid_from)) is not None
    }
    assert len(found) == len(book.entities)
    assert (found[LegalEntityCode("LE-FED")], found[LegalEntityCode("LE-US")]) == ("erp-main", "erp-tryton")
    assert book.erp_of(None, book.entities[0].valid_from) is None


def test_what_is_real_and_what_is_simulated_is_said() -> None:
    told = told_of(dialects_of("salesforce"), books_of("both"))
    assert told.startswith("Simulated: the CRM Salesforce and the ERP NetSuite.")
    assert "Real: the ERP Tryton (its own server, on this machine), Temporal and Tieline." in told


def test_an_unknown_system_is_refused_with_those_there_are() -> None:
    with pytest.raises(NeedsRepair, match="salesforce, hubspot, both"):
        dialects_of("pipedrive")
    with pytest.raises(NeedsRepair, match="netsuite, tryton, both"):
        books_of("odoo")
