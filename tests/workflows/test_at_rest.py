"""Whether a process has something in hand, as the engine knows it: what the desk shows may be of an earlier turn."""

from __future__ import annotations

from pathlib import Path

from temporalio.client import Client

from models.desk import Stage
from models.process import Outcome
from runtime.temporal import build_worker
from tests.workflows.contracts import checked
from tests.workflows.house import House, open_house, until


async def _rests(house: House) -> None:
    async def look() -> bool:
        return not await house.starter.is_moving(house.engagement)

    await until(look, "the process at rest")


async def test_a_known_contract_moves_from_the_moment_it_is_told_until_it_rests_or_ends(
    client: Client, tmp_path: Path
) -> None:
    async with open_house(client, tmp_path, worker=False) as house:
        await house.win(checked())
        assert await house.starter.is_moving(house.engagement), "nobody works yet, and there is work"
        async with build_worker(client, house.queue, house.tieline.activities):
            await _rests(house)
            assert (await house.row()).stage is Stage.DECIDING
        assert await house.win() == "joined"
        assert await house.starter.is_moving(house.engagement), "the news is in hand, whatever the desk shows"
        async with build_worker(client, house.queue, house.tieline.activities):
            await _rests(house)
            await house.decide("ada.finance")
            assert await house.outcome() is Outcome.ACTIVE
            assert not await house.starter.is_moving(house.engagement)
