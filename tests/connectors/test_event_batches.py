import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from api import EventSender, build_app
from api.intake import Intake
from connector_kit import BadSignature, Delivery, ReadEvent
from models.events import ContractOfDeal, CrmEvent
from models.ids import ConnectionId, ContractNumber, DealId
from runtime.deal_lookup import look_up
from runtime.settings import Limits
from store import open_store

CRM = ConnectionId("crm-main")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
seen: list[Delivery] = []


def read_batch(
    *, connection: ConnectionId, delivery: Delivery, secrets: tuple[SecretStr, ...], now: datetime
) -> tuple[ReadEvent, ...]:
    seen.append(delivery)
    if delivery.headers.get("x-word") != secrets[0].get_secret_value():
        raise BadSignature("The word is wrong.")
    return tuple(
        ReadEvent(
            CrmEvent(connection=connection, event_id=item, object_kind="deal", record_id=item, occurred_at=now),
            item.encode(),
        )
        for item in json.loads(delivery.body)
    )


class Refusing:
    """An inbox whose disk is full after the first event."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.asked = 0

    async def accept(self, event: CrmEvent, raw: bytes, *, traceparent: str | None = None) -> bool:
        self.asked += 1
        if self.asked == 2:
            raise OSError("disk full")
        return bool(await self.inner.accept(event, raw, traceparent=traceparent))


async def post(
    folder: Path, *bodies: Sequence[str], refusing: bool = False, word: str = "word"
) -> list[httpx.Response]:
    seen.clear()
    async with open_store(f"sqlite:///{folder / 'store.db'}") as store:
        inbox: Any = Refusing(store.inbox) if refusing else store.inbox
        intake = Intake(
            {CRM: EventSender(read=None, read_batch=read_batch, secrets=(SecretStr("word"),))},
            inbox,
            store.audit,
            limits=Limits(),
            on_accepted=lambda: None,
            public_url="https://tieline.example.com/crm/",
        )
        app = build_app(intake=intake, checks={})
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://inside:8080") as http:
            answers = [
                await http.post("/intake/crm-main?a=b%3Dc", json=list(body), headers={"x-word": word})
                for body in bodies
            ]
        waiting = await store.inbox.list_waiting(10)
        answers[-1].extensions["waiting"] = [row.event.event_id for row in waiting]
        return answers


async def test_one_request_brings_several_events_and_each_has_a_row_of_its_own(tmp_path: Path) -> None:
    first, again, more, none = await post(tmp_path, ["1", "2"], ["1", "2"], ["2", "3"], [])
    assert [answer.status_code for answer in (first, again, more, none)] == [202, 200, 202, 200]
    assert [answer.json() for answer in (first, again, more, none)] == [
        {"events": 2, "new": 2}, {"events": 2, "new": 0}, {"events": 2, "new": 1}, {"events": 0, "new": 0},
    ]  # fmt: skip
    assert none.extensions["waiting"] == ["1", "2", "3"]


async def test_the_address_is_the_one_the_sender_called_not_the_one_behind_the_proxy(tmp_path: Path) -> None:
    await post(tmp_path, ["1"])
    assert (seen[0].method, seen[0].url) == ("POST", "https://tieline.example.com/crm/intake/crm-main?a=b%3Dc")


async def test_a_forged_request_brings_none_of_its_events(tmp_path: Path) -> None:
    (answer,) = await post(tmp_path, ["1"], word="guess")
    assert (answer.status_code, answer.extensions["waiting"]) == (401, [])


async def test_a_request_that_is_stored_by_half_is_sent_again_and_loses_nothing(tmp_path: Path) -> None:
    broken, again = await post(tmp_path, ["1", "2"], ["1", "2"], refusing=True)
    assert (broken.status_code, again.json()) == (503, {"events": 2, "new": 1})
    assert again.extensions["waiting"] == ["1", "2"]


@pytest.mark.parametrize("asked", [("12", "123"), ("123", "12")])
async def test_a_deal_whose_number_only_begins_like_another_is_not_taken_for_it(asked: tuple[str, str]) -> None:
    found = ContractOfDeal(
        deal_id=DealId("123"), contract_number=ContractNumber("C-1"), is_won=True,
        source_version=NOW - timedelta(days=1),
    )  # fmt: skip

    class Crm:
        async def find_contracts(self, deals: Sequence[DealId]) -> tuple[ContractOfDeal, ...]:
            return (found,)

    looked = await look_up(Crm(), [DealId(deal) for deal in asked])  # type: ignore[arg-type]
    assert looked.contracts == {"12": None, "123": found}
