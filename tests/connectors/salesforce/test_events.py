import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from connector_kit import BadSignature
from connectors.salesforce.events import read_event
from models.errors import NeedsRepair
from models.events import CrmEvent
from models.ids import ConnectionId

NOW = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
NEW, OLD = SecretStr("a-new-secret-of-32-characters-00"), SecretStr("the-old-secret-of-32-characters0")
HINT: dict[str, Any] = {
    "orgId": "00D5g0000000001EAA",
    "object": "Opportunity",
    "recordId": "0065g0000000001AAA",
    "event": "closed_won",
    "occurredAt": "2026-11-20T14:04:11.000Z",
    "eventId": "6f9c1e3a-0000-4000-8000-000000000001",
}


def signed(body: bytes, *, secret: SecretStr = NEW, at: datetime = NOW) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    digest = hmac.new(secret.get_secret_value().encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Tieline-Timestamp": stamp, "X-Tieline-Signature": f"sha256={digest}"}


def read(
    body: bytes, headers: dict[str, str], *, secrets: tuple[SecretStr, ...] = (NEW, OLD), now: datetime = NOW
) -> CrmEvent:
    return read_event(connection=ConnectionId("crm-main"), headers=headers, body=body, secrets=secrets, now=now)


def read_hint(**changes: Any) -> CrmEvent:
    body = json.dumps({**HINT, **changes}).encode()
    return read(body, signed(body))


def test_a_signed_hint_names_the_deal_and_nothing_else_is_believed() -> None:
    event = read_hint()
    assert (event.object_kind, event.record_id, event.event_id) == ("deal", HINT["recordId"], HINT["eventId"])
    assert event.occurred_at == datetime(2026, 11, 20, 14, 4, 11, tzinfo=UTC)


def test_short_and_long_ids_of_one_deal_are_one_deal() -> None:
    assert read_hint(recordId="0065g0000000001").record_id == read_hint().record_id


def test_headers_are_found_whatever_their_case() -> None:
    body = json.dumps(HINT).encode()
    assert read(body, {name.upper(): value for name, value in signed(body).items()}).event_id == HINT["eventId"]


def test_two_secrets_are_in_force_while_one_is_changed() -> None:
    body = json.dumps(HINT).encode()
    assert read(body, signed(body, secret=OLD)).event_id == HINT["eventId"]
    with pytest.raises(BadSignature):
        read(body, signed(body, secret=OLD), secrets=(NEW,))


def test_a_forged_event_is_refused() -> None:
    body = json.dumps(HINT).encode()
    genuine = signed(body)
    forgeries: list[tuple[bytes, dict[str, str]]] = [
        (body.replace(b"closed_won", b"closed_los"), genuine),
        (body + b" ", genuine),
        (body, {**genuine, "X-Tieline-Signature": "sha256=" + "0" * 64}),
        (body, {**genuine, "X-Tieline-Signature": "sha256=" + "é" * 64}),
        (body, {**genuine, "X-Tieline-Signature": genuine["X-Tieline-Signature"].removeprefix("sha256=")}),
        (body, {**genuine, "X-Tieline-Timestamp": str(int(genuine["X-Tieline-Timestamp"]) + 1)}),
        (body, {"X-Tieline-Timestamp": genuine["X-Tieline-Timestamp"]}),
        (body, {"X-Tieline-Signature": genuine["X-Tieline-Signature"]}),
        (body, {**genuine, "x-tieline-signature": "sha256=" + "0" * 64}),
        (body, {**genuine, "X-Tieline-Timestamp": "9" * 400}),
        (body, {**genuine, "X-Tieline-Timestamp": "-5"}),
        (body, {}),
    ]
    for content, headers in forgeries:
        with pytest.raises(BadSignature):
            read(content, headers)


@pytest.mark.parametrize("secrets", [(), (SecretStr(""),)])
def test_without_a_secret_nobody_is_believed(secrets: tuple[SecretStr, ...]) -> None:
    body = json.dumps(HINT).encode()
    with pytest.raises(BadSignature):
        read(body, signed(body, secret=SecretStr("")), secrets=secrets)


@pytest.mark.parametrize("age", [timedelta(seconds=301), timedelta(seconds=-301), timedelta(days=400)])
def test_a_stale_event_is_refused(age: timedelta) -> None:
    body = json.dumps(HINT).encode()
    with pytest.raises(BadSignature, match="5 minutes"):
        read(body, signed(body, at=NOW - age))


def test_the_same_event_sent_again_carries_the_same_id() -> None:
    body = json.dumps(HINT).encode()
    assert read(body, signed(body)) == read(body, signed(body), now=NOW + timedelta(seconds=299))


def test_an_oversized_event_is_not_even_hashed() -> None:
    body = json.dumps({**HINT, "more": "x" * 70_000}).encode()
    with pytest.raises(BadSignature, match="64 KB"):
        read(body, signed(body))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("recordId", "0065g0000000001AAB"),
        ("recordId", "0015g0000000001AAA"),
        ("recordId", "006'OR'1'='1"),
        ("recordId", "006"),
        ("recordId", 6),
        ("object", "Lead"),
        ("object", "x" * 100),
        ("orgId", "00D"),
        ("occurredAt", "yesterday"),
        ("occurredAt", "2026-11-20T14:04:11"),
        ("occurredAt", 1763647451),
        ("eventId", "x" * 101),
        ("eventId", "../../etc"),
        ("eventId", ""),
        ("event", None),
    ],
)
def test_a_signed_event_with_a_wrong_field_names_the_field(field: str, value: Any) -> None:
    with pytest.raises(NeedsRepair) as wrong:
        read_hint(**{field: value})
    assert wrong.value.field == field


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 5000])
def test_a_signed_body_that_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(NeedsRepair):
        read(body, signed(body))
