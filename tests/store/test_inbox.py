from __future__ import annotations

import asyncio

from models.ids import ConnectionId, ContractNumber, DealId, FirmId
from models.records import RecordKind
from ports.inbox import DealHolder
from store import Store
from tests.store.facts import CONTRACT, CRM, ERP, FIRM, an_effect, an_event, an_intent

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def test_an_accepted_event_is_stored_with_its_raw_bytes_and_trace(store: Store) -> None:
    assert await store.inbox.accept(an_event(), b'\x00\xff{"raw"}', traceparent=TRACE)
    (row,) = await store.inbox.list_waiting(10)
    assert (row.event, row.attempts, row.traceparent) == (an_event(), 0, TRACE)
    assert row.received_at.utcoffset() is not None
    (entry,) = await store.audit.list_entries()
    assert (entry.kind, entry.subject, entry.facts["record"]) == ("event.accepted", "e-1", "006-1")


async def test_the_same_event_sent_fifty_times_at_once_is_accepted_once(store: Store) -> None:
    accepted = await asyncio.gather(*(store.inbox.accept(an_event(), b"raw") for _ in range(50)))
    assert accepted.count(True) == 1
    assert len(await store.inbox.list_waiting(100)) == 1
    assert len(await store.audit.list_entries()) == 1


async def test_an_event_is_remembered_after_it_was_handed_on(store: Store) -> None:
    await store.inbox.accept(an_event(), b"raw")
    (row,) = await store.inbox.list_waiting(10)
    await store.inbox.mark_handed_on((row.row,), outcome="started quote-to-project/hf/C-1001")
    assert await store.inbox.list_waiting(10) == ()
    assert not await store.inbox.accept(an_event(), b"raw")
    assert await store.inbox.list_waiting(10) == ()


async def test_the_same_event_id_from_another_connection_is_another_event(store: Store) -> None:
    assert await store.inbox.accept(an_event(), b"raw")
    assert await store.inbox.accept(an_event(connection="crm-second"), b"raw")


async def test_waiting_events_are_listed_oldest_first_and_no_more_than_asked_for(store: Store) -> None:
    for number in range(5):
        await store.inbox.accept(an_event(f"e-{number}"), b"raw")
    assert [row.event.event_id for row in await store.inbox.list_waiting(3)] == ["e-0", "e-1", "e-2"]


async def test_an_event_that_cannot_be_handed_on_now_stays_and_counts_the_attempt(store: Store) -> None:
    for number in range(3):
        await store.inbox.accept(an_event(f"e-{number}"), b"raw")
    first, second, _ = await store.inbox.list_waiting(10)
    await store.inbox.mark_attempt((first.row, second.row), reason="the CRM does not answer")
    await store.inbox.mark_attempt((second.row,), reason="the CRM does not answer")
    await store.inbox.mark_attempt((), reason="nothing to do")
    assert [row.attempts for row in await store.inbox.list_waiting(10)] == [1, 2, 0]


async def test_a_contract_belongs_to_the_first_deal_that_sold_it(store: Store) -> None:
    deals = [DealId(f"006-{number}") for number in range(20)]
    holders = await asyncio.gather(*(store.deal_bindings.bind_deal(FIRM, CRM, CONTRACT, deal) for deal in deals))
    assert len(set(holders)) == 1
    assert await store.deal_bindings.bind_deal(FIRM, CRM, CONTRACT, DealId("006-99")) == holders[0]
    (entry,) = await store.audit.list_entries()
    assert (entry.kind, entry.subject) == ("deal.bound", holders[0].deal)


async def test_another_firm_binds_its_own_deal_and_another_account_does_not(store: Store) -> None:
    bind = store.deal_bindings.bind_deal
    first = await bind(FIRM, CRM, CONTRACT, DealId("006-1"))
    assert (await bind(FirmId("other"), CRM, CONTRACT, DealId("006-2"))).deal == "006-2"
    assert await bind(FIRM, ConnectionId("crm-second"), CONTRACT, DealId("006-1")) == first
    assert (first.seen_from(CRM), first.seen_from(ConnectionId("crm-second"))) == ("006-1", f"006-1 in {CRM}")


async def test_the_deal_of_a_project_is_found_through_what_we_made(store: Store) -> None:
    await store.deal_bindings.bind_deal(FIRM, CRM, CONTRACT, DealId("006-1"))
    assert await store.deal_bindings.find_deal_of_project(FIRM, ERP, "1001") is None
    for step, kind in (("customer", RecordKind.CUSTOMER), ("project", RecordKind.PROJECT)):
        intent = an_intent(step)
        await store.ledger.intend(intent)
        await store.ledger.settle_applied(intent.key, an_effect(f"{step}-9", kind), evidence="answered")
    holder = await store.deal_bindings.find_deal_of_project(FIRM, ERP, "project-9")
    assert holder == DealHolder(connection=CRM, deal=DealId("006-1"))
    assert await store.deal_bindings.find_deal_of_project(FIRM, ConnectionId("erp-second"), "project-9") is None
    assert await store.deal_bindings.find_deal_of_project(FIRM, ERP, "customer-9") is None
    assert await store.deal_bindings.find_deal_of_project(FirmId("other"), ERP, "project-9") is None


async def test_the_deal_of_a_project_of_another_contract_is_not_mixed_up(store: Store) -> None:
    other = ContractNumber("C-2")
    await store.deal_bindings.bind_deal(FIRM, CRM, other, DealId("006-2"))
    intent = an_intent()
    await store.ledger.intend(intent)
    await store.ledger.settle_applied(intent.key, an_effect("7"), evidence="answered")
    assert await store.deal_bindings.find_deal_of_project(FIRM, ERP, "7") is None


async def test_a_watermark_is_none_before_the_first_sweep_and_then_what_was_set_last(store: Store) -> None:
    assert await store.watermarks.get("crm-main/deals") is None
    await store.watermarks.set("crm-main/deals", "2027-01-04T09:00:00Z")
    await store.watermarks.set("crm-main/deals", "2027-01-05T09:00:00Z")
    assert await store.watermarks.get("crm-main/deals") == "2027-01-05T09:00:00Z"
    assert await store.watermarks.get("erp-main/invoices") is None
