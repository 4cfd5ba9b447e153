import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.sandbox.salesforce_org import B, Org, salesforce

TOKEN = "/services/oauth2/token"
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def key_of(org: Org) -> str:
    return Path(org.system.client_facts()["private_key_file"]).read_text()


def assertion(org: Org, key: str | None = None, **changes: Any) -> str:
    facts = org.system.client_facts()
    claims = {
        "iss": facts["consumer_key"],
        "sub": facts["username"],
        "aud": facts["audience"],
        "exp": int(time.time()) + 180,
    }
    return jwt.encode({**claims, **changes}, key or key_of(org), algorithm="RS256")


async def token(org: Org, **form: str) -> httpx.Response:
    return await org.http.post(TOKEN, data=form)


async def by_assertion(org: Org, key: str | None = None, **changes: Any) -> dict[str, Any]:
    answer = await token(org, grant_type=BEARER, assertion=assertion(org, key, **changes))
    body: dict[str, Any] = answer.json()
    assert answer.status_code == (200 if "access_token" in body else 400)
    return body


async def test_a_signed_assertion_gives_a_token_without_a_lifetime() -> None:
    async with salesforce() as org:
        body = await by_assertion(org)
        assert set(body) == {"access_token", "scope", "instance_url", "id", "token_type"}
        assert body["instance_url"] == org.url
        assert body["access_token"].startswith(org.system.org.organization_id[:15] + "!")
        identity = await org.http.get(body["id"], params={"oauth_token": body["access_token"], "format": "json"})
        assert identity.json()["username"] == org.system.client_facts()["username"]
        assert "access_token" in await by_assertion(org, exp=str(int(time.time()) + 299))
        assert "access_token" in await by_assertion(org, aud=org.url)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"aud": "https://evil.example.com"}, "invalid_grant", "audience is invalid"),
        ({"exp": int(time.time()) - 60}, "invalid_grant", "expired authorization code"),
        ({"exp": int(time.time()) + 3600}, "invalid_grant", "expired authorization code"),
        ({"sub": "nobody@example.com"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"iss": "stranger"}, "invalid_client_id", "client identifier invalid"),
    ],
)
async def test_a_wrong_claim_is_refused(changes: dict[str, Any], error: str, words: str) -> None:
    async with salesforce() as org:
        body = await by_assertion(org, **changes)
        assert body == {"error": error, "error_description": words}


async def test_a_foreign_key_or_a_locked_out_user_gets_nothing() -> None:
    async with salesforce() as org:
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = other.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        assert (await by_assertion(org, pem))["error_description"] == "invalid assertion"
        broken = await token(org, grant_type=BEARER, assertion="a.b.c")
        assert broken.json()["error_description"] == "invalid assertion"
        await org.settings(preauthorized=False)
        assert (await by_assertion(org))["error_description"] == "user hasn't approved this consumer"
        await org.settings(preauthorized=True)
        await org.control("records", records=[{"type": "User", "id": org.system.org.user_id, "IsActive": False}])
        assert (await by_assertion(org))["error_description"] == "authentication failure"


async def test_client_credentials_come_in_the_form_or_by_basic_to_the_right_host() -> None:
    async with salesforce() as org:
        facts = org.system.client_facts()
        pair = (facts["consumer_key"], facts["consumer_secret"])
        basic = await org.http.post(TOKEN, data={"grant_type": "client_credentials"}, auth=pair)
        assert basic.status_code == 200
        assert set(basic.json()) >= {"issued_at", "signature"}
        wrong = await org.http.post(TOKEN, data={"grant_type": "client_credentials"}, auth=(pair[0], "no"))
        assert wrong.json() == {"error": "invalid_client", "error_description": "invalid client credentials"}
        login = {"Host": "login.salesforce.com"}
        lost = await org.http.post(TOKEN, data={"grant_type": "client_credentials"}, auth=pair, headers=login)
        assert lost.json()["error_description"] == "request not supported on this domain"
        await org.settings(check_token_host=False)
        fine = await org.http.post(TOKEN, data={"grant_type": "client_credentials"}, auth=pair, headers=login)
        assert fine.status_code == 200
        odd = await token(org, grant_type="refresh_token", refresh_token="x")
        assert odd.json()["error_description"] == "expired access/refresh token"


