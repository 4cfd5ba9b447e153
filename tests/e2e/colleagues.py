"""The firm's people at their desks: they decide and repair, each with a key of their own."""

from __future__ import annotations

import asyncio
import uuid

from pydantic import SecretStr

from models.blocker import OpenItem
from models.decision import Answer, Decision, Verdict
from models.ids import BlockerId, DecisionId, PersonId, PlanDigest
from runtime.people import sign_decision
from tests.e2e.stand import FIRM, Stand

__all__ = ["decide", "only_one", "send", "signed"]


async def only_one(stand: Stand, contract: str, *, besides: str = "") -> OpenItem:
    """The one thing that waits for a person there, as soon as it does. `besides`: another one than that item."""
    for _ in range(200):
        items = await stand.waiting(contract)
        if items and items[0].item != besides:
            (item,) = items
            return item
        await asyncio.sleep(0.04)
    raise AssertionError(f"nothing (new) of {contract} waits for a person: {items}")


def signed(
    stand: Stand, contract: str, person: str, verdict: Verdict, subject: str, *, answer: str = "", reason: str = ""
) -> Decision:
    """A decision on a plan or a blocker."""
    name = DecisionId(str(uuid.uuid4()))
    is_repair = verdict is Verdict.REPAIR
    token = sign_decision(
        SecretStr((stand.folder / "keys" / f"{person}.pem").read_text(encoding="utf-8")), person=PersonId(person),
        firm=FIRM, decision=name, engagement=stand.engagement(contract), verdict=verdict, subject=subject,
        answer=answer, reason=reason,
    )  # fmt: skip
    return Decision(
        decision=name, engagement=stand.engagement(contract), verdict=verdict, answer=answer, reason=reason,
        plan=None if is_repair else PlanDigest(subject), blocker=BlockerId(subject) if is_repair else None, token=token,
    )  # fmt: skip


async def send(stand: Stand, decision: Decision) -> Answer:
    """By update, as the command line does."""
    handle = stand.starter.handle(decision.engagement)
    answer: Answer = await handle.execute_update("decide", decision, id=decision.decision, result_type=Answer)
    return answer


async def decide(stand: Stand, contract: str, person: str, verdict: Verdict, *, answer: str = "") -> Answer:
    """On the one thing that waits there."""
    item = await only_one(stand, contract)
    return await send(stand, signed(stand, contract, person, verdict, item.item, answer=answer))
