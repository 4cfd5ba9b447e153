"""Processes the benchmark starts: ended by their id, and asked what they cost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

__all__ = ["ROOT", "Child", "cpu_s_of", "spawn"]

ROOT = Path(__file__).resolve().parent.parent
_READY_S, _STOP_S = 120.0, 15.0
_MB = 1_000_000
_LONGEST_LINE = 10_000_000


class Child:
    """One process of ours."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def cpu_s(self) -> float:
        """Processor time it has used so far."""
        return cpu_s_of(self.pid)

    def rss_mb(self) -> float:
        """Memory it holds now."""
        return float(psutil.Process(self.pid).memory_info().rss) / _MB

    async def first_line(self) -> dict[str, Any]:
        """The line of JSON it prints when it is ready."""
        if self._process.stdout is None:
            raise AssertionError(f"{self.name} was not started to be read")
        line = await asyncio.wait_for(self._process.stdout.readline(), _READY_S)
        if not line:
            raise RuntimeError(f"{self.name} ended before it was ready; its log says why.")
        return dict(json.loads(line))

    async def ask(self, line: str) -> dict[str, Any]:
        """Give it a line and wait for the line it answers."""
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError(f"{self.name} was not started to be asked")
        self._process.stdin.write(line.encode() + b"\n")
        await self._process.stdin.drain()
        answer = await self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.name} ended instead of answering; its log says why.")
        return dict(json.loads(answer))

    async def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """Ask it to end, and end it when it does not."""
        if self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_S)
        except TimeoutError:
            await self.kill()


def cpu_s_of(pid: int) -> float:
    """Processor time of a process, its threads included."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


async def spawn(name: str, arguments: list[str], *, log: Path, environment: Mapping[str, str] | None = None) -> Child:
    """Start a Python process of this project; its first line of output can be read, its complaints go to `log`."""
    with log.open("ab") as complaints:
        # Byte code is kept, as on any installed machine, but outside the checkout: each run loads workflow files anew.
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        own = {**kept, "PYTHONPYCACHEPREFIX": str(log.parent / "bytecode"), **(environment or {})}
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, cwd=ROOT, env=own,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=complaints, start_new_session=True,
            limit=_LONGEST_LINE,
        )  # fmt: skip
    return Child(name, process)
