import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import fastavro
import grpc
import grpc.aio
import pytest

from tests.sandbox.salesforce_org import Org, salesforce
from vendor_wire.salesforce_pubsub import pubsub_api_pb2 as wire
from vendor_wire.salesforce_pubsub.pubsub_api_pb2_grpc import PubSubStub

TOPIC = "/data/OpportunityChangeEvent"


class Reader:
    """A subscriber as the vendor's own sample is one: asks for so many, reads, asks again."""

    def __init__(self, org: Org, stub: Any) -> None:
        self.org = org
        self.stub = stub
        self.schemas: dict[str, Any] = {}

    def metadata(self, **changes: str) -> tuple[tuple[str, str], ...]:
        token = self.org.http.headers["Authorization"].removeprefix("Bearer ")
        given = {"accesstoken": token, "instanceurl": "https://acme.my.salesforce.com",
                 "tenantid": self.org.system.org.organization_id, **changes}  # fmt: skip
        return tuple(given.items())

    def subscribe(self, *requests: Any, keep: bool = True, **changes: str) -> Any:
        async def asked() -> AsyncIterator[Any]:
            for request in requests:
                yield request
            if keep:
                await asyncio.Event().wait()

        return self.stub.Subscribe(asked(), metadata=self.metadata(**changes))

    async def events(self, answer: Any) -> list[dict[str, Any]]:
        found = []
        for one in answer.events:
            if one.event.schema_id not in self.schemas:
                info = await self.stub.GetSchema(
                    wire.SchemaRequest(schema_id=one.event.schema_id), metadata=self.metadata()
                )
                self.schemas[one.event.schema_id] = fastavro.parse_schema(json.loads(info.schema_json))
            read: Any = fastavro.schemaless_reader(
                io.BytesIO(one.event.payload), self.schemas[one.event.schema_id], None
            )
            found.append(read)
        return found


@asynccontextmanager
async def reading(**settings: str) -> AsyncIterator[Reader]:
    async with salesforce(settings={"bus_keepalive_s": "0.2", **settings}) as org:
        address = org.system.bus.address.removeprefix("http://")
        async with grpc.aio.insecure_channel(address) as channel:
            yield Reader(org, PubSubStub(channel))


def fetch(count: int = 10, **fields: Any) -> Any:
    return wire.FetchRequest(topic_name=TOPIC, num_requested=count, **fields)


async def answers(call: Any, wanted: int) -> list[Any]:
    found: list[Any] = []
    async with asyncio.timeout(5):
        async for answer in call:
            found.append(answer)
            if sum(len(one.events) for one in found) >= wanted and (wanted or len(found) > 0):
                return found
    return found


