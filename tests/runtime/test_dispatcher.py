from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.service import RPCError, RPCStatusCode

from activities.exactly_once import ExactlyOnce
from models.errors import Fatal, NeedsRepair, NotSent
from models.events import ContractOfDeal, CrmEvent
from models.ids import ConnectionId, ContractNumber, DealId, FirmId
from models.roles import Role
from runtime.away import NotNow
from runtime.back_off import BackOff
from runtime.change_orders import ChangeOrderDoor
from runtime.deal_notes import DealNotes
from runtime.dispatcher import Dispatcher
from runtime.event_problems import EventProblems
from runtime.readiness import check_dispatcher
from runtime.settings import Limits
from store import Store, open_store
from tests.fakes import FakeCrm

FIRM = FirmId("harbour-finch")
CRM = ConnectionId("crm-main")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Deals(FakeCrm):
    """Answers about the contracts put in; fails on demand."""

    def __init__(self) -> None:
        super().__init__()
        self.contracts: dict[str, ContractOfDeal] = {}
        self.asked: list[list[str]] = []
        self.failure: Callable[[Sequence[DealId]], Exception | None] = lambda _deals: None

    def sell(self, deal: str, contract: str = "", *, is_won: bool = True, amendment: str = "") -> None:
        self.contracts[deal] = ContractOfDeal(
            deal_id=DealId(deal), contract_number=ContractNumber(contract), amendment_number=amendment, is_won=is_won,
            source_version=NOW,
        )  # fmt: skip

    async def find_contracts(self, deals: Sequence[DealId]) -> tuple[ContractOfDeal, ...]:
        self.asked.append(list(deals))
        if (failure := self.failure(deals)) is not None:
            raise failure
        return tuple(self.contracts[deal] for deal in deals if deal in self.contracts)


@dataclass
class Engine:
    """Remembers which contracts were started; fails on demand."""

    started: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    failure: Callable[[ContractOfDeal], Exception | None] = lambda _contract: None
    before: Callable[[], Awaitable[None]] | None = None

    async def start_or_join(self, contract: ContractOfDeal) -> str:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            if self.before is not None:
                await self.before()
            if (failure := self.failure(contract)) is not None:
                raise failure
        finally:
            self.at_once -= 1
        joined = contract.contract_number in self.started
        self.started.append(contract.contract_number)
        return "joined" if joined else "started"


@dataclass
class Edge:
    store: Store
    crm: Deals
    engine: Engine
    dispatcher: Dispatcher
    now: list[float]

    async def event(self, event: str, deal: str, *, connection: ConnectionId = CRM) -> None:
        accepted = CrmEvent(
            connection=connection, event_id=event, object_kind="deal", record_id=deal, occurred_at=NOW
        )
        await self.store.inbox.accept(accepted, b"{}")

    async def waiting(self) -> list[str]:
        return [row.event.event_id for row in await self.store.inbox.list_waiting(1000)]

    async def desk(self) -> list[tuple[str, str, str, Role]]:
        return [
            (item.engagement, item.code, item.message, item.owner) for item in await self.store.desk.list_open(FIRM)
        ]


@pytest_asyncio.fixture
async def make_edge(tmp_path: Path) -> AsyncIterator[Callable[..., Edge]]:
    async with open_store(f"sqlite:///{tmp_path / 'store.db'}") as store:

        def make(limits: Limits | None = None, changes: ChangeOrderDoor | None = None) -> Edge:
            crm, engine, now = Deals(), Engine(), [0.0]
            problems = EventProblems(store.desk, FIRM, lambda _blocker: NOW + timedelta(days=1))
            dispatcher = Dispatcher(
                store.inbox, {CRM: crm}, engine, problems, bindings=store.deal_bindings, firm=FIRM, limits=limits,
                changes={CRM: changes} if changes else None,
                notes=DealNotes({CRM: crm}, store.ledger, ExactlyOnce(store.ledger), FIRM),
                back_off=BackOff(first_s=0.01, longest_s=0.02), clock=lambda: now[0],
            )  # fmt: skip
            return Edge(store, crm, engine, dispatcher, now)

        yield make


@pytest.fixture
def edge(make_edge: Callable[..., Edge]) -> Edge:
    return make_edge()


@asynccontextmanager
async def _running(edge: Edge) -> AsyncIterator[None]:
    running = asyncio.create_task(edge.dispatcher.run())
    try:
        yield
    finally:
        edge.dispatcher.stop()
        await asyncio.wait_for(running, 5)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


