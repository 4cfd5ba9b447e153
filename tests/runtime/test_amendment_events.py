"""Events of amendments, and of deals whose problem went away without leading to a contract."""

from __future__ import annotations

from models.ids import ContractNumber, DealId
from models.roles import Role
from tests.runtime.test_dispatcher import CRM, FIRM, Edge, edge, make_edge

__all__ = ["edge", "make_edge"]

C_1 = ContractNumber("C-1")


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
