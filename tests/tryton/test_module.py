"""Our module inside the real ERP: unique ids, find-or-create in one transaction, an outbox."""

from __future__ import annotations

import pytest

from connector_kit import Effectful
from models.errors import NeedsRepair
from models.ids import Step, external_key
from models.records import Links
from tests.connectors.netsuite import samples
from tests.tryton.conftest import Connected
from tests.tryton.set_up import set_up


async def test_the_database_refuses_a_second_record_with_one_external_id(keyed: Connected) -> None:
    await keyed.erp.ensure_customer(samples.customer(), Links())
    with pytest.raises(NeedsRepair, match="already has a record with the key"):
        await keyed.erp._client.create("party.party", {"name": "X", "external_id": samples.CUSTOMER_KEY}, record="X")


async def test_a_contract_that_cannot_be_confirmed_leaves_nothing(keyed: Connected) -> None:
    """Creating, quoting and confirming are one transaction: a refused step takes the new sale back."""
    links, _ = await set_up(keyed.erp)
    rows = keyed.books.rows()
    values = {"company": 1, "party": int(links.of(Step("customer")).record_id), "currency": 1}
    with pytest.raises(NeedsRepair):
        await keyed.erp._client.ensure("sale.sale", "half", values, record="half a sale", steps=("quote",), company=1)
    assert keyed.books.rows() == rows


async def test_only_the_steps_of_a_contract_may_follow(keyed: Connected) -> None:
    rows = keyed.books.rows()
    with pytest.raises(NeedsRepair, match="is no step that may follow"):
        await keyed.erp._client.ensure("party.party", "k", {"name": "X"}, record="X", steps=("delete",))
    assert keyed.books.rows() == rows


async def test_every_change_of_a_record_of_ours_is_in_the_outbox(keyed: Connected) -> None:
    links, _ = await set_up(keyed.erp)
    events = await keyed.erp.list_events(0)
    made = {(event.object_kind, event.record_id) for event in events if event.change == "create"}
    assert made == {
        ("customer", links.of(Step("customer")).record_id), ("customer", links.of(Step("contact:billing")).record_id),
        ("project", links.of(Step("project")).record_id), ("project", links.of(Step("billing-schedule")).record_id),
        ("contract", links.of(Step("contract")).record_id),
    }  # fmt: skip
    last = int(events[-1].event_id)
    customer = links.of(Step("customer"))
    await keyed.erp._client.write("party.party", int(customer.record_id), {"name": "Renamed"}, record="customer")
    (event,) = await keyed.erp.list_events(last)
    assert (event.change, event.record_id, event.external_key) == ("write", customer.record_id, samples.CUSTOMER_KEY)


async def test_a_copy_of_a_project_is_another_project(keyed: Connected) -> None:
    links, _ = await set_up(keyed.erp)
    # As a person in the ERP's own screens copies it.
    path = f"project.work/{links.of(Step('project')).record_id}/copy"
    await keyed.erp._client._call("POST", path, effect=Effectful.WRITE, record="project", document={})
    assert keyed.books.sql("SELECT COUNT(*) FROM project_work WHERE external_id = ?", samples.PROJECT_KEY) == [(1,)]
    found = await keyed.erp.find_project(samples.project(), links)
    assert found is not None
    assert found.ref.record_id == links.of(Step("project")).record_id
    assert await keyed.erp.find_project(samples.project(key=external_key("none")), links) is None
