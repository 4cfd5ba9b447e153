from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from connector_kit import BadSignature, Delivery
from connectors.salesforce import SalesforceConfig
from connectors.salesforce.outbound import address_key, read_outbound
from models.errors import NeedsRepair
from models.ids import ConnectionId

CRM = ConnectionId("crm-main")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECRETS = (SecretStr("new-secret-0123456789"), SecretStr("old-secret-0123456789"))
CONFIG = SalesforceConfig.model_validate(
    {
        "base_url": "https://acme.my.salesforce.com",
        "organization_id": "00D5g00000AbCdEEAV",
        "login": {"kind": "client-credentials", "consumer_key": "k", "consumer_secret": "s"},
    }
)
DEALS = ("0065g0000000001AAA", "0065g0000000002AAA")


def message(*deals: str, org: str = "00D5g00000AbCdEEAV", kind: str = "Opportunity", head: str = "") -> bytes:
    notes = "".join(
        f'<Notification><Id>04l5g000000000{number}AAA</Id><sObject xsi:type="sf:{kind}" '
        'xmlns:sf="urn:sobject.enterprise.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<sf:Id>{deal}</sf:Id><sf:StageName>Closed Won</sf:StageName></sObject></Notification>"
        for number, deal in enumerate(deals)
    )
    return (
        f'{head}<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
        f'<notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>{org}</OrganizationId>'
        f"<ActionId>04k</ActionId><SessionId>SECRET-SESSION</SessionId>{notes}</notifications>"
        "</soapenv:Body></soapenv:Envelope>"
    ).encode()


def read(body: bytes, *, key: str = "", config: SalesforceConfig = CONFIG) -> Any:
    url = f"https://tieline.example.com/intake/crm-main/outbound/{key or address_key(SECRETS[1], CRM)}"
    delivery = Delivery("POST", url, {}, body)
    return read_outbound(config, connection=CRM, delivery=delivery, secrets=SECRETS, now=NOW)


def test_each_notification_is_one_doorbell_and_its_id_survives_a_retry() -> None:
    first, again = read(message(*DEALS)), read(message(*DEALS))
    assert [one.event.record_id for one in first] == list(DEALS)
    assert [one.event.event_id for one in first] == [one.event.event_id for one in again]
    assert not any(b"SECRET-SESSION" in one.raw for one in first)


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (message(*DEALS), "0" * 40),
        (message(*DEALS), address_key(SecretStr("another-0123456789"), CRM)),
        (message(*DEALS), address_key(SECRETS[0], ConnectionId("crm-other"))),
        (message(*DEALS, org="00D5g00000XXXXXEAV"), ""),
        (message(*DEALS, org=""), ""),
    ],
)
def test_a_message_from_anybody_else_is_forged(body: bytes, key: str) -> None:
    with pytest.raises(BadSignature):
        read(body, key=key)


def test_without_the_orgs_id_none_is_taken() -> None:
    with pytest.raises(BadSignature, match="organization_id"):
        read(message(*DEALS), config=CONFIG.model_copy(update={"organization_id": ""}))


BOMB = '<!DOCTYPE a [<!ENTITY x "y">]>'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"<a/>",
        b"\xff\xfe<",
        message(),
        message(*DEALS * 51),
        message(DEALS[0], kind="Lead"),
        message("0065g0000000001AAB"),
        message(*DEALS, head=BOMB),
        message(*DEALS, head='<?xml version="1.0" encoding="no-such-encoding"?>'),
    ],
    ids=range(10),
)
def test_a_message_that_cannot_be_read_says_what_is_wrong(body: bytes) -> None:
    with pytest.raises(NeedsRepair) as wrong:
        read(body)
    assert (wrong.value.code, wrong.value.record) == ("TL-INT-043", "event")
