"""A record that the plan found on the signed terms is taken as it is, also when it was written by an earlier plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from activities.exactly_once import ExactlyOnce
from models.errors import NeedsRepair
from models.ids import ConnectionId, EngagementId, OperationKey, PlanDigest, Step
from models.records import Effect, Guard, RecordKind, RecordRef
from ports.ledger import Intent
from store import open_store

ERP = ConnectionId("erp-main")
PROJECT = RecordRef(connection=ERP, kind=RecordKind.PROJECT, record_id="88")


def _intent(payload: str) -> Intent:
    return Intent(
        key=OperationKey("hf/quote-to-project/C-1/0/project"), payload_hash=payload, step=Step("project"),
        engagement=EngagementId("hf/C-1"), plan=PlanDigest("p"), guard=Guard.PROOF, connection=ERP,
        workflow_id="w", run_id="r",
    )  # fmt: skip


async def _made() -> Effect:
    return Effect(ref=PROJECT, created=True)


async def _must_not_happen() -> Effect:
    raise AssertionError("the ERP was asked although the ledger knows")


async def test_another_spelling_of_a_name_is_no_change_order(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        once = ExactlyOnce(store.ledger)
        await once.apply(_intent("Kestrel, Inc."), find=_must_not_happen, ensure=_made)
        again = await once.apply(
            _intent("KESTREL INC"), find=_must_not_happen, ensure=_must_not_happen, look_first=True
        )
        assert (again.ref, again.created, again.changed) == (PROJECT, False, False)


async def test_other_terms_still_are_one(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        once = ExactlyOnce(store.ledger)
        await once.apply(_intent("90,000.00"), find=_must_not_happen, ensure=_made)
        with pytest.raises(NeedsRepair, match="signed change order"):
            await once.apply(_intent("95,000.00"), find=_must_not_happen, ensure=_must_not_happen)
