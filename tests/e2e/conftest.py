from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.front_door import FrontDoor, open_front_door
from tests.e2e.sold import Sales
from tests.e2e.stand import Stand, open_stand


@pytest.fixture(scope="module")
async def stand(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    """One whole Tieline for the tests of a file; each test sells deals of its own."""
    folder: Path = tmp_path_factory.mktemp("stand")
    async with open_stand(folder, state="empty") as opened:
        yield opened


@pytest.fixture(scope="module")
async def sales(stand: Stand) -> Sales:
    return await Sales.of(stand.crm)


@pytest.fixture(scope="module")
async def door(stand: Stand) -> AsyncIterator[FrontDoor]:
    """The signed way in, with its dispatcher."""
    async with open_front_door(stand) as opened:
        yield opened
