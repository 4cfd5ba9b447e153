from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


def _run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program], cwd=_ROOT, capture_output=True, text=True, timeout=10, check=False
    )


def test_output_is_complete_and_the_code_is_the_one_asked_for() -> None:
    done = _run("from runtime.leave import leave; print('x' * 100000, end=''); leave(3)")

    assert done.returncode == 3
    assert len(done.stdout) == 100_000


def test_last_steps_run_newest_first() -> None:
    done = _run(
        "from runtime.leave import before_leaving, leave\n"
        "before_leaving(lambda: print('first'))\n"
        "before_leaving(lambda: print('second'))\n"
        "leave(0)"
    )

    assert done.stdout.split() == ["second", "first"]


def test_a_last_step_that_fails_neither_stops_the_others_nor_changes_the_code() -> None:
    done = _run(
        "from runtime.leave import before_leaving, leave\n"
        "before_leaving(lambda: print('flushed'))\n"
        "def broken(): raise RuntimeError('canary')\n"
        "before_leaving(broken)\n"
        "leave(0)"
    )

    assert done.returncode == 0
    assert done.stdout.split() == ["flushed"]
    assert "RuntimeError in broken" in done.stderr
    assert "canary" not in done.stderr


def test_a_reader_that_went_away_does_not_change_the_code() -> None:
    done = _run("import os, sys\nfrom runtime.leave import leave\nprint('x')\nos.close(1)\nleave(4)")

    assert done.returncode == 4
