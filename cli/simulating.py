from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """The simulators, for trying things out."""
    app.command("sandbox")(sandbox)


def sandbox(
    system: Annotated[str, typer.Argument(help="Which vendor's dialect, for example `salesforce`.")],
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = 0,
    state: Annotated[str, typer.Option("--state", help="empty, demo, or a JSON file of records.")] = "demo",
    tls: Annotated[bool, typer.Option("--tls", help="Serve HTTPS with a certificate made for it.")] = False,
) -> None:
    """Run one vendor simulator in the foreground; the first line it prints says where it is and how to sign in."""
    command = [sys.executable, "-m", "sandbox", system, "--port", str(port), "--state", state]
    raise typer.Exit(subprocess.call([*command, "--tls"] if tls else command))  # noqa: S603 - our own module
