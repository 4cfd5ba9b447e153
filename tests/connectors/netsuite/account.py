"""The connector against the simulated account, with a second, independent client that looks on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from connectors.netsuite import NetSuiteConfig, NetSuiteErp, build
from models.ids import ConnectionId
from models.records import Links
from tests.connectors.netsuite import samples
from tests.sandbox.netsuite_client import Account, account


@dataclass
class Connected:
    """Our adapter, the simulator's control and everything a test wants to judge by."""

    erp: NetSuiteErp
    config: NetSuiteConfig
    sim: Account
    http: httpx.AsyncClient

    def another(self) -> NetSuiteErp:
        """An adapter of another process: it has seen nothing."""
        return build(ConnectionId("erp-main"), self.config, self.http)

    async def calls(self) -> dict[str, int]:
        """Calls by route since the last `reset`, token calls left out."""
        return {
            route: number
            for route, number in (await self.sim.control("GET", "calls"))["by_route"].items()
            if "oauth2" not in route
        }

    async def reset(self) -> None:
        await self.sim.control("DELETE", "calls")

    async def made(self, kind: str) -> list[str]:
        """Ids of the records of a kind that were created since the start."""
        return [entry["record_id"] for entry in await self.sim.journal(kind) if entry["action"] == "create"]

    async def set_up(self) -> Links:
        """Write the whole sample contract."""
        done = await self.erp.ensure_customer(samples.customer(), Links())
        links = samples.links(customer=done.ref)
        project = await self.erp.ensure_project(samples.project(), links)
        links = samples.links(customer=done.ref, project=project.ref)
        schedule = await self.erp.ensure_billing_schedule(samples.schedule(), links)
        links = samples.links(customer=done.ref, project=project.ref, billing_schedule=schedule.ref)
        contract = await self.erp.ensure_contract(samples.contract(), links)
        return samples.links(
            customer=done.ref, project=project.ref, billing_schedule=schedule.ref, contract=contract.ref
        )


def config_of(sim: Account, **more: Any) -> NetSuiteConfig:
    facts = sim.server.system.client_facts()
    login = {
        "kind": "m2m",
        "client_id": facts["client_id"],
        "certificate_id": facts["ec_certificate_id"],
        "private_key_pem": SecretStr(Path(facts["ec_private_key"]).read_text()),
        "algorithm": "ES256",
    }
    return NetSuiteConfig.model_validate(
        {"account_id": "123456_SB1", "base_url": sim.server.url, "login": login} | more
    )


@asynccontextmanager
async def connected(*, own: dict[str, Any] | None = None, **changes: Any) -> AsyncIterator[Connected]:
    """A fresh account; `own` changes our configuration, the rest the simulator's options."""
    async with account(**changes) as sim, httpx.AsyncClient(trust_env=False, timeout=5) as http:
        config = config_of(sim, **(own or {}))
        yield Connected(build(ConnectionId("erp-main"), config, http), config, sim, http)
