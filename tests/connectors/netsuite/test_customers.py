from __future__ import annotations

from typing import Any

import pytest

from models.customer_sync import KnownPerson, UpdateContact, UpdateCustomer
from models.errors import NeedsRepair, Stale
from models.party import Address, ContactPerson
from models.records import Links, RecordRef
from tests.connectors.netsuite import samples
from tests.connectors.netsuite.account import Connected, connected

MOVED = Address(street="2 Low St\nFloor 3", city="Leeds", region="", postal_code="LS2 2BB", country="GB")


async def customer_of(on: Connected) -> RecordRef:
    return (await on.erp.ensure_customer(samples.customer(), Links())).ref


def update(ref: RecordRef, **changes: Any) -> UpdateCustomer:
    return UpdateCustomer(customer=ref, **changes)


async def test_a_customer_is_read_as_it_is() -> None:
    async with connected() as on:
        ref, wanted = await customer_of(on), samples.customer()
        found = await on.erp.get_customer(ref.record_id, ())
        assert found is not None
        assert (found.name, found.account_id, found.is_active) == (wanted.name, wanted.account_id, True)
        assert (found.tax_number, found.payment_terms) == (wanted.tax_number, wanted.payment_terms_code)
        assert found.ref.number
        assert await on.erp.get_customer("999999", ()) is None


async def test_a_change_is_one_patch_and_the_second_time_none() -> None:
    async with connected() as on:
        ref = await customer_of(on)
        request = update(ref, address=MOVED, invoice_email="new@acme.example")
        assert await on.erp.find_update(request) is None
        await on.reset()
        assert (await on.erp.apply_update(request)).changed
        assert sorted((await on.calls()).values()) == [1, 1], "read, then write"
        again = await on.erp.apply_update(request)
        assert (again.changed, await on.erp.find_update(request)) == (False, again)
        found = await on.erp.get_customer(ref.record_id, ())
        assert found is not None
        assert (found.address, found.invoice_email) == (MOVED, "new@acme.example")


async def test_what_moved_since_the_plan_is_not_written_over() -> None:
    async with connected() as on:
        ref = await customer_of(on)
        request = update(ref, invoice_email="new@acme.example", expected={"invoice-email": "somebody@else.example"})
        with pytest.raises(Stale, match="invoice-email"):
            await on.erp.apply_update(request)
        found = await on.erp.get_customer(ref.record_id, ())
        assert found is not None
        assert found.invoice_email == samples.customer().invoice_email


async def test_a_person_is_changed_and_set_inactive() -> None:
    async with connected() as on:
        ref = await customer_of(on)
        links = samples.links(customer=ref)
        contact = (await on.erp.ensure_contact(samples.contact(), links)).ref
        person = samples.contact().person.model_copy(update={"phone": "+44 113 4960000", "title": "CFO"})
        request = UpdateContact(contact=contact, person=person)
        assert (await on.erp.apply_update(request)).changed
        assert not (await on.erp.apply_update(request)).changed
        known = KnownPerson(code=person.code, ref=contact)
        found = await on.erp.get_customer(ref.record_id, (known,))
        assert found is not None
        assert found.people[0].says(person)
        await on.erp.apply_update(UpdateContact(contact=contact, person=person, is_active=False))
        gone = await on.erp.get_customer(ref.record_id, (known,))
        assert gone is not None
        assert not gone.people[0].is_active


async def test_what_is_gone_says_so() -> None:
    async with connected() as on:
        ref = (await customer_of(on)).model_copy(update={"record_id": "999999", "number": "C-GONE"})
        with pytest.raises(NeedsRepair, match="C-GONE"):
            await on.erp.apply_update(update(ref, name="X"))
        nobody = UpdateContact(contact=ref, person=ContactPerson(code="003A", last_name="Lee"))
        with pytest.raises(NeedsRepair, match="not there any more"):
            await on.erp.apply_update(nobody)


async def test_somebody_who_went_to_another_customer_is_not_written_to_from_there() -> None:
    async with connected() as on:
        ref = await customer_of(on)
        contact = (await on.erp.ensure_contact(samples.contact(), samples.links(customer=ref))).ref
        another = samples.customer(key="other", name="Other Ltd", tax_number="")
        other = (await on.erp.ensure_customer(another, Links())).ref
        known = KnownPerson(code=samples.contact().person.code, ref=contact)
        here, there = [await on.erp.get_customer(one.record_id, (known,)) for one in (ref, other)]
        assert here is not None
        assert there is not None
        assert (len(here.people), there.people) == (1, ())
