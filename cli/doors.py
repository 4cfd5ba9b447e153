from __future__ import annotations

from typing import Annotated

import typer

from cli.output import Output
from cli.running import run
from runtime.registry import spec_of
from runtime.settings import Settings, load_settings

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """The command that tells administrators of other systems where to send events."""
    app.command("doors")(doors)


def doors(as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False) -> None:
    """Tell the addresses that outside systems send their events to. Some are secret: give them to no one else."""

    async def command(output: Output) -> int:
        rows = _doors(load_settings())
        output.document([{"connection": name, "form": form, "address": address} for name, form, address in rows])
        output.table("", ["connection", "form", "address"], [list(row) for row in rows])
        if not rows and not output.as_json:
            output.line("No connection has event secrets, so no events are taken. Set EVENT_SECRETS of a connection.")
        return 0

    run(command, as_json=as_json)


def _doors(settings: Settings) -> list[tuple[str, str, str]]:
    base = settings.api_public_url.rstrip("/") or f"http://{settings.api_host}:{settings.api_port}"
    found: list[tuple[str, str, str]] = []
    for connection in settings.connections:
        spec, name = spec_of(connection), connection.connection
        if not connection.event_secrets:
            continue
        if spec.events or spec.event_batches:
            found.append((name, "signed callout", f"{base}/intake/{name}"))
        # The first secret is the one in force; addresses made from an older one go on working until it is removed.
        secret = connection.event_secrets[0]
        found += [
            (name, word, f"{base}/intake/{name}/{word}/{door.address_key(secret, name)}")
            for word, door in spec.side_doors.items()
        ]
    return found