async def test_many_deals_are_one_question_to_the_crm_and_one_start_each(edge: Edge) -> None:
    for number in range(50):
        edge.crm.sell(f"deal-{number}", f"C-{number}")
        await edge.event(f"e-{number}", f"deal-{number}")
    full = asyncio.Event()

    async def until_twenty_are_at_it() -> None:
        if edge.engine.at_once == 20:
            full.set()
        await asyncio.wait_for(full.wait(), 5)

    edge.engine.before = until_twenty_are_at_it

    await edge.dispatcher.turn()

    assert len(edge.crm.asked) == 1
    assert sorted(edge.engine.started) == sorted(f"C-{number}" for number in range(50))
    assert edge.engine.most_at_once == 20
    assert await edge.waiting() == []


async def test_events_of_one_deal_in_one_batch_are_one_start(edge: Edge) -> None:
    edge.crm.sell("deal-1", "C-1")
    for number in range(5):
        await edge.event(f"e-{number}", "deal-1")

    await edge.dispatcher.turn()

    assert edge.engine.started == ["C-1"]
    assert edge.crm.asked == [["deal-1"]]
    assert await edge.waiting() == []


async def test_more_events_than_a_batch_are_handed_on_in_turns(make_edge: Callable[..., Edge]) -> None:
    edge = make_edge(Limits(deals_per_batch=2))
    for number in range(5):
        edge.crm.sell(f"deal-{number}", f"C-{number}")
        await edge.event(f"e-{number}", f"deal-{number}")

    assert [await edge.dispatcher.turn() for _ in range(3)] == [True, True, False]
    assert edge.engine.started == [f"C-{number}" for number in range(5)]


async def test_a_deal_that_does_not_exist_is_closed_with_a_reason_and_shown_on_the_desk(edge: Edge) -> None:
    await edge.event("e-1", "deal-9")

    await edge.dispatcher.turn()

    assert await edge.waiting() == []
    assert await edge.desk() == [
        ("harbour-finch/event:deal-9", "TL-INT-040",
         "The event names a deal that does not exist in the CRM: deal-9.", Role.SALES_OPERATIONS)
    ]  # fmt: skip


async def test_a_won_deal_without_contract_number_is_shown_until_a_later_event_finds_one(edge: Edge) -> None:
    edge.crm.sell("deal-1")
    await edge.event("e-1", "deal-1")
    await edge.dispatcher.turn()
    assert [row[2] for row in await edge.desk()] == [
        "Deal deal-1 has no contract number. Enter it on the deal in the CRM."
    ]

    edge.crm.sell("deal-1", "C-1")
    await edge.event("e-2", "deal-1")
    await edge.dispatcher.turn()

    assert await edge.desk() == []
    assert edge.engine.started == ["C-1"]


async def test_an_open_deal_without_contract_number_is_nobodys_trouble(edge: Edge) -> None:
    edge.crm.sell("deal-1", is_won=False)
    await edge.event("e-1", "deal-1")

    await edge.dispatcher.turn()

    assert await edge.waiting() == []
    assert await edge.desk() == []


async def test_a_deal_that_is_no_longer_won_still_reaches_its_process(edge: Edge) -> None:
    await edge.store.deal_bindings.bind_deal(FIRM, CRM, ContractNumber("C-1"), DealId("deal-1"))
    edge.crm.sell("deal-1", "C-1", is_won=False)
    await edge.event("e-1", "deal-1")

    await edge.dispatcher.turn()

    assert edge.engine.started == ["C-1"]


async def test_an_open_deal_takes_nobodys_place(edge: Edge) -> None:
    """The same contract may be won in another account: its process must be that deal's."""
    edge.crm.sell("deal-1", "C-1", is_won=False)
    await edge.event("e-1", "deal-1")

    await edge.dispatcher.turn()

    assert (edge.engine.started, await edge.waiting(), await edge.desk()) == ([], [], [])


async def test_an_answer_under_the_long_form_of_an_id_is_recognised(edge: Edge) -> None:
    edge.crm.contracts["deal-1"] = ContractOfDeal(
        deal_id=DealId("deal-1LONG"), contract_number=ContractNumber("C-1"), is_won=True, source_version=NOW
    )
    await edge.event("e-1", "deal-1")

    await edge.dispatcher.turn()

    assert edge.engine.started == ["C-1"]


