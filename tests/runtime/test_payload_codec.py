"""What the engine holds is sealed, opens with every key that is known, and says which one is missing."""

from __future__ import annotations

import importlib
import inspect
import logging
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload

import activities
from models.decision import Answer
from runtime.payload_codec import ENCODING, PayloadSealed, Sealing, data_converter
from runtime.payload_keys import PayloadKey, new_payload_key, parse_payload_keys
from runtime.settings import Settings, WrongSetting, load_settings

OLD, NEW = parse_payload_keys([new_payload_key("2026-05"), new_payload_key("2026-11")])
ANSWER = Answer(accepted=True, message="Canary 98-7654321 was entered.")


async def _sent(*keys: PayloadKey) -> Payload:
    (payload,) = await data_converter(keys).encode([ANSWER])
    return payload


async def _read(payload: Payload, *keys: PayloadKey) -> Any:
    (answer,) = await data_converter(keys).decode([payload], [Answer])
    return answer


async def test_a_payload_is_sealed_and_names_its_key() -> None:
    one, two = await _sent(NEW), await _sent(NEW)

    assert b"Canary" not in one.SerializeToString()
    assert one.metadata == {"encoding": ENCODING.encode(), "key-id": b"2026-11"}
    assert one.data != two.data, "each has a nonce of its own"
    assert await _read(one, NEW) == ANSWER


async def test_keys_are_changed_without_a_gap() -> None:
    """Known everywhere as reader first, then the one that seals; the old one opens what is old."""
    before, after = await _sent(OLD, NEW), await _sent(NEW, OLD)

    assert (before.metadata["key-id"], after.metadata["key-id"]) == (b"2026-05", b"2026-11")
    for payload in (before, after):
        assert await _read(payload, OLD, NEW) == await _read(payload, NEW, OLD) == ANSWER


async def _problem(payload: Payload, *keys: PayloadKey) -> str:
    with pytest.raises(PayloadSealed) as failed:
        await _read(payload, *keys)
    return failed.value.message


async def test_a_missing_key_is_named_with_the_fix(caplog: pytest.LogCaptureFixture) -> None:
    payload = await _sent(OLD)
    with caplog.at_level(logging.ERROR):
        said = await _problem(payload, NEW)

    assert "sealed with key '2026-05', which this process does not have" in said
    assert "TIELINE_PAYLOAD_KEYS" in said
    assert len(caplog.records) == 1
    assert "this process has no keys" in await _problem(payload)


async def test_what_was_changed_on_its_way_does_not_open() -> None:
    good = await _sent(NEW)
    other = parse_payload_keys([new_payload_key("2026-11")])
    changed = [
        Payload(metadata=good.metadata, data=good.data[:-1] + bytes([good.data[-1] ^ 1])),
        Payload(metadata=good.metadata, data=b"short"),
        Payload(metadata={**good.metadata, "key-id": b"2026-05"}, data=good.data),
    ]
    for payload in changed:
        assert "does not open with it" in await _problem(payload, NEW, OLD)
    assert "another key has that name here" in await _problem(good, *other)


async def test_what_others_sent_unsealed_passes_unchanged() -> None:
    plain = Payload(metadata={"encoding": b"json/plain"}, data=ANSWER.model_dump_json().encode())
    theirs = Payload(metadata={"encoding": b"binary/encrypted"}, data=b"theirs")

    assert await _read(plain, NEW) == ANSWER
    assert await Sealing((NEW,)).decode([theirs]) == [theirs]


async def test_the_summary_of_a_step_stays_readable_and_a_long_text_does_not() -> None:
    converter = data_converter((NEW,))
    short, long = await converter.encode(["Ensure project C-1001 in the ERP"]), await converter.encode(["x" * 5000])

    assert short[0].data == b'"Ensure project C-1001 in the ERP"'
    assert long[0].metadata["encoding"] == ENCODING.encode()


def test_no_step_takes_or_gives_a_bare_text() -> None:
    """So texts on their own are summaries, and nothing that a person typed in."""
    steps = [
        member
        for found in pkgutil.iter_modules(activities.__path__)
        for module in [importlib.import_module(f"activities.{found.name}")]
        for holder in vars(module).values()
        if inspect.isclass(holder)
        for member in vars(holder).values()
        if hasattr(member, "__temporal_activity_definition")
    ]
    assert len(steps) > 10
    for step in steps:
        hints = inspect.get_annotations(step, eval_str=False)
        assert "str" not in {str(hint) for hint in hints.values()}, step.__name__


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
        "TIELINE_ERP__CONNECTOR": "some_erp",
    }


def _loaded(given: dict[str, str], **changes: str) -> Settings:
    return load_settings({**given, **{f"TIELINE_{name.upper()}": value for name, value in changes.items()}})


def test_keys_come_from_a_variable_or_from_a_file(given: dict[str, str], tmp_path: Path) -> None:
    one, two = new_payload_key("2026-11"), new_payload_key("2026-05")
    file = tmp_path / "payload-keys"
    file.touch(mode=0o600)
    file.write_text(f"# the first seals\n{one}\n{two}\n", encoding="utf-8")

    by_name = _loaded(given, payload_keys=f'["{one}", "{two}"]')
    by_file = _loaded(given, payload_keys_file=str(file))

    assert [key.name for key in by_name.payload_keys] == ["2026-11", "2026-05"]
    assert by_name.payload_keys == by_file.payload_keys
    assert one.partition(":")[2] not in repr(by_name)
    assert _loaded(given).payload_keys == ()


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('["canary"]', "Key 1 has no name"),
        ('["a:canary"]', "Key a is not base64"),
        ('["a:Y2FuYXJ5"]', "Key a has 6 bytes instead of 32"),
        ('{"a": "canary"}', "Give a JSON list of texts"),
    ],
)
def test_a_wrong_key_is_named_and_not_shown(given: dict[str, str], keys: str, said: str) -> None:
    with pytest.raises(WrongSetting) as wrong:
        _loaded(given, payload_keys=keys)
    assert "TIELINE_PAYLOAD_KEYS" in wrong.value.message
    assert said in wrong.value.message
    assert "canary" not in wrong.value.message
    assert "Y2FuYXJ5" not in wrong.value.message


def test_a_file_that_others_can_read_is_refused(given: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "payload-keys"
    file.write_text(new_payload_key("a"), encoding="utf-8")
    file.chmod(0o644)

    with pytest.raises(WrongSetting, match="chmod 600"):
        _loaded(given, payload_keys_file=str(file))
    with pytest.raises(WrongSetting, match="Cannot read"):
        _loaded(given, payload_keys_file=str(tmp_path / "gone"))
