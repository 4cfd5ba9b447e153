"""Events: the vendor has no webhook of its own; a script of ours in the account posts after each save. Sheet 8."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import SecretStr, ValidationError

from connector_kit.signatures import check_signature
from connectors.netsuite.schemas import UserEvent
from models.errors import NeedsRepair
from models.events import ErpEvent
from models.ids import ConnectionId
from models.records import RecordKind
from models.roles import Role

__all__ = ["read_event"]

_MOST_BYTES = 64 * 1024
_KINDS = {
    "customer": RecordKind.CUSTOMER,
    "contact": RecordKind.CONTACT,
    "job": RecordKind.PROJECT,
    "salesorder": RecordKind.CONTRACT,
    "billingschedule": RecordKind.BILLING_SCHEDULE,
}
_OUR_CONTEXTS = {"RESTWEBSERVICES", "REST_WEBSERVICES"}


def read_event(
    *,
    connection: ConnectionId,
    headers: Mapping[str, str],
    body: bytes,
    secrets: tuple[SecretStr, ...],
    now: datetime,
) -> ErpEvent:
    """The event, if the signature over the raw bytes holds and it is recent. A hint: only the record's id is believed.

    Raises BadSignature, or NeedsRepair when a signed body cannot be read.
    """
    given = {name.lower(): value for name, value in headers.items()}
    check_signature(
        timestamp=given.get("x-tieline-timestamp", ""),
        signature=given.get("x-tieline-signature", "").removeprefix("v1="),
        body=body,
        secrets=secrets,
        now=now,
    )
    if len(body) > _MOST_BYTES:
        raise _unreadable(f"it is larger than {_MOST_BYTES // 1024} KB")
    try:
        wire = UserEvent.model_validate_json(body)
    except ValidationError as misread:
        places = ", ".join(".".join(str(part) for part in error["loc"]) or "body" for error in misread.errors()[:3])
        raise _unreadable(f"wrong or missing: {places}") from misread
    occurred_at = wire.occurred_at if wire.occurred_at.tzinfo else wire.occurred_at.replace(tzinfo=UTC)
    kind = _KINDS.get(wire.record_type.lower())
    return ErpEvent(
        connection=connection,
        event_id=wire.event_id,
        object_kind=kind.value if kind else wire.record_type.lower(),
        record_id=wire.record_id,
        external_key=wire.external_id,
        change=wire.type.lower(),
        is_own_write=wire.execution_context.upper() in _OUR_CONTEXTS,
        occurred_at=occurred_at,
    )


def _unreadable(what: str) -> NeedsRepair:
    return NeedsRepair(
        f"A signed event of the NetSuite script cannot be read ({what}). Correct the script in NetSuite.",
        record="event script",
        owner=Role.INTEGRATION,
    )
