"""Quote to project with its real store, rules and engine; only the CRM and the ERP are in memory."""

from __future__ import annotations

import asyncio
import json
import tomllib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowHandle

from mappings.rulebook import load_rulebook
from models.blocker import OpenItem
from models.decision import Answer, Decision, Verdict
from models.desk import EngagementRow, Stage
from models.events import ContractOfDeal
from models.ids import BlockerId, ContractNumber, DecisionId, EngagementId, FirmId, PersonId, PlanDigest, engagement_id
from models.plan import Plan
from models.process import DealNews, Outcome, QuoteToProjectResult
from models.terms import DealState, SignedTerms
from ports.audit import AuditEntry
from ports.desk import Judged
from runtime.people import FilePeople, make_demo_people, sign_decision
from runtime.temporal import TemporalStarter, build_worker
from runtime.wiring import Tieline, build_tieline
from store import Store, open_store
from store.database import Database
from store.desk import SqlDesk
from tests.fakes import FakeCrm, FakeErp
from workflows.quote_to_project import QuoteToProject
from workflows.showing import STAGE

__all__ = ["CONTRACT", "ROOT", "Handle", "House", "open_house", "until"]

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = ContractNumber("C-1001")
PATIENCE_S = 15.0

Handle = WorkflowHandle[QuoteToProject, QuoteToProjectResult]
Seen = TypeVar("Seen")


async def until(look: Callable[[], Awaitable[Seen | None]], what: str, *, seconds: float = PATIENCE_S) -> Seen:
    """Look until there is something to see."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        seen = await look()
        if seen:
            return seen
        assert asyncio.get_running_loop().time() < deadline, f"never happened: {what}"
        await asyncio.sleep(0.01)


class Gate:
    """Lets through, or holds whoever comes until it is opened."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self._reached = asyncio.Event()

    def close(self) -> None:
        self._reached.clear()
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    async def reached(self) -> None:
        await asyncio.wait_for(self._reached.wait(), PATIENCE_S)

    async def passed(self) -> None:
        if not self._open.is_set():
            self._reached.set()
        await self._open.wait()


