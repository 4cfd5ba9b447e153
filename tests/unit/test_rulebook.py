from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from mappings.rule_kinds import TermsRule
from mappings.rulebook import UnusableRules, load_rulebook
from models.errors import NeedsRepair
from models.money import Money
from models.roles import Role
from models.terms import BillingType
from tests.unit.planning import BOOK, DEMO_FIRM

DAY = date(2027, 1, 5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "firm"
    shutil.copytree(DEMO_FIRM, copy)
    return copy


def edit(folder: Path, file: str, before: str, after: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert before in text
    (folder / file).write_text(text.replace(before, after, 1), encoding="utf-8")


def problem(folder: Path) -> str:
    with pytest.raises(UnusableRules) as wrong:
        load_rulebook(folder)
    assert wrong.value.code == "TL-INT-045"
    return wrong.value.message


def test_the_demo_firm_has_every_rule_its_deals_need() -> None:
    for name in ("Advisory", "Technology", "Learning", "Operations", "Engineering"):
        assert BOOK.service_line(name, DAY) is not None
    assert BOOK.service_line("Goods", DAY) is None
    assert BOOK.not_services["Goods"]
    assert all(BOOK.billing_rule(billing_type, DAY) for billing_type in BillingType)
    for name in (
        "Harbour & Finch Consulting Inc.", "HARBOUR AND FINCH FEDERAL, LLC", "Harbour & Finch Ltd",
        "Harbour & Finch GmbH", "Harbour & Finch K.K.",
    ):  # fmt: skip
        assert BOOK.entity_named(name, DAY) is not None, name
    assert BOOK.entity_named("Harbour & Finch SARL", DAY) is None


def test_the_catalogue_names_owner_fix_and_deadline_of_every_stop() -> None:
    for code in (
        *(f"TL-CUS-{number:03d}" for number in (1, 2, 3, 4, 6, 8, 9, 14, 15, 16, 17)),
        *(f"TL-CON-{number:03d}" for number in (*range(1, 15), 17)),
        *(f"TL-CHG-{number:03d}" for number in (0, 1, 2, 3, 5, 6)),
        *(f"TL-BIL-{number:03d}" for number in (1, 2, 3)),
        "TL-TIM-001", "TL-TIM-002", "TL-FIN-001", "TL-FIN-002", "TL-INT-001", "TL-INT-002",
    ):  # fmt: skip
        assert BOOK.blocker_kind(code) is not None, code


def test_every_role_has_a_next_level() -> None:
    assert set(BOOK.next_level) == set(Role)


def test_rules_change_on_the_day_the_new_one_starts(folder: Path) -> None:
    edit(folder, "booking.toml", 'id = "TRM-3"\nrequirement = "FIN-12"\nvalid_from = 2015-01-01',
         'id = "TRM-3"\nrequirement = "FIN-12"\nvalid_from = 2015-01-01\nvalid_until = 2027-02-01')  # fmt: skip
    with (folder / "booking.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[terms]]\nid = "TRM-30"\nrequirement = "FIN-12"\nvalid_from = 2027-02-01\ntext = "Net 30"\n'
                   'code = "NET15"\ndays = 15\n')  # fmt: skip
    book = load_rulebook(folder)
    entity = book.entities[0].code
    found = [book.terms_for("net 30", entity, day) for day in (date(2027, 1, 31), date(2027, 2, 1))]
    assert [rule.id for rule in found if rule] == ["TRM-3", "TRM-30"]


def test_terms_of_one_company_go_before_those_of_all(folder: Path) -> None:
    with (folder / "booking.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[terms]]\nid = "TRM-30"\nrequirement = "FIN-12"\nvalid_from = 2015-01-01\ntext = "Net 30"\n'
                   'code = "NET15"\ndays = 15\nentities = ["LE-DE"]\n')  # fmt: skip
    book = load_rulebook(folder)
    codes = {entity.code: book.terms_for("Net 30", entity.code, DAY) for entity in book.entities}
    assert {code: rule.id for code, rule in codes.items() if rule} == {
        "LE-US": "TRM-3", "LE-FED": "TRM-3", "LE-UK": "TRM-3", "LE-DE": "TRM-30", "LE-JP": "TRM-3",
    }  # fmt: skip


def test_a_version_is_never_shared_by_two_contents(folder: Path) -> None:
    before = load_rulebook(folder).version
    assert before == BOOK.version
    edit(folder, "firm.toml", "# Harbour", "# The Harbour")
    assert load_rulebook(folder).version != before


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("booking.toml", "days = 15", 'days = "soon"',
         "booking.toml: rule TRM-2 of `terms`, field days: Input should be a valid integer"),
        ("booking.toml", 'requirement = "FIN-12"\n', "",
         "booking.toml: rule TRM-1 of `terms`, field requirement: Field required"),
        ("booking.toml", "days = 15", "days = 15\nday = 15",
         "booking.toml: rule TRM-2 of `terms`, field day: Extra inputs are not permitted"),
        ("booking.toml", "valid_from = 2015-01-01", "valid_from = 2015-01-01\nvalid_until = 2015-01-01",
         "booking.toml: rule TRM-1 of `terms`: valid_until must be later than valid_from"),
        ("booking.toml", "usd_per_unit = 1.09", "usd_per_unit = 0",
         "booking.toml: rule RAT-1 of `usd_rates`, field usd_per_unit: Input should be greater than 0"),
        ("booking.toml", 'id = "TRM-2"', 'id = "TRM-1"',
         "booking.toml: rule TRM-1 exists already in `terms`. Give it an id of its own."),
        ("booking.toml", 'text = "Net 15"', 'text = "net 30"',
         ("booking.toml: rules TRM-2 and TRM-3 are in force on the same day for the same case. "
         "End TRM-2 with valid_until on the day TRM-3 starts.")),
        ("booking.toml", 'service_line = "Learning"', 'service_line = "Goods"',
         "booking.toml: 'Goods' is also a service line. Remove it from one of the two."),
        ("firm.toml", 'expected = ["LE-UK"]', 'expected = ["LE-FR"]',
         "firm.toml: rule SIG-3 names company LE-FR, which is not in `entities`. Correct the code."),
        ("firm.toml", 'zone = "Europe/Berlin"', 'zone = "Europe/Atlantis"',
         "firm.toml: `calendars`, field DE.zone: no such time zone; write it like America/New_York."),
        ("firm.toml", 'tax = "DE"', 'tax = "FR"',
         "firm.toml: tax works by calendar 'FR', which is not defined. Add [calendars.FR]."),
        ("firm.toml", "ends_at_hour = 17", "ends_at_hour = 9",
         "firm.toml: `working_time`: ends_at_hour must be later than starts_at_hour"),
        ("firm.toml", 'author = "rosa.rules"', "", "the rules: `author`: Field required"),
        ("firm.toml", 'version = "2026-11-1"', 'version = "2026-11-1',
         "firm.toml is not valid TOML: Illegal character"),
        ("approvals.toml", 'condition = "cost-plus"', 'condition = "cost-pus"',
         "approvals.toml: rule APR-11 of `approvals`, field condition: Input should be 'value', 'new-customer'"),
        ("approvals.toml", 'role = "tax"', 'role = "taxes"',
         "approvals.toml: rule APR-5 of `approvals`, field role: Input should be 'sales-operations'"),
        ("blockers.toml", 'code = "TL-CUS-002"', 'code = "TL-CUS-001"',
         "blockers.toml: code TL-CUS-001 is defined twice. Keep one."),
        ("blockers.toml", 'code = "TL-CUS-002"', 'code = "CUS-2"',
         "blockers.toml: rule CUS-2 of `blockers`, field code: String should match pattern"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.endswith(".toml") else "",
)  # fmt: skip
def test_a_rule_that_is_wrong_is_named_with_its_file_and_field(
    folder: Path, file: str, before: str, after: str, said: str
) -> None:
    edit(folder, file, before, after)
    assert problem(folder).startswith(said)


def test_a_section_stands_in_one_file_only(folder: Path) -> None:
    (folder / "more.toml").write_text('author = "mallory"\n', encoding="utf-8")
    assert problem(folder) == "more.toml defines `author`, which firm.toml does already. Keep it in one file."


def test_a_folder_without_rules_is_no_rulebook(tmp_path: Path) -> None:
    assert problem(tmp_path).startswith("No rules in ")


def test_rates_for_limits_are_dated_and_a_missing_one_names_its_fix() -> None:
    assert BOOK.usd(Money.of("1000.00", "EUR"), DAY) == Decimal("1090.00")
    assert BOOK.usd(Money.of("1000.00", "USD"), DAY) == Decimal("1000.00")
    with pytest.raises(NeedsRepair) as missing:
        BOOK.usd(Money.of("1.00", "PLN"), DAY)
    assert missing.value.code == "TL-FIN-002"
    assert missing.value.message == "No USD rate for PLN is in force on 05 Jan 2027. Add one to the rules for limits."


def test_a_rule_covers_its_first_day_and_not_its_last() -> None:
    rule = TermsRule(
        id="T", requirement="R", valid_from=date(2027, 1, 1), valid_until=date(2027, 2, 1), text="x", code="X", days=1
    )
    days = (date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 31), date(2027, 2, 1))
    assert [rule.covers(day) for day in days] == [
        False, True, True, False,
    ]  # fmt: skip


def test_a_signing_rule_can_look_at_the_service_line_too(folder: Path) -> None:
    edit(folder, "firm.toml", 'regions = ["UK"]', 'regions = ["UK"]\nservice_lines = ["Technology"]')
    book = load_rulebook(folder)
    assert [rule.id for rule in book.signing_rules("UK", frozenset({"Technology"}), DAY)] == ["SIG-3"]
    assert not book.signing_rules("UK", frozenset({"Advisory"}), DAY)
    assert not book.signing_rules("", frozenset({"Advisory"}), DAY)
