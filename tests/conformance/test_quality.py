"""Every connector says of every rule of the quality ladder whether it holds; what holds names its tests."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONNECTORS = ROOT / "connectors"
FOLDERS = sorted(path.parent for path in CONNECTORS.glob("*/__init__.py"))
LADDER = {
    "bronze": {
        "auth_tested_before_first_use", "capabilities_pass_conformance", "fault_table_tested_row_by_row",
        "limits_and_permissions_documented",
    },
    "silver": {
        "lost_answer_tested", "concurrency_tested", "retry_after_honoured", "events_verified", "outage_logged_once",
    },
    "gold": {
        "bulk_calls_where_they_save_quota", "calls_per_deal_measured", "diagnostics_with_redaction",
        "public_client_works_against_the_simulator",
    },
    "platinum": {
        "contract_tested_against_published_schema", "api_version_upgrade_rehearsed",
        "zero_write_second_run_at_10000_records",
    },
}  # fmt: skip
FILES = {
    "__init__.py", "config.py", "auth.py", "client.py", "schemas.py", "mapping.py", "adapter.py", "events.py",
    "errors.py", "quality.toml", "README.md",
}  # fmt: skip


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_a_connector_is_a_folder_that_looks_like_every_other(folder: Path) -> None:
    assert not FILES - {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_a_connector_says_of_every_rule_whether_it_holds_and_if_not_why(folder: Path) -> None:
    said = tomllib.loads((folder / "quality.toml").read_text())
    assert {level: set(rules) for level, rules in said.items()} == LADDER
    for rules in said.values():
        for name, rule in rules.items():
            assert set(rule) <= {"status", "reason", "tests"}, name
            assert rule["status"] in {"done", "todo", "exempt"}, name
            assert rule["status"] == "done" or len(rule.get("reason", "")) > 20, f"{name} does not say why"
            assert bool(rule.get("tests")) == (rule["status"] == "done"), f"{name} names no tests, or is not done"
            for test in rule.get("tests", ()):
                assert _exists(test), f"{name}: there is no {test}"


def _exists(test: str) -> bool:
    path, _, name = test.partition("::")
    file = ROOT / path
    return file.is_file() and re.search(rf"def {re.escape(name)}\(", file.read_text(encoding="utf-8")) is not None


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_a_connectors_page_tells_set_up_calls_and_how_one_effect_is_kept(folder: Path) -> None:
    page = (folder / "README.md").read_text(encoding="utf-8")
    for heading in (
        r"Set up|What the \w+ must have",
        "Calls",
        "One effect|How a write has one effect",
        "Gaps|Not certain",
    ):
        assert re.search(rf"^## ({heading})", page, re.MULTILINE), heading
    assert "limit" in page.lower()
    assert re.search(r"\bproof\b|Guard\.PROOF", page)
