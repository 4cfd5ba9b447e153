from __future__ import annotations

from models.process import Outcome
from tests.workflows.contracts import simple
from tests.workflows.house import House


async def test_a_won_and_signed_contract_becomes_a_billable_project(house: House) -> None:
    assert await house.win(simple()) == "started"

    assert await house.outcome() is Outcome.ACTIVE
