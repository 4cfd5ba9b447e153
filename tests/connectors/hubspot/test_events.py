import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from connector_kit import BadSignature, Delivery
from connectors.hubspot.events import read_events
from connectors.hubspot.signatures import check_delivery
from models.errors import NeedsRepair
from models.events import CrmEvent
from models.ids import ConnectionId

NOW = datetime(2026, 11, 24, 9, 0, 5, tzinfo=UTC)
NEW, OLD = SecretStr("a-new-secret-of-32-characters-00"), SecretStr("the-old-secret-of-32-characters0")
URL = "https://tieline.example.com/intake/crm-main"
NOTICE: dict[str, Any] = {
    "eventId": 3181526809, "subscriptionId": 2271340, "portalId": 48211903, "appId": 9912733,
    "occurredAt": 1795510800123, "subscriptionType": "deal.propertyChange", "attemptNumber": 0,
    "objectId": 57404229253, "propertyName": "dealstage", "propertyValue": "closedwon", "changeSource": "CRM_UI",
    "sourceId": "userId:61234567",
}  # fmt: skip


def v3(body: bytes, *, secret: SecretStr = NEW, at: datetime = NOW, url: str = URL, stamp: str = "") -> dict[str, str]:
    stamp = stamp or str(int(at.timestamp() * 1000))
    base = b"POST" + url.encode() + body + stamp.encode()
    digest = hmac.new(secret.get_secret_value().encode(), base, hashlib.sha256).digest()
    return {"X-HubSpot-Signature-v3": base64.b64encode(digest).decode(), "X-HubSpot-Request-Timestamp": stamp}


def older(body: bytes, version: str, *, secret: SecretStr = NEW, url: str = URL) -> dict[str, str]:
    base = body if version == "v1" else b"POST" + url.encode() + body
    digest = hashlib.sha256(secret.get_secret_value().encode() + base).hexdigest()
    return {"X-HubSpot-Signature": digest, "X-HubSpot-Signature-Version": version}


def read(body: bytes, headers: dict[str, str], *, now: datetime = NOW, url: str = URL) -> list[CrmEvent]:
    delivery = Delivery("POST", url, headers, body)
    found = read_events(connection=ConnectionId("crm-main"), delivery=delivery, secrets=(NEW, OLD), now=now)
    return [one.event for one in found]


def told(*changes: dict[str, Any]) -> list[CrmEvent]:
    body = json.dumps([{**NOTICE, **change} for change in changes]).encode()
    return read(body, v3(body))


def test_a_delivery_is_a_list_and_each_deal_in_it_rings() -> None:
    one, two = told({}, {"objectId": 7, "eventId": 2})
    assert (one.object_kind, one.record_id, two.record_id) == ("deal", "57404229253", "7")
    assert one.occurred_at == datetime(2026, 11, 24, 9, 0, 0, 123000, tzinfo=UTC)
    assert told() == []


@pytest.mark.parametrize("secret", [NEW, OLD])
@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_every_version_of_the_signature_holds_with_each_secret_in_force(version: str, secret: SecretStr) -> None:
    body = json.dumps([NOTICE]).encode()
    headers = v3(body, secret=secret) if version == "v3" else older(body, version, secret=secret)
    assert len(read(body, headers)) == 1


def test_the_vendors_published_check_values_come_out() -> None:
    secret = SecretStr("yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy")
    body = (b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,'
            b'"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM",'
            b'"changeFlag":"NEW","appId":54321}]')  # fmt: skip
    one = {"X-HubSpot-Signature": "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de",
           "X-HubSpot-Signature-Version": "v1"}  # fmt: skip
    two = {"X-HubSpot-Signature": "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e",
           "X-HubSpot-Signature-Version": "v2"}  # fmt: skip
    assert not check_delivery(Delivery("POST", "https://x.example", one, body), (secret,), NOW)
    assert not check_delivery(Delivery("GET", "https://www.example.com/webhook_uri", two, b""), (secret,), NOW)


BODY = json.dumps([NOTICE]).encode()
FORGED: dict[str, dict[str, str]] = {
    "unsigned": {},
    "other secret": v3(BODY, secret=SecretStr("guess")),
    "empty secret": v3(BODY, secret=SecretStr("")),
    "other body": v3(BODY + b" "),
    "other address": v3(BODY, url=URL + "?a=1"),
    "too old": v3(BODY, at=NOW - timedelta(minutes=5, seconds=1)),
    "from the future": v3(BODY, at=NOW + timedelta(minutes=5, seconds=1)),
    "no time": {name: value for name, value in v3(BODY).items() if "Time" not in name},
    "time in words": v3(BODY, stamp="soon"),
    "time as a float": v3(BODY, stamp="1795510805000.0"),
    "time of another script": v3(BODY, stamp="١٧٩٥٥١٠٨٠٥٠٠٠"),
    "stamp changed": {**v3(BODY), "X-HubSpot-Request-Timestamp": str(int(NOW.timestamp() * 1000) + 1)},
    "other version": {**older(BODY, "v1"), "X-HubSpot-Signature-Version": "v9"},
    "no version": {"X-HubSpot-Signature": older(BODY, "v1")["X-HubSpot-Signature"]},
    "v1 called v2": {**older(BODY, "v1"), "X-HubSpot-Signature-Version": "v2"},
    "v2 of another address": older(BODY, "v2", url="https://elsewhere.example/"),
    "letters that are none": {**older(BODY, "v1"), "X-HubSpot-Signature": "\ud800"},
    "two headers": {**v3(BODY), "x-hubspot-signature-V3": "x"},
}


