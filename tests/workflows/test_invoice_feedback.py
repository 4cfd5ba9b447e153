"""The process that shows invoices, with its steps scripted: bells, clocks, long sweeps, stops."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.service import RPCError

from models.feedback import FeedbackResult, FeedbackRun, Tally
from models.ids import ConnectionId, FirmId
from runtime.feedback import FeedbackStarter
from tests.workflows.sweeping import Steps
from workflows.invoice_feedback import InvoiceFeedback, InvoiceFeedbackClock, feedback_id

ERP = ConnectionId("erp-main")


async def _result(starter: FeedbackStarter, **how: bool) -> FeedbackResult:
    return await asyncio.wait_for((await starter.ring(ERP, **how)).result(), 20)


async def test_a_sweep_reads_page_by_page_and_keeps_its_place_at_the_end(client: Client) -> None:
    steps = Steps()
    steps.pages = 3
    async with steps.at_work(client) as starter:
        result = await _result(starter)
    assert (steps.places, result.tally, result.sweeps) == (["", "1", "2"], Tally(read=600, shown=3), 1)
    assert steps.done == {"open": 1, "page": 3, "deleted": 1, "overdue": 1, "moved": 1, "deals": 1, "accounts": 1,
                          "close": 1}  # fmt: skip


async def test_a_very_long_sweep_goes_on_in_new_runs_with_the_same_window(client: Client) -> None:
    steps = Steps()
    steps.pages = 250
    async with steps.at_work(client) as starter:
        handle = await starter.ring(ERP)
        first = handle.first_execution_run_id
        result = await asyncio.wait_for(handle.result(), 50)
        last = (await client.get_workflow_handle(handle.id).describe()).run_id
    assert (last != first, result.tally.shown, steps.done["open"], steps.done["close"]) == (True, 250, 1, 1)
    assert steps.places == ["", *(str(page) for page in range(1, 250))]


async def test_who_rings_during_a_sweep_makes_it_look_once_more_however_often(client: Client) -> None:
    steps = Steps()
    async with steps.at_work(client) as starter:
        arrived, go_on = asyncio.Event(), asyncio.Event()

        def hold() -> asyncio.Future[None] | None:
            arrived.set()
            return asyncio.ensure_future(_passed(go_on)) if steps.done["page"] == 1 else None

        steps.on_page = hold
        handle = await starter.ring(ERP)
        await arrived.wait()
        await asyncio.gather(*(starter.ring(ERP) for _ in range(5)))
        await handle.signal("no such bell", {"nonsense": [1, 2]})
        go_on.set()
        result = await asyncio.wait_for(handle.result(), 20)
    assert (result.sweeps, steps.done["open"]) == (2, 2)
    assert steps.windows == sorted(set(steps.windows))


async def _passed(event: asyncio.Event) -> None:
    await event.wait()


async def test_a_stop_is_shown_and_ends_the_sweep_without_moving_its_place(client: Client) -> None:
    steps = Steps()
    steps.refuse = True
    async with steps.at_work(client) as starter:
        result = await _result(starter)
        assert (result.trouble, steps.troubles) == ("A status we do not know.", ["A status we do not know."])
        assert steps.done["close"] == 0
        steps.refuse = False
        assert (await _result(starter)).trouble == ""
    assert steps.done["close"] == 1


async def test_what_was_refused_is_tried_again_only_when_asked_for(client: Client) -> None:
    steps = Steps()
    async with steps.at_work(client) as starter:
        await _result(starter)
        assert steps.done["refused"] == 0
        await _result(starter, tries_refused_again=True)
    assert steps.done["refused"] == 1


async def test_the_clock_starts_the_sweep_or_rings_at_the_one_that_runs(client: Client) -> None:
    steps = Steps()
    go_on = asyncio.Event()
    steps.on_page = lambda: asyncio.ensure_future(_passed(go_on))
    async with steps.at_work(client) as starter:
        said = []
        for number in range(2):
            run = FeedbackRun(firm=steps.firm, connection=ERP)
            said.append(
                await client.execute_workflow(
                    InvoiceFeedbackClock.run, run, id=f"{steps.firm}/clock/{number}", task_queue=starter._task_queue,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                )
            )  # fmt: skip
        go_on.set()
        handle = client.get_workflow_handle_for(InvoiceFeedback.run, feedback_id(steps.firm, ERP))
        result = await asyncio.wait_for(handle.result(), 20)
    assert (said, result.sweeps) == (["started", "rung"], 2)


async def test_the_schedule_can_be_set_again_and_taken_away(client: Client) -> None:
    starter = FeedbackStarter(client, FirmId(f"f{uuid.uuid4().hex[:8]}"), "nobody")
    for every_s in (3600.0, 7200.0):
        await starter.keep_time(ERP, every_s)
    handle = client.get_schedule_handle(feedback_id(starter._firm, ERP))
    spec = (await handle.describe()).schedule.spec
    assert [interval.every.total_seconds() for interval in spec.intervals] == [7200]
    for _ in range(2):
        await starter.keep_time(ERP, 0)
    with pytest.raises(RPCError):
        await handle.describe()
