from __future__ import annotations

import asyncio
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from connectors.netsuite.client import NetSuiteClient
from connectors.netsuite.config import NetSuiteConfig, TbaLogin
from connectors.netsuite.queries import Query
from connectors.netsuite.schemas import RecordHead
from models.errors import Fatal, NotSent, OutcomeUnknown, Retryable, TielineError

SECRET = SecretStr("s")
CONFIG = NetSuiteConfig(
    account_id="123456_SB1",
    login=TbaLogin(consumer_key="c", consumer_secret=SECRET, token_id="t", token_secret=SECRET),
)
JSON = {"content-type": "application/vnd.oracle.resource+json; type=singular; charset=UTF-8"}
ROOT = "https://123456-sb1.suitetalk.api.netsuite.com/services/rest"
SAVED = {"location": f"{ROOT}/record/v1/customer/647"}
Handler = Callable[[httpx.Request], Any]


async def client(answer: Handler, **settings: Any) -> AsyncIterator[NetSuiteClient]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        yield NetSuiteClient(http, CONFIG.model_copy(update=settings))


async def put(answer: Handler, **settings: Any) -> str:
    async for one in client(answer, **settings):
        return await one.put_record("customer", "tl_cust_1", {"companyName": "A"}, record="A")
    raise AssertionError


async def get(answer: Handler, **settings: Any) -> RecordHead | None:
    async for one in client(answer, **settings):
        return await one.get_record("customer", "eid:tl_cust_1", RecordHead, record="A", fields=("id", "entityId"))
    raise AssertionError


async def test_every_call_asks_for_names_to_be_checked_and_says_which_language() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204, headers=SAVED) if request.method == "PUT" else httpx.Response(404, json={})

    assert await put(answer) == "647"
    assert {request.headers["X-NetSuite-PropertyNameValidation"] for request in seen} == {"error"}
    assert {request.headers["Accept-Language"] for request in seen} == {"en"}
    assert seen[0].url.path == "/services/rest/record/v1/customer/eid:tl_cust_1"
    assert seen[0].headers["Authorization"].startswith('OAuth realm="123456_SB1"')


async def test_a_query_is_transient_and_binds_its_values() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["Prefer"] == "transient"
        assert json.loads(request.content) == {"q": "SELECT id FROM customer WHERE id = ?", "params": ["1"]}
        assert dict(request.url.params) == {"limit": "1000", "offset": "0"}
        row = {"links": [], "id": 1, "amount": 10.25, "closed": True, "name": "x", "gone": None}
        return httpx.Response(200, json={"items": [row], "hasMore": False})

    async for one in client(answer):
        page = await one.query(Query("SELECT id FROM customer WHERE id = ?", ("1",)), record="x", needs=("id",))
        assert page.items == ({"id": "1", "amount": "10.25", "closed": "T", "name": "x"},)


async def test_a_money_amount_leaves_as_an_exact_number() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert b'"amount": 128249.99' in request.content
        return httpx.Response(204, headers=SAVED)

    async for one in client(answer):
        await one.put_record("customer", "x", {"amount": Decimal("128249.99")}, record="A")


@pytest.mark.parametrize(
    "location",
    [
        f"{ROOT}/record/v1/customer/647",
        "/services/rest/record/v1/customer/647",
        f"{ROOT}/record/v1/CUSTOMER/647?x=1",
    ],
)
async def test_the_id_is_the_last_part_of_the_location(location: str) -> None:
    assert await put(lambda _: httpx.Response(204, headers={"location": location})) == "647"


@pytest.mark.parametrize("status", [200, 201, 204])
@pytest.mark.parametrize(
    "location", ["", "https://evil/record/v1/job/1", f"{ROOT}/record/v1/customer/eid:x", "x" * 9999]
)
async def test_a_write_without_a_usable_location_leaves_the_outcome_open(status: int, location: str) -> None:
    headers = {"location": location} if location else {}
    with pytest.raises(OutcomeUnknown, match="did not say where"):
        await put(lambda _: httpx.Response(status, headers=headers))


