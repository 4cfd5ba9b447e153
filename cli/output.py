from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

__all__ = ["Output"]


class Output:
    """Where a command's answer goes: a table for people, one JSON document for tools (`--json`), never both."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
        self._console = Console(highlight=False, soft_wrap=False, width=_PIPED_WIDTH if piped else None)
        self._errors = Console(stderr=True, highlight=False)

    def document(self, content: Any) -> None:
        """The machine-readable answer."""
        if self.as_json:
            print(json.dumps(content, default=_plain, ensure_ascii=False, indent=2, sort_keys=True))

    def line(self, text: str) -> None:
        """One sentence for people."""
        if not self.as_json:
            self._console.print(text, markup=False)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows for people. Contents are data: markup in a customer's name is not obeyed."""
        if self.as_json:
            return
        table = Table(title=title or None, title_justify="left", header_style="bold", expand=False)
        for column in columns:
            table.add_column(column, overflow="fold", justify="right" if column in _NUMBERS else "left")
        for row in rows:
            table.add_row(*(_escaped(cell) for cell in row))
        self._console.print(table)

    def problem(self, text: str) -> None:
        """What went wrong, on the error stream."""
        if self.as_json:
            print(json.dumps({"error": text}, ensure_ascii=False))
        self._errors.print(text, markup=False)


_PIPED_WIDTH = 160
"""Without a screen to fit, a table is not folded to the traditional 80 columns."""
_NUMBERS = frozenset({"value", "amount", "held up", "funded", "sold", "with options", "age"})


def _escaped(cell: str) -> str:
    return cell.replace("[", "\\[")


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return str(value)
