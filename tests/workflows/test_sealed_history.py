"""With keys, the engine keeps nothing readable of what people typed in or signed, and the run page stays readable."""

from __future__ import annotations

import base64
import json
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from api.app import build_app
from api.codec import codec_app
from api.intake import Intake
from api.serving import ApiServer
from models.decision import Verdict
from models.process import Outcome
from runtime.embedded_temporal import EmbeddedTemporal
from runtime.payload_codec import ENCODING, data_converter
from runtime.payload_keys import PayloadKey, new_payload_key, parse_payload_keys
from runtime.settings import Limits
from runtime.temporal import PASSED_THROUGH, build_worker, connect
from tests.unit.signed_terms import line
from tests.workflows.contracts import buyer, checked, simple
from tests.workflows.house import House, open_house, until
from tests.workflows.raw import signal_by_api, temporal
from workflows.quote_to_project import QuoteToProject

KEYS = parse_payload_keys([new_payload_key("2026-11"), new_payload_key("2026-05")])
RIO = {"street": "Rua 1", "city": "Rio de Janeiro", "region": "RJ", "postal_code": "20000-000", "country": "BR"}
TYPED_IN = "11.222.333/0001-81"
REASON = "because of the canary in the cellar"


async def _client(engine: EmbeddedTemporal, keys: tuple[PayloadKey, ...]) -> Client:
    return await connect({"target_host": engine.address}, keys=keys)


@pytest.fixture
async def sealed(engine: EmbeddedTemporal, client: Client, tmp_path: Path) -> AsyncIterator[House]:
    """A firm whose processes seal what they say. `client` has registered the attributes."""
    del client
    async with open_house(await _client(engine, KEYS), tmp_path) as opened:
        yield opened


def _everything_in(history: str) -> bytes:
    """The JSON, and behind it what its payloads say: there they stand in base64."""
    parts = [history.encode()]

    def look(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("data"), str):
                parts.append(base64.b64decode(part["data"]))
            part = list(part.values())
        if isinstance(part, list):
            for inner in part:
                look(inner)

    look(json.loads(history))
    return b"\n".join(parts)


async def _raw_history(house: House) -> bytes:
    """As anybody reads it who may read the engine."""
    said = await temporal(house, "workflow", "show", "-o", "json")
    assert said.code == 0, said.out
    return _everything_in(said.out)


def _replayer(keys: tuple[PayloadKey, ...]) -> Replayer:
    runner = SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))
    return Replayer(workflows=[QuoteToProject], data_converter=data_converter(keys), workflow_runner=runner)


async def test_a_tax_number_typed_into_a_repair_stands_nowhere_in_the_engine(sealed: House, client: Client) -> None:
    house = sealed
    await house.win(simple(buyer=buyer(address=RIO, tax_number="", registration_number="")))
    stop = await house.waiting("TL-CUS-014")
    decision = house.signed("sofia.salesops", Verdict.REPAIR, stop.item, answer=TYPED_IN, reason=REASON)
    assert (await house.send(decision)).complete
    page = await client.get_workflow_handle(house.handle.id).query(
        "__temporal_workflow_metadata", result_type=WorkflowMetadata
    )
    assert page.current_details.startswith("## "), "the run page opens without a key"
    for person in ("ada.finance", "tara.tax"):
        await house.decide(person)
    assert await house.outcome() is Outcome.ACTIVE

    history = await _raw_history(house)
    for secret in (TYPED_IN, "11222333000181", decision.token, decision.token.rpartition(".")[2], REASON):
        assert secret.encode() not in history
        assert json.dumps(secret)[1:-1].encode() not in history
    raw = await client.get_workflow_handle(house.handle.id).fetch_history()
    assert history.count(base64.b64encode(ENCODING.encode())) >= 10
    assert b"Northwind Traders" in history, "summaries are readable here, so the search means something"
    summaries = [event.user_metadata.summary.data for event in raw.events if event.HasField("user_metadata")]
    assert b'"Check who decides, and record it"' in summaries
    seen = await client.get_workflow_handle(house.handle.id).describe()
    assert (await seen.static_summary() or "").startswith("Contract C-1001")

    await _replayer(KEYS).replay_workflow(await house.handle.fetch_history())


