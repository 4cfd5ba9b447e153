"""The real server as a child process on a free loopback port, and a clone of a seeded database for a test."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from connectors.tryton import TrytonConfig
from runtime.embedded_temporal import free_port
from tests.tryton.build import Built, named, pg_program, server_uri

__all__ = ["Books", "Server", "postgres_books", "postgres_server_of", "running", "sqlite_books"]

_STARTS_WITHIN_S = 30.0


@dataclass
class Server:
    """One running server; it serves whatever databases its back end has."""

    built: Built
    url: str
    folder: Path
    postgres: str = ""
    process: subprocess.Popen[bytes] = field(repr=False, kw_only=True)


@dataclass
class Books:
    """One database of a server, with an eye of its own into its tables."""

    server: Server
    name: str
    has_module: bool

    def key(self, user: str = "key") -> str:
        return self.server.built.keys("postgresql" if self.server.postgres else "sqlite")[user]

    def config(self, **changes: Any) -> TrytonConfig:
        values = {"base_url": self.server.url, "database": self.name, "api_key": self.key(),
                  "has_uniqueness_module": self.has_module}  # fmt: skip
        return TrytonConfig.model_validate(values | changes)

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the ERP's own database says."""
        if self.server.postgres:
            with closing(psycopg.connect(named(self.server.postgres, self.name), autocommit=True)) as connection:
                done = connection.execute(query.replace("?", "%s").encode(), values)
                return done.fetchall() if done.description is not None else []
        with closing(sqlite3.connect(self.server.folder / f"{self.name}.sqlite")) as database:
            found = database.execute(query, values).fetchall()
            database.commit()
            # Exact numbers are kept as text in bytes there.
            return [tuple(one.decode() if isinstance(one, bytes) else one for one in row) for row in found]

    def count(self, table: str) -> int:
        return int(self.sql(f"SELECT COUNT(*) FROM {table}")[0][0])  # noqa: S608 - a table name of ours

    def rows(self) -> dict[str, int]:
        """Row counts of everything a set-up writes to."""
        tables = ["party_party", "party_address", "party_identifier", "party_contact_mechanism", "party_relation",
                  "project_work", "sale_sale", "sale_line", "analytic_account_account", "account_invoice"]  # fmt: skip
        return {table: self.count(table) for table in tables + (["tieline_event"] if self.has_module else [])}


@contextmanager
def running(built: Built, folder: Path, *, postgres: str = "") -> Iterator[Server]:
    """The server, until the block ends; stopped by its id."""
    port = free_port()
    config = folder / "trytond.conf"
    uri = server_uri(postgres) if postgres else "sqlite://"
    # The server remembers which databases there are for as long as a session lives: zero, so that clones are seen.
    config.write_text(
        f"[database]\nuri = {uri}\npath = {folder}\n[web]\nlisten = 127.0.0.1:{port}\n[session]\ntimeout = 0\n",
        encoding="utf-8",
    )
    with (folder / "trytond.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [str(built.programs / "trytond"), "-c", str(config)], stdout=log, stderr=log, env=dict(os.environ)
        )
    try:
        _await_answer(process, f"http://127.0.0.1:{port}/", folder / "trytond.log")
        yield Server(built, f"http://127.0.0.1:{port}", folder, postgres, process=process)
    finally:
        process.terminate()
        process.wait(10)


def _await_answer(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN_S
    probe = {"id": 1, "method": "common.server.version", "params": []}
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text(encoding="utf-8")[-2000:]
        try:
            if httpx.post(f"{url}rpc/", json=probe, timeout=5, trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"the ERP does not answer: {log.read_text(encoding='utf-8')[-2000:]}")


def sqlite_books(server: Server, *, has_module: bool) -> Books:
    """The database as seeded, written over what an earlier test left in it: a new name would cost two seconds."""
    name = "keyed" if has_module else "plain"
    books = Books(server, name, has_module)
    is_new = not (server.folder / f"{name}.sqlite").exists()
    seeded = sqlite3.connect(server.built.keyed if has_module else server.built.plain)
    with closing(seeded), closing(sqlite3.connect(server.folder / f"{name}.sqlite")) as used:
        seeded.backup(used)
    if is_new:
        _warm(books)
    return books


def _warm(books: Books) -> None:
    """One call alone: the server cannot take several as the first ones of a database."""
    config = books.config()
    headers = {"Authorization": f"Bearer {config.api_key.get_secret_value()}"}
    answer = httpx.get(f"{config.root_url}/currency.currency", headers=headers, timeout=30, trust_env=False)
    assert answer.is_success, answer.text


@contextmanager
def postgres_server_of(built: Built, url: str) -> Iterator[str]:
    """The PostgreSQL server with the seeded database as template `keyed`."""
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute("CREATE DATABASE keyed TEMPLATE template0")
    command = [pg_program("pg_restore"), "-d", named(url, "keyed"), "--no-owner", str(built.dump)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    assert done.returncode == 0, done.stderr
    try:
        yield url
    finally:
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            connection.execute("DROP DATABASE keyed WITH (FORCE)")


@contextmanager
def postgres_books(server: Server) -> Iterator[Books]:
    """A fresh clone of the template."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with closing(psycopg.connect(server.postgres, autocommit=True)) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE keyed".encode())
    try:
        books = Books(server, name, has_module=True)
        _warm(books)
        yield books
    finally:
        with closing(psycopg.connect(server.postgres, autocommit=True)) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
