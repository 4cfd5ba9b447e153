from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from connector_kit.signatures import BadSignature, check_signature
from connectors.salesforce.ids import is_record_id
from models.errors import NeedsRepair
from models.events import CrmEvent
from models.ids import ConnectionId
from models.roles import Role

__all__ = ["read_event"]

_PREFIX = "sha256="
_KINDS = {"Opportunity": "deal"}


class _Hint(BaseModel):
    """What an org's callout tells: which record rang. Sheet 8.3."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, strict=True)

    org_id: str = Field(alias="orgId", max_length=18)
    object_name: str = Field(alias="object", max_length=80)
    record_id: str = Field(alias="recordId", max_length=18)
    event: str = Field(max_length=80)
    occurred_at: str = Field(alias="occurredAt", max_length=40)
    event_id: str = Field(alias="eventId", min_length=8, max_length=100)


def read_event(
    *,
    connection: ConnectionId,
    headers: Mapping[str, str],
    body: bytes,
    secrets: tuple[SecretStr, ...],
    now: datetime,
) -> CrmEvent:
    """Check the callout's signature over the raw bytes, then read it. It is a doorbell: only its record id counts."""
    named = {name.lower(): value for name, value in headers.items()}
    signature = named.get("x-tieline-signature", "")
    if not signature.startswith(_PREFIX):
        raise BadSignature("The event has no X-Tieline-Signature header of the form sha256=....", field="signature")
    check_signature(
        timestamp=named.get("x-tieline-timestamp", ""),
        signature=signature.removeprefix(_PREFIX),
        body=body,
        secrets=secrets,
        now=now,
    )
    try:
        hint = _Hint.model_validate_json(body)
        occurred_at = datetime.fromisoformat(hint.occurred_at)
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise _malformed(field, first["msg"]) from wrong
    except ValueError as wrong:
        raise _malformed("occurredAt", "not a date and time") from wrong
    if hint.object_name not in _KINDS:
        raise _malformed("object", f"events about {hint.object_name} are not taken; send Opportunity")
    if not is_record_id(hint.record_id):
        raise _malformed("recordId", "not a record id of 15 or 18 characters with a right checksum")
    if occurred_at.tzinfo is None:
        raise _malformed("occurredAt", "no time zone")
    return CrmEvent(
        connection=connection,
        event_id=hint.event_id,
        object_kind=_KINDS[hint.object_name],
        record_id=hint.record_id,
        occurred_at=occurred_at,
    )


def _malformed(field: str, why: str) -> NeedsRepair:
    return NeedsRepair(
        f"The event cannot be read: field {field}: {why}. Correct the callout.",
        code="TL-INT-043",
        record="event",
        field=field,
        owner=Role.INTEGRATION,
    )
