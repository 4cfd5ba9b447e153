"""Which deal holds a contract, and which contracts of one deal have records already."""

from __future__ import annotations

from models.ids import ContractNumber, DealId, FirmId
from models.records import RecordKind
from ports.inbox import DealHolder
from store import Store
from tests.store.facts import CONTRACT, CRM, FIRM, an_effect, an_intent

DEAL = DealId("006-1")
OTHER = ContractNumber("C-2")


async def test_the_deal_that_holds_a_contract_is_told_without_binding_it(store: Store) -> None:
    find = store.deal_bindings.find_deal_of_contract
    assert await find(FIRM, CONTRACT) is None
    assert await store.audit.list_entries() == ()
    await store.deal_bindings.bind_deal(FIRM, CRM, CONTRACT, DEAL)
    assert await find(FIRM, CONTRACT) == DealHolder(connection=CRM, deal=DEAL)
    assert await find(FIRM, OTHER) is None
    assert await find(FirmId("other"), CONTRACT) is None


async def test_a_contract_of_the_same_deal_counts_from_its_project_on(store: Store) -> None:
    find = store.deal_bindings.find_contract_set_up
    await store.deal_bindings.bind_deal(FIRM, CRM, CONTRACT, DEAL)
    await store.deal_bindings.bind_deal(FIRM, CRM, OTHER, DEAL)
    assert await find(FIRM, CRM, DEAL, besides=OTHER) is None

    for step, kind in (("customer", RecordKind.CUSTOMER), ("project", RecordKind.PROJECT)):
        assert await find(FIRM, CRM, DEAL, besides=OTHER) is None
        intent = an_intent(step)
        await store.ledger.intend(intent)
        await store.ledger.settle_applied(intent.key, an_effect(f"{step}-9", kind), evidence="answered")

    assert await find(FIRM, CRM, DEAL, besides=OTHER) == CONTRACT
    assert await find(FIRM, CRM, DEAL, besides=CONTRACT) is None
    assert await find(FIRM, CRM, DealId("006-2"), besides=OTHER) is None


async def test_only_the_deal_that_holds_a_contract_frees_its_number(store: Store) -> None:
    bindings, own = store.deal_bindings, DealHolder(connection=CRM, deal=DEAL)
    assert not await bindings.release_deal(FIRM, CONTRACT, own)
    await bindings.bind_deal(FIRM, CRM, CONTRACT, DEAL)
    assert not await bindings.release_deal(FIRM, CONTRACT, DealHolder(connection=CRM, deal=DealId("006-2")))
    assert await bindings.release_deal(FIRM, CONTRACT, own)
    assert not await bindings.release_deal(FIRM, CONTRACT, own)
    assert await bindings.bind_deal(FIRM, CRM, CONTRACT, DealId("006-2")) == DealHolder(
        connection=CRM, deal=DealId("006-2")
    )
    kinds = [entry.kind for entry in await store.audit.list_entries()]
    assert kinds == ["deal.bound", "deal.released", "deal.bound"]
