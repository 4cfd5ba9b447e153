"""A person's name is data of that person: what goes on with a contact is told by its role, in answers and in errors."""

from __future__ import annotations

import pytest

from models.errors import NeedsRepair
from models.ids import external_key
from models.party import ContactPerson
from models.records import Links
from tests.connectors.netsuite import samples
from tests.connectors.netsuite.account import connected

GRACE = ContactPerson(code="003-grace", first_name="Grace", last_name="Hopper", email="grace@northwind.example")


async def test_what_is_handed_back_of_a_contact_names_nobody() -> None:
    async with connected() as it:
        here = await it.erp.ensure_customer(samples.customer(), Links())
        links = samples.links(customer=here.ref)
        made = await it.erp.ensure_contact(samples.contact(), links)
        found = await it.erp.find_contact(samples.contact(), links)
        by_hand = {"firstName": "Grace", "lastName": "Hopper", "company": {"id": here.ref.record_id}}
        await it.sim.put("contact", "by_hand", by_hand)
        adopted = await it.erp.ensure_contact(samples.contact(key=external_key("g"), person=GRACE), links)
    assert found is not None
    for effect in (made, found, adopted):
        assert not {"Ada", "Byron", "Grace", "Hopper"} & set(effect.model_dump_json().replace('"', " ").split())


async def test_a_namesake_in_doubt_is_told_by_role() -> None:
    async with connected() as it:
        here = await it.erp.ensure_customer(samples.customer(), Links())
        other = {"firstName": "Ada", "lastName": "Byron", "email": "another@northwind.example",
                 "company": {"id": here.ref.record_id}}  # fmt: skip
        await it.sim.put("contact", "by_hand", other)
        with pytest.raises(NeedsRepair) as stopped:
            await it.erp.ensure_contact(samples.contact(), samples.links(customer=here.ref))
    told = f"{stopped.value.message} {stopped.value.record} {stopped.value.field}"
    assert "Byron" not in told
    assert samples.contact().person.role.value in told
