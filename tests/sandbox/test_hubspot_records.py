"""Single records and batches: types, keys, partial success, archive and merge."""

import asyncio
import re
from typing import Any

from tests.sandbox.hubspot_account import OBJECTS, Portal, hubspot


async def test_a_record_is_texts_and_carries_its_stamps() -> None:
    async with hubspot() as portal:
        deal_id = await portal.create("deals", dealname="Rollout", amount="154720.50", po_required=True)
        deal = await portal.read("deals", deal_id, properties="po_required,region,no_such", archived="False")
        assert deal["id"] == deal_id == deal["properties"]["hs_object_id"]
        assert deal["properties"]["po_required"] == "true"
        assert deal["properties"]["region"] is None
        assert "no_such" not in deal["properties"]
        assert deal["properties"]["createdate"] == deal["createdAt"]
        assert deal["archived"] is False
        contact = await portal.read("contacts", await portal.create("contacts", email="a@example.com"))
        assert "lastmodifieddate" in contact["properties"]
        assert "hs_lastmodifieddate" not in contact["properties"]


async def test_one_record_answers_under_every_generation_and_name() -> None:
    async with hubspot() as portal:
        deal_id = await portal.create("deals", dealname="Rollout")
        key = await portal.create("tieline_project", key="acme/C-1")
        for path in (f"/crm/v3/objects/deals/{deal_id}", f"/crm/v3/objects/0-3/{deal_id}", f"{OBJECTS}/deal/{deal_id}",
                     f"/crm/objects/2026-03/0-3/{deal_id}"):  # fmt: skip
            assert (await portal.call("GET", path))["id"] == deal_id
        for name in ("p_tieline_project", "p48211903_tieline_project", "tieline_project"):
            assert (await portal.call("GET", f"{OBJECTS}/{name}/{key}"))["id"] == key
        await portal.call("GET", f"/crm/objects/2025-09/deals/{deal_id}", status=404)
        wrong = await portal.call("GET", f"{OBJECTS}/p_nothing/1", status=400)
        assert "Unable to infer object type" in wrong["message"]


async def test_wrong_values_are_all_named_in_one_refusal() -> None:
    async with hubspot() as portal:
        wrong = {
            "amount": "ten", "start_on": "2026-02-03T10:00:00Z", "contract_status": "Signed",
            "hs_is_closed_won": "true", "nothing": "x", "dealstage": "148213305",
        }  # fmt: skip
        refused = await portal.call("POST", f"{OBJECTS}/deals", {"properties": wrong}, 400)
        assert refused["category"] == "VALIDATION_ERROR"
        assert refused["message"].startswith('Property values were not valid: [{"isValid":false')
        codes = {one["context"]["propertyName"][0]: one["code"] for one in refused["errors"]}
        assert codes == {
            "amount": "INVALID_LONG", "start_on": "INVALID_DATE", "contract_status": "INVALID_OPTION",
            "hs_is_closed_won": "READ_ONLY_VALUE", "nothing": "PROPERTY_DOESNT_EXIST", "dealstage": "INVALID_OPTION",
        }  # fmt: skip
        assert (await portal.state()).get("deals", []) == []


async def test_dates_are_midnight_utc_and_an_empty_text_clears() -> None:
    async with hubspot() as portal:
        deal_id = await portal.create("deals", start_on="1474243200000", closedate="2026-11-20", region="US")
        shown = (await portal.read("deals", deal_id, properties="start_on,closedate,region"))["properties"]
        assert (shown["start_on"], shown["closedate"]) == ("2016-09-19", "2026-11-20T00:00:00.000Z")
        await portal.call("PATCH", f"{OBJECTS}/deals/{deal_id}", {"properties": {"region": ""}})
        assert (await portal.read("deals", deal_id, properties="region"))["properties"]["region"] is None


async def test_a_unique_value_has_one_holder() -> None:
    async with hubspot() as portal:
        first = await portal.create("companies", name="A", erp_customer_id="C-1")
        again = {"properties": {"name": "B", "erp_customer_id": "c-1"}}
        refused = await portal.call("POST", f"{OBJECTS}/companies", again, 400)
        assert f"{first} already has that value." in refused["message"]
        found = await portal.read("companies", "C-1", idProperty="erp_customer_id")
        assert found["id"] == first
        await portal.call("GET", f"{OBJECTS}/companies/C-2?idProperty=erp_customer_id", status=404)
        await portal.call("GET", f"{OBJECTS}/companies/A?idProperty=name", status=400)
        contact = await portal.create("contacts", email="a@example.com")
        taken = await portal.call("POST", f"{OBJECTS}/contacts", {"properties": {"email": "A@example.com"}}, 409)
        assert (taken["category"], taken["message"]) == ("CONFLICT", f"Contact already exists. Existing ID: {contact}")


