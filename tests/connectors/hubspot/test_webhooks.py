import asyncio
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from connector_kit import Delivery
from connectors.hubspot.events import read_events
from models.ids import ConnectionId
from tests.connectors.hubspot.account import WON, open_account, sold
from tests.connectors.hubspot.samples import links

SECRET = SecretStr("what-the-app-and-we-both-know-000")


async def heard_by(heard: "asyncio.Queue[Delivery]") -> set[str]:
    """Deals that the next delivery with a bell in it rings for."""
    while True:
        delivery = await asyncio.wait_for(heard.get(), 5)
        found = read_events(
            connection=ConnectionId("crm-main"), delivery=delivery, secrets=(SECRET,), now=datetime.now(UTC)
        )
        if found:
            return {one.event.record_id for one in found}


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_the_accounts_own_deliveries_are_read_and_our_own_writes_ring_no_bell(version: str) -> None:
    heard: asyncio.Queue[Delivery] = asyncio.Queue()
    url = ""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        length = next(int(value) for name, value in headers.items() if name.lower() == "content-length")
        await heard.put(Delivery("POST", url, headers, await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    try:
        async with open_account(webhook_signature=version) as account:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/intake/crm-main?a=b%2Fc"
            (other,) = await account.save(sold(account.owner, account.company, contract_number="C-200"))
            await account.control("subscriptions", url=url, secret=SECRET.get_secret_value())
            await account.crm.ensure_write_back(account.write_back(), links())
            await account.save({"type": "deals", "id": other, "dealstage": "148213301"})
            assert await heard_by(heard) == {other}
            ids = await account.save(
                *(sold(account.owner, account.company, contract_number=f"C-{number}", name_in_file=f"d{number}",
                       dealstage=WON) for number in range(30))
            )  # fmt: skip
            rung: set[str] = set()
            while rung < set(ids):
                rung |= await heard_by(heard)
            assert rung == set(ids)
    finally:
        server.close()
        await server.wait_closed()
