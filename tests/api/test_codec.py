"""The engine's own tools read sealed payloads through us, with a token; nobody else does."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import httpx
import pytest
from google.protobuf.json_format import MessageToDict
from pydantic import SecretStr
from temporalio.api.common.v1 import Payload, Payloads

from api.codec import codec_app
from api.serving import ApiServer
from models.decision import Answer
from runtime.payload_codec import ENCODING, data_converter
from runtime.payload_keys import new_payload_key, parse_payload_keys

KEYS = parse_payload_keys([new_payload_key("2026-11")])
TOKEN = "t" * 40
ORIGIN = "https://temporal.example.com"
ANSWER = Answer(accepted=True, message="The canary was entered.")


@pytest.fixture
async def page() -> AsyncIterator[httpx.AsyncClient]:
    server = ApiServer(codec_app(KEYS, SecretStr(TOKEN), origin=ORIGIN), host="127.0.0.1", port=0)
    await server.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        yield client
    await server.stop()


def _body(*payloads: Payload) -> dict[str, object]:
    return dict(MessageToDict(Payloads(payloads=payloads)))


def _bearer(token: str = TOKEN) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _basic(token: str = TOKEN) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"ops:{token}".encode()).decode()}


async def test_payloads_are_opened_and_sealed_for_whoever_has_the_token(page: httpx.AsyncClient) -> None:
    (sealed,) = await data_converter(KEYS).encode([ANSWER])
    plain = Payload(metadata={"encoding": b"json/plain"}, data=b'{"plain":1}')
    for header in (_bearer(), _basic()):
        answer = await page.post("/decode", json=_body(sealed, plain), headers=header)
        first, second = answer.json()["payloads"]
        assert Answer.model_validate_json(base64.b64decode(first["data"])) == ANSWER
        assert base64.b64decode(second["data"]) == plain.data
    back = (await page.post("/encode", json=_body(plain), headers=_bearer())).json()["payloads"]
    assert base64.b64decode(back[0]["metadata"]["encoding"]).decode() == ENCODING
    assert (await page.post("/decode", json={"payloads": back}, headers=_bearer())).json() == _body(plain)


@pytest.mark.parametrize(
    "headers", [{}, _bearer("wrong"), _basic("wrong"), {"authorization": "Basic %%"}, {"authorization": TOKEN}]
)
async def test_nobody_reads_without_the_token(page: httpx.AsyncClient, headers: dict[str, str]) -> None:
    (sealed,) = await data_converter(KEYS).encode([ANSWER])
    for method, path in (("POST", "/decode"), ("POST", "/encode"), ("GET", "/sign-in")):
        answer = await page.request(method, path, json=_body(sealed), headers=headers)
        assert answer.status_code == 401
        assert "canary" not in answer.text


async def test_only_the_configured_web_page_may_read_the_answer(page: httpx.AsyncClient) -> None:
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,x-namespace"}
    ours = await page.options("/decode", headers={"origin": ORIGIN, **asks})
    theirs = await page.options("/decode", headers={"origin": "https://elsewhere.example", **asks})
    read = await page.post("/decode", json=_body(), headers={"origin": "https://elsewhere.example", **_bearer()})

    assert ours.status_code == 200
    assert ours.headers["access-control-allow-origin"] == ORIGIN
    assert ours.headers["access-control-allow-credentials"] == "true"
    assert theirs.status_code == 400
    assert "access-control-allow-origin" not in {**theirs.headers, **read.headers}
    assert (await page.get("/sign-in", headers=_basic())).status_code == 200


@pytest.mark.parametrize("body", [b"", b"nonsense", b'{"payloads": 1}', b"[" * 100_000, b"\xff"])
async def test_a_body_that_is_no_list_of_payloads_is_refused(page: httpx.AsyncClient, body: bytes) -> None:
    answer = await page.post("/decode", content=body, headers=_bearer())

    assert answer.status_code == 400
    assert "no list of payloads" in answer.json()["error"]


async def test_a_payload_under_a_key_we_do_not_have_stays_shut_and_says_so(page: httpx.AsyncClient) -> None:
    (sealed,) = await data_converter(parse_payload_keys([new_payload_key("gone")])).encode([ANSWER])
    answer = (await page.post("/decode", json=_body(sealed), headers=_bearer())).json()["payloads"][0]

    assert answer["data"] == base64.b64encode(sealed.data).decode()
    assert "sealed with key 'gone'" in base64.b64decode(answer["metadata"]["problem"]).decode()
