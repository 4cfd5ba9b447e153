"""A decision and news from the CRM reach the process in one and the same moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.client import Client

from mappings.business_calendar import ladder_for
from models.decision import Verdict
from models.process import Outcome
from models.roles import Role
from runtime.temporal import build_worker
from tests.workflows.contracts import checked
from tests.workflows.house import House, open_house, until


def _long_ago() -> datetime:
    """For a firm whose clock is this late, every deadline is over as soon as it is set."""
    return datetime.now(UTC) - timedelta(days=400)


async def _nobody_is_left_to_remind(house: House) -> None:
    rungs = ladder_for(house.tieline.rules(), owner=Role.FINANCE_OPERATIONS, due_hours=8, start=house.now())

    async def climbed() -> bool:
        return (await house.activity_names()).count("escalate") == len(rungs)

    await until(climbed, "every reminder is over")


async def test_a_yes_that_comes_together_with_news_is_judged_on_what_waits_then(client: Client, tmp_path: Path) -> None:
    """Both wait in the engine while no worker runs, so both arrive with the next task."""
    async with open_house(client, tmp_path, worker=False, now=_long_ago) as house:
        async with build_worker(client, house.queue, house.tieline.activities):
            await house.win(checked())
            item = await house.waiting()
            await _nobody_is_left_to_remind(house)
        house.change()
        await house.tell(None)
        await house.signal("decide", house.signed("ada.finance", Verdict.APPROVE, item.item))

        async with build_worker(client, house.queue, house.tieline.activities):
            assert await house.outcome() is Outcome.ACTIVE

        assert await house.audit("decision.refused") == []
