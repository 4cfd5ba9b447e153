"""Work began before the signature (DOM-1.5)."""

from __future__ import annotations

from models.ids import ConnectionId
from models.process import Outcome
from models.records import RecordKind, RecordRef
from tests.workflows.contracts import simple
from tests.workflows.house import House


async def test_on_signature_the_project_that_was_opened_at_risk_becomes_the_contracts_own(house: House) -> None:
    house.erp.at_risk = RecordRef(
        connection=ConnectionId("erp-main"), kind=RecordKind.PROJECT, record_id="31", number="PRJ31"
    )
    signed_on = simple().company_signed_on
    await house.win(simple(is_at_risk=True, company_signed_on=None))
    item = await house.waiting("TL-CON-001")
    assert "Work at risk" in item.message

    await house.win_again(company_signed_on=signed_on)

    result = await house.result()
    assert result.outcome is Outcome.ACTIVE
    project = next(done for done in result.records if done.step == "project")
    assert (project.ref.record_id, project.created) == ("31", False)
    made = [what for what, key in house.erp.journal if key.startswith("project:")]
    assert made == ["update"]

    house.change(deal_name="Renamed")
    await house.win()
    assert await house.outcome() is Outcome.NOTHING_TO_DO
