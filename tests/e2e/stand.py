"""A whole Tieline on loopback: simulators and Temporal as processes, worker in-process or as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import Client

from connectors.netsuite import CONNECTOR as ERP_CONNECTOR
from connectors.netsuite import NetSuiteConfig
from mappings.rulebook import load_rulebook
from models.blocker import OpenItem
from models.ids import ConnectionId, ContractNumber, DealId, EngagementId, FirmId, engagement_id
from models.process import QuoteToProjectResult
from runtime.embedded_temporal import EmbeddedTemporal, free_port
from runtime.payload_keys import new_payload_key, parse_payload_keys
from runtime.people import FilePeople, make_demo_people
from runtime.temporal import TemporalStarter, build_worker, connect, register_search_attributes
from runtime.wiring import Tieline, build_tieline
from store import Store, open_store
from tests.e2e.crm_sides import CRMS, CrmSide

__all__ = ["FIRM", "PAYLOAD_KEY", "ROOT", "SECRET", "Sandbox", "Stand", "open_stand"]

ROOT = Path(__file__).resolve().parents[2]
FIRM = FirmId("hf")
PAYLOAD_KEY = new_payload_key("stand")
SECRET = "demo-intake-secret-0123456789"


@dataclass
class Sandbox:
    """One simulator process and its control routes."""

    facts: dict[str, Any]
    process: asyncio.subprocess.Process
    http: httpx.AsyncClient

    @property
    def url(self) -> str:
        return str(self.facts["url"])

    @classmethod
    async def start(cls, system: str, folder: Path, *, state: str = "demo", extra: tuple[str, ...] = ()) -> Sandbox:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sandbox", system, "--port", "0", "--state", state, "--data", str(folder / system),
            *extra, cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        facts = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
        return cls(facts, process, httpx.AsyncClient(base_url=facts["url"], timeout=20))

    async def stop(self) -> None:
        await self.http.aclose()
        if self.process.returncode is None:
            self.process.terminate()
            await asyncio.wait_for(self.process.wait(), 10)

    async def journal(self, since: int = 0) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = []
        while True:
            last = entries[-1]["seq"] if entries else since
            page = (await self.http.get("/_sandbox/journal", params={"since": last, "limit": 1000})).json()["entries"]
            if not page:
                return entries
            entries += page

    async def last_seq(self) -> int:
        """Number of the newest entry of the journal."""
        return int((await self.http.get("/_sandbox/journal", params={"limit": 1})).json()["last_seq"])

    async def faults(self, *rules: dict[str, Any]) -> None:
        answer = await self.http.post("/_sandbox/faults", json={"rules": list(rules)})
        answer.raise_for_status()

    async def fired(self, rule: str) -> int:
        """How often a fault rule has acted."""
        rules = (await self.http.get("/_sandbox/faults")).json()["rules"]
        return next(int(row["fired"]) for row in rules if row["id"] == rule)

    async def no_faults(self) -> None:
        (await self.http.delete("/_sandbox/faults")).raise_for_status()

    async def records(self, *records: dict[str, Any]) -> Any:
        answer = await self.http.post("/_sandbox/records", json={"records": list(records)})
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def control(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """One of the simulator's own control routes."""
        answer = await self.http.post(f"/_sandbox/{action}", json=body)
        assert answer.status_code < 300, answer.text
        return dict(answer.json())

    async def kind(self, record_type: str) -> list[dict[str, Any]]:
        """All live records of one type."""
        return list((await self.http.get("/_sandbox/state")).json().get(record_type, []))

    async def writes(self, since: int = 0) -> list[dict[str, Any]]:
        """What programs changed; what people did in the vendor's own screens left out."""
        return [entry for entry in await self.journal() if entry["client"] != "ui" and entry["seq"] > since]

    async def calls(self) -> dict[str, int]:
        return dict((await self.http.get("/_sandbox/calls")).json()["by_route"])

    async def reset_calls(self) -> None:
        (await self.http.delete("/_sandbox/calls")).raise_for_status()


