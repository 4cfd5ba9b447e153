"""A process of its own, since a tracer provider is set once: a signed event becomes a vendor call, then it leaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx
from pydantic import SecretStr
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from api import EventSender, build_app
from api.intake import Intake
from models.events import ContractOfDeal
from models.ids import ContractNumber, DealId, FirmId
from runtime.dispatcher import Dispatcher
from runtime.event_problems import EventProblems
from runtime.leave import leave
from runtime.log_events import start_logging
from runtime.redaction import Redactor
from runtime.settings import Limits, Telemetry
from runtime.telemetry import start_telemetry, tracer
from store import open_store
from tests.api.edge import CRM, SECRET, event_body, read_event, signed
from tests.fakes import FakeCrm
from tests.runtime.trace_workflow import WriteOneRecord, write_record

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Deals(FakeCrm):
    async def find_contracts(self, deals: Sequence[DealId]) -> tuple[ContractOfDeal, ...]:
        return tuple(
            ContractOfDeal(
                deal_id=deal, contract_number=ContractNumber("C-1"), is_won=True, source_version=datetime.now(UTC)
            )
            for deal in deals
        )


class Starter:
    def __init__(self, client: Client, url: str) -> None:
        self._client = client
        self._url = url

    async def start_or_join(self, contract: ContractOfDeal) -> str:
        await self._client.execute_workflow(
            WriteOneRecord.run, self._url, id=f"story/{contract.contract_number}", task_queue="story"
        )
        return "started"


async def tell(endpoint: str, folder: Path) -> None:
    headers_seen: list[str] = []

    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        headers_seen.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
        writer.write(_ANSWER)
        await writer.drain()
        writer.close()

    redactor = Redactor(["canary-secret-value"])
    start_logging(redactor)
    plugins = start_telemetry(Telemetry(endpoint=endpoint, headers=SecretStr("x-key=collector-key")), redactor)
    server = await asyncio.start_server(vendor, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/records"
    binary = shutil.which("temporal-test-server", path=str(Path(sys.executable).parent))
    async with (
        open_store(f"sqlite:///{folder / 'story.db'}") as store,
        await WorkflowEnvironment.start_time_skipping(test_server_existing_path=binary) as environment,
    ):
        client = await Client.connect(environment.client.service_client.config.target_host, plugins=list(plugins))
        problems = EventProblems(store.desk, FirmId("hf"), lambda _blocker: datetime.now(UTC))
        dispatcher = Dispatcher(
            store.inbox, {CRM: Deals()}, Starter(client, url), problems, bindings=store.deal_bindings,
            firm=FirmId("hf"), limits=Limits(),
        )
        intake = Intake(
            {CRM: EventSender(read_event, (SecretStr(SECRET),))}, store.inbox, store.audit, limits=Limits(),
            on_accepted=dispatcher.wake,
        )  # fmt: skip
        transport = httpx.ASGITransport(build_app(intake=intake, checks={}))
        async with (
            Worker(client, task_queue="story", workflows=[WriteOneRecord], activities=[write_record]),
            httpx.AsyncClient(transport=transport, base_url="http://tieline") as sender,
        ):
            body = event_body()
            answer = await sender.post("/intake/crm-main", content=body, headers=signed(body))
            await dispatcher.turn()
    with (
        contextlib.suppress(ValueError),
        tracer().start_as_current_span("broken.step", attributes={"note": "ada@customer.example"}),
    ):
        int("canary-secret-value of ada@customer.example")
    server.close()
    sys.stdout.write(json.dumps({"status": answer.status_code, "vendor_saw": headers_seen}))


if __name__ == "__main__":
    asyncio.run(tell(sys.argv[1], Path(sys.argv[2])))
    leave(0)