async def test_a_maintenance_page_with_status_200_is_never_data() -> None:
    page = httpx.Response(200, html="<html>We are upgrading</html>")
    with pytest.raises(OutcomeUnknown):
        await put(lambda _: page)
    with pytest.raises(Retryable, match="a page instead of data"):
        await get(lambda _: httpx.Response(200, html="<html>We are upgrading</html>"))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"id": "647", "ent', Retryable),
        (b"", Retryable),
        (b"[" * 200_000, Retryable),
        (b"[]", Fatal),
        (b'{"id": "../../x"}', Fatal),
        (b'{"id": {"id": 1}}', Fatal),
        (b"null", Fatal),
    ],
)
async def test_an_answer_that_is_not_whole_or_not_of_the_known_form_is_not_believed(
    content: bytes, kind: type[TielineError]
) -> None:
    with pytest.raises(TielineError) as stopped:
        await get(lambda _: httpx.Response(200, headers=JSON, content=content))
    assert type(stopped.value) is kind


@pytest.mark.parametrize("packed", [False, True])
async def test_a_hundred_megabytes_are_not_taken_into_memory(packed: bool) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        async def parts() -> AsyncIterator[bytes]:
            press = zlib.compressobj(wbits=31)
            for _ in range(1600):
                block = b"x" * 65536
                yield (press.compress(block) + press.flush(zlib.Z_SYNC_FLUSH)) if packed else block

        return httpx.Response(200, headers=JSON | ({"content-encoding": "gzip"} if packed else {}), content=parts())

    tracemalloc.start()
    try:
        with pytest.raises(Retryable, match="larger than"):
            await get(answer, max_body_bytes=2_000_000)
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (httpx.ConnectError("refused"), NotSent),
        (httpx.ConnectTimeout("slow"), NotSent),
        (httpx.ReadTimeout("slow"), OutcomeUnknown),
        (httpx.ReadError("reset"), OutcomeUnknown),
        (httpx.WriteError("reset"), OutcomeUnknown),
        (httpx.RemoteProtocolError("cut"), OutcomeUnknown),
    ],
)
async def test_a_failing_line_says_whether_anything_left(
    failure: httpx.TransportError, kind: type[TielineError]
) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise failure

    with pytest.raises(kind):
        await put(answer)


async def test_no_more_calls_are_in_flight_than_the_account_allows() -> None:
    flying, most = 0, 0

    async def answer(_: httpx.Request) -> httpx.Response:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0)
        flying -= 1
        return httpx.Response(204, headers=SAVED)

    async for one in client(answer, concurrency=3):
        await asyncio.gather(*(one.put_record("customer", f"k{n}", {}, record="A") for n in range(20)))
    assert most == 3


async def test_a_call_that_fails_gives_its_slot_back() -> None:
    async for one in client(lambda _: httpx.Response(500, json={}), concurrency=1):
        for _ in range(3):
            with pytest.raises(OutcomeUnknown):
                await one.put_record("customer", "k", {}, record="A")


async def test_a_refused_token_account_is_not_asked_twice() -> None:
    calls = 0

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        return httpx.Response(401, json={"o:errorDetails": [{"detail": "no", "o:errorCode": "INVALID_LOGIN"}]})

    with pytest.raises(Fatal) as stopped:
        await put(answer)
    assert stopped.value.code == "TL-INT-002"
    assert calls == 1


@pytest.mark.parametrize("key", ["eid:a/b", "eid:", "1/../2", "eid:ä", "x", "eid:" + "x" * 61, "1\n"])
async def test_an_odd_key_never_reaches_the_network(key: str) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise AssertionError

    async for one in client(answer):
        with pytest.raises(Fatal):
            await one.get_record("customer", key, RecordHead, record="A")
        with pytest.raises(Fatal):
            await one.patch_record("customer", key, {}, record="A")


async def test_a_redirect_is_not_followed_with_our_credential() -> None:
    hosts: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        return httpx.Response(302, headers={"location": "https://evil.example/"})

    with pytest.raises(TielineError, match="account URL"):
        await put(answer)
    assert hosts == ["123456-sb1.suitetalk.api.netsuite.com"]


async def test_an_answer_is_logged_with_the_id_that_the_vendors_support_asks_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    headers = {"x-n-operationid": "0f1e2d3c"}
    with caplog.at_level("DEBUG", logger="tieline.netsuite"), pytest.raises(OutcomeUnknown):
        await put(lambda _: httpx.Response(500, headers=headers, json={}))
    (record,) = [one for one in caplog.records if one.name == "tieline.netsuite"]
    assert record.levelname == "WARNING"
    assert record.__dict__["tieline_fields"] == {
        "method": "PUT", "path": "/services/rest/record/v1/customer/eid:tl_cust_1", "status": 500,
        "operation": "0f1e2d3c",
    }  # fmt: skip
