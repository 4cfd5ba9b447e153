"""The unmodified simple-salesforce 1.12.10 drives the simulated org."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
)

from tests.sandbox.salesforce_org import Org, salesforce


class ToSandbox(HTTPAdapter):
    """Sends every https call to the simulator, whatever host it was for."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        asked = urlsplit(request.url or "")
        request.url = asked._replace(scheme=self._target.scheme, netloc=self._target.netloc).geturl()
        return super().send(request, *args, **kwargs)


def session_to(org: Org) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", ToSandbox(org.url))
    return session


def by_secret(org: Org, session: requests.Session) -> Any:
    facts = org.system.client_facts()
    return Salesforce(
        consumer_key=facts["consumer_key"],
        consumer_secret=facts["consumer_secret"],
        domain="acme.my",
        session=session,
        version="67.0",
    )


def by_key(org: Org, session: requests.Session) -> Any:
    facts = org.system.client_facts()
    return Salesforce(
        username=facts["username"],
        consumer_key=facts["consumer_key"],
        privatekey=Path(facts["private_key_file"]).read_text(),
        instance_url="acme.my",
        domain="login",
        session=session,
        version="67.0",
    )


def drive(org: Org) -> dict[str, Any]:
    with session_to(org) as session:
        client = by_secret(org, session)
        made = client.Account.create({"Name": "Acme"})
        client.Account.update(made["id"], {"Phone": "1"})
        statuses = [client.Tieline_Project__c.upsert("Key__c/ns:1", {"Name": "P"}) for _ in range(2)]
        found = client.query("SELECT Id, Name, Phone FROM Account")
        error = ""
        try:
            client.Account.create({})
        except SalesforceMalformedRequest as refused:
            content: Any = refused.content
            error = content[0]["errorCode"]
        return {
            "made": made, "statuses": statuses, "found": found, "error": error,
            "by_key": by_key(org, session).Account.get_by_custom_id("ERP_Customer_Id__c", "C-1")["Name"],
            "all": list(client.query_all_iter("SELECT Id FROM Contact")),
            "fields": [one["name"] for one in client.Account.describe()["fields"]],
            "limits": client.limits()["DailyApiRequests"]["Max"], "usage": client.api_usage["api-usage"].total,
            "deleted": client.Account.delete(made["id"]),
        }  # fmt: skip


async def test_a_public_client_signs_in_and_works() -> None:
    async with salesforce(settings={"max_page_rows": "2"}) as org:
        await org.create("Account", Name="Known", ERP_Customer_Id__c="C-1")
        for number in range(5):
            await org.create("Contact", LastName=f"N{number}")
        seen = await asyncio.to_thread(drive, org)
        assert seen["made"]["success"]
        assert seen["statuses"] == [201, 200]
        assert [row["Phone"] for row in seen["found"]["records"]] == [None, "1"]
        assert seen["error"] == "REQUIRED_FIELD_MISSING"
        assert seen["by_key"] == "Known"
        assert len(seen["all"]) == 5
        assert "ERP_Customer_Id__c" in seen["fields"]
        assert (seen["limits"], seen["usage"], seen["deleted"]) == (100_000, 100_000, 204)


def wrong_secret(org: Org) -> str:
    facts = org.system.client_facts()
    with session_to(org) as session, pytest.raises(SalesforceAuthenticationFailed) as refused:
        Salesforce(consumer_key=facts["consumer_key"], consumer_secret="no", domain="acme.my", session=session)
    return str(refused.value)


def twice(org: Org) -> None:
    with session_to(org) as session, pytest.raises(SalesforceMoreThanOneRecord):
        by_secret(org, session).Account.upsert("ERP_Customer_Id__c/C-1", {"Name": "X"})


async def test_a_public_client_understands_the_refusals() -> None:
    async with salesforce(settings={"not_unique_fields": "Account.ERP_Customer_Id__c"}) as org:
        assert "invalid client credentials" in await asyncio.to_thread(wrong_secret, org)
        for name in ("A", "B"):
            await org.create("Account", Name=name, ERP_Customer_Id__c="C-1")
        await asyncio.to_thread(twice, org)
