"""A deal is lost when only a part of its records is there: a person looks at them and says so, and that is the end."""

from __future__ import annotations

from models.desk import Stage
from models.errors import NeedsRepair
from models.process import Outcome
from tests.workflows.contracts import simple
from tests.workflows.house import House


async def test_a_half_set_up_that_was_lost_can_be_closed_and_taken_up_again(house: House) -> None:
    house.erp.trouble = lambda moment, kind: (
        NeedsRepair("No such field.", record="C-1001") if (moment, kind) == ("before", "contract") else None
    )
    await house.win(simple())
    await house.waiting("TL-INT-020")
    await house.lose()
    item = await house.waiting("TL-CON-013")
    assert "only partly set up" in item.message

    assert (await house.repair("ada.finance", "TL-CON-013")).complete

    assert await house.outcome() is Outcome.ON_HOLD
    assert (await house.row()).stage is Stage.ON_HOLD
    assert await house.store.desk.list_open(house.firm) == ()
    assert not any(key.startswith("frozen") for _, key in house.crm.journal)

    house.erp.trouble = lambda _moment, _kind: None
    await house.win_again()
    assert await house.outcome() is Outcome.ACTIVE
    assert len([what for what, _ in house.erp.journal if what == "create"]) == 5
