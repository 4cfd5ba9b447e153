"""A second deal carries the contract number of one that is set up or on its way: a copy, or its amendment (DOM-2.3)."""

from __future__ import annotations

import pytest

from models.desk import Stage
from models.events import ContractOfDeal
from models.ids import DealId
from models.process import Outcome
from models.terms import DealState
from tests.workflows.contracts import simple
from tests.workflows.house import CONTRACT, House, until

COPY = DealId("006000000000COPYAA")


async def _event_of_copy(house: House, state: DealState, **changes: object) -> str:
    """The copy arrives in the CRM beside its original, and an event about it here."""
    original = house.terms
    copy = original.model_copy(update={"deal_id": COPY, "deal_name": "Copy", "deal_state": state, **changes})
    house.crm.put(copy)
    return await house.starter.start_or_join(
        ContractOfDeal(
            deal_id=COPY,
            contract_number=copy.contract_number,
            amendment_number=copy.amendment_number,
            is_won=state is DealState.WON,
            source_version=copy.source_version,
        )
    )


@pytest.mark.parametrize("amendment", ["", "A1"])
@pytest.mark.parametrize("state", [DealState.OPEN, DealState.LOST])
async def test_another_deal_that_is_not_won_freezes_nothing(house: House, state: DealState, amendment: str) -> None:
    """Somebody prepares an amendment, or loses a copy: the contract that is set up goes on as it is."""
    await house.win(simple())
    assert await house.outcome() is Outcome.ACTIVE
    written, before = len(house.erp.journal), await house.row()

    await _event_of_copy(house, state, amendment_number=amendment)
    await house.outcome()

    assert house.erp.journal[written:] == []
    assert house.erp.held == set()
    after = await house.row()
    assert (after.stage, after.deal_id, after.sentence) == (before.stage, before.deal_id, before.sentence)
    assert after.stage is Stage.ACTIVE


async def test_a_won_copy_of_a_contract_that_is_set_up_asks_a_person(house: House) -> None:
    await house.win(simple())
    assert await house.outcome() is Outcome.ACTIVE
    written, before = len(house.erp.journal), await house.row()

    await _event_of_copy(house, DealState.WON)

    assert (await house.waiting("TL-CON-014")).owner.value == "sales-operations"
    assert house.erp.journal[written:] == []
    after = await house.row()
    assert (after.deal_id, after.terms_digest) == (before.deal_id, before.terms_digest)

    # The copy says so itself; what its original shows stays.
    async def shown() -> bool:
        return {one.deal_id: one.status for one in house.crm.shown.values()} == {before.deal_id: "active", COPY: said}

    said = "waiting"
    await until(shown, "the stop on the copy")
    await _event_of_copy(house, DealState.OPEN)
    said = "cancelled"
    await until(shown, "nothing to do on the copy")
    assert (await house.row()).deal_id == before.deal_id


async def test_an_amendment_that_came_first_does_not_keep_the_contract_from_its_deal(house: House) -> None:
    """Started by hand, it waits for its base contract; it does not take that contract's place (DOM-6.2)."""
    house.crm.put(simple())
    await _event_of_copy(house, DealState.WON, amendment_number="A1")
    await house.waiting("TL-CHG-001")

    holder = await house.store.deal_bindings.find_deal_of_contract(house.firm, CONTRACT)

    assert holder is None
