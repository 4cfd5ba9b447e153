"""One Tieline of its own at the stand's vendors and engine: a store, a task queue and worker processes to kill."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from pydantic import SecretStr

from models.blocker import OpenItem
from models.decision import Answer, Decision, Verdict
from models.desk import EngagementRow
from models.ids import BlockerId, DealId, DecisionId, PersonId
from runtime.embedded_temporal import free_port
from runtime.people import sign_decision
from runtime.temporal import TemporalStarter
from store import Store, open_store
from tests.e2e.fresh_deals import FreshDeal
from tests.e2e.stand import FIRM, ROOT, Stand

__all__ = ["Site", "StoreLock", "Worker", "open_site", "until"]

_ASLEEP = {"x86_64": {"35", "230"}, "aarch64": {"101", "115"}}
"""System calls a thread sits in while SQLite waits for the write lock: nanosleep, clock_nanosleep."""


async def until(condition: Callable[[], Any], what: str, *, seconds: float = 20, pause: float = 0.03) -> Any:
    """Wait for a condition (plain or awaitable); its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        assert time.monotonic() < deadline, f"after {seconds:.0f} s still not: {what}"
        await asyncio.sleep(pause)


class StoreLock:
    """The write lock of a store, held from outside: whoever writes next waits in front of exactly that write."""

    def __init__(self, path: Path) -> None:
        self._raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0)
        self.is_held = False

    def operations(self, engagement: str) -> dict[str, str]:
        """State of each write by step."""
        rows = self._raw.execute("SELECT step, state FROM operation WHERE engagement = ?", (engagement,))
        return dict(rows.fetchall())

    def stage(self, engagement: str) -> str:
        row = self._raw.execute("SELECT stage FROM engagement WHERE engagement = ?", (engagement,)).fetchone()
        return str(row[0]) if row else ""

    def readings(self, engagement: str) -> int:
        """How many states of the deal were read and kept so far."""
        query = "SELECT COUNT(*) FROM terms WHERE engagement = ?"
        return int(self._raw.execute(query, (engagement,)).fetchone()[0])

    def _taken(self) -> bool:
        try:
            self._raw.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        self.is_held = True
        return True

    def _take_when(self, condition: Callable[[], bool], stop: Callable[[], bool], deadline: float) -> bool:
        while time.monotonic() < deadline and not stop():
            if self._taken():
                if condition():
                    return True
                self.release()
            time.sleep(0.0004)
        return False

    async def take_when(
        self, condition: Callable[[], bool], *, missed: Callable[[], bool] = lambda: False, seconds: float = 20
    ) -> bool:
        """Take the lock in the gap in which the condition holds. False: the gap was missed."""
        return await asyncio.to_thread(
            self._take_when, condition, missed, time.monotonic() + seconds
        )  # one thread at a time uses the connection

    def release(self) -> None:
        if self.is_held:
            self._raw.execute("ROLLBACK")
            self.is_held = False

    def close(self) -> None:
        self.release()
        self._raw.close()


@dataclass
class Worker:
    """One real worker process."""

    process: asyncio.subprocess.Process
    log: Path
    started_at: float
    _file: IO[bytes] = field(repr=False)

    @property
    def pid(self) -> int:
        return self.process.pid

    async def ready(self) -> None:
        await until(lambda: self._said("worker.ready"), f"worker ready ({self.log})", seconds=40)

    def _said(self, word: str) -> bool:
        assert self.process.returncode is None, self.log.read_text()[-2000:]
        return word in self.log.read_text()

    def send(self, number: signal.Signals) -> None:
        if self.process.returncode is None:
            os.kill(self.pid, number)

    async def kill(self) -> None:
        """SIGKILL: nothing of it runs any more when this returns."""
        self.send(signal.SIGKILL)
        await self.process.wait()
        self._file.close()

    async def waits_for_the_lock(self) -> bool:
        """Whether a thread of it sleeps as SQLite does in front of a held lock. True where that cannot be looked at."""
        for _ in range(50):
            if self._sleeps():
                return True
            await asyncio.sleep(0.01)
        return False

    def _sleeps(self) -> bool:
        wanted = _ASLEEP.get(os.uname().machine)
        if wanted is None or not Path(f"/proc/{self.pid}/syscall").exists():
            return True
        for thread in Path(f"/proc/{self.pid}/task").glob("*/syscall"):
            try:
                if thread.read_text().partition(" ")[0] in wanted:
                    return True
            except OSError:  # the thread has just ended
                continue
        return False


