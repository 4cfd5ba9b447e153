"""The contract number of a deal is corrected in the CRM, while the old number waits or after its set-up (DOM-2.1)."""

from __future__ import annotations

from models.ids import ContractNumber, engagement_id
from models.process import Outcome, QuoteToProjectResult
from models.records import RecordKind
from tests.workflows.contracts import simple
from tests.workflows.house import House
from tests.workflows.test_stops import STOPS

OTHER = ContractNumber("C-2002")


async def _result_of(house: House, number: ContractNumber) -> QuoteToProjectResult:
    return await house.starter.handle(engagement_id(house.firm, number)).result()


async def test_a_deal_with_another_number_is_not_set_up_under_the_old_one(house: House) -> None:
    stop = STOPS["unmapped service line"]
    await house.win(stop.terms())
    await house.waiting(stop.code)

    stop.mend(house)
    house.change(contract_number=OTHER)
    await house.win()
    assert (await _result_of(house, OTHER)).outcome is Outcome.ACTIVE
    assert (await house.repair(stop.who, stop.code)).complete

    assert await house.outcome() is Outcome.WITHDRAWN
    assert [kind for kind, _ in house.erp.records].count(RecordKind.PROJECT) == 1
    assert [kind for kind, _ in house.erp.records].count(RecordKind.CONTRACT) == 1
    assert await house.store.desk.list_open(house.firm) == ()


async def test_a_deal_that_is_set_up_and_gets_another_number_is_not_set_up_twice(house: House) -> None:
    await house.win(simple())
    assert await house.outcome() is Outcome.ACTIVE
    written = len(house.erp.journal)
    project = next(ref.record_id for (kind, _), (ref, _) in house.erp.records.items() if kind is RecordKind.PROJECT)

    house.change(contract_number=OTHER, erp_project_id=project)
    await house.win()

    item = await house.waiting("TL-CON-014")
    assert str(OTHER) in item.message
    assert "C-1001" in item.message
    assert house.erp.journal[written:] == []
