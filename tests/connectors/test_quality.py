import tomllib
from pathlib import Path

import pytest

CONNECTORS = Path(__file__).resolve().parents[2] / "connectors"
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
            assert set(rule) <= {"status", "reason"}, name
            assert rule["status"] in {"done", "todo", "exempt"}, name
            assert rule["status"] == "done" or len(rule.get("reason", "")) > 20, f"{name} does not say why"
