from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest.mock import Mock

from models.ids import ConnectionId
from ports.customer_sync import CustomerKeeper
from runtime.customer_wiring import CustomerSyncs, build_customer_sync

FIRST, SECOND = ConnectionId("erp-main"), ConnectionId("erp-second")


def syncs(erps: dict[ConnectionId, Any]) -> CustomerSyncs | None:
    return build_customer_sync(Mock(), Mock(), erps, Mock(), rules=Mock(), now=lambda: datetime.now(UTC))


def test_the_id_on_an_account_is_looked_up_in_the_first_erp_alone() -> None:
    keeper, other = Mock(spec=CustomerKeeper), Mock(spec=CustomerKeeper)
    found = syncs({FIRST: keeper, SECOND: other})
    assert found is not None
    assert all(set(step.__self__._erps) == {FIRST} for step in found.activities if hasattr(step.__self__, "_erps"))


def test_behind_an_erp_whose_customers_cannot_be_changed_no_other_one_is_taken() -> None:
    keeper, other = Mock(spec=CustomerKeeper), Mock(spec=[])
    assert syncs({FIRST: other, SECOND: keeper}) is None