class GatedDesk(SqlDesk):
    """The real desk, with a gate before a decision is recorded and one before a stage is shown."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.judging = Gate()
        self.showing = Gate()

    async def record_decision(self, judged: Judged) -> Answer:
        await self.judging.passed()
        return await super().record_decision(judged)

    async def save_engagement(self, row: EngagementRow) -> None:
        await self.showing.passed()
        await super().save_engagement(row)


@dataclass
class House:
    """One firm with one contract on its way, and short words for what tests do and ask."""

    client: Client
    queue: str
    firm: FirmId
    store: Store
    tieline: Tieline
    crm: FakeCrm
    erp: FakeErp
    people: FilePeople
    folder: Path
    desk: GatedDesk
    now: Callable[[], datetime]

    @property
    def starter(self) -> TemporalStarter:
        return TemporalStarter(self.client, self.firm, self.queue)

    @property
    def engagement(self) -> EngagementId:
        return engagement_id(self.firm, CONTRACT)

    @property
    def handle(self) -> Handle:
        return self.starter.handle(self.engagement)

    @property
    def terms(self) -> SignedTerms:
        return next(iter(self.crm.deals.values()))

    async def win(self, terms: SignedTerms | None = None) -> str:
        """The deal is won (again), and an event about it arrives. `started` or `joined`."""
        if terms is not None:
            self.crm.put(terms)
        return await self.starter.start_or_join(self._contract())

    def change(self, **changes: object) -> None:
        """A salesperson changes the deal; nobody hears of it yet."""
        later = self.terms.source_version + timedelta(milliseconds=10)
        self.crm.change(self.terms.deal_id, source_version=later, **changes)

    async def lose(self) -> None:
        self.change(deal_state=DealState.LOST)
        await self.win()

    async def win_again(self, **changes: object) -> None:
        self.change(deal_state=DealState.WON, **changes)
        await self.win()

    async def tell(self, source_version: datetime | None) -> None:
        await self.handle.signal("deal-changed", DealNews(source_version=source_version))

    async def result(self) -> QuoteToProjectResult:
        return await asyncio.wait_for(self.handle.result(), PATIENCE_S)

    async def outcome(self) -> Outcome:
        return (await self.result()).outcome

    async def row(self) -> EngagementRow:
        row = await self.store.desk.find_engagement(self.engagement)
        assert row is not None
        return row

    async def stage(self, stage: Stage) -> EngagementRow:
        """Wait until the desk shows the engagement there."""

        async def look() -> EngagementRow | None:
            row = await self.store.desk.find_engagement(self.engagement)
            return row if row is not None and row.stage is stage else None

        return await until(look, f"stage {stage}")

    async def waiting(self, code: str = "decision", *, besides: str = "") -> OpenItem:
        """Wait until this stands on the desk. `besides`: another one than that item."""

        async def look() -> OpenItem | None:
            for item in await self.store.desk.list_open(self.firm):
                if item.code == code and item.item != besides:
                    return item
            return None

        return await until(look, f"{code} on the desk")

    async def reads_the_deal(self, times: int) -> None:
        """Wait until the CRM was asked for the signed terms that many times in all."""

        async def look() -> bool:
            return self.crm.calls.count("read") >= times

        await until(look, f"{times} readings of the deal")

    async def plan_waiting(self) -> Plan:
        return await self.store.plans.get_plan(PlanDigest((await self.waiting()).item))

    async def audit(self, *kinds: str) -> list[AuditEntry]:
        entries = await self.store.audit.list_entries()
        return [entry for entry in entries if not kinds or entry.kind in kinds]

    async def noted(self, kind: str, count: int = 1) -> list[AuditEntry]:
        """Wait until the audit chain holds that many entries of a kind."""

        async def look() -> list[AuditEntry] | None:
            found = await self.audit(kind)
            return found if len(found) >= count else None

        return await until(look, f"{count} x {kind}")

    def key_of(self, person: str) -> SecretStr:
        return SecretStr((self.folder / "keys" / f"{person}.pem").read_text())

    def signed(
        self,
        person: str,
        verdict: Verdict,
        subject: str,
        *,
        answer: str = "",
        reason: str = "",
        decision: str = "",
        engagement: str = "",
        now: datetime | None = None,
        life: timedelta = timedelta(minutes=10),
    ) -> Decision:
        """A decision on a plan or a blocker, signed with that person's own key."""
        name = DecisionId(decision or str(uuid.uuid4()))
        about = EngagementId(engagement or self.engagement)
        is_repair = verdict is Verdict.REPAIR
        token = sign_decision(
            self.key_of(person), person=PersonId(person), firm=self.firm, decision=name, engagement=about,
            verdict=verdict, subject=subject, answer=answer, reason=reason, now=now or self.now(), life=life,
        )  # fmt: skip
        return Decision(
            decision=name, engagement=about, verdict=verdict, plan=None if is_repair else PlanDigest(subject),
            blocker=BlockerId(subject) if is_repair else None, answer=answer, reason=reason, token=token,
        )  # fmt: skip

    async def send(self, decision: Decision) -> Answer:
        """By update, as the command line does."""
        answer: Answer = await self.handle.execute_update("decide", decision, id=decision.decision, result_type=Answer)
        return answer

    async def signal(self, name: str, *arguments: Any) -> None:
        await self.handle.signal(name, args=list(arguments))

    async def decide(self, person: str, verdict: Verdict = Verdict.APPROVE) -> Answer:
        """On the plan that waits now."""
        return await self.send(self.signed(person, verdict, (await self.waiting()).item))

    async def repair(self, person: str, code: str, answer: str = "") -> Answer:
        item = await self.waiting(code)
        return await self.send(self.signed(person, Verdict.REPAIR, item.item, answer=answer))

    async def shown(self, stage: str) -> WorkflowExecutionDescription:
        """Wait until the engine's own list shows that stage."""

        async def look() -> WorkflowExecutionDescription | None:
            seen = await self.handle.describe()
            return seen if seen.typed_search_attributes.get(STAGE) == stage else None

        return await until(look, f"search attribute {stage}")

    async def does(self, activity: str) -> None:
        """Wait until the current run has asked for that activity."""

        async def look() -> bool:
            return activity in await self.activity_names()

        await until(look, f"activity {activity}")

    async def activity_names(self) -> list[str]:
        """Regular activities of the current run, in order."""
        names = [event.activity_task_scheduled_event_attributes.activity_type.name for event in await self.events()]
        return [name for name in names if name]

    async def events(self) -> list[Any]:
        return list((await self.handle.fetch_history()).events)

    def edit_person(self, person: str, **changes: object) -> None:
        """The people file changes while everything runs."""
        path = self.folder / "people.toml"
        rows = tomllib.loads(path.read_text(encoding="utf-8"))["person"]
        for row in rows:
            if row["id"] == person:
                row.update(changes)
        tables = ["[[person]]\n" + "\n".join(f"{name} = {_toml(value)}" for name, value in row.items()) for row in rows]
        path.write_text("\n\n".join(tables) + "\n", encoding="utf-8")

    def _contract(self) -> ContractOfDeal:
        terms = self.terms
        return ContractOfDeal(
            deal_id=terms.deal_id,
            contract_number=terms.contract_number,
            amendment_number=terms.amendment_number,
            is_won=terms.deal_state is DealState.WON,
            source_version=terms.source_version,
        )


def _toml(value: object) -> str:
    """JSON spells text, numbers, truth and lists as TOML does; tables differ."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_toml(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def open_house(
    client: Client, folder: Path, *, now: Callable[[], datetime] = _utc_now, worker: bool = True
) -> AsyncIterator[House]:
    """A firm, a store, a task queue and a worker of its own on a shared engine; all gone afterwards."""
    firm = FirmId(f"t{uuid.uuid4().hex[:12]}")
    queue = f"tieline-{firm}"
    crm, erp = FakeCrm(), FakeErp()
    people = FilePeople(make_demo_people(folder), firm, now=now)
    book = load_rulebook(ROOT / "mappings" / "demo_firm")
    async with open_store(f"sqlite:///{folder / 'store.db'}", clock=now) as store:
        store.desk = desk = GatedDesk(store.database)
        tieline = build_tieline(store, [crm], [erp], people, rules=lambda: book, now=now)
        house = House(client, queue, firm, store, tieline, crm, erp, people, folder, desk, now)
        if not worker:
            yield house
            return
        async with build_worker(client, queue, tieline.activities):
            yield house
