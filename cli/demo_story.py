from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from temporalio.client import Client

from cli.demo_billing import DemoBilling
from cli.demo_changes import DemoChanges
from cli.demo_customers import DemoCustomers
from cli.demo_figures import Totals, totals_of
from cli.demo_firm import DemoFirm, told_of
from cli.demo_people_at_work import decide_and_repair
from cli.demo_processes import Child, start_worker
from cli.demo_settings import demo_environment, demo_ports, demo_rules, write_settings
from cli.demo_sides import DemoErp, DemoSide
from cli.output import Output
from mappings.rulebook import load_rulebook
from models.change_process import base_of
from models.customer_process import account_of
from models.desk import EngagementRow, Stage
from models.errors import TielineError
from models.ids import FirmId, LegalEntityCode, PlanDigest, Step
from models.values import SoldValues
from runtime.embedded_temporal import EmbeddedTemporal
from runtime.log_events import forward_engine_logs
from runtime.payload_keys import parse_payload_keys
from runtime.people import make_demo_people
from runtime.temporal import connect
from store import Store, open_store

__all__ = ["DemoStory"]

_FIRM = FirmId("harbour-finch")
_MOVING = frozenset({Stage.PLANNING, Stage.APPLYING})


class DemoStory:
    """The demo from start to end: start everything, win the deals, watch, let people act, show what became of it."""

    def __init__(self, folder: Path, output: Output, firm: DemoFirm) -> None:
        self._folder = folder
        self._firm = firm
        self._rules = folder
        self._output = output
        self._stack = AsyncExitStack()
        self._client: Client | None = None

    async def tell(self) -> int:
        """Run it; 0 when every deal ended or waits for a person, and the totals agree."""
        started = time.monotonic()
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        links = await self._start_everything()
        store = await self._stack.enter_async_context(open_store(f"sqlite:///{self._folder / 'store.db'}"))
        before = await self._firm.mutations()
        deals = await self._firm.win_all()
        self._output.line(f"\n{len(deals)} deals are closed-won in the CRM; its signed events start their processes.")
        rows = await self._watch(store, len(deals))
        self._show_stages(rows)
        await decide_and_repair(self._folder, self._output, store, _FIRM)
        rows = await self._watch(store, len(deals))
        await self._show_created(store, rows)
        sold = await self._firm.sold_values()
        agree = self._show_totals(rows, sold, await self._firm.awards())
        agree = self._show_companies(rows, sold, await self._firm.signers()) and agree
        self._output.line("The totals agree." if agree else "THE TOTALS DO NOT AGREE.")
        agree = await self._later(store) and agree
        if self._firm.dialects[0].keeps_customers and any(isinstance(erp, DemoErp) for erp in self._firm.erps):
            await DemoCustomers(self._output, store, _FIRM, self._connected()).tell(self._firm.crms[0])
        after = await self._firm.mutations()
        written = (after[0] - before[0], after[1] - before[1])
        seconds = time.monotonic() - started
        self._output.line(f"\nWritten in this run, by the vendors' own records: CRM {written[0]}, ERP {written[1]}.")
        for name, url in links.items():
            self._output.line(f"{name:<18} {url}")
        self._output.line(f"{'settings':<18} {self._folder / 'tieline.env'} (starter.py finds them here)")
        self._output.line(f"Told in {seconds:.0f} s.")
        self._output.document(
            {
                "deals": len(deals), "crm_mutations": written[0], "erp_mutations": written[1], "totals_agree": agree,
                "seconds": round(seconds, 1), "links": links,
                "stages": {stage.value: sum(1 for row in rows if row.stage is stage) for stage in Stage},
            }
        )  # fmt: skip
        return 0 if agree else 1

    async def _later(self, store: Store) -> bool:
        """Amendments and invoices, where one CRM and one simulated ERP can both do them."""
        crm, erp = self._firm.crms[0], self._firm.erps[0]
        if len(self._firm.crms) > 1 or len(self._firm.erps) > 1 or not isinstance(erp, DemoErp):
            self._output.line("\nAmendments and invoices are part of the demo on the first pair of systems alone.")
            return True
        agree = await DemoChanges(self._output, store, _FIRM, self._connected()).tell(crm, erp)
        if self._firm.dialects[0].shows_invoices:
            await DemoBilling(self._output).tell(crm, erp)
        return agree

    async def stop(self) -> None:
        """End everything that was started here, last first."""
        await self._stack.aclose()

    async def _start_everything(self) -> dict[str, str]:
        ports = await asyncio.to_thread(demo_ports, self._folder)
        self._output.line("Starting Temporal with its Web UI, the outside systems, and Tieline ...")
        self._output.line(told_of(self._firm.dialects, self._firm.books))
        temporal = EmbeddedTemporal(
            self._folder / "temporal.db", port=ports.temporal, ui_port=ports.temporal_ui,
            log=self._folder / "temporal.log",
        )  # fmt: skip
        self._stack.push_async_callback(temporal.stop)
        await asyncio.gather(temporal.start(), self._firm.start(self._folder, ports, self._stack))
        people = await asyncio.to_thread(make_demo_people, self._folder)
        self._rules = await asyncio.to_thread(demo_rules, self._folder, self._firm.booking, self._firm.books)
        environment = demo_environment(
            _FIRM, self._folder, people, ports, selling=self._firm.selling, booking=self._firm.booking,
            rules=self._rules, temporal=temporal.address,
        )  # fmt: skip
        await asyncio.to_thread(write_settings, self._folder, environment)
        forward_engine_logs()
        self._client = await connect(
            {"target_host": temporal.address}, keys=parse_payload_keys(json.loads(environment["TIELINE_PAYLOAD_KEYS"]))
        )
        worker = await start_worker(self._folder, environment)
        self._stack.push_async_callback(worker.stop)
        await self._firm.look(self._stack)
        base_url = f"http://127.0.0.1:{ports.api}"
        await self._ready(worker, f"{base_url}/readyz")
        await self._firm.subscribe(base_url, environment)
        return {
            "Temporal Web UI": f"{temporal.ui_url}/namespaces/default/workflows",
            **self._firm.links(),
            "health": f"{base_url}/readyz",
        }

    async def _ready(self, worker: Child, url: str) -> None:
        deadline = time.monotonic() + 30
        while not await DemoSide.answers(url):
            if worker.ended or time.monotonic() > deadline:
                raise TielineError(f"Tieline did not start; its log is {self._folder / 'worker.log'}.")
            await asyncio.sleep(0.1)

    async def _watch(self, store: Store, expected: int) -> tuple[EngagementRow, ...]:
        """Show progress until every deal has ended or waits for a person."""
        deadline = time.monotonic() + self._firm.patience_s
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
        with Progress(*columns, TimeElapsedColumn(), disable=self._output.as_json, transient=True) as progress:
            task = progress.add_task("deals settled", total=expected)
            while True:
                every = await store.desk.list_engagements(_FIRM)
                rows = tuple(row for row in every if _is_of_a_deal(row))
                settled = sum(1 for row in rows if row.stage not in _MOVING)
                progress.update(task, completed=settled)
                if settled >= expected and settled == len(rows) and not await self._busy(store):
                    return rows
                if time.monotonic() > deadline:
                    raise TielineError(
                        f"Only {settled} of {expected} deals settled in {self._firm.patience_s:.0f} s. Look at "
                        f"worker.log in {self._folder}."
                    )
                await asyncio.sleep(0.2)

    async def _busy(self, store: Store) -> bool:
        """Whether an event still waits, or a process runs that does not wait for a person."""
        if await store.inbox.list_waiting(1):
            return True
        query = "WorkflowType = 'quote-to-project' AND ExecutionStatus = 'Running' AND TielineParked = false"
        return (await self._connected().count_workflows(query)).count > 0

    def _connected(self) -> Client:
        if self._client is None:
            raise AssertionError("the demo has connected to the engine before it watches")
        return self._client

    def _show_stages(self, rows: tuple[EngagementRow, ...]) -> None:
        counts = [[stage.value, str(sum(1 for row in rows if row.stage is stage))] for stage in Stage]
        self._output.table("Where the deals stand", ["stage", "deals"], [row for row in counts if row[1] != "0"])
        refused = [row for row in rows if row.stage is Stage.REFUSED]
        if refused:
            self._output.line(f"{len(refused)} refused, for example {refused[0].sentence}")

    async def _show_created(self, store: Store, rows: tuple[EngagementRow, ...]) -> None:
        table: list[list[str]] = []
        active = [row for row in rows if row.stage is Stage.ACTIVE and row.plan is not None]
        # A customer that several contracts share has one operation, under the contract that was first.
        done = {
            item.key: item.effect.ref.number or item.effect.ref.record_id
            for row in active
            for item in await store.ledger.list_operations(row.engagement)
            if item.effect is not None
        }
        for row in active:
            plan = await store.plans.get_plan(PlanDigest(row.plan or ""))
            refs = {item.step: done.get(item.key, "") for item in plan.operations}
            table.append(
                [
                    row.contract_number, row.customer_name, row.legal_entity, refs.get(Step("customer"), ""),
                    refs.get(Step("project"), ""), refs.get(Step("contract"), ""),
                    refs.get(Step("billing-schedule"), "-"), str(row.value or ""),
                ]
            )  # fmt: skip
        self._output.table(
            "Created in the ERP",
            ["contract", "customer", "entity", "ERP customer", "project", "ERP contract", "schedule", "value"],
            table,
        )

    def _show_totals(
        self, rows: tuple[EngagementRow, ...], sold: dict[str, SoldValues], awards: frozenset[str]
    ) -> bool:
        """Active, waiting and refused together are what came in, per currency and value."""
        groups = {
            "active": {Stage.ACTIVE},
            "waiting": {Stage.PARKED, Stage.DECIDING},
            "refused (goods)": {Stage.REFUSED},
        }
        shown: list[list[str]] = []
        parts: list[SoldValues] = []
        for name, stages in groups.items():
            values = [sold[row.contract_number] for row in rows if row.stage in stages and row.contract_number in sold]
            parts += values
            shown += [_total_row(name, total) for total in totals_of(values)]
        services = [
            sold[row.contract_number]
            for row in rows
            if row.contract_number in awards and row.stage is not Stage.REFUSED
        ]
        came_in, accounted = totals_of(sold.values()), totals_of(parts)
        shown += [_total_row("together", total) for total in accounted]
        shown += [_total_row("came in from the CRM", total) for total in came_in]
        shown += [_total_row("of these: service awards", total) for total in totals_of(services)]
        self._output.table("Totals", ["what", "deals", "currency", "funded", "sold", "with options"], shown)
        return came_in == accounted

    def _show_companies(
        self, rows: tuple[EngagementRow, ...], sold: dict[str, SoldValues], signers: dict[str, str]
    ) -> bool:
        """Per company of ours and currency: what its contracts came in with, and where they are booked now."""
        book, today = load_rulebook(self._rules), datetime.now(UTC).date()
        company: dict[str, str] = {}
        for number, name in signers.items():
            entity = book.entity_named(name, today)
            company[number] = entity.code if entity is not None else name
        here = {str(row.contract_number): row.legal_entity or company.get(row.contract_number, "") for row in rows}
        shown: list[list[str]] = []
        agree = True
        for code in sorted(set(company.values()) | set(here.values())):
            came_in = totals_of(sold[number] for number, owner in company.items() if owner == code)
            accounted = totals_of(sold[number] for number, owner in here.items() if owner == code and number in sold)
            agree = agree and came_in == accounted
            rule = book.erp_of(LegalEntityCode(code), today)
            where = rule.connection if rule is not None else "-"
            shown += [[where, *_total_row(code, total)] for total in accounted]
        self._output.table(
            "By legal entity", ["ERP", "company", "deals", "currency", "funded", "sold", "with options"], shown
        )
        return agree


def _total_row(name: str, total: Totals) -> list[str]:
    return [
        name, str(total.contracts), total.currency, f"{total.funded.amount:,}", f"{total.sold.amount:,}",
        f"{total.with_options.amount:,}",
    ]  # fmt: skip


def _is_of_a_deal(row: EngagementRow) -> bool:
    """Amendments and customers are told in parts of their own."""
    return base_of(row.engagement) is None and account_of(row.contract_number) is None
