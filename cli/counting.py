from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from cli.output import Output
from cli.running import now, open_session, run
from ports.figures import BusinessFigures, Spread

__all__ = ["add_to"]

_HOUR_S, _MINUTE_S = 3600, 60


def add_to(app: typer.Typer) -> None:
    """Commands that count."""
    app.command("figures")(figures)


def figures(
    days: Annotated[int, typer.Option("--days", min=1, max=3660, help="How far to look back.")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False,
) -> None:
    """Show how well it works: success rate, times, duplicates prevented, stops and their age."""

    async def command(output: Output) -> int:
        async with open_session(engine=False) as session:
            told = await session.tieline.store.figures.figures(session.settings.firm, now() - timedelta(days=days))
            output.document(told)
            output.table(f"{told.firm}, the last {days} days", ["figure", "value", ""], _rows(told))
            return 0

    run(command, as_json=as_json)


def _rows(told: BusinessFigures) -> list[list[str]]:
    rate = "-" if told.success_rate is None else f"{told.success_rate:.1%}"
    oldest = max(told.oldest_open_s.values(), default=0.0)
    return [
        ["contracts", str(sum(told.contracts.values())), _parts(told.contracts)],
        ["writes", str(sum(told.writes.values())), _parts(told.writes)],
        ["success rate of writes", rate, ""],
        ["one write, from intent to proof", _middle(told.sync_latency), _most(told.sync_latency)],
        ["won deal to active project", _middle(told.cycle_time), _most(told.cycle_time)],
        ["records adopted instead of doubled", str(told.records_adopted), ""],
        ["writes repeated after a lost answer", str(told.writes_repeated), "each with one effect"],
        ["stops raised", str(sum(told.failed_validations.values())), _parts(told.failed_validations)],
        ["waiting for people now", str(sum(told.open_items.values())), _parts(told.open_items)],
        ["oldest of them", _time(oldest) if told.open_items else "-", ""],
    ]


def _parts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _middle(spread: Spread | None) -> str:
    return "-" if spread is None else _time(spread.p50_s)


def _most(spread: Spread | None) -> str:
    return "" if spread is None else f"95 of 100 within {_time(spread.p95_s)} ({spread.count} counted)"


def _time(seconds: float) -> str:
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.1f} s"
    return f"{seconds / _MINUTE_S:.0f} min" if seconds < 2 * _HOUR_S else f"{seconds / _HOUR_S:.1f} h"
