"""The CRM's change stamp has whole seconds: two changes within one of them look the same (F27)."""

from __future__ import annotations

from datetime import UTC, datetime

from models.process import Outcome
from tests.workflows.contracts import checked
from tests.workflows.house import House


async def test_a_second_change_in_the_second_that_was_read_is_looked_at(house: House) -> None:
    stamp = datetime.now(UTC).replace(microsecond=0)
    await house.win(checked(source_version=stamp))
    old = await house.waiting()
    house.crm.change(house.terms.deal_id, source_version=stamp, expense_policy="Ten percent of fees")

    await house.win()

    new = await house.waiting(besides=old.item)
    assert (await house.decide("ada.finance")).complete
    assert await house.outcome() is Outcome.ACTIVE
    assert new.item != old.item
