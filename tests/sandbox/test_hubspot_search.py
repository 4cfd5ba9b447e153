"""Search: filters, its lag behind the records, its caps and its own limit."""

from typing import Any

from tests.sandbox.hubspot_account import OBJECTS, Portal, having, hubspot


async def found(portal: Portal, *filters: dict[str, Any]) -> list[str]:
    answer = await portal.search("deals", *filters, properties=["dealname"])
    return [row["properties"]["dealname"] for row in answer["results"]]


async def three(portal: Portal) -> None:
    rows: list[dict[str, Any]] = [
        {"type": "deals", "dealname": "Alpha One", "amount": "9", "start_on": "2026-01-05", "contract_number": "C-1"},
        {"type": "deals", "dealname": "Beta Two", "amount": "100", "start_on": "2026-02-05", "contract_number": "C-2"},
        {"type": "deals", "dealname": "Gamma", "pipeline": "75104382", "dealstage": "148213305"},
    ]
    await portal.control("records", records=rows)


CASES: list[tuple[dict[str, Any], list[str]]] = [
    (having("amount", "GT", value="10"), ["Beta Two"]),
    (having("amount", "BETWEEN", value="9", highValue="100"), ["Alpha One", "Beta Two"]),
    (having("amount", "NOT_HAS_PROPERTY"), ["Gamma"]),
    (having("dealname", value="beta two"), ["Beta Two"]),
    (having("dealname", "CONTAINS_TOKEN", value="one"), ["Alpha One"]),
    (having("dealname", "NEQ", value="Gamma"), ["Alpha One", "Beta Two"]),
    (having("start_on", "GTE", value="1769904000000"), ["Beta Two"]),
    (having("hs_is_closed_won", value="true"), ["Gamma"]),
    (having("dealstage", "IN", values=["148213305"]), ["Gamma"]),
    (having("contract_number", "IN", values=["c-1"]), ["Alpha One"]),
    (having("contract_number", "IN", values=["C-1"]), []),
]


async def test_filters_judge_by_the_type_of_the_property() -> None:
    async with hubspot(search_per_second=100) as portal:
        await three(portal)
        for asked, names in CASES:
            assert await found(portal, asked) == names, asked


async def test_a_stage_tells_whether_a_deal_is_won_and_its_label_does_not() -> None:
    async with hubspot() as portal:
        await three(portal)
        deal = {"type": "deals", "dealname": "Lost", "pipeline": "75104382", "dealstage": "148213306"}
        await portal.control("records", records=[deal])
        assert await found(portal, having("hs_is_closed_won", value="true")) == ["Gamma"]
        assert await found(portal, having("hs_is_closed", value="true")) == ["Gamma", "Lost"]
        pipelines = (await portal.call("GET", "/crm/pipelines/2026-09/deals"))["results"]
        stages = {one["id"]: one for pipeline in pipelines for one in pipeline["stages"]}
        assert stages["148213306"]["label"] == "Won by a competitor"
        assert stages["148213306"]["metadata"] == {"isClosed": "true", "probability": "0.0"}


async def test_search_sees_a_change_later_than_a_read_does() -> None:
    async with hubspot(lag_s=60) as portal:
        deal = await portal.create("deals", dealname="A", contract_number="C-1")
        asked = having("contract_number", value="C-1")
        assert await found(portal, asked) == []
        await portal.control("clock", advance_s=61)
        assert await found(portal, asked) == ["A"]
        await portal.call("PATCH", f"{OBJECTS}/deals/{deal}", {"properties": {"contract_number": "C-2"}})
        assert await found(portal, asked) == ["A"]
        assert (await portal.read("deals", deal, properties="contract_number"))["properties"][
            "contract_number"
        ] == "C-2"
        await portal.control("clock", advance_s=61)
        assert await found(portal, asked) == []


async def test_pages_end_at_the_cap_and_a_key_walks_past_it() -> None:
    async with hubspot(search_cap=4) as portal:
        made = [await portal.create("deals", dealname=str(number)) for number in range(7)]
        page = await portal.search("deals", limit=4)
        assert (page["total"], page["paging"]["next"]["after"]) == (7, "4")
        refused = await portal.call("POST", f"{OBJECTS}/deals/search", {"limit": 4, "after": "4"}, 400)
        assert refused["category"] == "VALIDATION_ERROR"
        seen: list[str] = []
        while len(seen) < 7:
            last = having("hs_object_id", "GT", value=seen[-1] if seen else "0")
            rows = (await portal.search("deals", last, limit=4, sorts=[{"propertyName": "hs_object_id"}]))["results"]
            seen += [row["id"] for row in rows]
        assert seen == made


async def test_the_size_of_a_search_is_bounded() -> None:
    async with hubspot(search_per_second=100) as portal:
        path = f"{OBJECTS}/deals/search"
        one = having("amount", value="1")
        for body in (
            {"filterGroups": [{"filters": [one]}] * 6},
            {"filterGroups": [{"filters": [one] * 7}]},
            {"filterGroups": [{"filters": [one] * 5}] * 4},
            {"limit": 201},
            {"filterGroups": [{"filters": [having("nothing", value="1")]}]},
            {"filterGroups": [{"filters": [having("amount", "LIKE", value="1")]}]},
            {"filterGroups": [{"filters": [having("dealname", value="x" * 3000)]}]},
        ):
            assert (await portal.call("POST", path, body, 400))["category"] == "VALIDATION_ERROR"


async def test_sorts_come_as_texts_or_objects_and_only_the_first_counts() -> None:
    async with hubspot() as portal:
        await three(portal)
        for sorts in (["-amount", "dealname"], [{"propertyName": "amount", "direction": "DESCENDING"}]):
            rows = (await portal.search("deals", having("amount", "HAS_PROPERTY"), sorts=sorts))["results"]
            assert [row["properties"]["amount"] for row in rows] == ["100", "9"]
        assert (await portal.call("POST", f"{OBJECTS}/deals/search", {"query": "gamma"}))["total"] == 1


async def test_searches_of_the_account_are_limited_per_second_and_carry_no_limit_headers() -> None:
    async with hubspot() as portal:
        portal.system.world.clock.stop_at(portal.system.world.clock.now())
        for _ in range(5):
            answer = await portal.http.post(f"{OBJECTS}/deals/search", json={})
            assert answer.status_code == 200
            assert not any("ratelimit" in name for name in answer.headers)
        other = {"Authorization": f"Bearer {portal.system.client_facts()['private_app_token']}"}
        refused = await portal.http.post(f"{OBJECTS}/companies/search", json={}, headers=other)
        body = refused.json()
        assert (refused.status_code, body["errorType"], body["policyName"]) == (429, "RATE_LIMIT", "SECONDLY")
        assert body["message"] == "You have reached your secondly limit."
        await portal.control("clock", advance_s=1)
        assert (await portal.http.post(f"{OBJECTS}/deals/search", json={})).status_code == 200
