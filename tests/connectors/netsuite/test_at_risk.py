"""DOM-1.5: work began before the signature; the project that was opened by hand becomes the contract's own."""

from __future__ import annotations

import pytest

from models.errors import NeedsRepair
from models.ids import Step
from models.records import RecordKind, RecordRef
from tests.connectors.netsuite import samples
from tests.connectors.netsuite.account import Connected, connected


async def _opened(it: Connected, customer: RecordRef, **more: object) -> str:
    """By a project manager, in the vendor's own interface: the contract number, no key of ours."""
    body = {
        "companyName": "At risk", "parent": {"id": customer.record_id}, "subsidiary": {"id": "1"},
        "currency": {"id": "1"}, "custentity_tl_contract_number": samples.CONTRACT, "custentity_tl_at_risk": True,
        **more,
    }  # fmt: skip
    made = await it.sim.call("POST", "/record/v1/job", body)
    assert made.status_code == 204, made.text
    return made.headers["location"].rpartition("/")[2]


async def test_the_project_opened_at_risk_is_found_and_taken_on_and_no_second_one_is_made() -> None:
    async with connected() as it:
        customer = await it.erp.ensure_customer(samples.customer(), samples.links())
        links = samples.links(customer=customer.ref)
        job = await _opened(it, customer.ref)
        survey = await it.erp.survey(samples.question(takes_on_project=True))
        assert survey.at_risk is not None
        assert survey.at_risk.record_id == job
        request = samples.project(adopt=survey.at_risk)
        for _ in range(2):
            effect = await it.erp.ensure_project(request, links)
            assert (effect.ref.record_id, effect.created) == (job, False)
        record = await it.sim.get("job", job)
        assert (record["custentity_tl_at_risk"], record["companyName"]) == (False, request.name)
        assert await it.made("job") == [job]
        found = await it.another().find_project(samples.project(), links)
        assert found is not None
        assert found.ref.record_id == job
        assert (await it.erp.survey(samples.question(takes_on_project=True))).at_risk is None


async def test_a_project_of_the_same_number_is_not_taken_on_unless_the_deal_says_at_risk() -> None:
    async with connected() as it:
        customer = await it.erp.ensure_customer(samples.customer(), samples.links())
        await _opened(it, customer.ref)
        with pytest.raises(NeedsRepair, match="but not our key"):
            await it.erp.survey(samples.question())


async def test_two_projects_opened_at_risk_are_for_a_person() -> None:
    async with connected() as it:
        customer = await it.erp.ensure_customer(samples.customer(), samples.links())
        for _ in range(2):
            await _opened(it, customer.ref)
        with pytest.raises(NeedsRepair, match="but not our key"):
            await it.erp.survey(samples.question(takes_on_project=True))


async def test_a_project_of_another_customer_is_never_taken_on() -> None:
    async with connected() as it:
        customer = await it.erp.ensure_customer(samples.customer(), samples.links())
        links = samples.links(customer=customer.ref)
        job = await _opened(it, customer.ref)
        other = {"companyName": "Other Inc.", "subsidiary": {"id": "1"}}
        elsewhere = (await it.sim.call("POST", "/record/v1/customer", other)).headers["location"].rpartition("/")[2]
        await it.sim.call("PATCH", f"/record/v1/job/{job}", {"parent": {"id": elsewhere}})
        opened = samples.ref(RecordKind.PROJECT, job)
        with pytest.raises(NeedsRepair, match="for another customer"):
            await it.erp.ensure_project(samples.project(adopt=opened), links)
        assert "externalId" not in await it.sim.get("job", job)
        assert Step("customer") in links.refs
