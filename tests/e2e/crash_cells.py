"""One cell of the crash matrix: a write is brought to a point, disturbed there, and what it left behind is judged."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.e2e.crash_scene import KILLS, OPERATIONS, TRIES, Cell, Missed, Result, Scene
from tests.e2e.fresh_deals import sell
from tests.e2e.journal_oracle import judge
from tests.e2e.site import Site, StoreLock, Worker, open_site, until
from tests.e2e.stand import Stand

__all__ = ["AT_POINT", "fired", "prepare", "run_cell", "settle_down"]

_SILENCE_S = 25.0
_ANSWER_DELAY_S = 0.8
_LATE_S = 3.0


async def run_cell(stand: Stand, folder: Path, cell: Cell, *, shared: Site | None = None, first: int = 1) -> Result:
    """Run one cell, with a fresh deal again where the worker could not be caught at the wanted point."""
    missed: list[str] = []
    for attempt in range(first, first + TRIES):
        tag = cell.tag(attempt)
        try:
            if shared is not None and cell.point not in KILLS:
                return await _once(shared, cell, tag, attempt - first + 1)
            async with open_site(stand, folder / tag) as site:
                return await _once(site, cell, tag, attempt - first + 1)
        except Missed as late:
            missed.append(str(late))
        except AssertionError as failed:
            return Result(cell.name, [str(failed)[:600]], attempts=attempt - first + 1)
    return Result(cell.name, [f"never caught at the point: {missed}"], attempts=len(missed))


async def _once(site: Site, cell: Cell, tag: str, attempt: int) -> Result:
    deal = await sell(site.stand.crm, tag, goods=cell.operation == "status")
    lock = StoreLock(site.database)
    try:
        scene = Scene(cell, site, deal, lock)
        await prepare(scene)
        result = Result(cell.name, attempts=attempt)
        if cell.point in KILLS:
            killed_at = await _kill(scene, result)
            await site.reaches(deal, cell.ending.stage, seconds=60)
            result.recovered(time.monotonic() - killed_at)
        else:
            await _disturb(scene, result)
        await settle_down(scene)
        result.problems += await judge(site, [deal], cell.ending, found=cell.found)
        return result
    finally:
        lock.close()


async def prepare(scene: Scene) -> None:
    """Holds and releases need a contract that is set up, releases one that is frozen."""
    operation, site, deal = scene.cell.operation, scene.site, scene.deal
    if operation in {"hold", "release"}:
        await site.win(deal)
        await site.reaches(deal, "active")
        await site.starter.handle(site.stand.engagement(deal.contract)).result()
    if operation == "release":
        await site.lose(deal)
        await site.reaches(deal, "frozen")
        scene.waited_for = (await site.blocker(deal)).item
        # The CRM stamps changes by the second; the next one must not carry the stamp that was just read.
        frozen_at = int(time.time())
        await until(lambda: int(time.time()) > frozen_at, "the next second")
    scene.readings = scene.lock.readings(scene.engagement)


async def settle_down(scene: Scene) -> None:
    """Wait until the process has nothing more to do: it ended, or waits for a person about a frozen contract."""
    if scene.cell.operation == "hold":
        await scene.site.blocker(scene.deal)
        return
    await asyncio.wait_for(scene.site.starter.handle(scene.stand.engagement(scene.deal.contract)).result(), 30)


async def _kill(scene: Scene, result: Result) -> float:
    """Bring the worker to the point, look that it is there, kill it, and start another one at once."""
    worker = scene.site.workers[-1]
    if scene.cell.operation == "release":
        # The engagement's run goes on: what it reported before does not count.
        scene.marks = await scene.site.reported(scene.deal, OPERATIONS["release"])
    result.looked = await AT_POINT[scene.cell.point](scene, worker)
    await worker.kill()
    killed_at = time.monotonic()
    scene.lock.release()
    await scene.site.start_worker()
    return killed_at


async def _at_p0(scene: Scene, worker: Worker) -> str:
    waiting = asyncio.create_task(scene.lock.take_when(scene.before_intent, missed=lambda: bool(scene.state())))
    await scene.start()
    if not await waiting:
        raise Missed(f"the intent was stored already ({scene.state()})")
    if not await worker.waits_for_the_lock():
        raise Missed("the worker does not wait for the store")
    scene.must_be("")
    return "no row of the write; the worker waits in front of storing its intent"


async def _at_p1(scene: Scene, worker: Worker) -> str:
    since = await scene.last_seq()
    rule = await scene.rule("hang", when="before", delay_s=_SILENCE_S)
    await scene.start()
    await fired(scene, rule)
    found = await scene.effects(since)
    scene.must_be("intended")
    assert found == 0, f"{found} effects are in the journal before the vendor applied anything"
    return "row intended; request at the vendor; nothing in its journal"


async def _at_p3(scene: Scene, worker: Worker) -> str:
    since = await scene.last_seq()
    rule = await scene.rule("hang", when="after", delay_s=_SILENCE_S)
    await scene.start()
    await fired(scene, rule)
    await until(lambda: scene.effects(since), "the effect is in the journal")
    scene.must_be("intended")
    return "row intended; effect in the vendor's journal; no answer sent"


async def _at_p4(scene: Scene, worker: Worker) -> str:
    since = await scene.last_seq()
    rule = await scene.rule("delay", when="after", delay_s=_ANSWER_DELAY_S)
    await scene.start()
    await fired(scene, rule)
    await until(lambda: scene.effects(since), "the effect is in the journal")
    applied_at = time.monotonic()
    if not await scene.lock.take_when(lambda: scene.state() == "intended", seconds=_ANSWER_DELAY_S):
        raise Missed(f"the answer was recorded already ({scene.state()})")
    await asyncio.sleep(max(0.0, applied_at + _ANSWER_DELAY_S + 0.15 - time.monotonic()))
    if not await worker.waits_for_the_lock():
        raise Missed("the worker does not wait for the store")
    scene.must_be("intended")
    return "row intended; effect in the journal; answer sent; the worker waits in front of recording it"


async def _at_p5(scene: Scene, worker: Worker) -> str:
    waiting = asyncio.create_task(scene.lock.take_when(lambda: scene.state() == "applied"))
    await scene.start()
    if not await waiting:
        raise Missed("the effect was never recorded")
    reported = await scene.site.reported(scene.deal, OPERATIONS[scene.cell.operation])
    if reported > scene.marks:
        raise Missed("Temporal has the result already")
    return "row applied; no result of the step in Temporal's history"


AT_POINT = {"P0": _at_p0, "P1": _at_p1, "P3": _at_p3, "P4": _at_p4, "P5": _at_p5}


async def fired(scene: Scene, rule: str) -> None:
    await until(lambda: scene.vendor.fired(rule), f"fault {rule} acts", seconds=30)


async def _disturb(scene: Scene, result: Result) -> None:
    """Points without a kill: the vendor misbehaves once, the same worker deals with it."""
    point, ending = scene.cell.point, scene.cell.ending
    if point == "R":
        await _refuse(scene, result)
        return
    since = await scene.last_seq()
    rule = await {
        "T0": lambda: scene.rule("hang", when="before", delay_s=_SILENCE_S),
        "T1": lambda: scene.rule("hang", when="after", delay_s=_SILENCE_S),
        "C0": lambda: scene.rule("reset", when="before"),
        "C1": lambda: scene.rule("reset", when="after"),
        "TL": lambda: scene.rule("late_apply", delay_s=_LATE_S),
    }[point]()
    await scene.start()
    await fired(scene, rule)
    cut_at = time.monotonic()
    seen = await scene.effects(since)
    await scene.site.reaches(scene.deal, ending.stage)
    result.looked = f"fault acted once; effects in the journal at that moment: {seen}"
    if point == "TL":
        retried = await scene.effects(since)
        assert time.monotonic() < cut_at + _LATE_S, "the retry came after the late effect"
        await asyncio.sleep(cut_at + _LATE_S + 0.4 - time.monotonic())
        late = await scene.effects(since)
        result.looked = f"retry had its effect first ({retried}); then the late request ({late - retried} more entries)"


async def _refuse(scene: Scene, result: Result) -> None:
    if scene.vendor is scene.stand.crm:
        await _refuse_in_crm(scene, result)
        return
    body = {
        "type": "https://www.rfc-editor.org/rfc/rfc9110.html#section-15.5.1", "title": "Bad Request", "status": 400,
        "o:errorDetails": [{"detail": "A script of this account wants a value first.", "o:errorCode": "USER_ERROR"}],
    }  # fmt: skip
    kind = "application/vnd.oracle.resource+json; type=error; charset=UTF-8"
    rule = await scene.rule("status", status=400, body=body, content_type=kind)
    await scene.start()
    await fired(scene, rule)
    await _repair(scene, result)


_one_lock_at_a_time = asyncio.Lock()


async def _refuse_in_crm(scene: Scene, result: Result) -> None:
    """An approval locks the deal; locks are taken away all together, so such cells take turns."""
    http = scene.stand.crm.http
    async with _one_lock_at_a_time:
        await scene.stand.win(scene.deal.deal_id)
        locks = {"locks": [{"id": scene.deal.deal_id, "kind": "approval"}]}
        (await http.post("/_sandbox/locks", json=locks)).raise_for_status()
        try:
            await scene.site.tell(scene.deal)
            if scene.cell.operation == "write-back":
                await scene.site.blocker(scene.deal)
            else:
                await scene.site.reaches(scene.deal, "refused")
            scene.must_be("not-applied")
        finally:
            (await http.delete("/_sandbox/locks")).raise_for_status()
    if scene.cell.operation == "write-back":
        await _repair(scene, result)
        return
    # A status that cannot be shown stops nothing; the next event about the deal shows it.
    result.looked = "row not-applied; the deal was refused all the same; shown at the next event"
    await settle_down(scene)
    await scene.site.tell(scene.deal)
    await until(lambda: scene.state() == "applied", "the status is shown")


async def _repair(scene: Scene, result: Result) -> None:
    item = await scene.site.blocker(scene.deal, besides=scene.waited_for)
    scene.must_be("not-applied")
    result.looked = f"row not-applied; parked with {item.code} for {item.owner.value}; repaired by its owner"
    await scene.site.repair(scene.deal, item)
    await scene.site.reaches(scene.deal, scene.cell.ending.stage)
