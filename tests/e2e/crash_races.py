"""Cells in which two workers hold one write, a worker dies more than once, or while a person is waited for."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.e2e.crash_cells import AT_POINT, fired, prepare, settle_down
from tests.e2e.crash_scene import TRIES, Cell, Missed, Result, Scene
from tests.e2e.fresh_deals import sell
from tests.e2e.journal_oracle import Ending, judge
from tests.e2e.site import Site, StoreLock, Worker, open_site, until
from tests.e2e.stand import Stand

__all__ = ["RACES", "run_race", "tag_of"]

_ON_THE_WAY_S = 12.0


async def _frozen_with_the_answer(scene: Scene, result: Result) -> None:
    """The first holder freezes with the answer unread; the second finishes; the first wakes up and goes on."""
    first = scene.site.workers[0]
    rule = await scene.rule("delay", when="after", delay_s=0.6)
    since = await scene.last_seq()
    await scene.start()
    await fired(scene, rule)
    await until(lambda: scene.effects(since), "the effect is in the journal")
    await _freeze(scene, first)
    scene.must_be("intended")
    result.looked = "first worker frozen with the answer unread, row intended; woken after the second had finished"
    await _taken_over(scene, result)
    first.send(signal.SIGCONT)
    await _quiet(scene)


async def _frozen_on_the_way(scene: Scene, result: Result) -> None:
    """The first holder freezes with its request still on the way; it lands after the second holder's own write."""
    first = scene.site.workers[0]
    rule = await scene.rule("delay", when="before", delay_s=_ON_THE_WAY_S)
    since = await scene.last_seq()
    await scene.start()
    await fired(scene, rule)
    sent_at = time.monotonic()
    await _freeze(scene, first)
    result.looked = "first worker frozen with its request on the way, row intended"
    scene.must_be("intended")
    assert await scene.effects(since) == 0, "an effect is in the journal before the vendor applied anything"
    await _taken_over(scene, result)
    before = await scene.effects(since)
    if time.monotonic() > sent_at + _ON_THE_WAY_S:
        raise Missed("the second holder was slower than the first request")
    first.send(signal.SIGCONT)
    await asyncio.sleep(sent_at + _ON_THE_WAY_S - time.monotonic())
    await _quiet(scene)
    late = await scene.effects(since) - before
    result.looked += f"; it landed after the second's ({late} more entries)"


async def _killed_in_the_long_attempt(scene: Scene, result: Result) -> None:
    """The fast attempt was cut; the worker is killed in the middle of the regular activity that follows."""
    since = await scene.last_seq()
    cut = await scene.rule("reset", when="before")
    hang = await scene.rule("hang", when="before", delay_s=25.0, nth=2)
    await scene.start()
    await fired(scene, cut)
    await fired(scene, hang)
    assert await scene.effects(since) == 0, "an effect is in the journal although both requests were stopped"
    scene.must_be("unknown", "intended")
    result.looked = f"row {scene.state()}; second request at the vendor, sent by the regular activity"
    await _kill_and_replace(scene, result)


async def _killed_twice(scene: Scene, result: Result) -> None:
    """The worker dies with the effect applied; its successor dies right after it has looked for it."""
    result.looked = await AT_POINT["P3"](scene, scene.site.workers[0])
    await scene.site.workers[0].kill()
    second = await scene.site.start_worker()
    taken = await scene.lock.take_when(lambda: scene.state() == "applied", seconds=30)
    assert taken, f"the second worker did not settle the write; its row is {scene.state() or 'not there'}"
    await second.kill()
    killed_at = time.monotonic()
    scene.lock.release()
    await scene.site.start_worker()
    result.looked += "; the second worker was killed with the evidence recorded and nothing reported"
    await _recovered(scene, result, killed_at)


async def _killed_while_parked(scene: Scene, result: Result) -> None:
    """Killed while a person is waited for; the repair reaches the next worker."""
    rule = await scene.rule(
        "status", status=400, content_type="application/vnd.oracle.resource+json; type=error; charset=UTF-8",
        body={"title": "Bad Request", "status": 400, "o:errorDetails": [
            {"detail": "A script of this account wants a value first.", "o:errorCode": "USER_ERROR"}]},
    )  # fmt: skip
    await scene.start()
    await fired(scene, rule)
    item = await scene.site.blocker(scene.deal)
    await scene.site.workers[0].kill()
    killed_at = time.monotonic()
    await scene.site.start_worker()
    await scene.site.repair(scene.deal, item)
    result.looked = (
        f"parked with {item.code}, row {scene.state()}; repaired at once, while the next worker was starting"
    )
    await _recovered(scene, result, killed_at)


