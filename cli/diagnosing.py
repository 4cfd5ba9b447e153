from __future__ import annotations

from typing import Annotated

import typer

from cli.output import Output
from cli.running import run
from runtime.diagnostics import Diagnosis, diagnose
from runtime.settings import load_settings

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """The command for whoever looks why a connection does not work."""
    app.command("diagnose")(diagnose_connections)


def diagnose_connections(
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document instead of text, settings included.")
    ] = False,
) -> None:
    """Ask every connection once: does it take our sign-in, what can it do, how is it set up. Shows no secret."""

    async def command(output: Output) -> int:
        found = [await diagnose(connection) for connection in load_settings().connections]
        output.document([one.model_dump(mode="json") for one in found])
        columns = ["connection", "connector", "sign-in", "milliseconds", "writes that are not proof", "events"]
        output.table("", columns, [_row(one) for one in found])
        return 1 if any(one.problem for one in found) else 0

    run(command, as_json=as_json)


def _row(one: Diagnosis) -> list[str]:
    weaker = [f"{name}: {guard}" for name, guard in one.guards.items() if guard != "proof"]
    return [
        one.connection, one.connector, one.problem or "works", str(one.answered_in_ms), ", ".join(weaker) or "none",
        ", ".join(one.events) or "none",
    ]  # fmt: skip
