"""Another process on the same store: `python -m tests.store.other_process TASK URL COUNT NAME`."""

from __future__ import annotations

import asyncio
import sys

from models.ids import PlanDigest
from store import Store, open_store
from tests.store.facts import an_effect, an_event, an_intent, approval


async def _intend(store: Store, count: int, name: str) -> int:
    """How often this process was told to be the first."""
    rows = [await store.ledger.intend(an_intent(f"step-{number}", run_id=name)) for number in range(count)]
    return sum(row.is_first for row in rows)


async def _accept(store: Store, count: int, _name: str) -> int:
    return sum([await store.inbox.accept(an_event(f"e-{number}"), b"raw") for number in range(count)])


async def _append(store: Store, count: int, name: str) -> int:
    await asyncio.gather(*(store.audit.append("note.made", "", f"{name}-{number}", {}) for number in range(count)))
    return count


async def _sign(store: Store, count: int, name: str) -> int:
    """Race for the one slot of each plan; `name` is `{person}:{digest},{digest},...`."""
    person, _, digests = name.partition(":")
    answers = [
        await store.desk.record_decision(approval(PlanDigest(digest), "finance", person, decision=f"{person}-{row}"))
        for row, digest in enumerate(digests.split(",")[:count])
    ]
    return sum(answer.accepted for answer in answers)


async def _work_until_killed(store: Store, count: int, _name: str) -> int:
    for number in range(count):
        intent = an_intent(f"step-{number}")
        await store.ledger.intend(intent)
        print(number, flush=True)  # noqa: T201 - the parent waits for this line
        await store.ledger.settle_applied(intent.key, an_effect(str(number)), evidence="answered")
    return count


_TASKS = {"intend": _intend, "accept": _accept, "append": _append, "sign": _sign, "work": _work_until_killed}


async def _main(task: str, url: str, count: str, name: str) -> int:
    async with open_store(url) as store:
        sys.stdin.readline()  # everybody starts at the same word
        return await _TASKS[task](store, int(count), name)


if __name__ == "__main__":
    print(asyncio.run(_main(*sys.argv[1:])))  # noqa: T201 - the answer
