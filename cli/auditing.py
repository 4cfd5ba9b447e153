from __future__ import annotations

from typing import Annotated

import typer

from cli.output import Output
from cli.running import open_session, run

__all__ = ["add_to"]

_group = typer.Typer(help="The audit trail.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Commands on the audit trail."""
    app.add_typer(_group, name="audit")


@_group.command("verify")
def verify(as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False) -> None:
    """Walk the hash chain from its first entry; a changed, dropped, swapped or cut-off entry is named."""

    async def command(output: Output) -> int:
        async with open_session(engine=False) as session:
            report = await session.tieline.store.audit.verify()
            output.document(report)
            if report.intact:
                output.line(f"Intact: {report.entries} entries, head {report.head}.")
                return 0
            if not output.as_json:
                output.problem(f"Broken at entry {report.broken_at}: {report.problem}")
            return 1

    run(command, as_json=as_json)


@_group.command("show")
def show(
    contract: Annotated[str, typer.Argument(help="Contract number.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False,
) -> None:
    """Tell who did what for a contract, by which rule, when."""

    async def command(output: Output) -> int:
        async with open_session(engine=False) as session:
            entries = await session.tieline.store.audit.list_entries(session.engagement(contract))
            output.document([entry.model_dump(mode="json") for entry in entries])
            output.table(
                "", ["when (UTC)", "what", "subject", "facts"],
                [
                    [
                        f"{entry.at:%d %b %H:%M:%S}",
                        entry.kind,
                        entry.subject,
                        ", ".join(f"{name}={value}" for name, value in sorted(entry.facts.items())),
                    ]
                    for entry in entries
                ],
            )  # fmt: skip
            return 0 if entries else 1

    run(command, as_json=as_json)
