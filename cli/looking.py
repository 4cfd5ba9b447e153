from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from cli.billing import billing_sentence
from cli.output import Output
from cli.running import now, open_session, run
from models.change_process import changes_under
from models.desk import EngagementRow

__all__ = ["add_to", "age_text"]

_HOUR_S = 3600
_DAY_H = 24


def add_to(app: typer.Typer) -> None:
    """Commands that look."""
    app.command("status")(status)
    app.command("queue")(queue)


def status(
    contract: Annotated[str | None, typer.Argument(help="A contract number; without it, all.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False,
) -> None:
    """Say where contracts stand."""

    async def command(output: Output) -> int:
        async with open_session(engine=False) as session:
            desk = session.tieline.store.desk
            rows: tuple[EngagementRow, ...]
            if contract is None:
                rows = await desk.list_engagements(session.settings.firm)
            else:
                engagement = session.engagement(contract)
                found = [await desk.find_engagement(item) for item in (engagement, changes_under(engagement))]
                rows = tuple(row for row in found if row is not None)
                if not rows:
                    output.problem(f"Contract {contract} is not known here. Start its deal, or check the number.")
                    return 1
            output.document([row.model_dump(mode="json") for row in rows])
            output.table(
                "", ["contract", "customer", "value", "stage", "in one sentence"],
                [
                    [
                        row.engagement.partition("/")[2], row.customer_name, str(row.value or ""), row.stage.value,
                        row.sentence,
                    ]
                    for row in rows
                ],
            )  # fmt: skip
            if contract is not None:
                ledger = session.tieline.store.ledger
                operations = [item for row in rows for item in await ledger.list_operations(row.engagement)]
                output.table(
                    "What was written", ["step", "state", "record"],
                    [
                        [
                            item.step,
                            item.state.value,
                            (item.effect.ref.number or item.effect.ref.record_id) if item.effect else "",
                        ]
                        for item in operations
                    ],
                )  # fmt: skip
                billed = await billing_sentence(session, rows[0].contract_number)
                if billed:
                    output.line(billed)
            return 0

    run(command, as_json=as_json)


def queue(
    owner: Annotated[str | None, typer.Option("--role", help="Only what waits for this role.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False,
) -> None:
    """Show what waits for whom, for how long, how much it holds up, and until when."""

    async def command(output: Output) -> int:
        async with open_session(engine=False) as session:
            items = await session.tieline.store.desk.list_open(session.settings.firm)
            if owner is not None:
                items = tuple(item for item in items if owner in {item.owner, item.escalated_to})
            instant = now()
            output.document(
                [
                    {**item.model_dump(mode="json"), "age_s": int((instant - item.raised_at).total_seconds())}
                    for item in items
                ]
            )
            output.table(
                "", ["contract", "waits for", "held up", "age", "deadline (UTC)", "what"],
                [
                    [
                        item.engagement.split("/", 1)[1],
                        item.owner.value + (f" -> {item.escalated_to.value}" if item.escalated_to else ""),
                        str(item.stake or ""),
                        age_text(item.raised_at, instant),
                        f"{item.due_at:%d %b %H:%M}",
                        f"{item.code}: {item.message}",
                    ]
                    for item in items
                ],
            )  # fmt: skip
            if not items:
                output.line("Nothing waits for a person.")
            return 0

    run(command, as_json=as_json)


def age_text(since: datetime, until: datetime) -> str:
    """How long ago, in the largest unit that fits."""
    hours = int((until - since).total_seconds()) // _HOUR_S
    if hours >= _DAY_H:
        return f"{hours // _DAY_H} d"
    return f"{hours} h" if hours else f"{int((until - since).total_seconds()) // 60} min"
