from __future__ import annotations

import pytest

from models.errors import NeedsRepair, OutcomeUnknown
from models.ids import Step, external_key
from models.operations import CancelEngagement, EnterPurchaseOrder, HoldEngagement, ReleaseEngagement
from models.records import Links, RecordKind, RecordRef, WorkDone
from tests.connectors.netsuite import samples
from tests.connectors.netsuite.account import Connected, connected

NONE = Links()
PO_MISSING = "The purchase order is missing."


def hold(links: Links, reason: str = "The deal was lost.") -> HoldEngagement:
    return HoldEngagement(key=external_key("hold"), project=_project(links), contract=_contract(links), reason=reason)


def release(links: Links) -> ReleaseEngagement:
    return ReleaseEngagement(key=external_key("release"), project=_project(links), contract=_contract(links))


async def test_a_freeze_closes_time_and_invoicing_and_a_release_opens_both() -> None:
    async with connected() as it:
        links = await it.set_up()
        assert await it.erp.find_hold(hold(links), NONE) is None
        assert await it.erp.find_release(release(links), NONE) is not None
        await it.erp.ensure_hold(hold(links), NONE)
        assert await _state(it, links) == (False, False, "A", "Frozen: The deal was lost.")
        assert await it.erp.find_hold(hold(links), NONE) is not None
        assert await it.erp.find_release(release(links), NONE) is None
        await it.erp.ensure_release(release(links), NONE)
        assert await _state(it, links) == (True, True, "B", "")
        assert await it.erp.find_release(release(links), NONE) is not None
        assert await it.erp.find_hold(hold(links), NONE) is None


async def test_a_release_keeps_the_reason_not_to_bill_that_stood_before() -> None:
    async with connected() as it:
        links = await it.set_up()
        await it.erp.ensure_contract(samples.contract(billing_hold=PO_MISSING), links)
        await it.erp.ensure_hold(hold(links), NONE)
        await it.erp.ensure_hold(hold(links), NONE)
        await it.erp.ensure_release(release(links), NONE)
        assert await _state(it, links) == (True, True, "A", PO_MISSING)
        assert await it.erp.find_release(release(links), NONE) is not None


async def test_part_projects_of_a_mixed_contract_are_frozen_too() -> None:
    async with connected() as it:
        links = await it.set_up()
        part = await it.erp.ensure_project(
            samples.project(key=external_key("part"), parent_step=Step("project")), links
        )
        await it.erp.ensure_hold(hold(links), NONE)
        record = await it.sim.get("job", part.ref.record_id)
        assert (record["allowTime"], record["allowExpenses"]) == (False, False)
        await it.sim.call("PATCH", f"/record/v1/job/{part.ref.record_id}", {"allowTime": True})
        assert await it.erp.find_hold(hold(links), NONE) is None


async def test_a_freeze_whose_answer_was_lost_half_way_is_not_taken_for_done() -> None:
    async with connected() as it:
        links = await it.set_up()
        await it.sim.fault(action="reset", when="after", method="PATCH", path="job")
        with pytest.raises(OutcomeUnknown):
            await it.erp.ensure_hold(hold(links), NONE)
        assert await it.erp.find_hold(hold(links), NONE) is None
        await it.erp.ensure_hold(hold(links), NONE)
        assert await it.erp.find_hold(hold(links), NONE) is not None


@pytest.mark.parametrize("gone", ["project", "contract"])
async def test_what_was_deleted_cannot_be_frozen_and_is_named(gone: str) -> None:
    async with connected() as it:
        links = await it.set_up()
        kind = RecordKind.PROJECT if gone == "project" else RecordKind.CONTRACT
        missing = links.model_copy(update={"refs": {**links.refs, Step(gone): samples.ref(kind, "99999")}})
        with pytest.raises(NeedsRepair, match=f"no {gone} 99999 any more"):
            await it.erp.ensure_hold(hold(missing), NONE)


