from __future__ import annotations

from models.customer_sync import AgreedState
from models.records import RecordKind
from store import Store
from tests.store.facts import CRM, ERP, FIRM, an_effect, an_intent


async def test_an_older_agreement_never_takes_the_place_of_a_newer_one(store: Store) -> None:
    assert await store.customers.get_agreed(FIRM, CRM, "001A") == AgreedState()
    newer = AgreedState(revision=2, values={"name": "Acme"})
    await store.customers.save_agreed(FIRM, CRM, "001A", newer)
    await store.customers.save_agreed(FIRM, CRM, "001A", AgreedState(revision=1, values={"name": "Old"}))
    assert await store.customers.get_agreed(FIRM, CRM, "001A") == newer
    assert await store.customers.get_agreed(FIRM, CRM, "001B") == AgreedState()


async def test_people_and_customers_are_known_by_what_was_bound(store: Store) -> None:
    contact, customer = an_intent("contact:003A"), an_intent("customer")
    for intent, effect in (
        (contact, an_effect("88", RecordKind.CONTACT)), (customer, an_effect("4711", RecordKind.CUSTOMER)),
    ):  # fmt: skip
        assert not await store.customers.is_bound_id(ERP, effect.ref.record_id)
        await store.ledger.intend(intent)
        await store.ledger.settle_applied(intent.key, effect, evidence="answer", written=intent)
    [known] = await store.customers.list_known_people(ERP, ["003A", "003B"])
    assert (known.code, known.ref.record_id) == ("003A", "88")
    assert await store.customers.is_bound_id(ERP, "4711")
    assert not await store.customers.is_bound_id(ERP, "88")