def upsert(key: str, **properties: str) -> dict[str, Any]:
    return {"id": key, "idProperty": "key", "properties": properties}


async def test_an_upsert_creates_once_and_then_updates() -> None:
    async with hubspot() as portal:
        path = f"{OBJECTS}/p_tieline_project/batch/upsert"
        first = await portal.call("POST", path, {"inputs": [upsert("k1", number="7"), upsert("k2")]})
        assert [row["new"] for row in first["results"]] == [True, True]
        second = await portal.call("POST", path, {"inputs": [upsert("k1", number="8")]})
        assert [(row["new"], row["id"]) for row in second["results"]] == [(False, first["results"][0]["id"])]
        doubled = await portal.call("POST", path, {"inputs": [upsert("k3"), upsert("k3")]}, 400)
        assert "Duplicate IDs found in batch input" in doubled["message"]
        by_id = {"inputs": [{"id": "1", "idProperty": "hs_object_id", "properties": {"number": "1"}}]}
        refused = await portal.call("POST", path, by_id, 400)
        wording = r"Unable to perform update/upsert by non-unique 2-\d+ property hs_object_id in portal ID 48211903"
        assert re.fullmatch(wording, refused["message"])
        assert len((await portal.state())["tieline_project"]) == 2


async def test_two_upserts_at_once_make_one_record_and_one_is_told_to_come_again() -> None:
    async with hubspot(upsert_gap_s=0.1) as portal:
        body = {"inputs": [upsert("k1", number="7")]}
        path = f"{OBJECTS}/tieline_project/batch/upsert"
        answers = await asyncio.gather(*(portal.http.post(path, json=body) for _ in range(2)))
        assert sorted(one.status_code for one in answers) == [200, 400]
        assert "already has that value" in max(answers, key=lambda one: one.status_code).json()["message"]
        assert (await portal.call("POST", path, body))["results"][0]["new"] is False
        assert len((await portal.state())["tieline_project"]) == 1


async def test_one_bad_row_fails_a_batch_unless_every_row_is_traced() -> None:
    async with hubspot() as portal:
        rows: list[dict[str, Any]] = [{"properties": {"dealname": "A"}}, {"properties": {"amount": "x"}}]
        path = f"{OBJECTS}/deals/batch/create"
        await portal.call("POST", path, {"inputs": rows}, 400)
        assert (await portal.state()).get("deals", []) == []
        traced = [{**row, "objectWriteTraceId": f"t{place}"} for place, row in enumerate(rows)]
        part = await portal.call("POST", path, {"inputs": traced}, 207)
        assert (part["status"], part["numErrors"]) == ("COMPLETE", 1)
        assert part["results"][0]["objectWriteTraceId"] == "t0"
        assert part["errors"][0]["context"]["objectWriteTraceId"] == ["t1"]
        many = [{"properties": {"dealname": str(number)}} for number in range(101)]
        assert "maximum of 100" in (await portal.call("POST", path, {"inputs": many}, 400))["message"]
        assert len((await portal.call("POST", path, {"inputs": many[:100]}, 201))["results"]) == 100


async def test_reading_a_batch_says_which_ids_are_not_there() -> None:
    async with hubspot() as portal:
        deal_id = await portal.create("deals", dealname="A")
        body = {"inputs": [{"id": deal_id}, {"id": "77"}, {"id": deal_id}], "properties": ["dealname"]}
        part = await portal.call("POST", "/crm/v3/objects/deals/batch/read", body, 207)
        assert [row["id"] for row in part["results"]] == [deal_id]
        assert part["errors"][0]["category"] == "OBJECT_NOT_FOUND"
        assert part["errors"][0]["context"]["ids"] == ["77"]
        update = {
            "inputs": [{"id": "77", "properties": {"region": "US"}}, {"id": deal_id, "properties": {"region": "US"}}]
        }
        part = await portal.call("POST", f"{OBJECTS}/deals/batch/update", update, 207)
        assert (len(part["results"]), part["errors"][0]["context"]["ids"]) == (1, ["77"])


