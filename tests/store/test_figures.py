"""What the firm's figures say, worked out by hand from a few records."""

from __future__ import annotations

from datetime import timedelta

from models.desk import Stage
from models.ids import EngagementId, FirmId, Step
from models.records import RecordKind
from store import Store
from tests.store.facts import (
    CONTRACT,
    CRM,
    ENGAGEMENT,
    FIRM,
    Clock,
    a_blocker,
    an_effect,
    an_intent,
    status_row,
)


async def test_an_empty_store_has_no_rates(store: Store, clock: Clock) -> None:
    figures = await store.figures.figures(FIRM, clock.now)

    assert (figures.contracts, figures.writes, figures.open_items) == ({}, {}, {})
    assert (figures.success_rate, figures.sync_latency, figures.cycle_time) == (None, None, None)


async def test_figures_count_what_the_records_say(store: Store, clock: Clock) -> None:
    since = clock.now
    await store.deal_bindings.bind_deal(FIRM, CRM, CONTRACT, status_row().deal_id)
    made, found, lost, refused = (an_intent(step) for step in ("project", "customer", "contract", "schedule"))
    for intent in (made, found, lost, lost, refused):
        await store.ledger.intend(intent)
    await store.ledger.settle_applied(made.key, an_effect("1"), evidence="made")
    await store.ledger.settle_applied(found.key, an_effect("2", RecordKind.CUSTOMER, created=False), evidence="found")
    await store.ledger.settle_applied(lost.key, an_effect("3", RecordKind.CONTRACT), evidence="found by key")
    await store.ledger.settle_not_applied(refused.key, reason="refused")
    shown_back = an_intent("write-back")
    await store.ledger.intend(shown_back)
    await store.ledger.settle_applied(shown_back.key, an_effect("4", RecordKind.DEAL, created=False), evidence="shown")
    await store.desk.raise_blockers((a_blocker(),), "w", (clock.now + timedelta(days=1),))
    await store.desk.save_engagement(status_row().model_copy(update={"stage": Stage.ACTIVE}))
    clock.now += timedelta(hours=1)

    figures = await store.figures.figures(FIRM, since)

    assert figures.contracts == {"active": 1}
    assert figures.writes == {"applied": 4, "not-applied": 1}
    assert figures.success_rate == 0.8
    assert (figures.records_adopted, figures.writes_repeated) == (1, 1)
    assert figures.failed_validations == {a_blocker().code: 1}
    owner = a_blocker().owner.value
    assert figures.open_items == {owner: 1}
    assert 3_600 <= figures.oldest_open_s[owner] < 3_700
    assert figures.sync_latency is not None
    assert figures.sync_latency.count == 4
    assert 0 < figures.sync_latency.p50_s <= figures.sync_latency.p95_s < 60
    assert figures.cycle_time is not None
    assert (figures.cycle_time.count, figures.cycle_time.p50_s < 120) == (1, True)


async def test_only_this_firm_and_only_since_then(store: Store, clock: Clock) -> None:
    other = an_intent(key="hf2/x/C/0/project", engagement=EngagementId("hf2/C"), step=Step("project"))
    await store.ledger.intend(other)
    await store.ledger.settle_applied(other.key, an_effect("9"), evidence="made")
    await store.ledger.intend(an_intent())

    assert (await store.figures.figures(FIRM, clock.now + timedelta(seconds=1))).writes == {}
    assert (await store.figures.figures(FirmId("h"), clock.now - timedelta(days=1))).writes == {}
    assert (await store.figures.figures(FIRM, clock.now - timedelta(days=1))).writes == {"intended": 1}
    assert ENGAGEMENT.startswith(f"{FIRM}/")
