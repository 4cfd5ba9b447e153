"""Whoever can signal can send nonsense. The deal survives it, remembers it, and the next good decision works."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus
from temporalio.common import RawValue

from models.decision import Answer, Decision, Refusal, Verdict
from models.process import Outcome
from tests.workflows.contracts import checked
from tests.workflows.house import House
from tests.workflows.raw import signal_by_api, temporal

NAMES = ["decide", "deal-changed", "no-such-signal"]

INPUTS: dict[str, list[str]] = {
    "no input": [],
    "wrong fields": ['{"digest":"0000","approve":true,"limit":"1000.50"}'],
    "one field too many": [],
    "text": ['"approve"'],
    "null": ["null"],
    "a number without end": ["1e9999"],
    "two inputs": ['{"a":1}', '{"b":2}'],
    "deeply nested": ["[" * 900 + "]" * 900],
    "a verdict nobody has": [],
    "a time without a zone": ['{"source_version":"2030-01-01T10:00:00"}'],
    "a day": ['{"source_version":"2030-01-01"}'],
    "the end of time": ['{"source_version":"9999-12-31T23:59:59Z"}'],
}

PAYLOADS: dict[str, list[Payload]] = {
    "unknown encoding": [Payload(metadata={"encoding": b"binary/never-heard-of"}, data=b"\x00\x01")],
    "no encoding": [Payload(data=b"{}")],
    "encrypted by others": [Payload(metadata={"encoding": b"binary/encrypted"}, data=bytes(range(256)))],
    "binary": [Payload(metadata={"encoding": b"binary/plain"}, data=bytes(range(256)))],
    "nothing at all": [Payload()],
    "null payload": [Payload(metadata={"encoding": b"binary/null"})],
    "broken json": [Payload(metadata={"encoding": b"json/plain"}, data=b'{"a":')],
    "not utf-8": [Payload(metadata={"encoding": b"json/plain"}, data=b'"\xff\xfe"')],
    "half a character": [Payload(metadata={"encoding": b"json/plain"}, data=b'{"reason":"\\ud800"}')],
    "nested without end": [Payload(metadata={"encoding": b"json/plain"}, data=b"[" * 200_000)],
    "a thousand arguments": [Payload(metadata={"encoding": b"json/plain"}, data=b"1")] * 1000,
}


def _good(house: House, item: str, **changes: Any) -> str:
    decision = house.signed("ada.finance", Verdict.APPROVE, item)
    return json.dumps({**json.loads(decision.model_dump_json(exclude_defaults=True)), **changes})


async def _unharmed(house: House) -> None:
    """Running, no task ever failed, nothing written; and a good decision by plain signal ends it well."""
    seen = await house.handle.describe()
    assert seen.status is WorkflowExecutionStatus.RUNNING
    assert not [
        event for event in await house.events() if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    ]
    assert house.erp.journal == []
    item = await house.waiting()

    said = await temporal(house, "workflow", "signal", "--name", "decide", "--input", _good(house, item.item))

    assert said.code == 0, said.out
    assert await house.outcome() is Outcome.ACTIVE
    assert (await house.store.audit.verify()).intact


@pytest.mark.parametrize("name", NAMES)
async def test_nonsense_by_the_engines_command_line_is_recorded_and_changes_nothing(
    house: House, name: str, tmp_path: Path
) -> None:
    await house.win(checked())
    item = (await house.waiting()).item
    large = tmp_path / "large.json"
    large.write_text(json.dumps({"reason": "x" * 1_000_000}))
    inputs = {
        **INPUTS,
        "one field too many": [_good(house, item, limit="1000.50")],
        "a verdict nobody has": [_good(house, item, verdict="perhaps")],
    }
    commands = [[part for text in texts for part in ("--input", text)] for texts in inputs.values()]

    for command in [*commands, ["--input-file", str(large)]]:
        said = await temporal(house, "workflow", "signal", "--name", name, *command)
        assert said.code == 0, said.out

    # "Look again" needs no version, and a far one says the same; all else cannot be read, and the CRM is asked too.
    expected = len(commands) + 1 - (2 if name == "deal-changed" else 0)
    entries = await house.noted("message.refused", expected)
    assert len(entries) == expected
    assert {entry.facts["name"] for entry in entries} == {name}
    assert "x" * 100 not in json.dumps([entry.facts for entry in entries])
    await _unharmed(house)


@pytest.mark.parametrize("name", NAMES)
async def test_bytes_of_any_kind_are_recorded_and_change_nothing(house: House, name: str) -> None:
    await house.win(checked())
    await house.waiting()

    for payloads in PAYLOADS.values():
        await signal_by_api(house, name, *payloads)

    assert len(await house.noted("message.refused", len(PAYLOADS))) == len(PAYLOADS)
    await _unharmed(house)


@pytest.mark.parametrize(("name", "wanted"), [("decide", Refusal.BAD_FORM), ("approve", Refusal.UNKNOWN_MESSAGE)])
async def test_an_update_that_cannot_be_read_is_refused_recorded_and_changes_nothing(
    house: House, name: str, wanted: Refusal
) -> None:
    await house.win(checked())
    item = (await house.waiting()).item
    texts = {**INPUTS, "one field too many": [_good(house, item, limit="1000.50")]}
    json_plain = {"encoding": b"json/plain"}
    inputs = [
        *PAYLOADS.values(),
        *([Payload(metadata=json_plain, data=text.encode()) for text in row] for row in texts.values()),
    ]
    inputs.remove(PAYLOADS["nested without end"])

    for payloads in inputs:
        answer = await house.handle.execute_update(
            name, args=[RawValue(payload) for payload in payloads], result_type=Answer
        )
        assert (answer.accepted, answer.refusal) == (False, wanted)

    entries = await house.audit("message.refused")
    assert [entry.facts["name"] for entry in entries] == [name] * len(inputs)
    assert all(len(entry.facts["sha256"]) == 64 for entry in entries)
    await _unharmed(house)


async def test_an_update_by_the_engines_own_tool_that_is_no_decision_says_so(house: House) -> None:
    await house.win(checked())
    await house.waiting()

    said = await temporal(house, "workflow", "update", "execute", "--name", "decide", "--input", '{"approve":true}')

    assert said.code == 0, said.out
    assert "bad-form" in said.out
    assert len(await house.noted("message.refused")) == 1
    await _unharmed(house)


@pytest.mark.parametrize("name", ["", "decide ", "Decide", "__stack_trace", "a" * 900, "a\x00b", "决定"])
async def test_a_name_nobody_knows_is_recorded(house: House, name: str) -> None:
    await house.win(checked())
    item = (await house.waiting()).item
    good = house.signed("ada.finance", Verdict.APPROVE, item)

    await signal_by_api(
        house, name or "-", Payload(metadata={"encoding": b"json/plain"}, data=good.model_dump_json().encode())
    )

    entries = await house.noted("message.refused")
    assert len(entries) == 1
    assert "\x00" not in entries[0].facts["name"]
    await _unharmed(house)


async def test_a_decision_at_all_its_limits_is_judged(house: House) -> None:
    """Every field as long as allowed, of characters that take most room when written down."""
    await house.win(checked())
    await house.waiting()
    sizes = {"decision": 80, "plan": 64, "answer": 500, "reason": 2000, "token": 4000}
    fields = {name: "\x01" * size for name, size in sizes.items()}
    huge = Decision.model_validate({**fields, "engagement": house.engagement, "verdict": "approve"})

    await house.signal("decide", huge)

    assert (await house.noted("decision.refused"))[0].facts["refusal"] == "bad-token"
    await _unharmed(house)


async def test_a_zero_character_is_in_no_decision(house: House) -> None:
    """PostgreSQL keeps no such text, so the record of it could never be written."""
    await house.win(checked())
    item = (await house.waiting()).item
    for field in ("decision", "reason", "token", "answer"):
        await signal_by_api(
            house,
            "decide",
            Payload(metadata={"encoding": b"json/plain"}, data=_good(house, item, **{field: "a\x00b"}).encode()),
        )

    assert len(await house.noted("message.refused", 4)) == 4
    await _unharmed(house)


async def test_a_good_decision_twice_and_an_expired_one_settle_nothing_more(house: House) -> None:
    await house.win(checked())
    item = (await house.waiting()).item
    old = house.signed("ada.finance", Verdict.REJECT, item, now=house.now() - timedelta(hours=1))
    await house.signal("decide", old)
    await house.signal("decide", old)

    assert (await house.noted("decision.refused"))[0].facts["refusal"] == "expired-token"
    await _unharmed(house)
