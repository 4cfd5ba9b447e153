"""Record the histories that every later version must be able to go on with: `python -m tests.replay.record`.

Record anew only while no run of the released version is alive anywhere; after a release, new code takes a patch
marker instead (`workflow.patched`), and the old histories stay.
"""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from pathlib import Path
from typing import Any

from runtime.embedded_temporal import EmbeddedTemporal, free_port
from runtime.leave import leave
from runtime.temporal import connect, register_search_attributes
from tests.replay.change_runs import histories_of_changes
from tests.replay.typical_runs import TYPICAL_RUNS
from tests.workflows.house import open_house

__all__ = ["FOLDER", "anonymous"]

FOLDER = Path(__file__).with_name("histories")
_PROCESS = re.compile(r"\d+@")


async def record() -> None:
    """One file per run, without the names of the machine that recorded it."""
    server = EmbeddedTemporal(None, port=free_port(), ui_port=None)
    await server.start()
    try:
        client = await connect({"target_host": server.address})
        await register_search_attributes(client)
        for name, run in TYPICAL_RUNS.items():
            with tempfile.TemporaryDirectory() as folder:
                async with open_house(client, Path(folder)) as house:
                    await run(house)
                    history = json.loads((await house.handle.fetch_history()).to_json())
            await _keep(name, house.handle.id, history)
    finally:
        await server.stop()
    with tempfile.TemporaryDirectory() as folder:
        async for name, workflow_id, found in histories_of_changes(Path(folder)):
            await _keep(name, workflow_id, json.loads(found.to_json()))


async def _keep(name: str, workflow_id: str, history: Any) -> None:
    document = {"workflow_id": workflow_id, "history": anonymous(history)}
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)
    await asyncio.to_thread((FOLDER / f"{name}.json").write_text, text + "\n", encoding="utf-8")
    print(f"{name}: {len(history['events'])} events")  # noqa: T201 - a command that tells what it did


def anonymous(part: Any) -> Any:
    """Without process and host (also in the names of sticky queues) and without stacks, which hold paths."""
    if isinstance(part, dict):
        return {name: "" if name == "stackTrace" else anonymous(value) for name, value in part.items()}
    if isinstance(part, list):
        return [anonymous(item) for item in part]
    return "recorder" if isinstance(part, str) and _PROCESS.match(part) else part


if __name__ == "__main__":
    asyncio.run(record())
    leave(0)
