from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict

from models.errors import TielineError

__all__ = ["Child", "Ready", "start_real_erp", "start_sandbox", "start_worker"]

_START_TIMEOUT_S = 40.0
_BUILD_TIMEOUT_S = 900.0
_STOP_TIMEOUT_S = 15.0
_ROOT = Path(__file__).resolve().parent.parent


class Ready(BaseModel):
    """The line a simulator prints when it is ready."""

    model_config = ConfigDict(extra="ignore")

    system: str
    url: str
    client: dict[str, str | int | bool | None] = {}


class Child:
    """A process the demo started, stopped by its id and by nothing else."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: IO[bytes]) -> None:
        self.name = name
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it is gone already."""
        return self._process.returncode is not None

    async def first_line(self, within_s: float = _START_TIMEOUT_S) -> bytes:
        """The first line of its output."""
        if self._process.stdout is None:
            raise AssertionError("the output of this child goes to its log")
        return await asyncio.wait_for(self._process.stdout.readline(), within_s)

    async def stop(self) -> None:
        """Ask it to end; after fifteen seconds, end it."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), _STOP_TIMEOUT_S)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        self._log.close()


async def _spawn(
    name: str, arguments: list[str], log: Path, environment: dict[str, str] | None, *, reads: bool
) -> Child:
    await asyncio.to_thread(log.parent.mkdir, parents=True, exist_ok=True)
    stream = await asyncio.to_thread(log.open, "ab")
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=_ROOT,
        stdout=asyncio.subprocess.PIPE if reads else stream, stderr=stream,
        env={**os.environ, **(environment or {})}, start_new_session=True,
    )  # fmt: skip
    return Child(name, process, stream)


async def start_sandbox(
    system: str, folder: Path, *, port: int, settings: tuple[str, ...] = ()
) -> tuple[Child, Ready]:
    """One simulator with its demo records, kept in `folder` across runs."""
    arguments = ["-m", "sandbox", system, "--port", str(port), "--state", "demo", "--data", str(folder / system),
                 *settings]  # fmt: skip
    child = await _spawn(system, arguments, folder / f"{system}.log", None, reads=True)
    line = await child.first_line()
    if not line:
        await child.stop()
        raise TielineError(f"The {system} simulator did not start; its log is {folder / f'{system}.log'}.")
    return child, Ready.model_validate(json.loads(line))


async def start_real_erp(system: str, module: str, folder: Path, *, port: int) -> tuple[Child, Ready]:
    """A real server with an environment of its own, which is built first where it is missing."""
    log = folder / f"{system}.log"
    arguments = ["-m", module, "--port", str(port), "--data", str(folder / system)]
    child = await _spawn(system, arguments, log, None, reads=True)
    line = await child.first_line(_BUILD_TIMEOUT_S)
    if not line:
        await child.stop()
        raise TielineError(f"The real {system} did not start; its log is {log}.")
    return child, Ready.model_validate(json.loads(line))


async def start_worker(folder: Path, environment: dict[str, str]) -> Child:
    """Tieline itself: worker, event intake and dispatcher."""
    return await _spawn("worker", ["worker.py"], folder / "worker.log", environment, reads=False)
