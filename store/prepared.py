from __future__ import annotations

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ReturnsRows, Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from store.in_place import InPlaceConnection

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Dialect
    from sqlalchemy.ext.asyncio import AsyncConnection

    from store.database import Database

__all__ = ["Prepared", "given"]

Build = Callable[[Any], Any]
Convert = Callable[[Any], Any]


class Prepared:
    """A statement of the daily path, put into words once instead of at each use.

    `build` makes it from the database's own INSERT (which can say what happens when the row is there already); what is
    told at each use is a `bindparam`. On SQLite the text goes to the driver as it is: of two hundred microseconds that
    a look-up by key takes through all layers, ten are the look-up. PostgreSQL, where the way to the server decides,
    takes the layers. Either way types, errors and whoever listens to statements stay the same.
    """

    def __init__(self, build: Build) -> None:
        self._build = build
        self._by_dialect: dict[str, Any] = {}
        self._spelled: _Spelled | None = None

    async def run(self, connection: AsyncConnection, /, **values: Any) -> Sequence[Any]:
        """All rows, each with its columns by name; none for a statement that returns nothing."""
        sync = connection.sync_connection
        if sync is not None and sync.dialect.name == "sqlite":
            spelled = self._spelled or self._spell(sync.dialect)
            return await spelled.run(sync, sync.connection.driver_connection, values)
        result = await connection.execute(self._statement("postgresql"), values)
        return result.all() if result.returns_rows else ()

    async def look(self, database: Database, /, **values: Any) -> Sequence[Any]:
        """The same as a question of its own."""
        if database.is_sqlite:
            return await self.run(await database.looker(), **values)
        async with database.read() as connection:
            return await self.run(connection, **values)

    def _statement(self, dialect: str) -> Any:
        if dialect not in self._by_dialect:
            self._by_dialect[dialect] = self._build(sqlite.insert if dialect == "sqlite" else postgresql.insert)
        return self._by_dialect[dialect]

    def _spell(self, dialect: Dialect) -> _Spelled:
        self._spelled = _Spelled(self._statement("sqlite"), dialect)
        return self._spelled


class _Spelled:
    """The text for SQLite, and how values go in and out."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._text = str(compiled)
        self._dialect = dialect
        fixed = compiled.params
        self._slots: list[tuple[str, Any, Convert | None]] = []
        for name in compiled.positiontup or ():
            told = compiled.binds[name]
            self._slots.append((told.key, fixed.get(name), told.type.dialect_impl(dialect).bind_processor(dialect)))
        self._asked = {told.key for told in compiled.binds.values() if told.required}
        columns = list(statement.exported_columns) if isinstance(statement, ReturnsRows) else []
        self._outward = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        row = namedtuple("row", [column.key for column in columns])  # type: ignore[misc]  # noqa: PYI024 - made at run time
        self._made: Callable[..., Any] = row._make

    async def run(self, sync: Connection, driver: Any, values: dict[str, Any]) -> Sequence[Any]:
        if values.keys() != self._asked:
            raise TypeError(f"This statement is told {sorted(self._asked)}, not {sorted(values)}.")
        told = tuple(
            value if convert is None else convert(value)
            for value, convert in ((values.get(key, fixed), convert) for key, fixed, convert in self._slots)
        )
        for listener in sync.dispatch.before_cursor_execute:
            listener(sync, None, self._text, told, None, False)  # noqa: FBT003 - the library's order of arguments
        if not isinstance(driver, InPlaceConnection):
            raise TypeError("SQLite is only used through connections that work in place.")
        try:
            rows = await driver.fetch(self._text, told)
        except sqlite3.Error as refused:
            raise DBAPIError.instance(
                self._text, told, refused, sqlite3.Error, hide_parameters=True, dialect=self._dialect
            ) from refused
        return [
            self._made(
                value if convert is None else convert(value) for value, convert in zip(row, self._outward, strict=True)
            )
            for row in rows
        ]


def given(table: Table, *, besides: Sequence[str] = ()) -> dict[str, Any]:
    """Each column of the table as something that is told at each use."""
    return {column.name: bindparam(column.name, type_=column.type) for column in table.c if column.name not in besides}
