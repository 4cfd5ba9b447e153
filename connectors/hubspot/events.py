from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from connector_kit import BadSignature, Delivery, ReadEvent
from connectors.hubspot.client import is_record_id
from connectors.hubspot.signatures import check_delivery
from models.errors import NeedsRepair
from models.events import CrmEvent
from models.ids import ConnectionId
from models.roles import Role

__all__ = ["read_events"]

_MOST_BYTES = 512 * 1024
_MOST_EVENTS = 500
_OLDEST, _YOUNGEST = timedelta(hours=25), timedelta(minutes=5)
"""The vendor repeats a delivery for 24 hours (sheet 8.1)."""
_DEAL_TYPE = "0-3"
_NOT_SOLD = ("_TASK", "_NOTE", "_EMAIL", "_CALL", "_MEETING", "_TICKET", "_TIELINE_PROJECT")
_NOTHING_TO_READ = frozenset({"deletion", "privacyDeletion"})


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Text = Annotated[str, BeforeValidator(_text), Field(max_length=200)]


class _Notice(BaseModel):
    """One event of a delivery: which record rang. Strict: it comes from outside, unasked."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    kind: str = Field(alias="subscriptionType", max_length=80)
    occurred_ms: int = Field(alias="occurredAt", strict=True, ge=0, le=10**14)
    event_id: Text = Field(default="", alias="eventId")
    portal_id: Text = Field(default="", alias="portalId")
    subscription_id: Text = Field(default="", alias="subscriptionId")
    object_id: Text = Field(default="", alias="objectId")
    object_type: Text = Field(default="", alias="objectTypeId")
    property_name: Text = Field(default="", alias="propertyName")
    from_id: Text = Field(default="", alias="fromObjectId")
    primary_id: Text = Field(default="", alias="primaryObjectId")
    new_id: Text = Field(default="", alias="newObjectId")
    change_source: Text = Field(default="", alias="changeSource")
    source_id: Text = Field(default="", alias="sourceId")
    app_id: Text = Field(default="", alias="appId")
    association: Text = Field(default="", alias="associationType")

    @property
    def change(self) -> str:
        """What happened, without what it happened to."""
        return self.kind.partition(".")[2]

    @property
    def is_about_a_deal(self) -> bool:
        """Deals ring under their own name, or as objects of their type."""
        kind = self.kind.partition(".")[0]
        return kind == "deal" or (kind == "object" and self.object_type == _DEAL_TYPE)

    @property
    def is_left_out(self) -> bool:
        """No news that could change what is set up."""
        return self.is_our_echo or self.is_no_term or self.change in _NOTHING_TO_READ

    @property
    def is_our_echo(self) -> bool:
        """A write of the app that this subscription belongs to, which comes back as an event (sheet 8.1)."""
        return self.change_source == "INTEGRATION" and bool(self.app_id) and self.source_id == self.app_id

    @property
    def is_no_term(self) -> bool:
        """A link to something that was not sold: our own note and record ring by it as well, whoever wrote them."""
        return self.change == "associationChange" and self.association.upper().endswith(_NOT_SOLD)

    @property
    def record_id(self) -> str:
        """The deal to look at: of two that were merged, the one that stays (it may have a new id)."""
        if self.change == "merge":
            return self.new_id or self.primary_id or self.object_id
        return (self.object_id or self.from_id) if self.change == "associationChange" else self.object_id

    @property
    def fingerprint(self) -> str:
        """`eventId` alone is not promised to be unique (sheet 8.1); the same event sent again has the same one."""
        facts = (self.portal_id, self.subscription_id, self.record_id, self.property_name, str(self.occurred_ms),
                 self.event_id)  # fmt: skip
        return f"{self.event_id or 'event'}-{hashlib.sha256(chr(31).join(facts).encode()).hexdigest()[:16]}"


def read_events(
    *, connection: ConnectionId, delivery: Delivery, secrets: tuple[SecretStr, ...], now: datetime
) -> tuple[ReadEvent, ...]:
    """Check the delivery's signature, then read its list. Events are doorbells: only the deal's id counts.

    Left out are events about other records, links to tasks and the like, echoes of our own writes, and deletions: a
    deal that is gone has nothing to read, and what was set up for it stays until a person cancels it.
    Raises BadSignature, or NeedsRepair when a signed body cannot be read.
    """
    if len(delivery.body) > _MOST_BYTES:
        raise BadSignature(f"The delivery is larger than {_MOST_BYTES // 1024} KB; it was not read.", field="body")
    tells_its_age = check_delivery(delivery, secrets, now)
    found: list[ReadEvent] = []
    for number, item in enumerate(_listed(delivery.body), start=1):
        notice = _notice(item, number)
        at = datetime.fromtimestamp(notice.occurred_ms / 1000, UTC)
        if not tells_its_age and not -_YOUNGEST <= now - at <= _OLDEST:
            raise BadSignature(
                "The delivery has a signature without a time, and an event that is older than a day. It was not read.",
                field="occurredAt",
            )
        if notice.is_about_a_deal and not notice.is_left_out:
            found.append(_event(notice, number, at, item, connection))
    return tuple(found)


def _listed(body: bytes) -> list[Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as wrong:
        raise _malformed("body", "no JSON") from wrong
    if not isinstance(document, list) or len(document) > _MOST_EVENTS:
        raise _malformed("body", f"no list of at most {_MOST_EVENTS} events")
    return document


def _notice(item: Any, number: int) -> _Notice:
    try:
        return _Notice.model_validate(item)
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _malformed(f"event {number} {where}".strip(), first["msg"]) from wrong


def _event(notice: _Notice, number: int, at: datetime, item: Any, connection: ConnectionId) -> ReadEvent:
    if not is_record_id(notice.record_id):
        raise _malformed(f"event {number} objectId", "not the id of a deal")
    event = CrmEvent(
        connection=connection,
        event_id=notice.fingerprint,
        object_kind="deal",
        record_id=notice.record_id,
        occurred_at=at,
    )
    return ReadEvent(event, json.dumps(item, separators=(",", ":")).encode())


def _malformed(field: str, why: str) -> NeedsRepair:
    return NeedsRepair(
        f"The delivery cannot be read: {field}: {why}. Check the app's subscriptions.",
        code="TL-INT-043",
        record="event",
        field=field,
        owner=Role.INTEGRATION,
    )
