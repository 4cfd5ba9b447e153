from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, event, text

from store.database import prepare_sqlite
from store.tables import METADATA

_LOCK = 7_340_127
"""Any number: two processes that start at once migrate one after the other."""


def _run() -> None:
    """All steps in one transaction under one lock: a process killed half-way leaves the schema as it was."""
    engine = create_engine(context.config.attributes["url"])
    is_sqlite = engine.dialect.name == "sqlite"
    if is_sqlite:
        event.listen(engine, "connect", prepare_sqlite)
    try:
        with engine.begin() as connection:
            if is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            context.configure(connection=connection, target_metadata=METADATA, transactional_ddl=True)
            with context.begin_transaction():
                context.run_migrations()
    finally:
        engine.dispose()


_run()