async def test_a_token_ends_by_idleness_by_order_and_by_revocation() -> None:
    async with salesforce() as org:
        await org.control("clock", advance_s=7100)
        assert (await org.http.get(f"{B}/limits")).status_code == 200
        await org.control("clock", advance_s=7100)
        assert (await org.http.get(f"{B}/limits")).status_code == 200
        await org.control("clock", advance_s=7300)
        idle = await org.http.get(f"{B}/limits")
        assert idle.status_code == 401
        assert idle.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
        await org.sign_in()
        assert await org.control("expire-tokens") == {"expired": 1}
        assert (await org.http.get(f"{B}/limits")).status_code == 401
        await org.sign_in()
        current = org.http.headers["Authorization"].removeprefix("Bearer ")
        facts = org.system.client_facts()
        form = {"client_id": facts["consumer_key"], "client_secret": facts["consumer_secret"], "token": current}
        assert (await org.http.post("/services/oauth2/introspect", data=form)).json()["active"]
        assert (await org.http.get("/services/oauth2/userinfo")).json()["organization_id"] == facts["org_id"]
        assert (await org.http.post("/services/oauth2/revoke", data={"token": current})).status_code == 200
        assert not (await org.http.post("/services/oauth2/introspect", data=form)).json()["active"]
        assert (await org.http.get(f"{B}/limits")).status_code == 401


async def test_the_allowance_ends_in_a_403_that_says_nothing_of_when() -> None:
    async with salesforce(settings={"daily_api_limit": "3", "per_app_api_limit": "250"}) as org:
        answers = [await org.http.get(f"{B}/limits") for _ in range(4)]
        assert [one.status_code for one in answers] == [200, 200, 200, 403]
        assert answers[3].json() == [
            {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
        ]
        assert "Retry-After" not in answers[3].headers
        assert answers[2].headers["Sforce-Limit-Info"] == "api-usage=3/3; per-app-api-usage=3/250(appName=Tieline)"
        await org.control("clock", advance_s=86_401)
        await org.sign_in()
        assert (await org.http.get(f"{B}/limits")).status_code == 200
        await org.settings(long_running_calls=25)
        assert "ConcurrentPerOrgLongTxn" in (await org.http.get(f"{B}/limits")).text


async def test_a_registered_client_signs_with_its_own_key() -> None:
    async with salesforce() as org:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        app = {"consumer_key": "mine", "consumer_secret": "s", "certificate": public.decode()}
        await org.control("apps", **app, username=org.system.client_facts()["username"])
        assert "access_token" in await by_assertion(org, pem, iss="mine")
        assert "error" in await by_assertion(org, key_of(org), iss="mine")


async def test_a_commit_whose_answer_is_lost_stays_committed() -> None:
    async with salesforce() as org:
        rule = {"method": "PATCH", "path": "ERP_Customer_Id__c", "when": "after", "action": "reset"}
        await org.control("faults", rules=[rule])
        url = f"{B}/sobjects/Account/ERP_Customer_Id__c/C-1"
        with pytest.raises(httpx.TransportError):
            await org.http.patch(url, json={"Name": "A"})
        again = await org.http.patch(url, json={"Name": "A"})
        assert (again.status_code, again.json()["created"]) == (200, False)
        page = {"path": "limits", "action": "status", "status": 503, "body": "<html>maintenance</html>"}
        await org.control("faults", rules=[page])
        down = await org.http.get(f"{B}/limits")
        assert (down.status_code, down.headers["Content-Type"]) == (503, "text/html")
        answers = await asyncio.gather(*(org.http.get(f"{B}/limits") for _ in range(3)))
        assert all(one.status_code == 200 for one in answers)
