"""Keys, tokens, rights and limits: what a refused caller reads."""

from typing import Any

import httpx

from tests.sandbox.hubspot_account import OBJECTS, Portal, hubspot


def grant(portal: Portal, **more: Any) -> dict[str, Any]:
    facts = portal.system.client_facts()
    usual = {"grant_type": "refresh_token", "refresh_token": facts["refresh_token"]}
    return {"client_id": facts["client_id"], "client_secret": facts["client_secret"], **usual, **more}


async def signed_in(portal: Portal) -> dict[str, str]:
    answer = await portal.http.post("/oauth/2026-03/token", data=grant(portal))
    return {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}


async def test_a_missing_or_unknown_token_is_401_with_the_vendors_words() -> None:
    async with hubspot() as portal:
        bare = portal.http
        for headers in ({"Authorization": ""}, {"Authorization": "Bearer nothing"}):
            answer = await bare.get(f"{OBJECTS}/deals", headers=headers)
            assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")
            assert answer.headers["X-HubSpot-Correlation-Id"] == answer.json()["correlationId"]
        private = {"Authorization": f"Bearer {portal.system.client_facts()['private_app_token']}"}
        assert (await bare.get(f"{OBJECTS}/deals", headers=private)).status_code == 200
        await portal.control("revoke", token=portal.system.client_facts()["private_app_token"])
        assert (await bare.get(f"{OBJECTS}/deals", headers=private)).status_code == 401


async def test_every_generation_refreshes_a_token_by_form_and_by_json() -> None:
    async with hubspot() as portal:
        for version in ("v1", "v3", "2026-03", "2026-09"):
            for how in ("data", "json"):
                sent: dict[str, Any] = {how: grant(portal)}
                answer = (await portal.http.post(f"/oauth/{version}/token", **sent)).json()
                assert (answer["expires_in"], answer["token_type"]) == (1800, "bearer")
                assert answer["refresh_token"] == portal.system.client_facts()["refresh_token"]
                assert ("hub_id" in answer) == (version != "v1")
                assert len(answer["access_token"]) > 300
        in_query = await portal.http.post("/oauth/v1/token", params=grant(portal))
        assert in_query.status_code == 200
        assert (await portal.http.post("/oauth/v3/token", params=grant(portal))).status_code == 400


