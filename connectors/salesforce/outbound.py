from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from pydantic import SecretStr

from connector_kit import BadSignature, Delivery, ReadEvent
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.event_kinds import KINDS, is_about
from connectors.salesforce.ids import to_18
from models.errors import NeedsRepair
from models.events import CrmEvent
from models.ids import ConnectionId
from models.roles import Role

__all__ = ["ACKNOWLEDGED", "address_key", "read_outbound"]

_OUT = "{http://soap.sforce.com/2005/09/outbound}"
_FIELD = "{urn:sobject.enterprise.soap.sforce.com}"
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_MOST = 100
_ID_LENGTHS = {15, 18}
_SHORT = 15

ACKNOWLEDGED = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    b"</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)
"""A plain 200 counts as a failure and is sent again for a day. Sheet 8.2."""


def address_key(secret: SecretStr, connection: ConnectionId) -> str:
    """The last part of the address that outbound messages are sent to: they carry no signature of their own.

    Made from an event secret, so that it can be told without telling the secret, and changes with it.
    """
    text = f"outbound messages of {connection}".encode()
    return hmac.new(secret.get_secret_value().encode(), text, hashlib.sha256).hexdigest()[:40]


def read_outbound(
    config: SalesforceConfig,
    *,
    connection: ConnectionId,
    delivery: Delivery,
    secrets: tuple[SecretStr, ...],
    now: datetime,
) -> tuple[ReadEvent, ...]:
    """Check that the message came to the address only this org knows, and from this org; then read its doorbells.

    The session id that a message may hold is never read. Raises BadSignature or NeedsRepair.
    """
    given = delivery.url.split("?", 1)[0].rstrip("/").rsplit("/", 1)[-1].encode()
    keys = [address_key(secret, connection).encode() for secret in secrets]
    # All of them are compared, so that the time taken tells nothing.
    if not any([hmac.compare_digest(given, key) for key in keys]):  # noqa: C419
        raise BadSignature("This is not the address that the org's outbound messages go to.", field="address")
    notifications = _notifications(delivery.body)
    _check_org(config, notifications)
    notes = notifications.findall(f"{_OUT}Notification")
    if not 1 <= len(notes) <= _MOST:
        raise _malformed("Notification", f"there are {len(notes)}, one to {_MOST} are possible")
    return tuple(_event(note, connection, now) for note in notes)


def _notifications(body: bytes) -> Element:
    try:
        root = ElementTree.fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as wrong:
        raise _malformed("body", "it is no XML without a document type") from wrong
    found = root.find(f".//{_OUT}notifications")
    if found is None:
        raise _malformed("notifications", "it is not there")
    return found


def _check_org(config: SalesforceConfig, notifications: Element) -> None:
    sender = (notifications.findtext(f"{_OUT}OrganizationId") or "").strip()
    if not config.organization_id:
        raise BadSignature("Outbound messages are taken once `organization_id` of the connection is set.", field="org")
    if len(sender) not in _ID_LENGTHS or sender[:_SHORT] != config.organization_id[:_SHORT]:
        raise BadSignature("The message comes from another org than this connection's.", field="OrganizationId")


def _event(note: Element, connection: ConnectionId, now: datetime) -> ReadEvent:
    record = note.find(f"{_OUT}sObject")
    number = (note.findtext(f"{_OUT}Id") or "").strip()
    if len(number) not in _ID_LENGTHS or not number.isalnum():
        raise _malformed("Notification.Id", "it is no id")
    entity = "" if record is None else str(record.get(_TYPE, "")).rsplit(":", 1)[-1]
    if record is None or entity not in KINDS:
        raise _malformed("sObject", f"messages about {', '.join(KINDS)} are taken")
    about = (record.findtext(f"{_FIELD}Id") or "").strip()
    if not is_about(entity, about):
        raise _malformed("sObject.Id", f"not an id of a {entity}: 15 or 18 characters with a right checksum")
    event = CrmEvent(
        connection=connection,
        event_id=f"outbound/{number}",
        object_kind=KINDS[entity][0],
        record_id=to_18(about),
        occurred_at=now,
    )
    return ReadEvent(event, event.model_dump_json().encode())


def _malformed(field: str, why: str) -> NeedsRepair:
    return NeedsRepair(
        f"The outbound message cannot be read: {field}: {why}. Correct it in the flow.",
        code="TL-INT-043",
        record="event",
        field=field,
        owner=Role.INTEGRATION,
    )
