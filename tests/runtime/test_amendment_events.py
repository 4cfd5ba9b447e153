"""Events of amendments, and of deals whose problem went away without leading to a contract."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from models.errors import NeedsRepair
from models.events import ContractOfDeal
from models.ids import ContractNumber, DealId
from models.roles import Role
from runtime.contract_holder import find_beside
from tests.runtime.test_dispatcher import CRM, FIRM, NOW, Edge, edge, make_edge

__all__ = ["edge", "make_edge"]

C_1 = ContractNumber("C-1")


class Door:
    """Where change orders are rung for."""

    def __init__(self) -> None:
        self.rung: list[str] = []
        self.told: list[str] = []

    async def ring(self, contract: ContractNumber) -> str:
        self.rung.append(contract)
        return "rang the change orders of"

    async def tell(self, contract: ContractNumber) -> bool:
        self.told.append(contract)
        return True


async def test_an_amendment_does_not_join_the_process_of_its_contract(edge: Edge) -> None:
    """Its process would wait for the amendment, and nobody would hear that the contract itself was lost."""
    await edge.store.deal_bindings.bind_deal(FIRM, CRM, C_1, DealId("d-base"))
    edge.crm.sell("d-base", "C-1")
    edge.crm.sell("d-more", "C-1", amendment="A1")
    await edge.event("e-1", "d-more")
    await edge.event("e-2", "d-base")

    await edge.dispatcher.turn()

    assert (edge.engine.started, await edge.waiting()) == (["C-1"], [])
    ((_, code, message, owner),) = await edge.desk()
    assert (code, owner) == ("TL-CHG-000", Role.CONTRACTS)
    assert "d-more is amendment A1 of contract C-1" in message


async def test_an_amendment_that_is_won_first_does_not_take_the_contract(edge: Edge) -> None:
    edge.crm.sell("d-more", "C-1", amendment="A1")
    await edge.event("e-1", "d-more")
    await edge.dispatcher.turn()
    assert edge.engine.started == []
    assert [(code, owner) for _, code, _, owner in await edge.desk()] == [("TL-CHG-001", Role.CONTRACTS)]

    edge.crm.sell("d-base", "C-1")
    await edge.event("e-2", "d-base")
    await edge.dispatcher.turn()
    assert edge.engine.started == ["C-1"]


async def test_a_deal_that_holds_its_contract_goes_to_its_process_as_an_amendment_too(edge: Edge) -> None:
    await edge.store.deal_bindings.bind_deal(FIRM, CRM, C_1, DealId("d-base"))
    edge.crm.sell("d-base", "C-1", amendment="A1")
    await edge.event("e-1", "d-base")
    await edge.dispatcher.turn()
    assert edge.engine.started == ["C-1"]


async def test_what_was_shown_of_a_deal_leaves_the_desk_when_it_is_won_no_more(edge: Edge) -> None:
    """No process waits behind these rows, so nobody could ever repair them away."""
    await edge.store.deal_bindings.bind_deal(FIRM, CRM, C_1, DealId("d-base"))
    edge.crm.sell("d-copy", "C-1")
    edge.crm.sell("d-bare")
    await edge.event("e-1", "d-copy")
    await edge.event("e-2", "d-bare")
    await edge.dispatcher.turn()
    assert len(await edge.desk()) == 2

    edge.crm.sell("d-copy", "C-1", is_won=False)
    edge.crm.sell("d-bare", is_won=False)
    await edge.event("e-3", "d-copy")
    await edge.event("e-4", "d-bare")
    await edge.dispatcher.turn()
    assert await edge.desk() == []
    assert await edge.waiting() == []


async def test_of_an_original_and_its_copy_that_come_together_the_first_wins_and_the_other_is_told(edge: Edge) -> None:
    edge.crm.sell("d-1", "C-1")
    edge.crm.sell("d-2", "C-1")
    await edge.event("e-1", "d-1")
    await edge.event("e-2", "d-2")
    await edge.dispatcher.turn()
    assert (edge.engine.started, await edge.waiting()) == (["C-1"], [])
    ((_, code, message, owner),) = await edge.desk()
    holder = await edge.store.deal_bindings.find_deal_of_contract(FIRM, C_1)
    assert (code, owner) == ("TL-CON-014", Role.SALES_OPERATIONS)
    assert holder is not None
    assert f"C-1 of deal {holder.deal} (" in message


async def test_twenty_copies_at_once_have_one_holder(edge: Edge) -> None:
    deals = [
        ContractOfDeal(deal_id=DealId(f"d-{number}"), contract_number=C_1, is_won=True, source_version=NOW)
        for number in range(20)
    ]
    beside = await asyncio.gather(*(find_beside(edge.store.deal_bindings, FIRM, CRM, deal) for deal in deals))
    assert beside.count(None) == 1
    assert {one.code for one in beside if one} == {"TL-CON-014"}


async def test_a_copy_that_is_not_won_takes_no_number(edge: Edge) -> None:
    edge.crm.sell("d-open", "C-1", is_won=False)
    await edge.event("e-1", "d-open")
    await edge.dispatcher.turn()
    assert await edge.store.deal_bindings.find_deal_of_contract(FIRM, C_1) is None


@pytest.mark.parametrize("number", ["C-1; C-2", "C-1 and C-2", "C-1, C-2", "C-1 / C-2"])
async def test_a_deal_that_sells_two_contracts_is_told_to_become_two(edge: Edge, number: str) -> None:
    edge.crm.sell("d-1", number)
    await edge.event("e-1", "d-1")
    await edge.dispatcher.turn()
    assert (edge.engine.started, await edge.waiting()) == ([], [])
    ((_, code, message, owner),) = await edge.desk()
    assert (code, owner) == ("TL-CON-019", Role.SALES_OPERATIONS)
    assert f"contract number: {number}" in message


@pytest.mark.parametrize("number", ["SOW-2026/17", "MSA 12-A", "R&D-7", "C-1,5"])
async def test_a_number_with_marks_in_it_is_one_contract(edge: Edge, number: str) -> None:
    edge.crm.sell("d-1", number)
    await edge.event("e-1", "d-1")
    await edge.dispatcher.turn()
    assert edge.engine.started == [number]


async def test_an_amendment_rings_the_change_orders_of_its_contract_and_waits_nowhere_else(
    make_edge: Callable[..., Edge],
) -> None:
    door = Door()
    edge = make_edge(changes=door)
    edge.crm.sell("d-early", "C-1", amendment="2")
    await edge.store.deal_bindings.bind_deal(FIRM, CRM, ContractNumber("C-2"), DealId("d-base"))
    edge.crm.sell("d-more", "C-2", amendment="1")
    edge.crm.sell("d-open", "C-2", is_won=False, amendment="3")
    for event, deal in (("e-1", "d-early"), ("e-2", "d-more"), ("e-3", "d-open")):
        await edge.event(event, deal)

    await edge.dispatcher.turn()

    assert (sorted(door.rung), door.told) == (["C-1", "C-2"], ["C-2"])
    assert (edge.engine.started, await edge.waiting(), await edge.desk()) == ([], [], [])


async def test_a_dead_end_shows_on_the_deal_once_and_is_taken_back(edge: Edge) -> None:
    edge.crm.sell("d-1", "C-1")
    edge.crm.sell("d-copy", "C-1")
    edge.crm.sell("d-bare")
    for number in range(2):
        for deal in ("d-1", "d-copy", "d-bare"):
            await edge.event(f"e-{number}-{deal}", deal)
        await edge.dispatcher.turn()
    shown = {one.deal_id: (one.status, one.message) for one in edge.crm.shown.values()}
    assert set(shown) == {"d-copy", "d-bare"}
    assert shown[DealId("d-copy")][0] == "waiting"
    assert "(copied record)" in shown[DealId("d-copy")][1]
    assert "no contract number" in shown[DealId("d-bare")][1]
    assert len(edge.crm.journal) == 2

    edge.crm.sell("d-copy", "C-1", is_won=False)
    await edge.event("e-3", "d-copy")
    await edge.event("e-4", "d-copy")
    await edge.dispatcher.turn()
    shown = {one.deal_id: (one.status, one.message) for one in edge.crm.shown.values()}
    assert shown[DealId("d-copy")][0] == "cancelled"
    assert len(edge.crm.journal) == 3


async def test_a_crm_that_refuses_the_note_keeps_no_event_waiting(edge: Edge) -> None:
    edge.crm.trouble = lambda moment, kind: (
        NeedsRepair("The deal is locked.") if (moment, kind) == ("before", "write-back") else None
    )
    edge.crm.sell("d-bare")
    await edge.event("e-1", "d-bare")
    await edge.dispatcher.turn()
    assert (await edge.waiting(), len(await edge.desk())) == ([], 1)