async def test_an_app_token_ends_after_half_an_hour_and_says_so() -> None:
    async with hubspot() as portal:
        headers = await signed_in(portal)
        assert (await portal.http.get(f"{OBJECTS}/deals", headers=headers)).status_code == 200
        await portal.control("clock", advance_s=1807)
        ended = await portal.http.get(f"{OBJECTS}/deals", headers=headers)
        assert (ended.status_code, ended.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
        assert "expired 7 second(s) ago." in ended.json()["message"]
        assert (await portal.http.get(f"{OBJECTS}/deals")).status_code == 200
        headers = await signed_in(portal)
        assert (await portal.control("expire-tokens"))["expired"] == 1
        assert (await portal.http.get(f"{OBJECTS}/deals", headers=headers)).status_code == 401


async def test_refused_grants_differ_between_the_generations() -> None:
    async with hubspot() as portal:
        old = await portal.http.post("/oauth/v1/token", data=grant(portal, refresh_token="none"))
        assert (old.status_code, old.json()["status"]) == (400, "BAD_REFRESH_TOKEN")
        assert "error" not in old.json()
        new = await portal.http.post("/oauth/2026-09/token", data=grant(portal, refresh_token="none"))
        assert (new.json()["error"], new.json()["status"]) == ("invalid_grant", "BAD_REFRESH_TOKEN")
        wrong = await portal.http.post("/oauth/2026-09/token", data=grant(portal, client_secret="no"))
        assert wrong.json()["error"] == "invalid_client"
        machine = grant(portal, grant_type="client_credentials")
        assert (await portal.http.post("/oauth/2026-09/token", data=machine)).status_code == 400
        assert (await portal.http.post("/oauth/2026-03/token", data=machine)).status_code == 200


async def test_a_person_installs_the_app_and_a_token_can_be_looked_up_and_revoked() -> None:
    async with hubspot() as portal:
        facts = portal.system.client_facts()
        asked = {"client_id": facts["client_id"], "redirect_uri": "http://127.0.0.1/back", "state": "s",
                 "scope": "oauth crm.objects.deals.read"}  # fmt: skip
        page = await portal.http.get("/oauth/authorize", params=asked)
        back = httpx.URL(page.headers["location"])
        assert (page.status_code, back.params["state"]) == (302, "s")
        form = grant(
            portal, grant_type="authorization_code", code=back.params["code"], redirect_uri=asked["redirect_uri"]
        )
        granted = (await portal.http.post("/oauth/2026-09/token", data=form)).json()
        assert granted["scopes"] == ["crm.objects.deals.read", "oauth"]
        assert (await portal.http.post("/oauth/2026-09/token", data=form)).status_code == 400
        look = grant(portal, token=granted["access_token"])
        seen = (await portal.http.post("/oauth/2026-09/token/introspect", data=look)).json()
        assert (seen["active"], seen["hub_id"]) == (True, 48211903)
        old = (await portal.http.get(f"/oauth/v1/access-tokens/{granted['access_token']}")).json()
        assert old["app_id"] == facts["app_id"]
        headers = {"Authorization": f"Bearer {granted['access_token']}"}
        assert (await portal.http.get(f"{OBJECTS}/deals", headers=headers)).status_code == 200
        refused = await portal.http.get(f"{OBJECTS}/companies", headers=headers)
        needed = refused.json()["errors"][0]["context"]["requiredGranularScopes"]
        assert (refused.status_code, needed) == (403, ["crm.objects.companies.read"])
        await portal.http.post("/oauth/2026-09/token/revoke", data=look)
        assert (await portal.http.get(f"{OBJECTS}/deals", headers=headers)).status_code == 401


async def test_rights_are_asked_for_by_type_and_by_reading_or_writing() -> None:
    async with hubspot(withheld_scopes="crm.objects.deals.write,crm.objects.contacts.read") as portal:
        await portal.call("GET", f"{OBJECTS}/deals")
        await portal.call("POST", f"{OBJECTS}/deals/search", {})
        refused = await portal.call("POST", f"{OBJECTS}/deals", {"properties": {"dealname": "D"}}, 403)
        assert refused["category"] == "MISSING_SCOPES"
        await portal.call("GET", f"{OBJECTS}/tasks", status=403)


async def test_calls_in_ten_seconds_are_limited_per_key() -> None:
    async with hubspot(burst_limit=3, retry_after_s=10) as portal:
        portal.system.world.clock.stop_at(portal.system.world.clock.now())
        left = [(await portal.http.get(f"{OBJECTS}/deals")).headers["X-HubSpot-RateLimit-Remaining"] for _ in range(3)]
        assert left == ["2", "1", "0"]
        over = await portal.http.get(f"{OBJECTS}/deals")
        assert over.status_code == 429
        assert over.headers["Retry-After"] == "10"
        assert (over.json()["policyName"], over.json()["errorType"]) == ("TEN_SECONDLY_ROLLING", "RATE_LIMIT")
        assert over.json()["message"] == "You have reached your ten_secondly_rolling limit."
        assert over.json()["groupName"].startswith("publicapi:private-app-api-calls-ten-secondly:")
        assert "category" not in over.json()
        app = await portal.http.get(f"{OBJECTS}/deals", headers=await signed_in(portal))
        assert app.headers["X-HubSpot-RateLimit-Max"] == "110"
        assert "X-HubSpot-RateLimit-Daily" not in app.headers
        await portal.control("clock", advance_s=10)
        assert (await portal.http.get(f"{OBJECTS}/deals")).status_code == 200


async def test_the_days_allowance_ends_at_the_accounts_midnight() -> None:
    async with hubspot(daily_limit=10, calls_before=9) as portal:
        first = await portal.http.get(f"{OBJECTS}/deals")
        assert first.headers["X-HubSpot-RateLimit-Daily-Remaining"] == "0"
        over = await portal.call("GET", f"{OBJECTS}/deals", status=429)
        assert (over["policyName"], over["message"]) == ("DAILY", "You have reached your daily limit.")
        await portal.control("settings", calls_before=0)
        await portal.control("clock", advance_s=86_400)
        assert (await portal.http.get(f"{OBJECTS}/deals")).status_code == 200


async def test_a_body_that_is_no_json_is_refused() -> None:
    async with hubspot() as portal:
        form = await portal.http.post(f"{OBJECTS}/deals", data={"dealname": "D"})
        assert form.status_code == 415
        broken = await portal.http.post(f"{OBJECTS}/deals", content=b"{", headers={"Content-Type": "application/json"})
        assert (broken.status_code, broken.json()["category"]) == (400, "VALIDATION_ERROR")
        nothing = await portal.http.get("/crm/nothing")
        assert (nothing.status_code, nothing.headers["content-type"]) == (404, "application/json;charset=utf-8")
