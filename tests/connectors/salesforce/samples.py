"""Answers with the vendor's shapes: a whole deal as one query gives it, and an adapter over a scripted transport."""

import copy
import json
from collections.abc import Callable
from typing import Any

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.salesforce import SalesforceConfig, SalesforceDeals, build
from models.ids import ConnectionId

URL = "https://acme.my.salesforce.com"
DEAL, LINE = "0065g0000000001AAA", "00k5g0000000001AAA"
Answering = Callable[[httpx.Request], httpx.Response]

TERMS: dict[str, Any] = {
    "attributes": {"type": "Opportunity", "url": f"/services/data/v67.0/sobjects/Opportunity/{DEAL}"},
    "Id": DEAL,
    "Name": "Acme ERP rollout",
    "IsWon": True,
    "IsClosed": True,
    "OwnerId": "0055g0000000002AAA",
    "Owner": {"attributes": {"type": "User"}, "Name": "Dana Okafor", "Email": "dana@example.com"},
    "SystemModstamp": "2026-11-20T14:03:11.000+0000",
    "CurrencyIsoCode": "EUR",
    "Contract_Number__c": " C-100 ",
    "Amendment_Number__c": None,
    "Contract_Status__c": "In Approval",
    "Signed_Total__c": 128250.10,
    "Value_Exercised__c": 128250,
    "Value_Funded__c": None,
    "Header_Discount_Percent__c": 12.5,
    "Start_On__c": "2026-12-01",
    "PO_Required__c": True,
    "Bill_To_Country__c": "Germany",
    "Account": {
        "Id": "0015g0000000001AAA",
        "Name": "Orme",
        "Website": "https://www.Orme.example/de",
        "BillingCountry": "DE",
        "Also_Known_As__c": "Orme AG; Orme Consulting\nORME",
        "Is_Government__c": False,
    },
    "OpportunityLineItems": {
        "totalSize": 1,
        "done": True,
        "records": [
            {
                "Id": LINE,
                "Quantity": 2.5,
                "TotalPrice": 99.99000000000001,
                "Billing_Type__c": "Retainer",
                "Bill_In__c": "Arrears",
                "Period_Anchor__c": "Calendar",
                "Periods__c": 12.0,
                "Product2": {"Name": "Run", "Family": "Operations"},
                "Description": None,
            }
        ],
    },
    "Tieline_Milestones__r": {
        "totalSize": 1,
        "done": True,
        "records": [
            {
                "Name": "Design",
                "Code__c": "D",
                "Amount__c": 8333.33,
                "Due_On__c": "2027-01-31",
                "Trigger__c": "Acceptance",
                "Line_Codes__c": "L1, L2,",
            }
        ],
    },
    "Tieline_Rates__r": {
        "totalSize": 1,
        "done": True,
        "records": [{"Role__c": "Partner", "Rate_Per_Hour__c": 312.125, "Currency__c": "EUR"}],
    },
    "OpportunityContactRoles": {
        "totalSize": 2,
        "done": True,
        "records": [
            {"ContactId": "0035g0000000001AAA", "Role": "Other", "Contact": {"LastName": "Berg"}},
            {"ContactId": "0035g0000000001AAA", "Role": "Billing", "Contact": {"LastName": "Berg"}},
        ],
    },
}


def terms(**changes: Any) -> dict[str, Any]:
    """The sample with some fields of the deal changed; a value under `a.b` changes a field of a parent record."""
    document = copy.deepcopy(TERMS)
    for name, value in changes.items():
        *parents, last = name.split("__DOT__")
        target = document
        for parent in parents:
            target = target[parent]
        target[last] = value
    return document


def child(relationship: str, **changes: Any) -> dict[str, Any]:
    """The sample with some fields of its first child record changed."""
    document = copy.deepcopy(TERMS)
    document[relationship]["records"][0].update(changes)
    return document


def page(*records: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"totalSize": len(records), "done": True, "records": list(records), **more}


def answer(document: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=json.dumps(document), headers={"Content-Type": "application/json"})


def complaint(code: str, status: int, message: str = "no") -> httpx.Response:
    return answer([{"message": message, "errorCode": code}], status)


class Scripted:
    """An org that answers what a test tells it to; tokens are T1, T2, ..."""

    def __init__(self, answering: Answering, *, token: Answering | None = None, **settings: Any) -> None:
        self.requests: list[httpx.Request] = []
        self.tokens = 0
        self._answering = answering
        self._token = token
        login = {"kind": "client-credentials", "consumer_key": "key", "consumer_secret": "not-shown"}
        self.config = SalesforceConfig.model_validate({"base_url": URL, "login": login, **settings})
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._handle))
        self.crm: SalesforceDeals = build(ConnectionId("crm-main"), self.config, self.http)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/services/oauth2/token":
            self.tokens += 1
            return self._token(request) if self._token else answer({"access_token": f"T{self.tokens}"})
        self.requests.append(request)
        return self._answering(request)


def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()
