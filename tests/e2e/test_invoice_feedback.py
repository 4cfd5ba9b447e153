"""Invoices raised and paid in the ERP are seen in the CRM: in bulk, once, and whatever is killed on the way."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from models.feedback import FeedbackResult
from runtime.feedback import FeedbackStarter
from tests.e2e.billing_scene import ERP, BillingScene, open_billing
from tests.e2e.front_door import FrontDoor
from tests.e2e.own_processes import run_program, worker_process
from tests.e2e.stand import FIRM, SECRET, Stand, open_stand

MANY, SOME = 1000, 400


@pytest.fixture(scope="module")
async def scene(stand: Stand) -> BillingScene:
    return await open_billing(stand, contracts=10)


def starter(stand: Stand) -> FeedbackStarter:
    return FeedbackStarter(stand.client, FIRM, stand.task_queue)


async def sweep(stand: Stand, **how: bool) -> FeedbackResult:
    handle = await starter(stand).ring(ERP, **how)
    return await asyncio.wait_for(handle.result(), 50)


async def test_four_hundred_invoices_take_two_calls_and_a_second_sweep_writes_nothing(scene: BillingScene) -> None:
    await sweep(scene.stand)
    before = (await scene.deal(1)).get("Amount_Invoiced__c") or 0
    made = len(await scene.shown())
    await scene.raise_invoices(SOME)
    await scene.stand.crm.reset_calls()
    first = await sweep(scene.stand)
    assert (first.tally.refused, first.trouble) == (0, "")
    # One call for the deals, one for the accounts, and a page that begins with what is known.
    assert await scene.crm_writes() <= SOME // 200 + 3
    assert len(await scene.shown()) == made + SOME
    deal = await scene.deal(1)
    assert (deal["Amount_Invoiced__c"], deal["Billing_Currency__c"]) == (before + SOME * 100, "USD")
    await scene.stand.crm.reset_calls()
    again = await sweep(scene.stand)
    assert (again.tally.shown, again.tally.totals) == (0, 0)
    assert await scene.crm_writes() == 0


async def test_a_payment_is_seen_and_a_bounced_one_opens_the_invoice_again(scene: BillingScene) -> None:
    (one,) = await scene.raise_invoices(1)
    number = f"INV-{len(scene.invoices) - 1}"
    await scene.pay([one])
    await sweep(scene.stand)
    assert (await scene.shown())[number]["Settlement__c"] == "paid"
    payment = (await scene.stand.erp.kind("customerPayment"))[-1]
    await scene.saved([{"type": "customerPayment", "id": payment["id"], "status": {"id": "R"}}])
    await sweep(scene.stand)
    shown = (await scene.shown())[number]
    assert (shown["Settlement__c"], shown["Balance__c"]) == ("unpaid", 1000)
    assert "was returned by the bank; the invoice is open again" in shown["In_One_Sentence__c"]
    await scene.saved([{"type": "invoice", "id": one, "_voided": True}])
    await sweep(scene.stand)
    assert (await scene.shown())[number]["Document_Status__c"] == "voided"
    draft = await scene.draft()
    await sweep(scene.stand)
    assert (await scene.shown())["DRAFT-1"]["Document_Status__c"] == "pending"
    await scene.delete(draft)
    await sweep(scene.stand)
    assert (await scene.shown())["DRAFT-1"]["In_One_Sentence__c"] == "Invoice DRAFT-1 was deleted."


async def test_clock_and_doorbells_at_once_show_each_invoice_once(scene: BillingScene) -> None:
    made = await scene.raise_invoices(50)
    before = await scene.stand.crm.last_seq()
    doorbell = starter(scene.stand)
    await doorbell.keep_time(ERP, 3600)
    await doorbell.keep_time(ERP, 3600)
    clock = scene.stand.client.get_schedule_handle(f"invoice-feedback/{FIRM}/{ERP}")
    await asyncio.gather(*(doorbell.ring(ERP) for _ in range(10)), clock.trigger())
    await sweep(scene.stand)
    await doorbell.keep_time(ERP, 0)
    entries = [entry for entry in await scene.stand.crm.writes(before) if entry["kind"] == "Tieline_Invoice__c"]
    assert [entry["action"] for entry in entries] == ["create"] * len(made)


async def test_an_invoice_that_the_crm_refuses_waits_on_the_desk_and_is_shown_once_it_can_be(
    scene: BillingScene,
) -> None:
    stand = scene.stand
    await stand.crm.records({"type": "Account", "id": scene.accounts[0], "ERP_Customer_Id__c": "gone"})
    while len(scene.invoices) % len(scene.deals):
        await scene.raise_invoices(1)
    await scene.raise_invoices(2)
    number = f"INV-{len(scene.invoices) - 2}"
    result = await sweep(stand)
    assert result.tally.refused >= 1
    shown = await scene.shown()
    assert number not in shown
    assert f"INV-{len(scene.invoices) - 1}" in shown
    waiting = [item for item in await stand.store.desk.list_open(FIRM) if number in item.record]
    assert ["ERP customer" in item.message for item in waiting] == [True]
    assert (await sweep(stand)).tally.refused == 0
    await stand.crm.records({"type": "Account", "id": scene.accounts[0], "ERP_Customer_Id__c": scene.customers[0]})
    assert (await sweep(stand, tries_refused_again=True)).tally.shown >= 1
    assert number in await scene.shown()
    assert [item for item in await stand.store.desk.list_open(FIRM) if number in item.record] == []


async def test_an_erp_that_is_away_shows_on_the_desk_until_a_sweep_goes_through(scene: BillingScene) -> None:
    stand = scene.stand
    said = {"status": 403, "o:errorDetails": [{"detail": "no", "o:errorCode": "INSUFFICIENT_PERMISSION"}]}
    refusal = {"path": ".*/suiteql", "action": "status", "status": 403, "body": json.dumps(said), "times": 1000}
    await stand.erp.faults(refusal)
    assert (await sweep(stand)).trouble != ""
    assert [item.code for item in await stand.store.desk.list_open(FIRM)] == ["TL-INT-060"]
    await stand.erp.no_faults()
    assert (await sweep(stand)).trouble == ""
    assert await stand.store.desk.list_open(FIRM) == ()


@pytest.mark.kills
async def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(tmp_path: Path) -> None:
    async with open_stand(tmp_path, worker=False, state="empty") as stand:
        scene = await open_billing(stand, contracts=5)
        await scene.raise_invoices(MANY)
        async with worker_process(stand) as doomed:
            handle = await starter(stand).ring(ERP)
            for _ in range(2000):
                if len(await stand.crm.kind("Tieline_Invoice__c")) >= MANY // 4:
                    break
                await asyncio.sleep(0.02)
            doomed.kill()
            await doomed.wait()
        async with worker_process(stand):
            result = await asyncio.wait_for(handle.result(), 50)
            await stand.crm.reset_calls()
            again = await sweep(stand)
        assert (result.trouble, again.tally.shown, await scene.crm_writes()) == ("", 0, 0)
        assert len(await scene.shown()) == MANY
        entries = [entry for entry in await stand.crm.writes() if entry["kind"] == "Tieline_Invoice__c"]
        assert [entry["action"] for entry in entries] == ["create"] * MANY


async def test_people_ask_for_a_sweep_and_read_the_invoices_of_a_contract(scene: BillingScene) -> None:
    stand = scene.stand
    while len(scene.invoices) % len(scene.deals) != 1:
        await scene.raise_invoices(1)
    number = f"INV-{len(scene.invoices) - 1}"
    swept = await run_program(stand, "starter.py", "feedback")
    assert (swept.code, "refused" in swept.out) == (0, True), swept.err
    listed = await run_program(stand, "starter.py", "invoices", scene.contract(0))
    assert f"Invoice {number} for USD 1,000.00 was sent on 2 November, due 31 December 2099." in listed.out
    document = (await run_program(stand, "starter.py", "invoices", scene.contract(0), "--json")).document
    assert document[-1]["in_crm"] == "shown"
    none = await run_program(stand, "starter.py", "invoices", "C-NONE")
    assert "No invoice of contract C-NONE has been read yet" in none.out


async def test_an_invoice_saved_in_the_erp_rings_and_shows_without_waiting_for_the_clock(
    scene: BillingScene, door: FrontDoor
) -> None:
    url = door.url.replace(scene.stand.tieline.crm.connection, ERP)
    await scene.stand.erp.control("subscriptions", {"url": url, "secret": SECRET})
    await scene.raise_invoices(3)
    numbers = {f"INV-{len(scene.invoices) - back}" for back in (1, 2, 3)}
    for _ in range(400):
        if numbers <= (await scene.shown()).keys():
            break
        await asyncio.sleep(0.05)
    (await scene.stand.erp.http.delete("/_sandbox/subscriptions")).raise_for_status()
    await door.drained()
    assert numbers <= (await scene.shown()).keys()
