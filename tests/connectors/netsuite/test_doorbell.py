from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from connector_kit import BadSignature, Delivery
from connectors.netsuite.doorbell import read_doorbell
from models.ids import ConnectionId

NOW = datetime(2027, 3, 4, 10, 0, tzinfo=UTC)
SECRET = "a-secret-of-the-account"


def delivery(kind: str, context: str = "USERINTERFACE", secret: str = SECRET) -> Delivery:
    body = json.dumps(
        {
            "eventId": "11111111-2222-3333-4444-555555555555", "accountId": "123456_SB1", "recordType": kind,
            "recordId": "8812", "externalId": None, "type": "edit", "executionContext": context,
            "occurredAt": "2027-03-04T10:00:00Z", "tranId": "INV1", "lastModifiedDate": "2027-03-04T10:00:00Z",
        }
    ).encode()  # fmt: skip
    stamp = str(int(NOW.timestamp()))
    mark = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"x-tieline-timestamp": stamp, "x-tieline-signature": f"v1={mark}"}
    return Delivery("POST", "https://tieline.example.com/intake/erp-main", headers, body)


def heard(given: Delivery) -> list[str]:
    read = read_doorbell(
        connection=ConnectionId("erp-main"), delivery=given, secrets=(SecretStr(SECRET),), now=NOW
    )
    return [one.event.object_kind for one in read]


@pytest.mark.parametrize("kind", ["invoice", "creditMemo", "customerPayment", "job", "salesOrder"])
def test_what_people_save_in_billing_rings(kind: str) -> None:
    assert heard(delivery(kind)) == ["billing"]


@pytest.mark.parametrize(
    ("kind", "rings"), [("invoice", True), ("customerPayment", True), ("job", False), ("salesOrder", False)]
)
def test_our_own_projects_and_contracts_do_not_ring_but_payments_of_other_programs_do(kind: str, rings: bool) -> None:
    assert bool(heard(delivery(kind, "REST_WEBSERVICES"))) is rings


def test_a_customer_that_people_saved_rings_and_one_that_we_saved_does_not() -> None:
    assert heard(delivery("customer")) == ["customer"]
    assert heard(delivery("customer", "REST_WEBSERVICES")) == []


def test_what_has_nothing_to_do_with_billing_rings_at_nobody() -> None:
    assert heard(delivery("contact")) == []


def test_a_forged_ring_is_refused() -> None:
    with pytest.raises(BadSignature):
        heard(delivery("invoice", secret="another-secret-entirely"))
