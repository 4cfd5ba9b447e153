from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from connector_kit import BadSignature
from connectors.netsuite import read_event
from models.errors import NeedsRepair
from models.events import ErpEvent
from models.ids import ConnectionId

NOW = datetime(2026, 5, 4, 10, 11, 12, tzinfo=UTC)
SECRET = SecretStr("a-secret-of-the-script")
BODY = {
    "eventId": "3f0c9b0e-0000-4000-8000-000000000001", "accountId": "123456_SB1", "recordType": "salesOrder",
    "recordId": "8812", "externalId": "tl_so_x", "type": "edit", "executionContext": "USERINTERFACE",
    "occurredAt": "2026-05-04T10:11:12Z", "tranId": "SO1001", "lastModifiedDate": "2026-05-04T10:11:12Z",
}  # fmt: skip


def read(
    body: bytes,
    *,
    secret: SecretStr = SECRET,
    secrets: tuple[SecretStr, ...] = (SECRET,),
    age_s: int = 0,
    **headers: str,
) -> ErpEvent:
    stamp = str(int((NOW - timedelta(seconds=age_s)).timestamp()))
    mark = hmac.new(secret.get_secret_value().encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    given = {"X-Tieline-Timestamp": stamp, "X-TIELINE-SIGNATURE": f"v1={mark}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return read_event(connection=ConnectionId("erp-main"), headers=given, body=body, secrets=secrets, now=NOW)


def wire(**more: Any) -> bytes:
    return json.dumps(BODY | more).encode()


def test_a_signed_event_names_the_record_to_read_again() -> None:
    event = read(wire())
    assert (event.object_kind, event.record_id, event.external_key) == ("contract", "8812", "tl_so_x")
    assert (event.change, event.is_own_write, event.occurred_at) == ("edit", False, NOW)


def test_what_we_do_not_keep_keeps_the_erps_own_word() -> None:
    assert read(wire(recordType="invoice")).object_kind == "invoice"


@pytest.mark.parametrize("context", ["RESTWEBSERVICES", "REST_WEBSERVICES"])
def test_an_echo_of_our_own_write_says_so(context: str) -> None:
    assert read(wire(executionContext=context)).is_own_write


def test_a_forged_event_is_refused() -> None:
    with pytest.raises(BadSignature):
        read(wire(), secret=SecretStr("somebody-elses-secret"))


def test_a_changed_body_is_refused() -> None:
    stamp = str(int(NOW.timestamp()))
    mark = hmac.new(SECRET.get_secret_value().encode(), f"{stamp}.".encode() + wire(), hashlib.sha256).hexdigest()
    headers = {"x-tieline-timestamp": stamp, "x-tieline-signature": f"v1={mark}"}
    with pytest.raises(BadSignature):
        read_event(
            connection=ConnectionId("erp-main"), headers=headers, body=wire(recordId="1"), secrets=(SECRET,), now=NOW
        )


@pytest.mark.parametrize("age_s", [301, -301, 86_400])
def test_a_replayed_or_early_event_is_refused(age_s: int) -> None:
    with pytest.raises(BadSignature):
        read(wire(), age_s=age_s)


def test_an_event_without_a_signature_is_refused() -> None:
    with pytest.raises(BadSignature):
        read_event(connection=ConnectionId("erp-main"), headers={}, body=wire(), secrets=(SECRET,), now=NOW)


def test_no_secret_means_no_event() -> None:
    with pytest.raises(BadSignature):
        read(wire(), secrets=())


def test_the_old_secret_works_while_it_is_being_changed() -> None:
    assert read(wire(), secrets=(SecretStr("the-new-secret-00"), SECRET)).record_id == "8812"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", wire(recordId="8812; DROP"), wire(recordId=None), wire(eventId="x" * 65), wire(type="edit!"),
        wire(occurredAt="yesterday"), b'{"pad": "' + b"x" * 70_000 + b'"}',
    ],
)  # fmt: skip
def test_a_signed_body_that_cannot_be_read_is_for_the_owner_of_the_script(body: bytes) -> None:
    with pytest.raises(NeedsRepair, match="event of the NetSuite script cannot be read"):
        read(body)
