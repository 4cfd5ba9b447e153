from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import NoReturn

__all__ = ["before_leaving", "leave"]

_last_steps: list[Callable[[], object]] = []


def before_leaving(step: Callable[[], object]) -> None:
    """Have `step` run when the process leaves, last added first: flush telemetry, end children, remove files."""
    _last_steps.append(step)


def leave(code: int) -> NoReturn:
    """End the process with exactly this code; the one way out of every program of Tieline.

    The engine's SDK can abort the interpreter while it shuts down (sdk-python issue 300), so a program that printed the
    right answer would report a crash. Everything that must be out is flushed here, then the interpreter is skipped;
    `atexit` does not run, hence `before_leaving`. Stores and HTTP clients are closed before, by the event loop that
    owns them.
    """
    while _last_steps:
        step = _last_steps.pop()
        try:
            step()
        except Exception as problem:  # noqa: BLE001 - the process edge: the other steps and the code must not be lost
            print(f"While leaving: {type(problem).__name__} in {_name_of(step)}.", file=sys.stderr)  # noqa: T201
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            # The reader of our output is gone (a closed pipe); what the program did is still told by its code.
            continue
    os._exit(code)


def _name_of(step: Callable[[], object]) -> str:
    return getattr(step, "__qualname__", type(step).__name__)