async def test_events_of_a_connection_that_was_removed_wait_for_the_integration_team(edge: Edge) -> None:
    await edge.event("e-1", "deal-1", connection=ConnectionId("crm-old"))

    await edge.dispatcher.turn()

    assert await edge.waiting() == []
    ((_, _, message, owner),) = await edge.desk()
    assert "crm-old is not configured" in message
    assert owner is Role.INTEGRATION


@pytest.mark.parametrize(
    "failure", [NotSent("The CRM is down."), Fatal("The CRM refuses our credentials."), RuntimeError("canary")]
)
async def test_nothing_is_lost_while_the_crm_is_away(edge: Edge, failure: Exception) -> None:
    edge.crm.sell("deal-1", "C-1")
    await edge.event("e-1", "deal-1")
    edge.crm.failure = lambda _deals: failure

    async with _running(edge):
        await _until(lambda: len(edge.crm.asked) >= 3)
        assert await edge.waiting() == ["e-1"]
        problem = await check_dispatcher(edge.dispatcher)()
        assert problem.startswith("The crm does not answer")
        assert "canary" not in problem

        edge.crm.failure = lambda _deals: None
        await _until(lambda: edge.engine.started == ["C-1"])
        await _until(lambda: not edge.dispatcher.away)
    assert await edge.waiting() == []


async def test_nothing_is_lost_while_temporal_is_away(edge: Edge) -> None:
    for number in range(30):
        edge.crm.sell(f"deal-{number}", f"C-{number}")
        await edge.event(f"e-{number}", f"deal-{number}")
    tries = 0

    def down(_contract: ContractOfDeal) -> Exception:
        nonlocal tries
        tries += 1
        return RPCError("connection refused", RPCStatusCode.UNAVAILABLE, b"")

    edge.engine.failure = down
    with pytest.raises(NotNow):
        await edge.dispatcher.turn()
    assert tries <= 20
    assert len(await edge.waiting()) == 30

    edge.engine.failure = lambda _contract: None
    await edge.dispatcher.turn()
    assert len(set(edge.engine.started)) == 30
    assert await edge.waiting() == []


async def test_one_deal_that_cannot_be_started_does_not_hold_up_the_others(make_edge: Callable[..., Edge]) -> None:
    edge = make_edge(Limits(deals_per_batch=1))
    edge.crm.sell("bad", "C-bad")
    edge.crm.sell("good", "C-good")
    await edge.event("e-bad", "bad")
    await edge.event("e-good", "good")
    edge.engine.failure = lambda contract: (
        RPCError("id too long", RPCStatusCode.INVALID_ARGUMENT, b"") if contract.contract_number == "C-bad" else None
    )

    await edge.dispatcher.turn()
    await edge.dispatcher.turn()

    assert edge.engine.started == ["C-good"]
    assert await edge.waiting() == ["e-bad"]

    edge.engine.failure = lambda _contract: None
    await edge.dispatcher.turn()
    assert edge.engine.started == ["C-good"]
    edge.now[0] += 61
    await edge.dispatcher.turn()
    assert edge.engine.started == ["C-good", "C-bad"]


async def test_one_record_the_crm_chokes_on_is_found_and_shown(edge: Edge) -> None:
    for number in range(16):
        edge.crm.sell(f"deal-{number}", f"C-{number}")
        await edge.event(f"e-{number}", f"deal-{number}")
    edge.crm.failure = lambda deals: (
        NeedsRepair("Deal deal-7 has a broken date.", owner=Role.SALES_OPERATIONS) if "deal-7" in deals else None
    )

    await edge.dispatcher.turn()

    assert len(edge.engine.started) == 15
    assert await edge.waiting() == ["e-7"]
    assert [row[2] for row in await edge.desk()] == ["Deal deal-7 has a broken date."]
    assert len(edge.crm.asked) <= 10


async def test_a_crm_that_refuses_every_deal_is_away_and_floods_no_desk(edge: Edge) -> None:
    for number in range(64):
        await edge.event(f"e-{number}", f"deal-{number}")
    edge.crm.failure = lambda _deals: NeedsRepair("The integration user may not read deals.")

    with pytest.raises(NotNow):
        await edge.dispatcher.turn()

    assert len(edge.crm.asked) < 20
    assert await edge.desk() == []
    assert len(await edge.waiting()) == 64


