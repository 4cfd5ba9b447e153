"""Events: the ERP sends none. The module `tieline` keeps an outbox; its rows become events here. Sheet 8."""

from __future__ import annotations

from datetime import UTC, datetime

from connectors.tryton.schemas import EventRow
from models.events import ErpEvent
from models.ids import ConnectionId
from models.records import RecordKind

__all__ = ["to_event"]

_KINDS = {
    "party.party": RecordKind.CUSTOMER,
    "project.work": RecordKind.PROJECT,
    "sale.sale": RecordKind.CONTRACT,
    "analytic_account.account": RecordKind.COST_CENTRE,
}


def to_event(row: EventRow, connection: ConnectionId) -> ErpEvent:
    """A change as a doorbell. Our own writes are among them: the outbox does not tell who wrote."""
    kind = _KINDS.get(row.model)
    return ErpEvent(
        connection=connection,
        event_id=str(row.id),
        object_kind=kind.value if kind else row.model,
        record_id=str(row.record),
        external_key=row.external_id,
        change=row.kind,
        occurred_at=row.create_date or datetime(1970, 1, 1, tzinfo=UTC),
    )
