"""Whatever fails under a command, its user reads one sentence and gets code 1: no stack trace, no value of a query."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import typer
from pydantic import SecretStr
from sqlalchemy.exc import OperationalError
from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from cli import deciding
from cli.output import Output
from cli.running import Session, run
from models.decision import Verdict
from models.errors import NeedsRepair
from models.ids import EngagementId, FirmId, PlanDigest
from runtime.people import make_demo_people

CANARY = "DE136695976"
FAILURES = {
    "the engine went away": (RPCError(CANARY, RPCStatusCode.UNAVAILABLE, b""), "may or may not have been done"),
    "no answer to an update": (WorkflowUpdateRPCTimeoutOrCancelledError(), "may or may not have been done"),
    "the store is locked": (OperationalError("INSERT", {}, Exception(CANARY)), "OperationalError"),
    "a bug": (KeyError(CANARY), "KeyError"),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("as_json", [False, True])
def test_one_sentence_and_code_one(failure: str, as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    error, told = FAILURES[failure]

    async def command(_output: Output) -> int:
        raise error

    with pytest.raises(typer.Exit) as left:
        run(command, as_json=as_json)

    assert left.value.exit_code == 1
    out, err = capsys.readouterr()
    assert told in " ".join(err.split())
    assert "Traceback" not in out + err
    assert CANARY not in out + err
    assert told in json.loads(out)["error"] if as_json else out == ""


def test_a_decision_that_is_too_long_names_the_field(tmp_path: Path) -> None:
    make_demo_people(tmp_path)
    key = SecretStr((tmp_path / "keys" / "ada.finance.pem").read_text())
    settings = SimpleNamespace(firm=FirmId("hf"), private_key_of=lambda _person: key)
    session = cast("Session", SimpleNamespace(settings=settings))
    with pytest.raises(NeedsRepair, match="The reason cannot be taken"):
        deciding._signed(
            session,
            EngagementId("hf/C-1"),
            "ada.finance",
            Verdict.REJECT,
            plan=PlanDigest("0" * 64),
            reason="no " * 1000,
        )
