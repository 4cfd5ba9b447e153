import json
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import jwt
import pytest

from sandbox.kit import Options, Request, World
from sandbox.netsuite.auth import Auth, signature
from sandbox.netsuite.system import SETTINGS
from tests.sandbox.netsuite_client import account

DATA = Path(__file__).parents[1] / "data" / "netsuite"
JWT = json.loads((DATA / "jwt_vectors.json").read_text())
OAUTH = json.loads((DATA / "oauth1_vectors.json").read_text())


@pytest.mark.parametrize("case", JWT["cases"], ids=lambda case: case["name"])
async def test_client_assertions_are_verified(case: dict[str, object]) -> None:
    async with account() as client:
        for kid, pem in JWT["certificates"].items():
            await client.control("POST", "certificates", {"kid": kid, "pem": pem})
        await client.control("POST", "settings", {"client_id": JWT["client_id"], "audience": JWT["audience"]})
        client.server.system.world.clock.stop_at(datetime.fromtimestamp(JWT["now"], UTC))
        answer = await client.token(str(case["assertion"]))
        if case["ok"]:
            assert answer.status_code == 200
            assert answer.json().keys() == {"access_token", "expires_in", "token_type"}
            assert answer.json()["expires_in"] == "3600"
        else:
            assert answer.status_code in {400, 401}
            assert answer.json() == {"error": case["error"]}


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"aud": "https://elsewhere.example/token"}, "invalid_grant"),
        ({"exp": int(time.time()) + 9000}, "invalid_grant"),
        ({"iss": "someone"}, "invalid_client"),
        ({"scope": "everything"}, "invalid_scope"),
    ],
)
async def test_wrong_claims_are_refused(claims: dict[str, object], error: str) -> None:
    async with account() as client:
        answer = await client.sign_in(**claims)
        assert (answer.status_code in {400, 401}, answer.json()) == (True, {"error": error})


async def test_a_lenient_account_takes_any_audience_and_the_rsa_key_signs_too() -> None:
    async with account(settings={"strict_aud": "false"}) as client:
        assert (await client.sign_in(aud="('https://x',)", scope=["rest_webservices"])).status_code == 200
        facts = client.server.system.client_facts()
        now = int(time.time())
        claims = {"iss": facts["client_id"], "scope": "restlets,rest_webservices", "iat": now, "exp": now + 60}
        key = Path(facts["private_key"]).read_text()  # noqa: ASYNC240 - a small local file
        assertion = jwt.encode(claims, key, algorithm="PS256", headers={"kid": facts["certificate_id"]})
        assert (await client.token(assertion)).status_code == 200


async def test_tokens_can_be_expired_at_once() -> None:
    async with account() as client:
        assert (await client.call("GET", "/system/v1/serverTime")).status_code == 200
        assert await client.control("POST", "expire-tokens") == {"expired": 1}
        assert (await client.call("GET", "/system/v1/serverTime")).status_code == 401


@pytest.mark.parametrize("vector", OAUTH, ids=lambda one: f"{one['method']}-{one['valid']}")
def test_token_signatures_are_verified(vector: dict[str, object], tmp_path: Path) -> None:
    settings = {"consumer_key": "ck", "consumer_secret": "csecret", "token_id": "tk", "token_secret": "tsecret",
                "clock_window_s": "0"}  # fmt: skip
    world = World(Options("netsuite", data_dir=tmp_path, settings=settings), SETTINGS, volatile=frozenset())
    auth = Auth(world, {})
    parts = urlsplit(str(vector["url"]))
    headers = {"host": parts.netloc, "authorization": str(vector["authorization"])}
    where = (parts.scheme, parts.path, parts.path, parts.query)
    request = Request(str(vector["method"]), *where, headers, b"", "r", ("", 0))
    rest = headers["authorization"].removeprefix("OAuth ")
    assert auth._signed(request, rest) is vector["valid"]
    assert auth._signed(request, rest) is False, "a nonce is good once"


async def test_an_old_timestamp_is_refused() -> None:
    async with account() as client:
        text = client.server.system.world.text
        oauth = {"realm": text("account"), "oauth_consumer_key": text("consumer_key"), "oauth_token": text("token_id"),
                 "oauth_signature_method": "HMAC-SHA256", "oauth_nonce": "n", "oauth_version": "1.0"}  # fmt: skip
        url = urlsplit(client.server.url)
        path = "/services/rest/system/v1/serverTime"
        statuses = []
        for stamp in (int(time.time()), int(time.time()) - 900):
            signed = oauth | {"oauth_timestamp": str(stamp)}
            request = Request("GET", "http", path, path, "", {"host": url.netloc}, b"", "r", ("", 0))
            signed["oauth_signature"] = signature(request, signed, (text("consumer_secret"), text("token_secret")))
            header = "OAuth " + ", ".join(f'{name}="{quote(value, safe="")}"' for name, value in signed.items())
            statuses.append((await client.http.get(path, headers={"Authorization": header})).status_code)
        assert statuses == [200, 401]
