from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import SecretStr, ValidationError

from connector_kit import BadSignature, check_signature
from connectors.salesforce.event_kinds import KINDS, is_about
from connectors.salesforce.ids import to_18
from connectors.salesforce.schemas import Hint
from models.errors import NeedsRepair
from models.events import CrmEvent
from models.ids import ConnectionId
from models.roles import Role

__all__ = ["read_event"]

_TIMESTAMP = "x-tieline-timestamp"
_SIGNATURE = "x-tieline-signature"
_SCHEME = "sha256="
_MOST_BYTES = 64 * 1024


def read_event(
    *,
    connection: ConnectionId,
    headers: Mapping[str, str],
    body: bytes,
    secrets: tuple[SecretStr, ...],
    now: datetime,
) -> CrmEvent:
    """Check the callout's signature over the raw bytes, then read it. It is a doorbell: only its record id counts.

    The same call sent again within five minutes is read again; its event id says that it is the same.
    Raises BadSignature, or NeedsRepair when a signed body cannot be read.
    """
    if len(body) > _MOST_BYTES:
        raise BadSignature(f"The event is larger than {_MOST_BYTES // 1024} KB; it was not read.", field="body")
    timestamp, signature = _header(headers, _TIMESTAMP), _header(headers, _SIGNATURE)
    if not signature.startswith(_SCHEME):
        raise BadSignature("The event has no X-Tieline-Signature header of the form sha256=....", field="signature")
    check_signature(timestamp=timestamp, signature=signature.removeprefix(_SCHEME), body=body, secrets=secrets, now=now)
    try:
        hint = Hint.model_validate_json(body)
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False)[0]
        raise _malformed(".".join(str(part) for part in first["loc"]) or "body", first["msg"]) from wrong
    return _event(hint, connection)


def _header(headers: Mapping[str, str], name: str) -> str:
    found = {value for key, value in headers.items() if key.lower() == name}
    if len(found) > 1:
        raise BadSignature(f"The event has two different {name} headers. Send one.", field=name)
    return found.pop() if found else ""


def _event(hint: Hint, connection: ConnectionId) -> CrmEvent:
    if hint.object_name not in KINDS:
        raise _malformed("object", f"events about {hint.object_name} are not taken; send one of {', '.join(KINDS)}")
    if not is_about(hint.object_name, hint.record_id):
        raise _malformed("recordId", f"not an id of a {hint.object_name}: 15 or 18 characters with a right checksum")
    if hint.occurred_at.tzinfo is None:
        raise _malformed("occurredAt", "no time zone")
    return CrmEvent(
        connection=connection,
        event_id=hint.event_id,
        object_kind=KINDS[hint.object_name][0],
        record_id=to_18(hint.record_id),
        occurred_at=hint.occurred_at,
    )


def _malformed(field: str, why: str) -> NeedsRepair:
    return NeedsRepair(
        f"The event cannot be read: field {field}: {why}. Correct the callout.",
        code="TL-INT-043",
        record="event",
        field=field,
        owner=Role.INTEGRATION,
    )
