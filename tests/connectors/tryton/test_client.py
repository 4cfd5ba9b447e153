"""Answers that the real server does not give in a test: half ones, foreign ones, too many rows, too large ones."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import httpx
import pytest
from pydantic import ValidationError

from connectors.tryton.client import TrytonClient
from connectors.tryton.config import TrytonConfig
from connectors.tryton.schemas import IdRow, SaleRow
from models.errors import Fatal, NotSent, OutcomeUnknown, Retryable

Answer = Callable[[httpx.Request], httpx.Response]


def _client(answer: Answer, **changes: object) -> TrytonClient:
    values = {"base_url": "http://erp.example", "database": "tl", "api_key": "k" * 128, "has_uniqueness_module": True}
    config = TrytonConfig.model_validate(values | changes)
    return TrytonClient(httpx.AsyncClient(transport=httpx.MockTransport(answer)), config)


async def test_a_call_carries_the_key_the_company_and_the_fields() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=[{"id": 1}])

    await _client(answer).search("sale.sale", IdRow, [["id", "=", 1]], fields=("id", "lines.id"), record="x", company=3)
    assert seen[0].headers["Authorization"] == f"Bearer {'k' * 128}"
    assert json.loads(base64.urlsafe_b64decode(seen[0].headers["X-Tryton-Context"])) == {"company": 3}
    assert seen[0].url.params.get_list("f") == ["id", "lines.id"]
    assert json.loads(base64.urlsafe_b64decode(seen[0].url.params["d"])) == [["id", "=", 1]]


async def test_exact_numbers_and_days_are_read_and_nothing_passes_a_float() -> None:
    row = {"id": 1, "untaxed_amount": {"__class__": "Decimal", "decimal": "0.10"},
           "sale_date": {"__class__": "date", "year": 2027, "month": 3, "day": 15}}  # fmt: skip
    (sale,) = await _client(lambda _: httpx.Response(200, json=[row])).search(
        "sale.sale", SaleRow, [], fields=("id",), record="x"
    )
    assert str(sale.untaxed_amount) == "0.10"
    assert str(sale.sale_date) == "2027-03-15"


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, text="<html>maintenance</html>", headers={"content-type": "text/html"}),
        httpx.Response(200, content=b'{"id": 1', headers={"content-type": "application/json"}),
        httpx.Response(200, json={"name": "no id"}),
        httpx.Response(204),
    ],
)
async def test_a_write_without_a_clear_answer_is_unknown(response: httpx.Response) -> None:
    with pytest.raises(OutcomeUnknown):
        await _client(lambda _: response).create("sale.sale", {}, record="x")


async def test_a_read_that_is_a_page_is_asked_again_and_a_strange_one_is_ours_to_mend() -> None:
    page = httpx.Response(200, text="<html></html>", headers={"content-type": "text/html"})
    with pytest.raises(Retryable):
        await _client(lambda _: page).search("sale.sale", IdRow, [], fields=("id",), record="x")
    for strange in ([{"nothing": 1}], {"id": 1}, [{"id": 1, "sale_date": {"__class__": "date"}}]):
        with pytest.raises(Fatal, match="does not have the form we know"):
            await _client(lambda _, body=strange: httpx.Response(200, json=body)).search(  # type: ignore[misc]
                "sale.sale", SaleRow, [], fields=("id",), record="x"
            )


async def test_more_rows_than_any_honest_answer_stop() -> None:
    many = httpx.Response(200, json=[{"id": at} for at in range(4)])
    with pytest.raises(Fatal, match="more than 3 rows"):
        await _client(lambda _: many).search("sale.sale", IdRow, [], fields=("id",), record="x", most=3)
    with pytest.raises(Retryable, match="larger than"):
        await _client(lambda _: many, max_body_bytes=10).search("sale.sale", IdRow, [], fields=("id",), record="x")


async def test_a_server_that_is_not_there_was_sent_nothing() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(NotSent):
        await _client(refuse).create("sale.sale", {}, record="x")


@pytest.mark.parametrize(
    "wrong", [{"database": "a/b"}, {"base_url": "ftp://x"}, {"api_key": " "}, {"base_url": "http://x/tl"}]
)
def test_wrong_settings_are_refused_without_showing_the_key(wrong: dict[str, str]) -> None:
    values = {"base_url": "http://x", "database": "tl", "api_key": "secret-key", "has_uniqueness_module": True}
    with pytest.raises(ValidationError) as refused:
        TrytonConfig.model_validate(values | wrong)
    assert "secret-key" not in str(refused.value)
