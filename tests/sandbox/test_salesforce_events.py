import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.sandbox.salesforce_org import B, Org, salesforce

SECRET = "s3cret"


class Receiver:
    """Collects the hints a subscriber gets."""

    def __init__(self) -> None:
        self.hints: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()
        self.url = ""

    async def next(self) -> dict[str, Any]:
        headers, raw = await asyncio.wait_for(self.hints.get(), 5)
        stamp = headers["x-tieline-timestamp"]
        signature = hmac.new(SECRET.encode(), stamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
        assert headers["x-tieline-signature"] == f"sha256={signature}"
        body: dict[str, Any] = json.loads(raw)
        return body


@asynccontextmanager
async def receiving(org: Org) -> AsyncIterator[Receiver]:
    receiver = Receiver()

    async def hint(request: Request) -> Response:
        await receiver.hints.put((dict(request.headers), await request.body()))
        return Response(status_code=500)

    app = Starlette(routes=[Route("/hint", hint, methods=["POST"])])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport) as client:
        org.system.events._client = client
        receiver.url = "http://receiver.example.com/hint"
        await org.control("subscriptions", url=receiver.url, secret=SECRET)
        yield receiver


async def test_a_won_deal_sends_one_signed_hint_without_a_retry() -> None:
    async with salesforce() as org, receiving(org) as receiver:
        deal = await org.deal(await org.create("Account", Name="A"))
        assert (await receiver.next())["event"] == "changed"
        await org.control("records", records=[{"type": "Opportunity", "id": deal, "StageName": "Closed Won"}])
        body = await receiver.next()
        assert set(body) == {"orgId", "object", "recordId", "event", "occurredAt", "eventId"}
        assert (body["object"], body["recordId"], body["event"]) == ("Opportunity", deal, "closed_won")
        assert body["orgId"] == org.system.client_facts()["org_id"]
        assert body["occurredAt"].endswith("Z")
        shown = await org.control("subscriptions", method="GET")
        assert [one["status"] for one in shown["deliveries"]] == [500, 500]
        assert receiver.hints.empty()
        assert SECRET not in json.dumps(shown)


async def test_only_sold_terms_and_only_other_peoples_changes_are_news() -> None:
    async with salesforce() as org, receiving(org) as receiver:
        deal = await org.deal(await org.create("Account", Name="A"))
        await receiver.next()
        url = f"{B}/sobjects/Opportunity/{deal}"
        own = {"Sforce-Call-Options": "client=Tieline"}
        assert (await org.http.patch(url, json={"PO_Number__c": "1"}, headers=own)).status_code == 204
        await org.http.patch(url, json={"NextStep": "call"})
        await org.http.patch(url, json={"ERP_Sync_Status__c": "Active"})
        await org.http.patch(url, json={"PO_Number__c": "1"})
        await org.http.patch(url, json={"PO_Number__c": "2"})
        await receiver.next()
        assert receiver.hints.empty()
        assert await org.control("emit", ids=[deal]) == {"sent": 1}
        assert (await receiver.next())["recordId"] == deal
        journal = (await org.control("journal", method="GET"))["entries"]
        assert [entry["client"] for entry in journal if entry["changed"] == ["PO_Number__c"]] == ["Tieline", "rest"]


async def test_a_rolled_back_change_is_no_news_and_a_dead_receiver_is_noted() -> None:
    async with salesforce() as org:
        deal = await org.deal(await org.create("Account", Name="A"))
        await org.control("subscriptions", url="http://127.0.0.1:9/hint", secret=SECRET)
        parts = [
            {
                "method": "PATCH",
                "url": f"{B}/sobjects/Opportunity/{deal}",
                "referenceId": "a",
                "body": {"StageName": "Closed Won"},
            },
            {"method": "POST", "url": f"{B}/sobjects/Account", "referenceId": "b", "body": {}},
        ]
        await org.http.post(f"{B}/composite", json={"allOrNone": True, "compositeRequest": parts})
        assert (await org.control("subscriptions", method="GET"))["deliveries"] == []
        await org.control("emit", ids=[deal])
        await asyncio.gather(*org.system.events._sending)
        shown = await org.control("subscriptions", method="GET")
        assert "ConnectError" in shown["deliveries"][0]["error"]