async def refusal(call: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await answers(call, 99)
    trailers = dict(caught.value.trailing_metadata() or ())
    assert "rpcId: " in (caught.value.details() or "")
    return caught.value.code(), str(trailers["error-code"])


async def test_a_change_arrives_with_its_header_and_only_what_changed() -> None:
    async with reading() as reader:
        org = reader.org
        call = reader.subscribe(fetch())
        [first] = await answers(call, 0)
        assert (len(first.events), len(first.latest_replay_id)) == (0, 8)
        deal = await org.deal(await org.create("Account", Name="A"))
        await org.control("records", records=[{"type": "Opportunity", "id": deal, "StageName": "Closed Won"}])
        got = [one for answer in await answers(call, 2) for one in await reader.events(answer)]
        made, won = got
        assert (made["ChangeEventHeader"]["changeType"], made["Name"]) == ("CREATE", "Rollout")
        header = won["ChangeEventHeader"]
        assert (header["entityName"], header["recordIds"], header["changeType"]) == ("Opportunity", [deal], "UPDATE")
        assert (won["StageName"], won["IsWon"], won["Name"]) == ("Closed Won", True, None)
        schema = next(iter(reader.schemas.values()))
        places = {field["name"]: place for place, field in enumerate(schema["fields"])}
        bits = int(header["changedFields"][0], 16)
        assert bits >> places["StageName"] & 1
        assert not bits >> places["Name"] & 1


async def test_a_subscriber_gets_no_more_than_it_asked_for() -> None:
    async with reading() as reader:
        account = await reader.org.create("Account", Name="A")
        for _ in range(3):
            await reader.org.deal(account)
        got = await answers(reader.subscribe(fetch(2, replay_preset=wire.EARLIEST), keep=False), 99)
        assert [len(one.events) for one in got if one.events] == [2]
        assert got[-1].pending_num_requested == 0


async def test_reading_goes_on_after_a_replay_id() -> None:
    async with reading() as reader:
        account = await reader.org.create("Account", Name="A")
        deals = [await reader.org.deal(account) for _ in range(3)]
        got = await answers(reader.subscribe(fetch(1, replay_preset=wire.EARLIEST)), 1)
        later = await answers(
            reader.subscribe(fetch(replay_preset=wire.CUSTOM, replay_id=got[-1].events[0].replay_id)), 2
        )
        rest = [one["ChangeEventHeader"]["recordIds"][0] for item in later for one in await reader.events(item)]
        assert rest == deals[1:]


async def test_who_is_refused_reads_why_in_the_trailer() -> None:
    prefix = "sfdc.platform.eventbus.grpc."
    async with reading() as reader:
        org = reader.org
        await org.deal(await org.create("Account", Name="A"))
        [first] = await answers(reader.subscribe(fetch(1, replay_preset=wire.EARLIEST)), 1)
        old = first.events[0].replay_id
        code = grpc.StatusCode
        cases = [
            (reader.subscribe(fetch(), accesstoken="no"), code.UNAUTHENTICATED, "service.auth.error"),
            (reader.subscribe(fetch(), tenantid="00D000000000000"), code.UNAUTHENTICATED, "service.auth.error"),
            (reader.subscribe(fetch(), instanceurl="acme"), code.INVALID_ARGUMENT, "service.auth.headers.invalid"),
            (reader.subscribe(wire.FetchRequest(topic_name="/data/No", num_requested=1)), code.NOT_FOUND,
             "topic.not.found"),
            (reader.subscribe(fetch(replay_preset=wire.CUSTOM)), code.INVALID_ARGUMENT,
             "subscription.fetch.replayid.validation.failed"),
            (reader.subscribe(fetch(0)), code.INVALID_ARGUMENT, "subscription.fetch.requested.events.invalid"),
            (reader.subscribe(fetch(), wire.FetchRequest(topic_name="/data/Other", num_requested=1)),
             code.INVALID_ARGUMENT, "subscription.fetch.topic.mismatch"),
        ]  # fmt: skip
        for call, status, word in cases:
            assert await refusal(call) == (status, prefix + word)
        await org.control("bus", reset=True)
        gone = reader.subscribe(fetch(replay_preset=wire.CUSTOM, replay_id=old))
        assert await refusal(gone) == (code.INVALID_ARGUMENT, prefix + "subscription.fetch.replayid.corrupted")


async def test_after_three_days_a_replay_id_is_too_old() -> None:
    async with reading() as reader:
        org = reader.org
        account = await org.create("Account", Name="A")
        await org.deal(account)
        [first] = await answers(reader.subscribe(fetch(1, replay_preset=wire.EARLIEST)), 1)
        await org.control("clock", advance_s=74 * 3600)
        await org.sign_in()
        await org.deal(account)
        gone = reader.subscribe(fetch(replay_preset=wire.CUSTOM, replay_id=first.events[0].replay_id))
        assert (await refusal(gone))[1].endswith("replayid.corrupted")


async def test_the_bus_can_be_deaf_repeat_itself_and_tell_of_gaps() -> None:
    async with reading() as reader:
        org = reader.org
        account = await org.create("Account", Name="A")
        await org.control("bus", deaf=True)
        missed = await org.deal(account)
        await org.control("bus", deaf=False, gap={"object": "Opportunity", "ids": [missed]})
        told = await org.deal(account)
        await org.control("bus", repeat=1)
        got = await answers(reader.subscribe(fetch(replay_preset=wire.EARLIEST)), 3)
        events = [one for answer in got for one in await reader.events(answer)]
        heads = [(one["ChangeEventHeader"]["changeType"], one["ChangeEventHeader"]["recordIds"]) for one in events]
        assert heads == [("GAP_UPDATE", [missed]), ("CREATE", [told]), ("CREATE", [told])]
        keys = {one["ChangeEventHeader"]["transactionKey"] for one in events[1:]}
        assert len(keys) == 1
