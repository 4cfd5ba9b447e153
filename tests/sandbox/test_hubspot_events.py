"""Webhooks and the pull journal: batches, signatures, attempts, echoes and what is kept."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.hubspot.signatures import signature_v1, signature_v2, signature_v3, signed_uri
from tests.sandbox.hubspot_account import OBJECTS, Portal, hubspot

SECRET = "s3cret"
URL = "http://receiver.example.com/hook?firm=acme"


class Receiver:
    """Collects deliveries and answers each with the next status it was given, then with 200."""

    def __init__(self) -> None:
        self.deliveries: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()
        self.statuses: list[int] = []
        self.headers: dict[str, str] = {}
        self.raw = b""
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def next(self) -> list[dict[str, Any]]:
        self.headers, self.raw = await asyncio.wait_for(self.deliveries.get(), 5)
        stamp = self.headers["x-hubspot-request-timestamp"]
        assert self.headers["x-hubspot-signature-v3"] == signature_v3(SECRET, "POST", URL, self.raw, stamp)
        events: list[dict[str, Any]] = json.loads(self.raw)
        return events

    async def hook(self, request: Request) -> Response:
        await self.deliveries.put((dict(request.headers), await request.body()))
        await self.may_answer.wait()
        return Response(status_code=self.statuses.pop(0) if self.statuses else 200)


@asynccontextmanager
async def receiving(portal: Portal, **subscription: Any) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = Starlette(routes=[Route("/hook", receiver.hook, methods=["POST"])])
    sender = portal.system.webhooks
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as client:
        own, sender._client = sender._client, client
        await portal.control("subscriptions", url=URL, secret=SECRET, **subscription)
        try:
            yield receiver
        finally:
            sender.targets.clear()
            sender._client = own


def test_signatures_match_the_vendors_published_examples() -> None:
    body = (
        b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,'
        b'"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM",'
        b'"changeFlag":"NEW","appId":54321}]'
    )
    secret = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
    assert signature_v1(secret, body) == "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"
    address = "https://www.example.com/webhook_uri"
    assert (
        signature_v2(secret, "GET", address, b"") == "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"
    )
    assert signed_uri("https://a/b%3Ac?d=%2f%20") == "https://a/b:c?d=/%20"


async def open_deal(portal: Portal) -> str:
    deal = {"type": "deals", "dealname": "D", "pipeline": "75104382", "dealstage": "148213303"}
    return str((await portal.control("records", records=[deal]))["ids"][0])


async def test_a_won_deal_comes_as_a_signed_list_of_events() -> None:
    async with hubspot() as portal, receiving(portal) as receiver:
        deal = await open_deal(portal)
        kinds = [(one["subscriptionType"], one.get("propertyName")) for one in await receiver.next()]
        assert kinds == [("deal.creation", None), ("deal.propertyChange", "dealstage")]
        await portal.control("records", records=[{"type": "deals", "id": deal, "dealstage": "148213305"}])
        (event,) = await receiver.next()
        assert receiver.headers["x-hubspot-signature-version"] == "v1"
        assert receiver.headers["x-hubspot-signature"] == hashlib.sha256(SECRET.encode() + receiver.raw).hexdigest()
        assert (event["objectId"], event["propertyValue"], event["attemptNumber"]) == (int(deal), "148213305", 0)
        assert (event["portalId"], event["changeSource"]) == (48211903, "CRM_UI")
        assert {"eventId", "subscriptionId", "appId", "occurredAt", "sourceId"} <= event.keys()
        await portal.control("settings", webhook_signature="v2")
        assert (await portal.control("emit", ids=[deal]))["sent"] == 1
        await receiver.next()
        assert receiver.headers["x-hubspot-signature"] == signature_v2(SECRET, "POST", URL, receiver.raw)


async def test_our_own_writes_come_back_with_our_number() -> None:
    async with hubspot() as portal, receiving(portal) as receiver:
        await portal.create("deals", dealname="D")
        event = (await receiver.next())[0]
        assert (event["subscriptionType"], event["changeFlag"]) == ("deal.creation", "NEW")
        assert (event["changeSource"], event["sourceId"]) == ("INTEGRATION", "3310001")


async def test_many_events_come_in_batches_of_at_most_a_hundred() -> None:
    wanted = [{"eventType": "company.creation"}]
    async with hubspot() as portal, receiving(portal, subscriptions=wanted) as receiver:
        rows = [{"type": "companies", "name": str(number)} for number in range(130)]
        made = (await portal.control("records", records=rows))["ids"]
        batches = [await receiver.next(), await receiver.next()]
        assert sorted(len(one) for one in batches) == [30, 100]
        assert {str(event["objectId"]) for batch in batches for event in batch} == set(made)


async def test_no_more_deliveries_run_at_once_than_the_app_allows() -> None:
    wanted = [{"eventType": "company.creation"}]
    async with hubspot() as portal, receiving(portal, subscriptions=wanted, maxConcurrentRequests=1) as receiver:
        receiver.may_answer.clear()
        await portal.control("records", records=[{"type": "companies", "name": str(one)} for one in range(130)])
        assert len(await receiver.next()) == 100
        (target,) = portal.system.webhooks.targets.values()
        assert (target.running, receiver.deliveries.empty()) == (1, True)
        receiver.may_answer.set()
        assert len(await receiver.next()) == 30


async def test_a_refused_delivery_is_tried_again_and_counts_its_attempts() -> None:
    async with hubspot(webhook_first_retry_s=60) as portal, receiving(portal) as receiver:
        receiver.statuses = [500, 404]
        await portal.create("deals", dealname="D")
        first = await receiver.next()
        await portal.control("clock", advance_s=80)
        second = await receiver.next()
        await portal.control("clock", advance_s=160)
        third = await receiver.next()
        assert [one[0]["attemptNumber"] for one in (first, second, third)] == [0, 1, 2]
        assert first[0]["eventId"] == third[0]["eventId"]


async def lost(portal: Portal) -> list[dict[str, Any]]:
    while True:
        sent = (await portal.http.get("/_sandbox/deliveries")).json()["deliveries"]
        if any("lost" in one for one in sent):
            return list(sent)
        await asyncio.sleep(0.01)


async def test_an_event_is_lost_after_a_day_and_at_once_where_4xx_is_final() -> None:
    async with hubspot() as portal, receiving(portal) as receiver:
        receiver.statuses = [503, 503]
        await portal.create("deals", dealname="D")
        await receiver.next()
        await portal.control("clock", advance_s=90_000)
        await receiver.next()
        assert len(await asyncio.wait_for(lost(portal), 5)) == 2
    async with hubspot(webhook_retries_4xx=False) as portal, receiving(portal) as receiver:
        receiver.statuses = [401]
        await portal.create("deals", dealname="D")
        await receiver.next()
        assert [one["status"] for one in await asyncio.wait_for(lost(portal), 5)] == [401]


async def test_duplicates_and_disorder_can_be_switched_on() -> None:
    async with hubspot(webhook_duplicates=True, webhook_shuffle=True) as portal, receiving(portal) as receiver:
        rows = [{"type": "deals", "dealname": str(number)} for number in range(20)]
        await portal.control("records", records=rows)
        events = await receiver.next()
        ids = [one["eventId"] for one in events]
        assert len(ids) == 40
        assert len(set(ids)) == 20
        assert ids != sorted(ids)


async def test_links_merges_archives_and_restores_are_events_too() -> None:
    wanted = [{"eventType": f"company.{what}"} for what in ("associationChange", "merge", "deletion", "restore")]
    custom = [{"eventType": "object.creation", "objectTypeId": "2-1099"}]
    async with hubspot() as portal:
        project = portal.system.account.catalog.type_of("tieline_project")
        custom[0]["objectTypeId"] = project.type_id
        async with receiving(portal, subscriptions=[*wanted, *custom]) as receiver:
            first, second = [await portal.create("companies", name=name) for name in ("A", "B")]
            deal = await portal.create("deals", dealname="D")
            await portal.call("PUT", f"{OBJECTS}/deals/{deal}/associations/default/companies/{second}")
            (event,) = await receiver.next()
            assert (event["fromObjectId"], event["toObjectId"]) == (int(second), int(deal))
            assert (event["associationRemoved"], event["associationType"]) == (False, "COMPANY_TO_DEAL_UNLABELED")
            merged = (await portal.control("merge", type="companies", primary=first, other=second))["id"]
            events = {one["subscriptionType"]: one for one in await receiver.next()}
            merge = events["company.merge"]
            assert (merge["newObjectId"], merge["mergedObjectIds"]) == (int(merged), [int(first), int(second)])
            assert merge["primaryObjectId"] == int(first)
            await portal.control("archive", type="companies", ids=[merged])
            assert "company.deletion" in {one["subscriptionType"] for one in await receiver.next()}
            await portal.control("restore", type="companies", ids=[merged])
            assert [one["subscriptionType"] for one in await receiver.next()] == ["company.restore"]
            await portal.create("tieline_project", key="k1")
            assert [one["objectTypeId"] for one in await receiver.next()] == [project.type_id]


async def test_an_older_app_sets_its_webhooks_by_interface() -> None:
    async with hubspot() as portal:
        app = portal.system.client_facts()["app_id"]
        for base in (f"/webhooks/v3/{app}", f"/webhooks/2026-03/{app}", f"/app-webhooks/2026-09/{app}"):
            await portal.call("GET", f"{base}/settings", status=404)
            settings = {"targetUrl": "http://127.0.0.1:9/", "throttling": {"maxConcurrentRequests": 4}}
            assert (await portal.call("PUT", f"{base}/settings", settings))["throttling"]["maxConcurrentRequests"] == 4
            new = {"eventType": "deal.propertyChange", "propertyName": "dealstage", "active": True}
            made = await portal.call("POST", f"{base}/subscriptions", new, 201)
            await portal.call("POST", f"{base}/subscriptions", {"eventType": "deal.propertyChange"}, 400)
            changed = await portal.call("PATCH", f"{base}/subscriptions/{made['id']}", {"active": False})
            assert changed["active"] is False
            await portal.call("DELETE", f"{base}/settings", status=204)


async def journal_token(portal: Portal) -> dict[str, str]:
    facts = portal.system.client_facts()
    form = {
        "grant_type": "client_credentials",
        "client_id": facts["client_id"],
        "client_secret": facts["client_secret"],
    }
    answer = await portal.http.post("/oauth/2026-03/token", data=form)
    return {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}


async def test_the_journal_is_read_by_offset_and_kept_for_three_days() -> None:
    async with hubspot() as portal:
        base = "/webhooks-journal/journal/2026-03"
        assert (await portal.http.get(f"{base}/earliest")).status_code == 403
        headers = await journal_token(portal)
        assert (await portal.http.get(f"{base}/earliest", headers=headers)).status_code == 204
        wanted = {"subscriptionType": "OBJECT", "objectTypeId": "0-3", "actions": ["CREATE", "UPDATE"],
                  "properties": ["dealstage"]}  # fmt: skip
        made = await portal.http.post("/webhooks-journal/subscriptions/2026-03", json=wanted, headers=headers)
        assert made.status_code == 201
        deal = await open_deal(portal)
        change = {"type": "deals", "id": deal, "dealstage": "148213305", "region": "US"}
        await portal.control("records", records=[change])
        first = (await portal.http.get(f"{base}/earliest", headers=headers)).json()
        assert {"url", "expiresAt", "currentOffset"} == first.keys()
        created = (await portal.http.get(first["url"], headers={"Authorization": ""})).json()["journalEvents"]
        assert [(one["action"], one["objectId"]) for one in created] == [("CREATE", int(deal))]
        path = f"{base}/offset/{first['currentOffset']}/next"
        second = (await portal.http.get(path, headers=headers)).json()
        (update,) = (await portal.http.get(second["url"])).json()["journalEvents"]
        assert (update["action"], update["propertyChanges"]) == ("UPDATE", {"dealstage": "148213305"})
        last = f"{base}/offset/{second['currentOffset']}/next"
        assert (await portal.http.get(last, headers=headers)).status_code == 204
        both = (await portal.http.get(f"{base}/batch/earliest/10", headers=headers)).json()
        assert len(both["results"]) == 2
        await portal.control("clock", advance_s=3 * 86_400 + 1)
        assert (await portal.http.get(first["url"])).status_code == 403
        headers = await journal_token(portal)
        assert (await portal.http.get(path, headers=headers)).status_code == 404
