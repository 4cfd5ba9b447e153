from __future__ import annotations

from datetime import datetime

from pydantic import SecretStr

from connector_kit import Delivery, ReadEvent
from connectors.netsuite.events import read_event
from models.events import CrmEvent, ErpEvent
from models.ids import ConnectionId
from models.records import RecordKind

__all__ = ["read_doorbell"]

_BILLING = frozenset({"invoice", "creditmemo", "customerpayment"})
"""We write none of these, so whoever saved one is news: people, and other programs over the same interface."""
_OURS_TOO = frozenset({RecordKind.PROJECT.value, RecordKind.CONTRACT.value})


def read_doorbell(
    *, connection: ConnectionId, delivery: Delivery, secrets: tuple[SecretStr, ...], now: datetime
) -> tuple[ReadEvent, ...]:
    """What the account's script tells of billing and of customers; what we saved ourselves rings at nobody. Sheet 8.

    Raises as `read_event`.
    """
    event = read_event(
        connection=connection, headers=delivery.headers, body=delivery.body, secrets=secrets, now=now
    )
    if event.object_kind == RecordKind.CUSTOMER.value and not event.is_own_write:
        return (_told(event, RecordKind.CUSTOMER.value, delivery.body),)
    matters = event.object_kind in _BILLING or (event.object_kind in _OURS_TOO and not event.is_own_write)
    if not matters:
        return ()
    return (_told(event, "billing", delivery.body),)


def _told(event: ErpEvent, kind: str, raw: bytes) -> ReadEvent:
    told = CrmEvent(
        connection=event.connection, event_id=event.event_id, object_kind=kind, record_id=event.record_id,
        occurred_at=event.occurred_at,
    )  # fmt: skip
    return ReadEvent(told, raw)