@dataclass
class Site:
    """Store, task queue and workers of one Tieline."""

    stand: Stand
    folder: Path
    store: Store
    task_queue: str
    workers: list[Worker] = field(default_factory=list)

    @property
    def database(self) -> Path:
        return self.folder / "store.db"

    @property
    def starter(self) -> TemporalStarter:
        return TemporalStarter(self.stand.client, FIRM, self.task_queue)

    async def start_worker(self) -> Worker:
        """Start one more worker; it is not waited for."""
        log = self.folder / f"worker-{len(self.workers) + 1}.log"
        file = log.open("wb")
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(ROOT / "worker.py"), cwd=ROOT, stdout=file, stderr=file,
            env={
                **self.stand.environment(store=self.database, task_queue=self.task_queue),
                # Deals come by their events alone: a sweep would also start what keeps accounts and customers equal,
                # and its writes are counted by nobody here.
                "TIELINE_CRM__CONFIG__SWEEP_EVERY_S": "0",
            },
        )  # fmt: skip
        worker = Worker(process, log, time.monotonic(), file)
        self.workers.append(worker)
        return worker

    async def stop(self) -> None:
        for worker in self.workers:
            if worker.process.returncode is None:
                await worker.kill()

    async def win(self, *deals: FreshDeal) -> None:
        """Close the deals as won and start or join their processes, as the dispatcher would."""
        await self.stand.win(*(deal.deal_id for deal in deals))
        await self.tell(*deals)

    async def lose(self, deal: FreshDeal) -> None:
        await self.stand.crm.records({"type": "Opportunity", "id": deal.deal_id, "StageName": "Closed Lost"})
        await self.tell(deal)

    async def tell(self, *deals: FreshDeal) -> None:
        contracts = await self.stand.tieline.crm.find_contracts([DealId(deal.deal_id) for deal in deals])
        await asyncio.gather(*(self.starter.start_or_join(contract) for contract in contracts))

    async def row(self, deal: FreshDeal) -> EngagementRow | None:
        return await self.store.desk.find_engagement(self.stand.engagement(deal.contract))

    async def reaches(self, deal: FreshDeal, stage: str, *, seconds: float = 40) -> None:
        async def there() -> bool:
            row = await self.row(deal)
            return row is not None and row.stage == stage

        await until(there, f"{deal.contract} is {stage}", seconds=seconds, pause=0.05)

    async def blocker(self, deal: FreshDeal, *, besides: str = "", seconds: float = 40) -> OpenItem:
        """The open blocker of the deal, waited for; `besides` one that waited before."""

        async def shown() -> OpenItem | None:
            items = await self.store.desk.list_open(FIRM)
            wanted = self.stand.engagement(deal.contract)
            return next((item for item in items if item.engagement == wanted and item.item != besides), None)

        found = await until(shown, f"{deal.contract} waits for a person", seconds=seconds, pause=0.05)
        assert isinstance(found, OpenItem)
        return found

    async def repair(self, deal: FreshDeal, item: OpenItem) -> None:
        """Say that it was fixed at its source, as the owner of the blocker, with a signature."""
        person = next(one for one in self.stand.people.list_people() if item.owner in one.roles)
        engagement = self.stand.engagement(deal.contract)
        decision_id = DecisionId(str(uuid.uuid4()))
        key = SecretStr((self.stand.folder / "keys" / f"{person.person}.pem").read_text())
        token = sign_decision(
            key, person=PersonId(person.person), firm=FIRM, decision=decision_id, engagement=engagement,
            verdict=Verdict.REPAIR, subject=item.item,
        )  # fmt: skip
        decision = Decision(
            decision=decision_id, engagement=engagement, verdict=Verdict.REPAIR, blocker=BlockerId(item.item),
            token=token,
        )  # fmt: skip
        answer: Answer = await self.starter.handle(engagement).execute_update(
            "decide", decision, id=decision_id, result_type=Answer
        )
        assert answer.accepted, answer.message

    async def reported(self, deal: FreshDeal, activity: str) -> int:
        """How many results of that step the engine's history holds."""
        handle = self.starter.handle(self.stand.engagement(deal.contract))
        count = 0
        async for event in handle.fetch_history_events():
            text = event.SerializeToString()
            done = event.HasField("marker_recorded_event_attributes")
            count += done and activity.encode() in text
        return count


@asynccontextmanager
async def open_site(stand: Stand, folder: Path, *, worker: bool = True) -> AsyncIterator[Site]:
    """A store and a first worker that is ready; all of its processes end with the block."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - once, before anything runs
    async with open_store(f"sqlite:///{folder / 'store.db'}") as store:
        site = Site(stand, folder, store, f"tieline-{folder.name}-{free_port()}")
        try:
            if worker:
                await (await site.start_worker()).ready()
            yield site
        finally:
            await site.stop()
