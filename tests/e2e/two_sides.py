"""A firm with two CRM accounts and two ERPs at once, wired from its settings as anybody would write them."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.process import _dispatcher
from models.desk import EngagementRow
from models.events import CrmEvent
from models.ids import ConnectionId
from runtime.credential_watch import CredentialWatch
from runtime.dispatcher import Dispatcher
from runtime.gate import Gates
from runtime.settings import load_settings
from runtime.temporal import TemporalStarter, build_worker
from runtime.wiring import Tieline, open_tieline
from tests.e2e.stand import FIRM, Sandbox, Stand

__all__ = ["TwoSides", "open_two_sides"]

_RULES = """
[[erps]]
id = "ERP-US"
requirement = "FIN-02"
valid_from = 2015-01-01
connection = "erp-main"
entities = ["LE-US"]

[[erps]]
id = "ERP-FED"
requirement = "FIN-02"
valid_from = 2015-01-01
connection = "erp-fed"
entities = ["LE-FED"]
"""


@dataclass
class TwoSides:
    """The stand's own pair of systems, and a second one beside it."""

    stand: Stand
    crm: Sandbox
    erp: Sandbox
    tieline: Tieline
    gates: Gates
    watch: CredentialWatch
    dispatcher: Dispatcher
    starter: TemporalStarter

    async def ring(self, connection: str, deal: str) -> None:
        """An event of that deal, as the intake keeps it; then the dispatcher's turn."""
        now = datetime.now(UTC)
        event = CrmEvent(
            connection=ConnectionId(connection), event_id=f"{deal}-{now.timestamp()}", object_kind="deal",
            record_id=deal, occurred_at=now,
        )  # fmt: skip
        await self.tieline.store.inbox.accept(event, b"{}")
        await self.dispatcher.turn()

    async def rows(self) -> dict[str, EngagementRow]:
        """Where each contract stands."""
        return {str(row.contract_number): row for row in await self.tieline.store.desk.list_engagements(FIRM)}


@asynccontextmanager
async def open_two_sides(stand: Stand) -> AsyncIterator[TwoSides]:
    """A second CRM and a second ERP beside the stand's, with a store and a task queue of their own."""
    rules = stand.folder / "two-sides-rules"
    shutil.copytree(stand.rules, rules)
    (rules / "erps.toml").write_text(_RULES, encoding="utf-8")
    queue, folder = f"{stand.task_queue}-two", stand.folder / "second"
    crm, erp = await Sandbox.start("hubspot", folder, state="empty"), await Sandbox.start("netsuite", folder)
    settings = load_settings(
        stand.environment()
        | {
            "TIELINE_STORE_URL": f"sqlite:///{stand.folder / 'two-sides.db'}",
            "TIELINE_TASK_QUEUE": queue,
            "TIELINE_RULEBOOK_FOLDER": str(rules),
            "TIELINE_FURTHER_CONNECTIONS": json.dumps([_crm(crm), _erp(erp)]),
        }
    )
    gates = Gates()
    try:
        async with open_tieline(settings, gates) as tieline, build_worker(stand.client, queue, tieline.activities):
            starter = TemporalStarter(stand.client, FIRM, queue)
            dispatcher = _dispatcher(settings, tieline, stand.client, gates)
            watch = CredentialWatch(
                gates,
                {ConnectionId("erp-fed"): lambda: tieline.erps.named(ConnectionId("erp-fed")).get_chart(fresh=True)},
                tieline.store.desk,
                starter.nudge,
                firm=FIRM,
                due_at=lambda _: datetime.now(UTC) + timedelta(hours=2),
                first_probe_s=0.2,
            )
            yield TwoSides(stand, crm, erp, tieline, gates, watch, dispatcher, starter)
    finally:
        await crm.stop()
        await erp.stop()


def _crm(sandbox: Sandbox) -> dict[str, object]:
    client = sandbox.facts["client"]
    login = {"kind": "token", "access_token": client["access_token"]}
    config = {"base_url": sandbox.url, "login": login, "portal_id": str(client["portal_id"])}
    return {"connector": "hubspot", "connection": "crm-east", "config": config}


def _erp(sandbox: Sandbox) -> dict[str, object]:
    client = sandbox.facts["client"]
    login = {
        "kind": "m2m", "client_id": client["client_id"], "certificate_id": client["certificate_id"],
        "private_key_pem_file": str(Path(client["private_key"])),
    }  # fmt: skip
    config = {"account_id": client["account"], "base_url": sandbox.url, "login": login}
    return {"connector": "netsuite", "connection": "erp-fed", "config": config}