@pytest.mark.parametrize("name", FORGED)
def test_a_delivery_that_is_forged_or_stale_is_not_read(name: str) -> None:
    with pytest.raises(BadSignature):
        read(BODY, FORGED[name])


def test_a_bad_v3_signature_is_not_saved_by_a_good_older_one() -> None:
    with pytest.raises(BadSignature):
        read(BODY, {**older(BODY, "v1"), **v3(BODY, secret=SecretStr("guess"))})
    assert len(read(BODY, {**older(BODY, "v1", secret=SecretStr("guess")), **v3(BODY)})) == 1


@pytest.mark.parametrize(("version", "age_h", "is_read"), [("v1", 24, True), ("v1", 26, False), ("v2", 26, False),
                                                           ("v1", -1, False), ("v3", 26, True)])  # fmt: skip
def test_signatures_without_a_time_are_held_to_the_age_of_their_events(version: str, age_h: int, is_read: bool) -> None:
    body = json.dumps([{**NOTICE, "occurredAt": int((NOW - timedelta(hours=age_h)).timestamp() * 1000)}]).encode()
    headers = v3(body) if version == "v3" else older(body, version)
    if is_read:
        assert len(read(body, headers)) == 1
    else:
        with pytest.raises(BadSignature, match="older than a day"):
            read(body, headers)


def test_escapes_in_the_address_are_undone_as_the_vendor_does_before_signing() -> None:
    body = json.dumps([NOTICE]).encode()
    assert read(body, v3(body, url=f"{URL}?a=b/c%20d"), url=f"{URL}?a=b%2Fc%20d")


@pytest.mark.parametrize(
    ("change", "record"),
    [
        ({"subscriptionType": "deal.creation"}, "57404229253"),
        ({"subscriptionType": "deal.restore"}, "57404229253"),
        ({"subscriptionType": "object.propertyChange", "objectTypeId": "0-3"}, "57404229253"),
        ({"subscriptionType": "deal.merge", "primaryObjectId": 5, "newObjectId": 6, "objectId": 4}, "6"),
        ({"subscriptionType": "deal.merge", "primaryObjectId": 5, "objectId": 4}, "5"),
        ({"subscriptionType": "deal.associationChange", "objectId": "", "fromObjectId": 9, "toObjectId": 8}, "9"),
        ({"objectId": "57404229253"}, "57404229253"),
    ],
)
def test_the_deal_to_look_at_is_found_in_every_kind_of_event(change: dict[str, Any], record: str) -> None:
    (event,) = told(change)
    assert event.record_id == record


@pytest.mark.parametrize(
    "change",
    [
        {"subscriptionType": "company.propertyChange"},
        {"subscriptionType": "object.creation", "objectTypeId": "2-7"},
        {"subscriptionType": "deal.deletion"},
        {"subscriptionType": "conversation.newMessage", "objectId": "abc"},
        {"changeSource": "INTEGRATION", "sourceId": "9912733"},
        {"subscriptionType": "deal.associationChange", "associationType": "DEAL_TO_TASK"},
        {"subscriptionType": "deal.associationChange", "associationType": "DEAL_TO_TIELINE_PROJECT"},
    ],
)
def test_what_is_no_news_about_a_deal_is_left_out(change: dict[str, Any]) -> None:
    assert [event.record_id for event in told(change, {"objectId": 3})] == ["3"]


def test_the_same_event_sent_again_has_the_same_id_and_no_other_has() -> None:
    (first,), (again,) = told({}), told({"attemptNumber": 3})
    assert first.event_id == again.event_id
    others: list[dict[str, Any]] = [
        {"objectId": 1}, {"occurredAt": 1795510800124}, {"propertyName": "amount"}, {"subscriptionId": 1},
    ]  # fmt: skip
    ids = {event.event_id for event in told(*others)}
    assert len(ids | {first.event_id}) == 5


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"nothing", b"[1]", b'["a"]', b"[" * 100_000, json.dumps([NOTICE] * 501).encode(), b"null"],
    ids=["empty", "table", "words", "number", "text", "nested", "too many", "null"],
)
def test_a_signed_body_that_is_no_delivery_is_refused_and_said(body: bytes) -> None:
    with pytest.raises(NeedsRepair, match="cannot be read"):
        read(body, v3(body))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"objectId": "x' OR 1"}, "event 2 objectId"),
        ({"objectId": None}, "event 2 objectId"),
        ({"objectId": -5}, "event 2 objectId"),
        ({"occurredAt": "yesterday"}, "event 2 occurredAt"),
        ({"occurredAt": 10**20}, "event 2 occurredAt"),
        ({"subscriptionType": 5}, "event 2 subscriptionType"),
        ({"subscriptionType": "deal.merge", "objectId": 1, "newObjectId": "../x"}, "event 2 objectId"),
    ],
)
def test_a_wrong_event_names_its_place_and_its_field(change: dict[str, Any], words: str) -> None:
    with pytest.raises(NeedsRepair, match=words):
        told({}, change)


def test_a_delivery_larger_than_any_honest_one_is_not_read() -> None:
    with pytest.raises(BadSignature, match="larger than"):
        read(b" " * 600_000, {})
