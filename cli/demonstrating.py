from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from cli.demo_story import DemoStory
from cli.output import Output
from cli.running import run

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """The demo."""
    app.command("demo")(demo)


def demo(
    folder: Annotated[Path, typer.Option("--folder", help="Where the demo keeps its data.")] = Path("var/demo"),
    leave: Annotated[bool, typer.Option("--exit", help="Stop everything at the end instead of staying up.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False,
) -> None:
    """Show the main job on real contracts: simulated CRM and ERP, real Temporal, real Tieline."""

    async def command(output: Output) -> int:
        story = DemoStory(folder.resolve(), output)
        try:
            code = await story.tell()
            if not leave:
                output.line("\nEverything stays up. Stop it with Ctrl-C.")
                await asyncio.Event().wait()
        finally:
            await story.stop()
        return code

    run(command, as_json=as_json)
