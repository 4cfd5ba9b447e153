"""Runs that began under earlier code go on under this one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from runtime.payload_codec import data_converter
from runtime.temporal import PASSED_THROUGH
from tests.replay.change_runs import CHANGE_RUNS
from tests.replay.typical_runs import TYPICAL_RUNS
from workflows.change_order import ChangeOrders
from workflows.invoice_feedback import InvoiceFeedback
from workflows.quote_to_project import QuoteToProject

FILES = sorted(Path(__file__).with_name("histories").glob("*.json"))


def _history(file: Path) -> WorkflowHistory:
    document = json.loads(file.read_text(encoding="utf-8"))
    return WorkflowHistory.from_json(document["workflow_id"], document["history"])


def _replayer() -> Replayer:
    runner = SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))
    processes = [QuoteToProject, ChangeOrders, InvoiceFeedback]
    return Replayer(workflows=processes, data_converter=data_converter(()), workflow_runner=runner)


def test_every_typical_run_is_on_file() -> None:
    assert {file.stem for file in FILES} >= set(TYPICAL_RUNS) | set(CHANGE_RUNS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_a_run_of_earlier_code_goes_on_under_this_one(file: Path) -> None:
    await _replayer().replay_workflow(_history(file))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_a_step_that_is_gone_from_a_history_is_noticed(file: Path) -> None:
    """The test would see a change: a history in which one step has another name is not accepted."""
    history = _history(file)
    for event in history.events:
        if event.HasField("marker_recorded_event_attributes") or event.HasField(
            "activity_task_scheduled_event_attributes"
        ):
            event.Clear()
            break
    result = await _replayer().replay_workflow(history, raise_on_replay_failure=False)
    assert result.replay_failure is not None