async def test_a_new_event_is_handed_on_at_once(edge: Edge) -> None:
    edge.crm.sell("deal-1", "C-1")
    loop = asyncio.get_running_loop()

    async with _running(edge):
        await asyncio.sleep(0.05)
        await edge.event("e-1", "deal-1")
        before = loop.time()
        edge.dispatcher.wake()
        await _until(lambda: edge.engine.started == ["C-1"])
        assert loop.time() - before < 0.5


async def test_an_event_accepted_by_another_process_is_found_within_a_second_or_so(edge: Edge) -> None:
    edge.crm.sell("deal-1", "C-1")

    async with _running(edge):
        await asyncio.sleep(0.05)
        await edge.event("e-1", "deal-1")
        await _until(lambda: edge.engine.started == ["C-1"])


async def test_stopping_finishes_what_is_in_hand(edge: Edge) -> None:
    edge.crm.sell("deal-1", "C-1")
    await edge.event("e-1", "deal-1")
    in_hand, may_go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        in_hand.set()
        await may_go_on.wait()

    edge.engine.before = slow
    running = asyncio.create_task(edge.dispatcher.run())
    await asyncio.wait_for(in_hand.wait(), 5)
    edge.dispatcher.stop()
    await asyncio.sleep(0.02)
    assert not running.done()

    may_go_on.set()
    await asyncio.wait_for(running, 5)
    assert edge.engine.started == ["C-1"]
    assert await edge.waiting() == []


async def test_stopping_does_not_wait_for_a_side_that_is_away(edge: Edge) -> None:
    await edge.event("e-1", "deal-1")
    failure = NotSent("Come back later.", retry_after_s=100)
    edge.crm.failure = lambda _deals: failure

    async with _running(edge):
        await _until(lambda: bool(edge.dispatcher.away))
    assert await edge.waiting() == ["e-1"]


async def test_the_loop_outlives_a_desk_that_breaks(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    await edge.event("e-1", "deal-1", connection=ConnectionId("crm-old"))
    calls = 0

    async def broken(*_: object, **__: object) -> None:
        nonlocal calls
        calls += 1
        raise ValueError("canary")

    monkeypatch.setattr(edge.store.desk, "raise_blockers", broken)
    async with _running(edge):
        await _until(lambda: calls >= 3)
    assert await edge.waiting() == ["e-1"]


async def test_a_dispatcher_that_stopped_looking_is_not_ready(edge: Edge) -> None:
    await edge.dispatcher.turn()
    assert await check_dispatcher(edge.dispatcher)() == ""

    edge.now[0] += 31

    assert "not looked at the inbox for 31 s" in await check_dispatcher(edge.dispatcher)()


def test_waiting_grows_stays_bounded_and_follows_a_wish() -> None:
    back_off = BackOff(first_s=1, longest_s=8, chance=lambda: 1.0)
    assert [back_off.failed() for _ in range(6)] == [1, 2, 4, 8, 8, 8]
    assert back_off.failed(20) == 20
    assert back_off.failed(86_400) == 40
    back_off.worked()
    assert back_off.failed() == 1
    assert BackOff(first_s=1, chance=lambda: 0.0).failed() == 0.5


@pytest.mark.parametrize(("is_won", "shown"), [(True, 1), (False, 0)])
async def test_a_copy_of_a_deal_neither_starts_nor_joins_its_contract(edge: Edge, is_won: bool, shown: int) -> None:
    await edge.store.deal_bindings.bind_deal(FIRM, CRM, ContractNumber("C-1"), DealId("d-original"))
    edge.crm.sell("d-original", "C-1")
    edge.crm.sell("d-copy", "C-1", is_won=is_won)
    await edge.event("e-1", "d-copy")
    await edge.dispatcher.turn()
    assert (edge.engine.started, await edge.waiting()) == ([], [])
    desk = await edge.desk()
    assert [(code, owner) for _, code, _, owner in desk] == [("TL-CON-014", Role.SALES_OPERATIONS)] * shown
    assert all("d-copy carries the contract number C-1 of deal d-original" in message for _, _, message, _ in desk)

    edge.crm.sell("d-copy", "C-2")
    await edge.event("e-2", "d-copy")
    await edge.event("e-3", "d-original")
    await edge.dispatcher.turn()
    assert sorted(edge.engine.started) == ["C-1", "C-2"]
    assert await edge.desk() == []
