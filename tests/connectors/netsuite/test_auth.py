from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pydantic import SecretStr

from connectors.netsuite.auth import CertificateAuth, TokenAuth, assertion, signature
from connectors.netsuite.config import M2mLogin, TbaLogin
from connectors.netsuite.schemas import Token

VECTORS = Path(__file__).parents[2] / "data" / "netsuite"
TOKEN_URL = "https://123456-sb1.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token"
OAUTH1: list[dict[str, Any]] = json.loads((VECTORS / "oauth1_vectors.json").read_text())


@pytest.mark.parametrize("vector", OAUTH1, ids=[f"{one['method']} {one['valid']}" for one in OAUTH1])
def test_a_token_signature_equals_that_of_the_public_client(vector: dict[str, Any]) -> None:
    given = {name: unquote(value) for name, value in re.findall(r'(\w+)="([^"]*)"', vector["authorization"])}
    made = signature(vector["method"], vector["url"], given, vector["consumer_secret"], vector["token_secret"])
    assert (made == given["oauth_signature"]) is vector["valid"]


def test_a_signed_request_names_the_account_in_capitals_and_takes_nonce_and_time_as_told() -> None:
    login = TbaLogin(
        consumer_key="ck", consumer_secret=SecretStr("csecret"), token_id="tk", token_secret=SecretStr("tsecret")
    )
    auth = TokenAuth(login, "123456_SB1", clock=lambda: 1795437490.9, nonce=lambda: "zKAbWZbc8vh3JWiUdIdg7RaRaUWQty")
    url = "https://localhost:28453/services/rest/record/v1/customer/77?expandSubResources=true"
    request = next(auth.auth_flow(httpx.Request("GET", url)))
    header = request.headers["Authorization"]
    assert 'realm="123456_SB1"' in header
    assert 'oauth_timestamp="1795437490"' in header
    # The first vector has these very parameters.
    assert 'oauth_signature="xrJ3csrIUUmCTvREWh0N9DFSadJoXm5weBpODBp7Qbw%3D"' in header
    assert "secret" not in header


@pytest.mark.parametrize("algorithm", ["PS256", "ES256"])
def test_an_assertion_says_who_we_are_for_whom_and_how_long(algorithm: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else rsa.generate_private_key(65537, 2048)
    made = assertion(_login(key, algorithm), TOKEN_URL, 1772500000.7)
    claims = jwt.decode(
        made, key.public_key(), algorithms=[algorithm], audience=TOKEN_URL, options={"verify_exp": False}
    )
    vector = next(
        one for one in json.loads((VECTORS / "jwt_vectors.json").read_text())["cases"] if one["name"] == "ps256_ok"
    )
    expected = jwt.decode(vector["assertion"], options={"verify_signature": False})
    assert claims.keys() == expected.keys()
    assert claims == expected | {"iss": "client-id", "aud": TOKEN_URL}
    assert jwt.get_unverified_header(made) == {"typ": "JWT", "alg": algorithm, "kid": "kid-1"}


async def test_a_token_is_kept_and_renewed_a_minute_before_it_ends() -> None:
    desk = _Desk(life_s=3600)
    auth = CertificateAuth(_login(), TOKEN_URL, desk.exchange, clock=lambda: desk.now)
    assert await _bearer(auth) == "token-1"
    desk.now += 3600 - 61
    assert await _bearer(auth) == "token-1"
    desk.now += 2
    assert await _bearer(auth) == "token-2"


async def test_many_calls_at_once_ask_for_one_token() -> None:
    desk = _Desk()
    auth = CertificateAuth(_login(), TOKEN_URL, desk.exchange, clock=lambda: desk.now)
    assert set(await asyncio.gather(*(_bearer(auth) for _ in range(20)))) == {"token-1"}
    assert desk.asked == 1


async def test_many_refused_calls_renew_once() -> None:
    desk = _Desk()
    auth = CertificateAuth(_login(), TOKEN_URL, desk.exchange, clock=lambda: desk.now)
    await _bearer(auth)
    assert all(await asyncio.gather(*(auth.renew(auth.version) for _ in range(20))))
    assert desk.asked == 2
    assert await _bearer(auth) == "token-2"


async def test_a_cancelled_caller_does_not_leave_the_others_waiting() -> None:
    desk = _Desk()
    auth = CertificateAuth(_login(), TOKEN_URL, desk.exchange, clock=lambda: desk.now)
    first, second = asyncio.create_task(_bearer(auth)), asyncio.create_task(_bearer(auth))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "token-1" or await second == "token-2"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_signing_account_has_nothing_to_renew() -> None:
    secret = SecretStr("s")
    login = TbaLogin(consumer_key="ck", consumer_secret=secret, token_id="tk", token_secret=secret)
    assert not await TokenAuth(login, "123456").renew(0)


def test_a_login_shows_no_secret() -> None:
    assert "PRIVATE KEY" not in repr(_login())


class _Desk:
    """Hands out numbered tokens and counts them."""

    def __init__(self, life_s: int = 3600) -> None:
        self.now = 1_800_000_000.0
        self.asked = 0
        self._life_s = life_s

    async def exchange(self, assertion: str) -> Token:
        assert assertion.count(".") == 2
        self.asked += 1
        await asyncio.sleep(0)
        return Token(access_token=f"token-{self.asked}", expires_in=self._life_s)


async def _bearer(auth: CertificateAuth) -> str:
    flow = auth.async_auth_flow(httpx.Request("GET", "https://host/"))
    request = await anext(flow)
    await flow.aclose()
    return request.headers["Authorization"].removeprefix("Bearer ")


def _login(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None, algorithm: Any = "ES256") -> M2mLogin:
    private = key or ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return M2mLogin(client_id="client-id", certificate_id="kid-1", private_key_pem=SecretStr(pem), algorithm=algorithm)