async def test_a_po_number_lifts_the_hold_that_waited_for_it_and_no_other() -> None:
    async with connected() as it:
        links = await it.set_up()
        held = f"{PO_MISSING} Nothing is funded."
        await it.erp.ensure_contract(samples.contract(billing_hold=held, po_number=""), links)
        request = EnterPurchaseOrder(
            key=external_key("po"), project=_project(links), contract=_contract(links), po_number="88-12",
            lifts=PO_MISSING,
        )  # fmt: skip
        assert await it.erp.find_purchase_order(request, NONE) is None
        for _ in range(2):
            await it.erp.ensure_purchase_order(request, NONE)
            assert await it.erp.find_purchase_order(request, NONE) is not None
        assert await _state(it, links) == (True, True, "A", "Nothing is funded.")
        last = request.model_copy(update={"lifts": "Nothing is funded."})
        await it.erp.ensure_purchase_order(last, NONE)
        assert await _state(it, links) == (True, True, "B", "")
        assert (await it.sim.get("salesOrder", _contract(links).record_id))["otherRefNum"] == "88-12"


def cancel(links: Links) -> CancelEngagement:
    return CancelEngagement(
        key=external_key("cancel"), project=_project(links), contract=_contract(links), reason="The deal was lost."
    )


async def test_a_cancellation_closes_project_and_contract_and_a_release_opens_both_again() -> None:
    async with connected() as it:
        links = await it.set_up()
        await it.erp.ensure_hold(hold(links), NONE)
        assert await it.erp.find_cancellation(cancel(links), NONE) is None
        for _ in range(2):
            await it.erp.ensure_cancellation(cancel(links), NONE)
            assert await it.erp.find_cancellation(cancel(links), NONE) is not None
        assert await _state(it, links) == (False, False, "A", "Cancelled: The deal was lost.")
        order = await it.sim.get("salesOrder", _contract(links).record_id)
        assert order["status"]["id"] == "H", "closed"
        assert (await it.sim.get("job", _project(links).record_id))["entityStatus"]["id"] == "1"
        assert await it.erp.find_release(release(links), NONE) is None
        await it.erp.ensure_release(release(links), NONE)
        assert await _state(it, links) == (True, True, "B", "")
        assert (await it.sim.get("salesOrder", _contract(links).record_id))["status"]["id"] == "B"
        assert await it.erp.find_cancellation(cancel(links), NONE) is None


async def test_invoices_and_time_of_an_engagement_are_told_in_one_call() -> None:
    async with connected() as it:
        links = await it.set_up()
        project, contract = _project(links), _contract(links)
        assert await it.erp.get_work_done(project, contract) == WorkDone()
        await it.sim.call("POST", f"/record/v1/salesOrder/{contract.record_id}/!transform/invoice", {})
        employee = {"firstName": "Ben", "lastName": "Booker", "subsidiary": {"id": "1"}}
        made = await it.sim.call("POST", "/record/v1/employee", employee)
        ben = made.headers["location"].rpartition("/")[2]
        time = {"employee": {"id": ben}, "customer": {"id": project.record_id}, "hours": "7:30",
                "tranDate": "2026-05-04"}  # fmt: skip
        assert (await it.sim.call("POST", "/record/v1/timeBill", time)).status_code == 204
        await it.reset()
        done = await it.erp.get_work_done(project, contract)
        assert (len(done.invoices), done.time_entries) == (1, 1)
        assert done.invoices[0].startswith("INV")
        assert sum((await it.calls()).values()) == 1


def _project(links: Links) -> RecordRef:
    return links.refs[Step("project")]


def _contract(links: Links) -> RecordRef:
    return links.refs[Step("contract")]


async def _state(it: Connected, links: Links) -> tuple[bool, bool, str, str]:
    job = await it.sim.get("job", _project(links).record_id)
    order = await it.sim.get("salesOrder", _contract(links).record_id)
    return job["allowTime"], job["allowExpenses"], order["orderStatus"]["id"], order.get("custbody_tl_billing_hold", "")
