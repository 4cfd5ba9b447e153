"""A worker that is killed while a write of a change order has just landed and nobody heard of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.change_order_kills import WRITES, killed_under

pytestmark = [pytest.mark.kills, pytest.mark.timeout(120)]


async def test_a_killed_worker_leaves_the_contract_changed_once(tmp_path: Path) -> None:
    await killed_under(tmp_path, [WRITES["contract"]])
