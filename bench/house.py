"""Everything the benchmark runs against, on loopback: engine, both vendor simulators, store, and workers by demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import Client

from bench.deals import Deal, write_state
from bench.processes import ROOT, Child, spawn
from models.ids import FirmId
from runtime.embedded_temporal import EmbeddedTemporal, free_port
from runtime.people import make_demo_people
from runtime.temporal import TemporalStarter, connect, register_search_attributes

__all__ = ["ERP_CALLS_AT_ONCE", "FIRM", "House", "Simulator", "open_house"]

FIRM = FirmId("hf")
ERP_CALLS_AT_ONCE = 50
"""What the simulated account allows: no refusal in any arm, also with two workers."""
_CRM_CALLS_A_DAY = 100_000_000


@dataclass
class Simulator:
    """One vendor in a process of its own, with its control routes."""

    process: Child
    url: str
    client: dict[str, Any]
    http: httpx.AsyncClient

    async def calls(self) -> dict[str, int]:
        """Vendor calls since the last reset, by route."""
        return dict((await self.http.get("/_sandbox/calls")).json()["by_route"])

    async def reset_calls(self) -> None:
        """Count from nought."""
        (await self.http.delete("/_sandbox/calls")).raise_for_status()

    async def state(self) -> dict[str, list[dict[str, Any]]]:
        """All live records by kind."""
        return dict((await self.http.get("/_sandbox/state")).json())


@dataclass
class House:
    """The parts, and how to start a worker on them."""

    folder: Path
    crm: Simulator
    erp: Simulator
    temporal: EmbeddedTemporal
    client: Client
    people_file: Path
    queue: str
    stack: AsyncExitStack = field(repr=False)

    @property
    def store_url(self) -> str:
        """Our store; durable, as in production."""
        return f"sqlite:///{self.folder / 'store.db'}"

    @property
    def starter(self) -> TemporalStarter:
        """Starts processes as the dispatcher does."""
        return TemporalStarter(self.client, FIRM, self.queue)

    def environment(self) -> dict[str, str]:
        """The settings of a worker."""
        return {
            "TEMPORAL_ADDRESS": self.temporal.address,
            "TIELINE_FIRM": FIRM,
            "TIELINE_STORE_URL": self.store_url,
            "TIELINE_TASK_QUEUE": self.queue,
            "TIELINE_API_PORT": "0",
            "TIELINE_PEOPLE_FILE": str(self.people_file),
            "TIELINE_RULEBOOK_FOLDER": str(ROOT / "mappings" / "demo_firm"),
            "TIELINE_CRM__CONNECTOR": "salesforce",
            "TIELINE_CRM__EVENT_SECRETS": json.dumps(["bench-intake-secret-0123456789"]),
            "TIELINE_CRM__CONFIG__BASE_URL": self.crm.url,
            # The benchmark says when a deal starts; a sweep would find it before.
            "TIELINE_CRM__CONFIG__SWEEP_EVERY_S": "0",
            "TIELINE_CRM__CONFIG__LOGIN__KIND": "jwt",
            "TIELINE_CRM__CONFIG__LOGIN__CONSUMER_KEY": str(self.crm.client["consumer_key"]),
            "TIELINE_CRM__CONFIG__LOGIN__USERNAME": str(self.crm.client["username"]),
            "TIELINE_CRM__CONFIG__LOGIN__PRIVATE_KEY_PEM_FILE": str(self.crm.client["private_key_file"]),
            "TIELINE_ERP__CONNECTOR": "netsuite",
            "TIELINE_ERP__CONFIG__ACCOUNT_ID": str(self.erp.client["account"]),
            "TIELINE_ERP__CONFIG__BASE_URL": self.erp.url,
            "TIELINE_ERP__CONFIG__LOGIN__KIND": "m2m",
            "TIELINE_ERP__CONFIG__LOGIN__CLIENT_ID": str(self.erp.client["client_id"]),
            "TIELINE_ERP__CONFIG__LOGIN__CERTIFICATE_ID": str(self.erp.client["certificate_id"]),
            "TIELINE_ERP__CONFIG__LOGIN__PRIVATE_KEY_PEM_FILE": str(self.erp.client["private_key"]),
        }

    async def worker(self, name: str = "worker") -> Child:
        """Tieline itself, as it is shipped."""
        return await self.start(name, ["worker.py"], self.environment())

    async def start(self, name: str, arguments: list[str], environment: dict[str, str]) -> Child:
        """A process that ends with the house at the latest."""
        child = await spawn(name, arguments, log=self.folder / f"{name}.log", environment=environment)
        self.stack.push_async_callback(child.stop)
        return child


@asynccontextmanager
async def open_house(folder: Path, deals: Sequence[Deal]) -> AsyncIterator[House]:
    """Start everything with these deals in the CRM, and end it by id."""
    state = folder / "deals.json"
    await asyncio.to_thread(write_state, state, deals)
    async with AsyncExitStack() as stack:
        temporal = EmbeddedTemporal(folder / "temporal.db", port=free_port(), ui_port=None, log=folder / "temporal.log")
        stack.push_async_callback(temporal.stop)
        allowed = f"daily_api_limit={_CRM_CALLS_A_DAY}", f"concurrency={ERP_CALLS_AT_ONCE}"
        crm, erp, _ = await asyncio.gather(
            _simulator("salesforce", folder, stack, ["--state", str(state), "--set", allowed[0]]),
            _simulator("netsuite", folder, stack, ["--state", "empty", "--set", allowed[1]]),
            temporal.start(),
        )
        client = await connect({"target_host": temporal.address})
        await register_search_attributes(client)
        people = make_demo_people(folder)
        yield House(folder, crm, erp, temporal, client, people, f"bench-{free_port()}", stack)


async def _simulator(system: str, folder: Path, stack: AsyncExitStack, options: list[str]) -> Simulator:
    """Without a data folder: its journal stays in memory, so that its disk is no part of anybody's time."""
    child = await spawn(system, ["-m", "sandbox", system, *options], log=folder / f"{system}.log")
    stack.push_async_callback(child.stop)
    facts = await child.first_line()
    http = await stack.enter_async_context(httpx.AsyncClient(base_url=facts["url"], timeout=120))
    return Simulator(child, str(facts["url"]), dict(facts["client"]), http)
