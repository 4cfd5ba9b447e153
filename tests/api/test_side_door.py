from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest_asyncio
from pydantic import SecretStr

from api import EventSender, build_app
from api.intake import EntryDoor, Intake
from connectors.salesforce import CONNECTOR, SalesforceConfig
from connectors.salesforce.outbound import ACKNOWLEDGED, address_key
from runtime.settings import Limits
from store import Store, open_store
from tests.api.edge import CRM, SECRET
from tests.connectors.salesforce.test_outbound import CONFIG, DEALS, message

KEY = address_key(SecretStr(SECRET), CRM)


class Door:
    def __init__(self, http: httpx.AsyncClient, store: Store) -> None:
        self.http = http
        self.store = store
        self.woken: list[datetime] = []

    async def post(self, body: bytes, *, key: str = KEY, door: str = "outbound") -> httpx.Response:
        return await self.http.post(f"/intake/{CRM}/{door}/{key}", content=body, headers={"Content-Type": "text/xml"})


@pytest_asyncio.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    config: SalesforceConfig = CONFIG
    async with open_store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        doors = {
            word: EntryDoor(one.reader(config), one.thanks, one.media_type)
            for word, one in CONNECTOR.side_doors.items()
        }
        sender = EventSender(CONNECTOR.events, (SecretStr(SECRET),), side_doors=doors)
        woken: list[datetime] = []
        intake = Intake(
            {CRM: sender},
            store.inbox,
            store.audit,
            limits=Limits(),
            on_accepted=lambda: woken.append(datetime.now(UTC)),
        )
        transport = httpx.ASGITransport(build_app(intake=intake, checks={}))
        async with httpx.AsyncClient(transport=transport, base_url="http://tieline") as http:
            made = Door(http, store)
            made.woken = woken
            yield made


async def test_messages_are_thanked_for_in_the_vendors_words_once_they_are_stored(door: Door) -> None:
    for _ in range(2):
        answer = await door.post(message(*DEALS))
        assert (answer.status_code, answer.content) == (200, ACKNOWLEDGED)
        assert answer.headers["content-type"].startswith("text/xml")
    rows = await door.store.inbox.list_waiting(10)
    assert [row.event.record_id for row in rows] == list(DEALS)
    assert len(door.woken) == 2


async def test_a_forged_or_misdirected_message_is_written_down_and_not_thanked(door: Door) -> None:
    cases = [
        (await door.post(message(*DEALS), key="f" * 40), 401),
        (await door.post(message(*DEALS, org="00D5g00000XXXXXEAV")), 401),
        (await door.post(b"<a/>"), 400),
        (await door.post(message(*DEALS), door="no-such-door"), 404),
        (await door.post(b"x" * 2_000_000), 413),
    ]
    assert [answer.status_code for answer, _ in cases] == [status for _, status in cases]
    assert all(answer.content != ACKNOWLEDGED for answer, _ in cases)
    kinds = [entry.kind for entry in await door.store.audit.list_entries()]
    assert kinds == ["event.refused"] * len(cases)
    assert await door.store.inbox.list_waiting(1) == ()
