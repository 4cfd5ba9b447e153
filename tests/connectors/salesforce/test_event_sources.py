import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector_kit import Effectful, Fault
from connectors.salesforce.adapter import SalesforceDeals
from connectors.salesforce.change_stream import ChangeStream
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.errors import rest_error
from connectors.salesforce.sweep import RecordSweep
from models.errors import Fatal
from ports.event_source import EventSource, Found, PositionLost
from runtime.listener import Listeners
from store import open_store
from tests.connectors.salesforce.org import TestOrg, open_org, sold

QUICK = {"bus_keepalive_s": "0.1"}


def stream(org: TestOrg) -> ChangeStream:
    one = next(source for source in org.crm.event_sources() if not source.heals)
    assert isinstance(one, ChangeStream)
    return one


def sweep(org: TestOrg, ahead: timedelta = timedelta(0)) -> RecordSweep:
    """As the worker has it; `ahead` follows the simulator's clock, which a test moves."""

    def now() -> datetime:
        return datetime.now(UTC) + ahead

    client: SalesforceClient = org.crm._client
    return RecordSweep(client, SalesforceDeals(client, org.config, now=now), org.config, now=now)


async def read(source: EventSource, position: str, wanted: int) -> list[Found]:
    """Until so many events have come; the first sign of life counts where none are wanted."""
    found: list[Found] = []
    async with asyncio.timeout(5), aclosing(source.look(position)) as look:  # type: ignore[type-var]
        async for one in look:
            found.append(one)
            if sum(len(item.events) for item in found) >= wanted:
                break
    return found


def records(found: list[Found]) -> list[str]:
    return [one.event.record_id for item in found for one in item.events]


async def another_deal(org: TestOrg, name: str) -> str:
    [deal] = await org.save(sold(org.owner, org.account, Contract_Number__c=name))
    return deal


async def test_a_stream_goes_on_after_the_place_that_was_kept() -> None:
    async with open_org(settings=QUICK) as org:
        [start] = await read(stream(org), "", 0)
        first = await another_deal(org, "C-1")
        second = await another_deal(org, "C-2")
        found = await read(stream(org), start.position, 2)
        assert records(found) == [first, second]
        assert {one.event.object_kind for item in found for one in item.events} == {"deal"}
        assert records(await read(stream(org), found[-1].position, 0)) == []


async def test_the_echo_of_our_own_writes_is_no_event() -> None:
    async with open_org(settings=QUICK) as org:
        [start] = await read(stream(org), "", 0)
        await org.crm.ensure_write_back(org.waiting(), links_of_nothing())
        later = await another_deal(org, "C-2")
        assert records(await read(stream(org), start.position, 1)) == [later]


def links_of_nothing() -> Any:
    from models.records import Links

    return Links(refs={})


async def test_an_expired_token_is_made_anew_and_nothing_is_lost() -> None:
    async with open_org(settings=QUICK) as org:
        one = stream(org)
        [start] = await read(one, "", 0)
        await org.control("expire-tokens")
        deal = await another_deal(org, "C-1")
        assert records(await read(one, start.position, 1)) == [deal]


async def test_a_place_the_bus_forgot_is_said_and_never_skipped() -> None:
    async with open_org(settings=QUICK) as org:
        [start] = await read(stream(org), "", 0)
        await org.control("bus", reset=True)
        with pytest.raises(PositionLost):
            await read(stream(org), start.position, 1)
        with pytest.raises(PositionLost):
            await read(stream(org), "no base64!", 1)


async def test_a_gap_asks_for_a_sweep_and_a_repeated_event_has_one_id() -> None:
    async with open_org(settings=QUICK) as org:
        [start] = await read(stream(org), "", 0)
        await org.control("bus", gap={"object": "Opportunity", "change": "GAP_OVERFLOW"})
        await another_deal(org, "C-1")
        await org.control("bus", repeat=1)
        found = await read(stream(org), start.position, 2)
        assert next(item.is_incomplete for item in found if item.events or item.is_incomplete)
        assert len({one.event.event_id for item in found for one in item.events}) == 1


async def test_a_topic_that_is_not_selected_needs_a_person() -> None:
    async with open_org(limits={"bus_topics": ["/data/LeadChangeEvent"]}, settings=QUICK) as org:
        with pytest.raises(Fatal, match="Change Data Capture"):
            await read(stream(org), "", 1)


async def test_a_sweep_finds_each_change_once() -> None:
    async with open_org() as org:
        one = sweep(org)
        first = await read(one, "", 1)
        assert records(first) == [org.deal]
        again = await read(one, first[-1].position, 1)
        assert [item.events for item in again] == [item.events for item in first], "the overlap gives the same ids"
        deal = await another_deal(org, "C-1")
        third = await read(one, again[-1].position, 2)
        assert sorted(records(third)) == sorted([org.deal, deal])


async def test_a_commit_that_comes_late_is_found_by_the_next_sweep() -> None:
    async with open_org(settings={"visibility_delay_s": "1000"}) as org:
        one = sweep(org)
        early = await read(one, "", 0)
        assert records(early) == []
        await org.control("clock", advance_s=1500)
        assert records(await read(sweep(org, timedelta(seconds=1500)), early[-1].position, 1)) == [org.deal]


