"""The ERPs: the simulated NetSuite, and a real Tryton with and without our module."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx

from connectors import netsuite, tryton
from models.ids import ConnectionId
from models.records import RecordRef
from tests.conformance.backend import ERP_OPERATIONS, ErpBackend, Snapshot
from tests.conformance.middle import NO_TLS, open_middle
from tests.connectors.netsuite import samples
from tests.connectors.netsuite.account import config_of
from tests.sandbox.netsuite_client import Account, account
from tests.tryton.server import Books

__all__ = ["NetSuite", "Tryton", "TrytonPlain", "open_netsuite", "open_tryton"]

_ERP = ConnectionId("erp-main")
_TYPES = {"customer": "customer", "contact": "contact", "cost-centre": "department", "project": "job",
          "billing-schedule": "billingSchedule", "contract": "salesOrder"}  # fmt: skip


@dataclass
class NetSuite(ErpBackend):
    """The simulated account."""

    name: ClassVar[str] = "netsuite@sandbox"
    spec = netsuite.CONNECTOR
    operations = ERP_OPERATIONS
    reads = r"/query/v1/suiteql"
    sign_in = r"/auth/oauth2/"
    billing_rule: ClassVar[str] = "milestones"

    sim: Account
    http: httpx.AsyncClient

    def adapter(self) -> netsuite.NetSuiteErp:
        return netsuite.build(_ERP, config_of(self.sim, base_url=self.middle.url), self.http)

    async def snapshot(self) -> Snapshot:
        store = self.sim.server.system.world.store
        return {
            kind: sorted(str({name: row[name] for name in row if name != "lastModifiedDate"} | {"id": record_id})
                         for record_id, row in store.rows(kind))
            for kind in store.kinds()
        }  # fmt: skip

    async def expire(self) -> None:
        await self.sim.control("POST", "expire-tokens")

    async def deactivate(self, step: str, ref: RecordRef) -> bool:
        if step == "contract":
            return False
        await self.sim.call("PATCH", f"/record/v1/{_TYPES[step]}/{ref.record_id}", {"isInactive": True})
        return True

    async def make_twin(self, step: str, ref: RecordRef) -> bool:
        if step == "customer":
            body: Any = {"companyName": "Northwind (by hand)", "subsidiary": {"externalId": "LE-US"},
                         "custentity_tl_crm_id": samples.ACCOUNT_ID}  # fmt: skip
        elif step == "project":
            body = {"companyName": "By hand", "parent": {"id": self.done["customer"].ref.record_id},
                    "custentity_tl_contract_number": samples.CONTRACT}  # fmt: skip
        else:
            return False
        await self.sim.put(_TYPES[step], f"by_hand_{step}", body)
        return True


@asynccontextmanager
async def open_netsuite() -> AsyncIterator[NetSuite]:
    """A fresh account behind a relay."""
    async with (
        account() as sim,
        open_middle(sim.server.url) as middle,
        httpx.AsyncClient(trust_env=False, verify=NO_TLS, timeout=5) as http,
    ):
        token_desk = config_of(sim, base_url=middle.url).token_url
        await sim.control("POST", "settings", {"audience": token_desk})
        yield NetSuite(middle, sim, http)


_TABLES = {"party_party": "", "party_address": "", "party_identifier": "", "party_contact_mechanism": "",
           "party_relation": "", "project_work": "", "sale_sale": "", "sale_line": "",
           "analytic_account_account": "", "account_invoice": ""}  # fmt: skip
_VOLATILE = {"write_date", "write_uid", "create_date", "create_uid"}


@dataclass
class Tryton(ErpBackend):
    """The real server, with our module in its database."""

    name: ClassVar[str] = "tryton@real"
    spec = tryton.CONNECTOR
    operations = ERP_OPERATIONS
    renews_tokens = False
    billing_rule: ClassVar[str] = "SVC-FIXED"

    books: Books
    http: httpx.AsyncClient

    def adapter(self) -> tryton.TrytonErp:
        return tryton.build(_ERP, self.books.config(base_url=self.middle.url), self.http)

    async def snapshot(self) -> Snapshot:
        return {table: sorted(map(str, self._rows(table))) for table in _TABLES}

    def _rows(self, table: str) -> list[dict[str, Any]]:
        is_pg = bool(self.books.server.postgres)
        names = self.books.sql(
            f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' ORDER BY 1" if is_pg  # noqa: S608
            else f"SELECT name FROM pragma_table_info('{table}') ORDER BY 1"  # noqa: S608
        )  # fmt: skip
        kept = [name for (name,) in names if name not in _VOLATILE]
        listed = ", ".join(f'"{name}"' for name in kept)
        rows = self.books.sql(f"SELECT {listed} FROM {table}")  # noqa: S608 - our own tables
        return [dict(zip(kept, row, strict=True)) for row in rows]

    async def deactivate(self, step: str, ref: RecordRef) -> bool:
        if step in {"customer", "contact"}:
            self.books.sql("UPDATE party_party SET active = ? WHERE id = ?", False, int(ref.record_id))  # noqa: FBT003
        elif step == "contract":
            self.books.sql("UPDATE sale_sale SET state = ? WHERE id = ?", "cancelled", int(ref.record_id))
        else:
            return False
        return True

    async def make_twin(self, step: str, ref: RecordRef) -> bool:
        if step != "customer":
            return False
        twin = samples.customer(key=samples.key("second"), name="Northwind again")
        await self.adapter().ensure_customer(twin, self.links())
        return True


@dataclass
class TrytonPlain(Tryton):
    """The real server without our module: nothing keeps our keys unique beyond parties."""

    name: ClassVar[str] = "tryton-plain@real"
    tried = frozenset({"project", "contract"})

    async def make_twin(self, step: str, ref: RecordRef) -> bool:
        if step not in {"project", "billing-schedule"}:
            return await super().make_twin(step, ref)
        self.books.sql(
            "INSERT INTO project_work (name, type, company, status, comment, number, parent)"
            " SELECT name, type, company, status, comment, number || '-X', parent FROM project_work WHERE id = ?",
            int(ref.record_id),
        )
        return True


@asynccontextmanager
async def open_tryton(books: Books) -> AsyncIterator[Tryton]:
    """A database of the real server behind a relay."""
    async with (
        open_middle(books.server.url) as middle,
        httpx.AsyncClient(trust_env=False, verify=NO_TLS, timeout=20) as http,
    ):
        yield (Tryton if books.has_module else TrytonPlain)(middle, books, http)
