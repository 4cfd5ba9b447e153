"""Programs of Tieline as processes of their own, against a stand."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.stand import ROOT, Stand

__all__ = ["Finished", "run_program", "worker_process"]


@dataclass(frozen=True)
class Finished:
    """What a program that ended said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Its answer with `--json`."""
        return json.loads(self.out)


async def run_program(stand: Stand, *arguments: str, seconds: float = 30, **variables: str) -> Finished:
    """A Python program of the project, to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=ROOT, env={**stand.environment(), "COLUMNS": "200", **variables},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        out, err = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode is not None
    return Finished(process.returncode, out.decode(), err.decode())


@asynccontextmanager
async def worker_process(stand: Stand, **variables: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`worker.py` on the stand's queue and store, from its readiness to its end by SIGTERM."""
    log = stand.folder / "worker.log"
    with await asyncio.to_thread(log.open, "ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "worker.py", cwd=ROOT, env={**stand.environment(), **variables},
            stdout=output, stderr=output,
        )  # fmt: skip
    try:
        await _ready(process, log)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), 20)


async def _ready(process: asyncio.subprocess.Process, log: Path) -> None:
    for _ in range(400):
        said = await asyncio.to_thread(log.read_text)
        if "worker.ready" in said:
            return
        assert process.returncode is None, said
        await asyncio.sleep(0.05)
    raise AssertionError(f"not ready: {said}")