async def test_after_more_than_the_vendor_remembers_every_won_deal_is_looked_at() -> None:
    async with open_org() as org:
        old = (datetime.now(UTC) - timedelta(days=40)).isoformat()
        found = [item async for item in sweep(org).look(old)]
        assert records(found) == [org.deal]
        assert found[-1].position > old


@dataclass
class Place:
    """The store's part of listening, in memory of a real database."""

    listeners: Listeners
    store: Any
    woken: list[None] = field(default_factory=list)

    async def has(self, *deals: str) -> list[str]:
        """Wait until the inbox has an event about each deal; all deals with events, in the order they came."""
        for _ in range(400):
            rows = await self.store.inbox.list_waiting(500)
            if set(deals) <= {row.event.record_id for row in rows}:
                return [row.event.record_id for row in rows]
            await asyncio.sleep(0.02)
        raise AssertionError(f"no event about all of {deals}")


@asynccontextmanager
async def listening(org: TestOrg, folder: Path, sources: tuple[EventSource, ...]) -> AsyncIterator[Place]:
    async with open_store(f"sqlite:///{folder / 'store.db'}") as store:
        woken: list[None] = []
        listeners = Listeners(sources, store.inbox, store.watermarks, on_accepted=lambda: woken.append(None))
        running = asyncio.create_task(listeners.run())
        try:
            yield Place(listeners, store, woken)
        finally:
            listeners.stop()
            await asyncio.wait_for(running, 5)


async def test_three_days_of_missed_events_and_a_lost_place_are_healed_by_one_sweep(tmp_path: Path) -> None:
    patient = {**QUICK, "token_idle_s": "9999999"}
    async with open_org(limits={"sweep_every_s": 86_400}, settings=patient) as org:
        async with listening(org, tmp_path, (stream(org), sweep(org))) as place:
            await place.has(org.deal, await started(org, place))
        await org.control("bus", deaf=True)
        missed = [await another_deal(org, f"C-{number}") for number in range(12)]
        await org.control("clock", advance_s=3 * 86_400 + 3600)
        await org.control("bus", deaf=False, reset=True)
        await org.control("calls", "DELETE")
        async with listening(org, tmp_path, (stream(org), sweep(org, timedelta(days=3, hours=1)))) as place:
            await place.has(*missed)
            await place.has(await started(org, place))
            assert place.woken
            assert await place.listeners.check() == ""
        sweeps = sum(count for route, count in (await org.calls()).items() if "updated" in route)
        assert 1 <= sweeps <= 2, "one at the start, one because the place was lost"


async def test_a_bus_that_hangs_up_is_read_on(tmp_path: Path) -> None:
    async with (
        open_org(limits={"sweep_every_s": 0}, settings=QUICK) as org,
        listening(org, tmp_path, (stream(org),)) as place,
    ):
        await started(org, place)
        await org.control("bus", hang_up=True)
        deals = [await another_deal(org, f"C-{number}") for number in range(3)]
        assert (await place.has(*deals))[-3:] == deals


async def started(org: TestOrg, place: Place) -> str:
    """A deal whose event came over the stream: from now on its place is kept and nothing can be missed."""
    name = stream(org).name
    before = await place.store.watermarks.get(name)
    for _ in range(400):
        if await place.store.watermarks.get(name) not in {before, "", None}:
            deal = await another_deal(org, "C-first")
            await place.has(deal)
            return deal
        await asyncio.sleep(0.02)
    raise AssertionError("the stream never began")


async def test_a_sweep_that_cannot_read_its_place_looks_at_everything() -> None:
    async with open_org() as org:
        found = [item async for item in sweep(org).look("no instant!")]
        assert records(found) == [org.deal]
        assert datetime.fromisoformat(found[-1].position)


async def test_a_first_sweep_that_breaks_off_is_begun_where_it_began() -> None:
    async with open_org() as org:
        [await another_deal(org, f"C-{number}") for number in range(3)]
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("connectors.salesforce.sweep._IDS_AT_ONCE", 2)
            first = await read(sweep(org), "", 1)
        assert datetime.fromisoformat(first[0].position) <= datetime.now(UTC)


async def test_a_sweep_tells_of_accounts_and_people_that_are_gone() -> None:
    async with open_org() as org:
        [lone] = await org.save({"type": "Account", "Name": "Lone"})
        client: SalesforceClient = org.crm._client
        token = await client.access_token()
        await org.http.delete(
            f"/services/data/v67.0/sobjects/Account/{lone}", headers={"Authorization": f"Bearer {token}"}
        )
        one = RecordSweep(client, SalesforceDeals(client, org.config), org.config, "Account")
        found = [item async for item in one.look(datetime.now(UTC).isoformat())]
        assert lone in records(found)


async def test_more_changes_than_the_vendor_lists_are_no_dead_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: Any) -> Any:
        raise rest_error(Fault(code="EXCEEDED_ID_LIMIT", status=400), Effectful.READ)

    async with open_org() as org:
        monkeypatch.setattr(org.crm._client, "updated", refused)
        place = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        found = [item async for item in sweep(org).look(place)]
        assert records(found) == [org.deal]
        assert found[-1].position > place
