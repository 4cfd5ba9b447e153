import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from defusedxml import ElementTree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.kit.server import _QuietServer
from tests.sandbox.salesforce_org import Org, salesforce

OUT = "{http://soap.sforce.com/2005/09/outbound}"
FIELD = "{urn:sobject.enterprise.soap.sforce.com}"
ACK = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
    "</soapenv:Body></soapenv:Envelope>"
)


class Endpoint:
    """Answers with what a test put in line, the last answer again and again."""

    def __init__(self, *answers: Response) -> None:
        self.answers = list(answers)
        self.bodies: asyncio.Queue[bytes] = asyncio.Queue()
        self.url = ""

    async def take(self, request: Request) -> Response:
        await self.bodies.put(await request.body())
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def next(self) -> list[dict[str, str]]:
        root = ElementTree.fromstring(await asyncio.wait_for(self.bodies.get(), 5))
        notes = root.findall(f".//{OUT}Notification")
        return [
            {"id": str(note.findtext(f"{OUT}Id")), "record": str(note.findtext(f"{OUT}sObject/{FIELD}Id")),
             "stage": str(note.findtext(f"{OUT}sObject/{FIELD}StageName"))}
            for note in notes
        ]  # fmt: skip


@asynccontextmanager
async def receiving(org: Org, *answers: Response) -> AsyncIterator[Endpoint]:
    endpoint = Endpoint(*answers)
    app = Starlette(routes=[Route("/out", endpoint.take, methods=["POST"])])
    server = _QuietServer(uvicorn.Config(app, port=0, lifespan="off", ws="none", log_level="critical"))
    task = asyncio.create_task(server.serve())
    await server.listening(task)
    endpoint.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/out"
    await org.control("outbound", url=endpoint.url, fields=["StageName"])
    try:
        yield endpoint
    finally:
        server.should_exit = True
        await task


def acknowledged() -> Response:
    return Response(ACK, media_type="text/xml")


async def test_a_message_is_sent_again_until_its_envelope_acknowledges_it() -> None:
    async with (
        salesforce(settings={"outbound_retry_s": "0.05"}) as org,
        receiving(org, Response(status_code=503), Response("OK"), acknowledged()) as endpoint,
    ):
        deal = await org.deal(await org.create("Account", Name="A"))
        sent = [await endpoint.next() for _ in range(3)]
        assert sent[0] == sent[1] == sent[2]
        assert [(one["record"], one["stage"]) for one in sent[0]] == [(deal, "Negotiation")]
        for _ in range(100):
            [note] = (await org.control("outbound", "GET"))["notifications"]
            if note["state"] == "acknowledged":
                break
            await asyncio.sleep(0.02)
        assert (note["state"], note["attempts"]) == ("acknowledged", 3)


async def test_the_newest_values_are_told_and_other_fields_tell_nothing() -> None:
    async with salesforce() as org, receiving(org, acknowledged()) as endpoint:
        deal = await org.deal(await org.create("Account", Name="A"))
        await endpoint.next()
        await org.control("records", records=[{"type": "Opportunity", "id": deal, "Name": "Another"}])
        await org.control("records", records=[{"type": "Opportunity", "id": deal, "StageName": "Closed Won"}])
        assert [one["stage"] for one in await endpoint.next()] == ["Closed Won"]
        assert len((await org.control("outbound", "GET"))["notifications"]) == 2