RACES: dict[str, tuple[str, Callable[[Scene, Result], Awaitable[None]], tuple[str, ...]]] = {
    "W1": ("two holders: the first frozen with the answer unread, woken after the second has finished",
           _frozen_with_the_answer, ("customer", "project", "contract", "write-back", "hold")),
    "W2": ("two holders: the first's request lands after the second's own write",
           _frozen_on_the_way, ("customer", "contact", "contract", "write-back", "hold")),
    "W3": ("two deals for one new buyer at the same instant, both workers killed with the buyer created",
           _killed_in_the_long_attempt, ("customer",)),
    "W5": ("killed in the regular activity after the fast attempt was cut", _killed_in_the_long_attempt,
           ("customer", "project", "billing-schedule", "contract", "write-back", "hold")),
    "W6": ("killed twice: with the effect applied, and after it was found", _killed_twice,
           ("customer", "contract", "write-back")),
    "W7": ("killed while parked; the repair comes while the next worker starts", _killed_while_parked,
           ("customer", "project", "contract")),
}  # fmt: skip
"""Race: what happens, how, and for which writes."""


def tag_of(race: str, operation: str, attempt: int) -> str:
    return Cell(operation, race).tag(attempt)


async def run_race(stand: Stand, folder: Path, race: str, operation: str, *, first: int = 1) -> Result:
    """Run one race, again with a fresh deal where the worker could not be caught."""
    for attempt in range(first, first + TRIES):
        cell, tag = Cell(operation, race), tag_of(race, operation, attempt)
        result = Result(cell.name, attempts=attempt - first + 1)
        try:
            async with open_site(stand, folder / tag) as site:
                if race == "W3":
                    await _two_deals(site, tag, result)
                else:
                    await _one_deal(site, cell, tag, result)
        except Missed:
            continue
        except AssertionError as failed:
            result.problems.append(str(failed)[:600])
        return result
    return Result(f"{operation} {race}", ["never caught at the point"], attempts=TRIES)


async def _one_deal(site: Site, cell: Cell, tag: str, result: Result) -> None:
    lock = StoreLock(site.database)
    try:
        scene = Scene(cell, site, await sell(site.stand.crm, tag), lock)
        await prepare(scene)
        await RACES[cell.point][1](scene, result)
        await settle_down(scene)
        result.problems += await judge(site, [scene.deal], cell.ending, found=cell.found)
    finally:
        lock.close()


async def _two_deals(site: Site, tag: str, result: Result) -> None:
    """Two workers, two deals that close at once for a buyer nobody knows yet; both workers die with it created."""
    await (await site.start_worker()).ready()
    one = await sell(site.stand.crm, tag)
    other = await sell(site.stand.crm, f"{tag}B", buyer=one)
    lock = StoreLock(site.database)
    try:
        scene = Scene(Cell("customer", "W3"), site, one, lock)
        since = await scene.last_seq()
        rule = await scene.rule("hang", when="after", delay_s=25.0)
        await site.win(one, other)
        await fired(scene, rule)
        await until(lambda: scene.effects(since), "the buyer is in the journal")
        result.looked = "buyer created, answer not sent; both deals on their way; both workers killed"
        for worker in list(site.workers):
            await worker.kill()
        killed_at = time.monotonic()
        await site.start_worker()
        for deal in (one, other):
            await site.reaches(deal, "active", seconds=60)
        result.recovered(time.monotonic() - killed_at)
        for deal in (one, other):
            await asyncio.wait_for(site.starter.handle(site.stand.engagement(deal.contract)).result(), 30)
        result.problems += await judge(site, [one, other], Ending("active"), found="customer")
    finally:
        lock.close()


async def _kill_and_replace(scene: Scene, result: Result) -> None:
    await scene.site.workers[-1].kill()
    killed_at = time.monotonic()
    await scene.site.start_worker()
    await _recovered(scene, result, killed_at)


async def _freeze(scene: Scene, worker: Worker) -> None:
    """SIGSTOP outside of a transaction: one who is frozen inside holds SQLite's only write lock, and nobody goes on."""
    taken = await scene.lock.take_when(lambda: True)
    assert taken, "the store's lock was never free"
    worker.send(signal.SIGSTOP)
    scene.lock.release()


async def _taken_over(scene: Scene, result: Result) -> None:
    """No time limit: the engine goes on handing tasks to a frozen worker whose connection is open."""
    frozen_at = time.monotonic()
    await scene.site.start_worker()
    await scene.site.reaches(scene.deal, scene.cell.ending.stage, seconds=120)
    result.looked += f"; taken over after {time.monotonic() - frozen_at:.1f} s"


async def _recovered(scene: Scene, result: Result, since: float) -> None:
    await scene.site.reaches(scene.deal, scene.cell.ending.stage, seconds=60)
    result.recovered(time.monotonic() - since)


async def _quiet(scene: Scene) -> None:
    """Until no row and no journal entry has come for two seconds."""
    before = -1
    while (now := len(await scene.site.store.audit.list_entries()) + await scene.last_seq()) != before:
        before = now
        await asyncio.sleep(2)
