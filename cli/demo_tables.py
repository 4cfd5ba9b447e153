from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["DemoTables"]

_WRITTEN = "MAX(create_date, COALESCE(write_date, create_date)) >= ?"
_BUSINESS = (
    "party_party", "party_address", "party_identifier", "party_contact_mechanism", "party_relation", "project_work",
    "sale_sale", "sale_line", "analytic_account_account", "account_invoice",
)  # fmt: skip


class DemoTables:
    """A real ERP keeps no journal for us: its own tables tell what was written since we began to look."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._since = datetime.now(UTC).replace(tzinfo=None).isoformat(sep=" ")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """It is only read."""

    async def mutations(self) -> int:
        """How many of its business records were made or changed since."""
        return await asyncio.to_thread(self._changed)

    def _changed(self) -> int:
        with closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=30)) as database:
            counts = [
                database.execute(f"SELECT COUNT(*) FROM {table} WHERE {_WRITTEN}", (self._since,)).fetchone()[0]  # noqa: S608
                for table in _BUSINESS
            ]
        return sum(int(count) for count in counts)