async def test_the_order_of_results_can_differ_from_the_inputs() -> None:
    async with hubspot(batch_shuffles=True) as portal:
        body = {"inputs": [upsert("k1"), upsert("k2")]}
        results = (await portal.call("POST", f"{OBJECTS}/tieline_project/batch/upsert", body))["results"]
        assert int(results[0]["id"]) > int(results[1]["id"])


async def test_pages_of_a_list_cover_everything_once() -> None:
    async with hubspot() as portal:
        made = [await portal.create("deals", dealname=str(number)) for number in range(5)]
        seen: list[str] = []
        path = f"{OBJECTS}/deals?limit=2"
        while path:
            page = await portal.call("GET", path)
            seen += [row["id"] for row in page["results"]]
            path = page.get("paging", {}).get("next", {}).get("link", "")
        assert seen == made
        assert len((await portal.call("GET", "/crm/v3/objects/deals"))["results"]) == 5
        await portal.call("GET", f"{OBJECTS}/deals?limit=101", status=400)
        await portal.call("GET", f"{OBJECTS}/deals?limit=51&propertiesWithHistory=dealname", status=400)


async def test_an_archived_record_is_gone_from_reads_and_comes_back() -> None:
    async with hubspot() as portal:
        deal_id = await portal.create("deals", dealname="A")
        await portal.call("DELETE", f"{OBJECTS}/deals/{deal_id}", status=204)
        await portal.call("DELETE", f"{OBJECTS}/deals/{deal_id}", status=204)
        gone = await portal.call("GET", f"{OBJECTS}/deals/{deal_id}", status=404)
        assert gone["message"] == "resource not found"
        assert "category" not in gone
        await portal.call("PATCH", f"{OBJECTS}/deals/{deal_id}", {"properties": {"region": "US"}}, 404)
        away = await portal.read("deals", deal_id, archived="true")
        assert away["archived"] is True
        assert "archivedAt" in away
        assert (await portal.search("deals"))["total"] == 0
        in_batch = {"inputs": [{"id": deal_id}]}
        read = await portal.call("POST", f"{OBJECTS}/deals/batch/read?archived=true", in_batch)
        assert read["results"][0]["archived"] is True
        await portal.call("POST", f"{OBJECTS}/deals/batch/read", in_batch, 207)
        listed = await portal.call("GET", f"{OBJECTS}/deals?archived=true")
        assert [row["id"] for row in listed["results"]] == [deal_id]
        await portal.control("restore", type="deals", ids=[deal_id])
        assert (await portal.read("deals", deal_id))["archived"] is False


async def merged(portal: Portal) -> tuple[str, str, str]:
    first = await portal.create("companies", name="A", erp_customer_id="C-1")
    second = await portal.create("companies", name="B", phone="1")
    deal = await portal.create("deals", dealname="D")
    await portal.call("PUT", f"{OBJECTS}/companies/{second}/associations/default/deals/{deal}")
    body = {"primaryObjectId": first, "objectIdToMerge": second}
    survivor = await portal.call("POST", f"{OBJECTS}/companies/merge", body)
    for was in (first, second):
        found = await portal.read("companies", was, properties="phone,hs_merged_object_ids", associations="deals")
        assert found["id"] == survivor["id"]
        assert found["properties"]["name"] == "A"
        assert found["properties"]["phone"] == "1"
        assert found["properties"]["hs_merged_object_ids"] == f"{first};{second}"
        assert [one["id"] for one in found["associations"]["deals"]["results"]] == [deal]
    assert (await portal.read("companies", "C-1", idProperty="erp_customer_id"))["id"] == survivor["id"]
    return first, second, str(survivor["id"])


async def test_a_merge_gives_a_new_id_and_the_old_ones_lead_to_it() -> None:
    async with hubspot() as portal:
        first, second, survivor = await merged(portal)
        assert survivor not in {first, second}
    async with hubspot(merge_gives_new_id=False) as portal:
        first, _, survivor = await merged(portal)
        assert survivor == first


async def test_history_tells_who_wrote_a_value() -> None:
    async with hubspot() as portal:
        deal_id = (await portal.control("records", records=[{"type": "deals", "dealname": "A", "region": "US"}]))[
            "ids"
        ][0]
        await portal.call("PATCH", f"{OBJECTS}/deals/{deal_id}", {"properties": {"region": "UK"}})
        found = await portal.read("deals", deal_id, propertiesWithHistory="region")
        assert [(one["value"], one["sourceType"]) for one in found["propertiesWithHistory"]["region"]] == [
            ("UK", "INTEGRATION"),
            ("US", "CRM_UI"),
        ]
