import asyncio
from datetime import UTC, datetime

from pydantic import SecretStr

from connectors.salesforce.events import read_event
from models.ids import ConnectionId
from tests.connectors.salesforce.org import links, open_org

SECRET = SecretStr("what-the-org-and-we-both-know-000")


async def test_the_orgs_own_callout_is_read_and_our_own_write_rings_no_bell() -> None:
    heard: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        length = next(int(value) for name, value in headers.items() if name.lower() == "content-length")
        await heard.put((headers, await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    try:
        async with open_org() as org:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/events/crm-main"
            await org.control("subscriptions", url=url, secret=SECRET.get_secret_value())
            await org.crm.ensure_write_back(org.write_back(), links())
            assert (await org.control("subscriptions", "GET"))["deliveries"] == []
            await org.save({"type": "Opportunity", "id": org.deal, "Region__c": "North"})
            headers, body = await asyncio.wait_for(heard.get(), 5)
            stamp = next(value for name, value in headers.items() if name.lower() == "x-tieline-timestamp")
            event = read_event(
                connection=ConnectionId("crm-main"),
                headers=headers,
                body=body,
                secrets=(SECRET,),
                now=datetime.fromtimestamp(int(stamp), UTC),
            )
            assert event.record_id == org.deal
    finally:
        server.close()
        await server.wait_closed()
