from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from cli.demo_books import ERP_CHOICES, FIRST_ERP, books_of
from cli.demo_dialects import CRM_CHOICES, FIRST_CRM, dialects_of
from cli.demo_firm import DemoFirm
from cli.demo_story import DemoStory
from cli.output import Output
from cli.running import run

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """The demo."""
    app.command("demo")(demo)


def demo(
    folder: Annotated[Path | None, typer.Option("--folder", help="Where the demo keeps its data.")] = None,
    crm: Annotated[str, typer.Option("--crm", help=f"{CRM_CHOICES}.")] = FIRST_CRM,
    erp: Annotated[
        str, typer.Option("--erp", help=f"{ERP_CHOICES}; a real one is built here first, in some minutes.")
    ] = FIRST_ERP,
    leave: Annotated[bool, typer.Option("--exit", help="Stop everything at the end instead of staying up.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False,
) -> None:
    """Show the main job on real contracts, with real Temporal and real Tieline. Each pair has a folder of its own."""

    async def command(output: Output) -> int:
        named = [name for name, usual in ((crm, FIRST_CRM), (erp, FIRST_ERP)) if name != usual or "both" in {crm, erp}]
        own = Path("-".join(["var/demo", *named]))
        story = DemoStory((folder or own).resolve(), output, DemoFirm(dialects_of(crm), books_of(erp)))
        telling = asyncio.create_task(_tell(story, output, leave=leave))
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, telling.cancel)
        try:
            return await telling
        except asyncio.CancelledError:
            output.line("Stopping what the demo started ...")
            return 0
        finally:
            await story.stop()

    run(command, as_json=as_json)


async def _tell(story: DemoStory, output: Output, *, leave: bool) -> int:
    code = await story.tell()
    if not leave:
        output.line("\nEverything stays up. Stop it with Ctrl-C.")
        await asyncio.Event().wait()
    return code
