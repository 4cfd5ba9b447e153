from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from models.errors import NeedsRepair
from models.ids import PersonId
from runtime.demo_people import make_demo_people
from runtime.registry import spec_of
from runtime.settings import WrongSetting, load_settings


@pytest.fixture
def given(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "rules").mkdir()
    (tmp_path / "people.toml").write_text("", encoding="utf-8")
    return {
        "TIELINE_FIRM": "harbour-finch",
        "TIELINE_STORE_URL": "sqlite:///var/store.db",
        "TIELINE_PEOPLE_FILE": str(tmp_path / "people.toml"),
        "TIELINE_RULEBOOK_FOLDER": str(tmp_path / "rules"),
        "TIELINE_CRM__CONNECTOR": "some_crm",
        "TIELINE_CRM__EVENT_SECRETS": '["0123456789abcdef-canary-one", "0123456789abcdef-canary-two"]',
        "TIELINE_CRM__CONFIG__CLIENT_ID": "id-1",
        "TIELINE_CRM__CONFIG__LOGIN__SECRET": "canary-three",
        "TIELINE_ERP__CONNECTOR": "some_erp",
        "TIELINE_ERP__CONFIG__TAGS": '["a", "b"]',
        "PATH": "/bin",
    }


def test_the_smallest_set_of_variables_gives_working_defaults(given: dict[str, str]) -> None:
    settings = load_settings(given)

    assert settings.task_queue == "tieline"
    assert settings.crm.connection == "crm-main"
    assert settings.erp.connection == "erp-main"
    assert settings.telemetry.endpoint == ""
    assert settings.limits.event_bytes == 1_000_000


def test_a_connector_reads_its_own_settings_in_the_clear(given: dict[str, str]) -> None:
    values = load_settings(given).crm.values()

    assert values["client_id"] == "id-1"
    assert values["login"] == {"secret": "canary-three"}
    assert load_settings(given).erp.values()["tags"] == ["a", "b"]


def test_a_secret_may_stand_in_a_file(given: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("line one\nline two\n", encoding="utf-8")
    given["TIELINE_ERP__CONFIG__LOGIN__PRIVATE_KEY_PEM_FILE"] = str(tmp_path / "key.pem")

    assert load_settings(given).erp.values()["login"] == {"private_key_pem": "line one\nline two"}


def test_a_secret_file_that_is_missing_is_named(given: dict[str, str], tmp_path: Path) -> None:
    given["TIELINE_ERP__CONFIG__KEY_FILE"] = str(tmp_path / "gone.pem")

    with pytest.raises(WrongSetting, match=r"KEY_FILE: cannot read .*gone\.pem"):
        load_settings(given).erp.values()


def test_no_secret_shows_when_settings_are_printed(given: dict[str, str]) -> None:
    given["TIELINE_STORE_URL"] = "postgresql://tieline:canary-four@db/tieline"
    given["TIELINE_TELEMETRY__HEADERS"] = "api-key=canary-five"

    assert "canary" not in repr(load_settings(given))
    assert "canary" not in str(load_settings(given).model_dump())


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("TIELINE_API_PORT", "eighty", r"TIELINE_API_PORT: Input should be a valid integer"),
        ("TIELINE_FIRM", "Harbour & Finch", r"TIELINE_FIRM has the wrong form"),
        ("TIELINE_STORE_URL", "mysql://canary@h/d", r"TIELINE_STORE_URL: Give sqlite:///path"),
        ("TIELINE_PEOPLE_FILE", "/nowhere/people.toml", r"TIELINE_PEOPLE_FILE: There is no file"),
        ("TIELINE_RULEBOOK_FOLDER", "/nowhere", r"TIELINE_RULEBOOK_FOLDER: There is no folder"),
        ("TIELINE_CRM__EVENT_SECRETS", '["canary"]', r"TIELINE_CRM__EVENT_SECRETS: A secret has at least 16"),
        ("TIELINE_CRM__EVENT_SECRETS", "not json canary", r"TIELINE_CRM.* is not valid JSON"),
        ("TIELINE_LIMITS__EVENT_BYTES", "5", r"TIELINE_LIMITS__EVENT_BYTES: Input should be greater"),
        ("TIELINE_LIMITS__EVENT_BITES", "5", r"TIELINE_LIMITS__EVENT_BITES is not a setting"),
        ("TIELINE_TELEMETRY__ENDPOINT", "collector:4318", r"TIELINE_TELEMETRY__ENDPOINT: Give an OTLP/HTTP address"),
        ("TIELINE_TASK_QUEUES", "x", r"TIELINE_TASK_QUEUES is not .* Did you mean TIELINE_TASK_QUEUE"),
        ("TIELINE_ERP__CONNECTION", "crm-main", r"same name: crm-main"),
    ],
)
def test_a_wrong_setting_names_the_variable_and_the_fix(
    given: dict[str, str], variable: str, value: str, expected: str
) -> None:
    given[variable] = value

    with pytest.raises(WrongSetting, match=expected) as wrong:
        load_settings(given)

    assert "canary" not in wrong.value.message


def test_a_missing_setting_names_the_variable(given: dict[str, str]) -> None:
    del given["TIELINE_FIRM"]
    del given["TIELINE_CRM__CONNECTOR"]

    with pytest.raises(WrongSetting, match="TIELINE_FIRM is not set") as wrong:
        load_settings(given)

    assert "TIELINE_CRM__CONNECTOR is not set" in wrong.value.message


def test_temporal_is_found_by_its_own_variables(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", "")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.example:7233")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "billing")

    settings = load_settings(given)

    assert settings.temporal_address == "temporal.example:7233"
    assert settings.temporal_connect_config()["namespace"] == "billing"


def test_a_private_key_that_others_can_read_is_refused(given: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    key = tmp_path / "keys" / "ada.finance.pem"
    key.write_text("key", encoding="utf-8")
    key.chmod(0o644)

    with pytest.raises(NeedsRepair, match="chmod 600"):
        load_settings(given).private_key_of(PersonId("ada.finance"))

    key.chmod(0o600)
    assert load_settings(given).private_key_of(PersonId("ada.finance")).get_secret_value() == "key"


@pytest.mark.parametrize("person", ["nobody", "../people", "a/b", ""])
def test_a_private_key_is_only_looked_for_under_a_persons_name(given: dict[str, str], person: str) -> None:
    with pytest.raises(NeedsRepair, match="no private key"):
        load_settings(given).private_key_of(PersonId(person))


def test_the_example_of_settings_is_complete_and_every_connector_accepts_it(tmp_path: Path) -> None:
    example = Path(__file__).resolve().parents[2] / "deploy" / "tieline.env.example"
    given = dict(item.split("=", 1) for item in shlex.split(example.read_text(encoding="utf-8"), comments=True))
    given["TIELINE_PEOPLE_FILE"] = str(make_demo_people(tmp_path))
    given["TIELINE_RULEBOOK_FOLDER"] = str(tmp_path)
    for name in given:
        if name.endswith("_FILE") and "CONFIG" in name:
            given[name] = str(tmp_path / "keys" / "ada.finance.pem")

    settings = load_settings(given)

    for connection in settings.connections:
        spec_of(connection).config.model_validate(connection.values())
