"""A run that has grown too long goes on in a new one; nothing that people said or that was written is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowExecutionDescription

from models.errors import NeedsRepair
from models.process import Outcome
from tests.workflows.contracts import checked, simple, two_signatures
from tests.workflows.house import House, open_house
from workflows.policies import TASK_TIMEOUT


@pytest.fixture
async def house(impatient_client: Client, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(impatient_client, tmp_path) as opened:
        yield opened


async def _grow(house: House) -> None:
    """Send what changes nothing until a new run has taken over."""
    first = (await house.handle.describe()).run_id

    for count in range(1, 40):
        await house.signal("hello")
        await house.noted("message.refused", count)
        if (await house.handle.describe()).run_id != first:
            return
    pytest.fail("no new run")


def _ours(seen: WorkflowExecutionDescription) -> set[str]:
    return {str(pair) for pair in seen.typed_search_attributes if pair.key.name.startswith("Tieline")}


async def test_a_first_signature_outlives_the_run(house: House) -> None:
    await house.win(two_signatures())
    assert (await house.decide("ada.finance")).accepted

    await _grow(house)

    assert house.erp.journal == []
    assert (await house.decide("cora.controller")).complete
    assert await house.outcome() is Outcome.ACTIVE
    assert len(await house.audit("decision.asked")) == 1


async def test_a_plan_that_stopped_half_way_stays_approved(house: House) -> None:
    house.erp.trouble = lambda moment, kind: (
        NeedsRepair("Field X is closed.") if (moment, kind) == ("before", "contract") else None
    )
    await house.win(checked())
    assert (await house.decide("ada.finance")).complete
    await house.waiting("TL-INT-020")

    await _grow(house)
    await house.does("park")
    house.erp.trouble = lambda _moment, _kind: None
    assert (await house.repair("ina.integration", "TL-INT-020")).complete

    assert await house.outcome() is Outcome.ACTIVE
    assert [what for what, _ in house.erp.journal] == ["create"] * 5
    assert len(await house.audit("decision.asked")) == 1


async def test_a_stop_keeps_its_place_and_its_deadline(house: House) -> None:
    await house.win(simple(payment_terms="Net 33"))
    before = await house.waiting("TL-CON-007")

    await _grow(house)

    after = await house.waiting("TL-CON-007")
    assert (after.item, after.raised_at, after.due_at) == (before.item, before.raised_at, before.due_at)
    assert (await house.repair("carl.credit", "TL-CON-007", "NET30")).complete
    assert await house.outcome() is Outcome.ACTIVE


async def test_the_new_run_is_found_by_the_same_filters_and_hurries_as_much(house: House) -> None:
    """The engine's SDK does not hand on the summary of the first run; the page's current details are made anew."""
    await house.win(checked())
    before = await house.shown("deciding")

    await _grow(house)

    after = await house.shown("deciding")
    assert _ours(after) == _ours(before)
    started = (await house.events())[0].workflow_execution_started_event_attributes
    assert started.workflow_task_timeout.ToTimedelta() == TASK_TIMEOUT
