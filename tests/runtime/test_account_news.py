from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from models.customer_sync import AccountView, AgreedState
from models.errors import Fatal, NotSent
from models.events import ContractOfDeal, CrmEvent
from models.ids import ConnectionId, FirmId
from runtime.account_news import AccountNews
from runtime.away import NotNow
from runtime.dispatcher import Dispatcher
from runtime.event_problems import EventProblems
from store import Store, open_store
from tests.fakes import FakeCrm

FIRM = FirmId("harbour-finch")
CRM = ConnectionId("crm-main")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Sides:
    """A CRM that knows these accounts, and what was rung."""

    def __init__(self, *customers: str) -> None:
        self.customers = customers
        self.questions = 0
        self.failure: Exception | None = None
        self.rung: list[str] = []
        self.started: list[str] = []

    async def find_accounts(self, _records: Sequence[str]) -> tuple[AccountView, ...]:
        self.questions += 1
        if self.failure is not None:
            raise self.failure
        return tuple(AccountView(account_id=one, erp_customer_id="1", source_version=NOW) for one in self.customers)

    async def ring(self, account_id: str) -> str:
        self.rung.append(account_id)
        return "rang"

    async def start_or_join(self, contract: ContractOfDeal) -> str:
        self.started.append(contract.contract_number)
        return "started"


class Deals(FakeCrm):
    async def find_contracts(self, deals: Sequence[Any]) -> tuple[ContractOfDeal, ...]:
        return tuple(
            ContractOfDeal.model_validate(
                {"deal_id": deal, "contract_number": f"C-{deal}", "is_won": True, "source_version": NOW}
            )
            for deal in deals
        )


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


def dispatcher(store: Store, sides: Sides) -> Dispatcher:
    doors: Any = {CRM: sides}
    return Dispatcher(
        store.inbox, {CRM: Deals()}, sides, EventProblems(store.desk, FIRM, lambda _: NOW + timedelta(days=1)),
        bindings=store.deal_bindings, firm=FIRM,
        accounts=AccountNews(doors, doors, store.inbox, firm=FIRM, memory=store.customers),
    )  # fmt: skip


async def event(store: Store, kind: Any, record: str) -> None:
    told = CrmEvent(connection=CRM, event_id=f"e/{record}", object_kind=kind, record_id=record, occurred_at=NOW)
    await store.inbox.accept(told, b"{}")


async def waiting(store: Store) -> list[str]:
    return [row.event.record_id for row in await store.inbox.list_waiting(1000)]


async def test_of_many_accounts_that_are_gone_only_those_with_a_customer_are_rung(store: Store) -> None:
    sides = Sides()
    for number in range(60):
        await event(store, "account", f"a-{number}")
    await store.customers.save_agreed(FIRM, CRM, "a-7", AgreedState(revision=1, customer_id="4711"))
    await dispatcher(store, sides).turn()
    assert (sides.questions, sides.rung, await waiting(store)) == (1, ["a-7"], [])


@pytest.mark.parametrize("refused", [Fatal("The account's fields may not be read."), RuntimeError("canary")])
async def test_accounts_that_cannot_be_read_hold_up_no_deal(store: Store, refused: Exception) -> None:
    sides = Sides("a-1")
    sides.failure = refused
    await event(store, "account", "a-1")
    await event(store, "deal", "d-1")
    turns = dispatcher(store, sides)
    await turns.turn()
    assert (sides.started, await waiting(store)) == (["C-d-1"], ["a-1"])
    await event(store, "deal", "d-2")
    await turns.turn()
    assert (sides.started, sides.questions) == (["C-d-1", "C-d-2"], 1), "it rests a while"


async def test_a_crm_that_is_away_is_not_taken_for_the_engine(store: Store) -> None:
    sides = Sides("a-1")
    sides.failure = NotSent("The CRM is down.")
    await event(store, "account", "a-1")
    await event(store, "deal", "d-1")
    with pytest.raises(NotNow) as told:
        await dispatcher(store, sides).turn()
    assert (told.value.side, sides.started, await waiting(store)) == ("crm", ["C-d-1"], ["a-1"])
