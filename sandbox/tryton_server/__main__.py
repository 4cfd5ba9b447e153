"""`python -m sandbox.tryton_server --port P --data DIR`: a real Tryton as one process, its database kept in DIR.

Prints one line of JSON when it can be called, as the simulators do. The first time it is built, in about two minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path

from sandbox.tryton_server.build import ROOT, Built, NotBuilt, build, cache_folder, locked, run_program

_DATABASE = "keyed"
_KEYS = "keys.json"
_STARTS_WITHIN_S = 60.0
_STOPS_WITHIN_S = 10.0


def main() -> int:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.tryton_server", description="Run a real Tryton.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--data", type=Path, required=True, help="folder in which its database outlives the process")
    found = parser.parse_args()
    built = Built(cache_folder())
    try:
        with locked(built):
            build(built)
        port = found.port or _free_port()
        config = _database(built, found.data.resolve(), port)
    except NotBuilt as refused:
        sys.stderr.write(f"{refused}\n")
        return 2
    return asyncio.run(_serve(built, config, f"http://127.0.0.1:{port}"))


def _database(built: Built, folder: Path, port: int) -> Path:
    """The database of this folder, as seeded when it is not there yet, and the server's settings."""
    folder.mkdir(parents=True, exist_ok=True)
    config, kept = folder / "trytond.conf", folder / f"{_DATABASE}.sqlite"
    config.write_text(
        f"[database]\nuri = sqlite://\npath = {folder}\n[web]\nlisten = 127.0.0.1:{port}\n", encoding="utf-8"
    )
    if not kept.exists():
        # Under another name until it is complete, so that one that was broken off is not taken for whole.
        work = folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        shutil.copy(built.keyed, work / kept.name)
        # A later build has other keys; this database keeps those it was seeded with.
        (folder / _KEYS).write_text(json.dumps(built.keys("sqlite")), encoding="utf-8")
        own = work / config.name
        own.write_text(f"[database]\nuri = sqlite://\npath = {work}\n", encoding="utf-8")
        script = ROOT / "deploy" / "tryton" / "demo_companies.py"
        command = [str(built.programs / "python"), str(script), str(own), _DATABASE]
        run_program(command, TRYTOND_CONFIG=str(own))
        (work / kept.name).rename(kept)
    return config


async def _serve(built: Built, config: Path, url: str) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    log = config.with_name("trytond.log")
    with await asyncio.to_thread(log.open, "ab") as stream:
        server = await asyncio.create_subprocess_exec(
            str(built.programs / "trytond"), "-c", str(config), stdout=stream, stderr=stream, env=dict(os.environ)
        )
    try:
        keys = await asyncio.to_thread(config.with_name(_KEYS).read_text, encoding="utf-8")
        key = str(json.loads(keys)["key"])
        if not await _answers(server, url, key):
            sys.stderr.write(f"Tryton does not answer; its log is {log}.\n")
            return 1
        client = {"database": _DATABASE, "api_key": key, "file": str(config.with_name(f"{_DATABASE}.sqlite"))}
        sys.stdout.write(json.dumps({"system": "tryton", "url": url, "client": client}) + "\n")
        sys.stdout.flush()
        ended = asyncio.create_task(server.wait())
        await asyncio.wait({ended, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        return 0 if stop.is_set() else 1
    finally:
        await _ended(server)


async def _answers(server: asyncio.subprocess.Process, url: str, key: str) -> bool:
    """Until it has answered a call of ours: it cannot take several as the first ones of a database."""
    deadline = asyncio.get_running_loop().time() + _STARTS_WITHIN_S
    while server.returncode is None and asyncio.get_running_loop().time() < deadline:
        if await asyncio.to_thread(_asked, f"{url}/{_DATABASE}/rest/model/currency.currency", key):
            return True
        await asyncio.sleep(0.1)
    return False


def _asked(url: str, key: str) -> bool:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})  # noqa: S310 - our own address
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)  # noqa: PLR2004 - the status
    except (urllib.error.URLError, OSError):
        return False


async def _ended(server: asyncio.subprocess.Process) -> None:
    if server.returncode is None:
        server.terminate()
        try:
            await asyncio.wait_for(server.wait(), _STOPS_WITHIN_S)
        except TimeoutError:
            server.kill()
            await server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    raise SystemExit(main())