async def test_the_engines_own_tool_reads_and_decides_through_us(sealed: House) -> None:
    """With the endpoint and the token it shows what stands there, and seals what an operator sends."""
    house, token = sealed, "t" * 40
    await house.win(checked())
    item = (await house.waiting()).item
    server = ApiServer(
        build_app(
            intake=Intake({}, house.store.inbox, house.store.audit, limits=Limits(), on_accepted=lambda: None),
            checks={},
            codec=codec_app(KEYS, SecretStr(token)),
        ),
        host="127.0.0.1",
        port=0,
    )
    await server.start()
    through = ("--codec-endpoint", f"http://127.0.0.1:{server.port}/codec", "--codec-auth", f"Bearer {token}")
    good = house.signed("ada.finance", Verdict.APPROVE, item, reason=REASON).model_dump_json(exclude_defaults=True)
    try:
        said = await temporal(house, "workflow", "update", "execute", "--name", "decide", "--input", good, *through)
        assert (said.code, "accepted" in said.out) == (0, True), said.out
        assert await house.outcome() is Outcome.ACTIVE
        shown = await temporal(house, "workflow", "show", "-o", "json", *through)
    finally:
        await server.stop()
    assert REASON.encode() in _everything_in(shown.out)
    assert REASON.encode() not in await _raw_history(house)


async def test_a_run_goes_on_while_its_keys_are_changed(
    engine: EmbeddedTemporal, client: Client, tmp_path: Path
) -> None:
    """It waits under the old key, and is decided and ended under the new one."""
    del client
    new, old = KEYS
    async with open_house(await _client(engine, (old,)), tmp_path, worker=False) as house:
        async with build_worker(house.client, house.queue, house.tieline.activities):
            await house.win(checked(lines=[line("1", "milestones", "400000.00", service_line="Relocation")]))
            await house.repair("ada.finance", "TL-CON-008", "Advisory")
            await house.waiting()
        house.client = await _client(engine, (new, old))
        async with build_worker(house.client, house.queue, house.tieline.activities):
            await house.decide("ada.finance")
            assert await house.outcome() is Outcome.ACTIVE
        everything = b"".join(event.SerializeToString() for event in await house.events())
    assert [everything.count(key.name.encode()) > 1 for key in KEYS] == [True, True]


async def test_a_worker_without_the_key_ends_nothing_and_one_that_has_it_goes_on(
    engine: EmbeddedTemporal, client: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A key that was forgotten in one place costs time, no deal; the log names it."""
    del client
    new, old = KEYS
    async with open_house(await _client(engine, (old,)), tmp_path, worker=False) as house:
        await house.win(simple())
        wrong = await _client(engine, (new,))
        with caplog.at_level(logging.ERROR, "tieline"):
            async with build_worker(wrong, house.queue, house.tieline.activities):
                await until(lambda: _tried(house), "a failed try")
        assert (await house.handle.describe()).status is WorkflowExecutionStatus.RUNNING
        reasons = {str(getattr(record, "tieline_fields", {}).get("reason")) for record in caplog.records}
        assert any("sealed with key '2026-05', which this process does not have" in reason for reason in reasons)

        async with build_worker(house.client, house.queue, house.tieline.activities):
            assert await house.outcome() is Outcome.ACTIVE


async def _tried(house: House) -> bool:
    failed = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    return any(event.event_type == failed for event in await house.events())


async def test_nothing_that_looks_sealed_can_hold_up_a_deal(sealed: House) -> None:
    """Anybody who may signal can claim any key; and a plain signal is still understood."""
    house = sealed
    await house.win(checked())
    item = (await house.waiting()).item
    encoding = {"encoding": ENCODING.encode()}
    for payload in (
        Payload(metadata={**encoding, "key-id": b"never-heard-of"}, data=os.urandom(64)),
        Payload(metadata={**encoding, "key-id": b"2026-11"}, data=os.urandom(64)),
        Payload(metadata={**encoding, "key-id": b"\xff\xfe"}, data=b""),
        Payload(metadata=encoding),
    ):
        await signal_by_api(house, "decide", payload)
    assert len(await house.noted("message.refused", 4)) == 4
    assert (await house.handle.describe()).status is WorkflowExecutionStatus.RUNNING

    good = house.signed("ada.finance", Verdict.APPROVE, item).model_dump_json(exclude_defaults=True)
    said = await temporal(house, "workflow", "signal", "--name", "decide", "--input", good)
    assert said.code == 0, said.out
    assert await house.outcome() is Outcome.ACTIVE