@dataclass
class Stand:
    """Everything together, with short ways to what tests ask."""

    folder: Path
    crm: Sandbox
    erp: Sandbox
    temporal: EmbeddedTemporal
    client: Client
    store: Store
    tieline: Tieline
    people: FilePeople
    task_queue: str
    people_file: Path
    rules: Path
    stack: AsyncExitStack = field(repr=False)
    crm_side: CrmSide = CRMS["salesforce"]

    @property
    def starter(self) -> TemporalStarter:
        return TemporalStarter(self.client, FIRM, self.task_queue)

    def environment(self, *, store: Path | None = None, task_queue: str = "") -> dict[str, str]:
        """Settings for processes of their own; another store and queue make another Tieline at the same vendors."""
        crm, erp = self.crm.facts["client"], self.erp.facts["client"]
        return {
            **os.environ,
            "TEMPORAL_ADDRESS": self.temporal.address,
            "TIELINE_FIRM": FIRM,
            "TIELINE_STORE_URL": f"sqlite:///{store or self.folder / 'store.db'}",
            "TIELINE_TASK_QUEUE": task_queue or self.task_queue,
            "TIELINE_API_PORT": "0",
            # A schedule would ask the simulators at any moment; tests that count calls must not depend on the clock.
            "TIELINE_FEEDBACK__EVERY_S": "0",
            "TIELINE_PAYLOAD_KEYS": json.dumps([PAYLOAD_KEY]),
            "TIELINE_PEOPLE_FILE": str(self.people_file),
            "TIELINE_RULEBOOK_FOLDER": str(self.rules),
            **self.crm_side.environment(crm, self.crm.url),
            "TIELINE_CRM__EVENT_SECRETS": json.dumps([SECRET]),
            "TIELINE_ERP__CONNECTOR": "netsuite",
            "TIELINE_ERP__EVENT_SECRETS": json.dumps([SECRET]),
            "TIELINE_ERP__CONFIG__ACCOUNT_ID": erp["account"],
            "TIELINE_ERP__CONFIG__BASE_URL": self.erp.url,
            "TIELINE_ERP__CONFIG__LOGIN__KIND": "m2m",
            "TIELINE_ERP__CONFIG__LOGIN__CLIENT_ID": erp["client_id"],
            "TIELINE_ERP__CONFIG__LOGIN__CERTIFICATE_ID": erp["certificate_id"],
            "TIELINE_ERP__CONFIG__LOGIN__PRIVATE_KEY_PEM_FILE": erp["private_key"],
        }

    async def win(self, *deals: str) -> None:
        """Close deals as won, as a salesperson would."""
        await self.crm.records(*(self.crm_side.won(deal) for deal in deals))

    async def deals(self) -> list[dict[str, Any]]:
        """Every deal of the CRM."""
        state = (await self.crm.http.get("/_sandbox/state")).json()
        return list(state.get("records", state)[self.crm_side.deals])

    async def start(self, *deals: str) -> list[str]:
        """Start or join, as the dispatcher would."""
        contracts = await self.tieline.crm.find_contracts([DealId(deal) for deal in deals])
        return [await self.starter.start_or_join(contract) for contract in contracts]

    async def settled(self, *contracts: str, seconds: float = 30) -> dict[str, Any]:
        """Wait until each contract has ended or waits for a person; rows by contract."""
        wanted = set(contracts)
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            rows = {str(row.contract_number): row for row in await self.store.desk.list_engagements(FIRM)}
            moving = {item for item in wanted if item not in rows or rows[item].stage in {"planning", "applying"}}
            if not moving:
                return {item: rows[item] for item in wanted}
            assert asyncio.get_running_loop().time() < deadline, f"still moving: {sorted(moving)}"
            await asyncio.sleep(0.05)

    async def result(self, contract: str, seconds: float = 15) -> QuoteToProjectResult:
        """How the process of that contract ended; waits for its end."""
        try:
            return await asyncio.wait_for(self.starter.handle(self.engagement(contract)).result(), seconds)
        except TimeoutError as stuck:
            row = await self.store.desk.find_engagement(self.engagement(contract))
            raise AssertionError(f"{contract} has not ended: {row and (row.stage.value, row.sentence)}") from stuck

    async def waiting(self, contract: str) -> list[OpenItem]:
        """What waits for a person there."""
        wanted = self.engagement(contract)
        return [item for item in await self.store.desk.list_open(FIRM) if item.engagement == wanted]

    @staticmethod
    def engagement(contract: str) -> EngagementId:
        return engagement_id(FIRM, ContractNumber(contract))


def _text_of(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


@asynccontextmanager
async def open_stand(
    folder: Path,
    *,
    worker: bool = True,
    state: str = "demo",
    rules: Path = ROOT / "mappings" / "demo_firm",
    crm: str = "salesforce",
    sealed: bool = True,
) -> AsyncIterator[Stand]:
    """Start everything, and stop it by id. `crm` names the simulator and the connector of the selling side."""
    crm_side = CRMS[crm]
    async with AsyncExitStack() as stack:
        temporal = EmbeddedTemporal(folder / "temporal.db", port=free_port(), ui_port=None, log=folder / "temporal.log")
        sandbox, erp, _ = await asyncio.gather(
            Sandbox.start(crm, folder, state=state), Sandbox.start("netsuite", folder), temporal.start()
        )
        stack.push_async_callback(temporal.stop)
        stack.push_async_callback(sandbox.stop)
        stack.push_async_callback(erp.stop)
        keys = parse_payload_keys([PAYLOAD_KEY]) if sealed else ()
        client = await connect({"target_host": temporal.address}, keys=keys)
        await register_search_attributes(client)
        store = await stack.enter_async_context(open_store(f"sqlite:///{folder / 'store.db'}"))
        people_file = make_demo_people(folder)
        people = FilePeople(people_file, FIRM)
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=10))
        erp_config = NetSuiteConfig.model_validate(
            {
                "account_id": erp.facts["client"]["account"],
                "base_url": erp.url,
                "login": {
                    "kind": "m2m",
                    "client_id": erp.facts["client"]["client_id"],
                    "certificate_id": erp.facts["client"]["certificate_id"],
                    "private_key_pem": _text_of(erp.facts["client"]["private_key"]),
                },
            }
        )
        book = load_rulebook(rules)
        tieline = build_tieline(
            store,
            [crm_side.build(sandbox.facts["client"], sandbox.url, http)],
            [ERP_CONNECTOR.build(ConnectionId("erp-main"), erp_config, http)],
            people,
            rules=lambda: book,
            now=lambda: datetime.now(UTC),
        )
        queue = f"tieline-{free_port()}"
        if worker:
            await stack.enter_async_context(build_worker(client, queue, tieline.activities))
        yield Stand(
            folder, sandbox, erp, temporal, client, store, tieline, people, queue, people_file, rules, stack, crm_side
        )
