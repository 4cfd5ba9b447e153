"""Builds a real Tryton once and keeps it: an environment of its own, and seeded SQLite databases to be copied.

Nothing of it is imported here: it is a server that is spoken to over HTTP. The cache is `var/tryton/`, or the folder
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
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

__all__ = [
    "MODULES",
    "Built",
    "NotBuilt",
    "activate",
    "build",
    "cache_folder",
    "locked",
    "run_program",
    "seed",
    "timed",
]

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "deploy" / "tryton" / "requirements.lock"
MODULE = ROOT / "deploy" / "tryton" / "tieline_uniqueness"
MODULES = ("analytic_sale", "analytic_invoice", "project_invoice", "party_relationship")
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
        """Where its commands are."""
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
        """PostgreSQL database with our module, where tests made one."""
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
    digest.update(" ".join((_RECIPE, year, *MODULES)).encode())
    for path in (LOCK, *files):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    root = Path(os.environ.get("TRYTON_CACHE") or ROOT / "var" / "tryton")
    return root / f"{sys.version_info.major}.{sys.version_info.minor}-{digest.hexdigest()[:16]}"


@contextmanager
def locked(built: Built) -> Iterator[None]:
    """One process at a time builds."""
    built.folder.mkdir(parents=True, exist_ok=True)
    with (built.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(built: Built) -> None:
    """Build what is missing of the environment and the SQLite databases. Raises NotBuilt when it cannot be had."""
    if not (built.folder / "venv.ok").exists():
        _environment(built)
    if not built.keyed.exists():
        _sqlite(built)


def _environment(built: Built) -> None:
    folder = built.folder / "venv"
    with timed("environment"):
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        install = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        try:
            run_program([*install, "--require-hashes", "-r", str(LOCK)])
        except NotBuilt as refused:
            raise NotBuilt(f"The ERP's packages cannot be installed (no package index?): {refused}") from refused
        # Building writes beside the source; a copy keeps the checkout clean.
        source = built.folder / "source"
        shutil.rmtree(source, ignore_errors=True)
        shutil.copytree(MODULE, source, ignore=shutil.ignore_patterns("__pycache__"))
        run_program([*install, "--no-deps", "--no-build-isolation", str(source)])
        (built.folder / "venv.ok").touch()


def _sqlite(built: Built) -> None:
    work = built.folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    config = work / "trytond.conf"
    config.write_text(f"[database]\nuri = sqlite://\npath = {work}\n", encoding="utf-8")
    with timed("SQLite database"):
        (work / "plain.sqlite").touch()
        activate(built, config, "plain", MODULES)
        keys = seed(built, config, "plain")
        (built.folder / "sqlite-keys.json").write_text(keys, encoding="utf-8")
        shutil.copy(work / "plain.sqlite", work / "keyed.sqlite")
        activate(built, config, "keyed", ("tieline",))
        shutil.move(work / "plain.sqlite", built.plain)
        shutil.move(work / "keyed.sqlite", built.keyed)


def activate(built: Built, config: Path, database: str, modules: tuple[str, ...]) -> None:
    """Make the database, or add modules to it."""
    secret = config.with_suffix(".pass")
    secret.write_text(_PASSWORD, encoding="utf-8")
    command = [str(built.programs / "trytond-admin"), "-c", str(config), "-d", database, "-u", *modules,
               "--activate-dependencies", "--email", "admin@example.com"]  # fmt: skip
    run_program(command, TRYTONPASSFILE=str(secret))


def seed(built: Built, config: Path, database: str) -> str:
    """Fill it with the demo firm's company; gives its users' keys as JSON."""
    command = [str(built.programs / "python"), str(MODULE / "seed_demo.py"), str(config), database]
    # The back end is chosen when trytond is imported, before the script names its configuration.
    keys = run_program(command, TRYTOND_CONFIG=str(config)).strip().splitlines()[-1]
    json.loads(keys)
    return keys


def run_program(command: list[str], **environment: str) -> str:
    """What a program of ours printed. Raises NotBuilt with what it complained about."""
    done = subprocess.run(  # noqa: S603 - our own commands
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotBuilt(f"{Path(command[0]).name} failed: {done.stderr[-1500:]}")
    return done.stdout


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Tell how long a part took."""
    started = time.monotonic()
    yield
    sys.stderr.write(f"Tryton: {what} built in {time.monotonic() - started:.0f} s\n")
