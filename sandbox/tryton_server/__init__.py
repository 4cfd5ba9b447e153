"""A real Tryton on this machine: built once, then started as a process of its own and spoken to over HTTP only."""

from __future__ import annotations

from sandbox.tryton_server.build import (
    MODULES,
    Built,
    NotBuilt,
    activate,
    build,
    cache_folder,
    locked,
    run_program,
    seed,
    timed,
)

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
