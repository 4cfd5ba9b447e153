"""Record a sweep of invoices for the replay test: `python -m tests.replay.record_sweep`. When: see `record.py`."""

from __future__ import annotations

import asyncio
import json

from models.ids import ConnectionId
from runtime.embedded_temporal import EmbeddedTemporal, free_port
from runtime.leave import leave
from runtime.temporal import connect, register_search_attributes
from tests.replay.record import FOLDER, anonymous
from tests.workflows.sweeping import Steps

__all__ = ["record_sweep"]


async def record_sweep() -> None:
    """Two sweeps of three pages each, because somebody rings during the first."""
    server = EmbeddedTemporal(None, port=free_port(), ui_port=None)
    await server.start()
    try:
        client = await connect({"target_host": server.address})
        await register_search_attributes(client)
        steps, erp = Steps(), ConnectionId("erp-main")
        steps.pages = 3
        arrived, go_on = asyncio.Event(), asyncio.Event()

        def hold() -> asyncio.Future[None] | None:
            arrived.set()
            return None if go_on.is_set() else asyncio.ensure_future(_passed(go_on))

        steps.on_page = hold
        async with steps.at_work(client) as starter:
            handle = await starter.ring(erp)
            await arrived.wait()
            await starter.ring(erp)
            go_on.set()
            await handle.result()
        history = json.loads((await handle.fetch_history()).to_json())
        document = {"workflow_id": handle.id, "history": anonymous(history)}
        text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)
        file = FOLDER / "invoice_feedback.json"
        await asyncio.to_thread(file.write_text, text + "\n", encoding="utf-8")
    finally:
        await server.stop()


async def _passed(event: asyncio.Event) -> None:
    await event.wait()


if __name__ == "__main__":
    asyncio.run(record_sweep())
    leave(0)
