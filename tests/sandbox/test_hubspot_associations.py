"""Links and labels, embedded lists, and the reads that differ between the generations."""

from typing import Any

from tests.sandbox.hubspot_account import OBJECTS, Portal, V, hubspot

BATCH = f"/crm/associations/{V}"


async def deal_with_company(portal: Portal) -> tuple[str, str]:
    company = await portal.create("companies", name="Acme")
    primary = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}
    deal = await portal.create("deals", [{"to": {"id": company}, "types": [primary]}], dealname="D")
    return deal, company


async def test_a_record_read_lists_a_company_once_per_label_and_line_items_with_a_space() -> None:
    async with hubspot() as portal:
        deal, company = await deal_with_company(portal)
        to_deal = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 20}
        line = await portal.create("line_items", [{"to": {"id": deal}, "types": [to_deal]}], name="L", price="2")
        for spelling in ("companies,line_items", "companies,line items", "0-2,0-8"):
            shown = (await portal.read("deals", deal, associations=spelling))["associations"]
            assert shown["companies"]["results"] == [
                {"id": company, "type": "deal_to_company"},
                {"id": company, "type": "deal_to_company_unlabeled"},
            ]
            assert shown["line items"]["results"] == [{"id": line, "type": "deal_to_line_item"}]


async def test_the_default_link_answers_both_directions_and_repeats_without_effect() -> None:
    async with hubspot() as portal:
        company, deal = await portal.create("companies", name="A"), await portal.create("deals", dealname="D")
        path = f"{OBJECTS}/deals/{deal}/associations/default/companies/{company}"
        made = await portal.call("PUT", path)
        assert [one["associationSpec"]["associationTypeId"] for one in made["results"]] == [341, 342]
        before = portal.system.world.journal.last_seq
        await portal.call("PUT", path)
        assert portal.system.world.journal.last_seq == before
        gone = await portal.call("PUT", f"{OBJECTS}/deals/{deal}/associations/default/companies/77", status=404)
        assert gone["category"] == "OBJECT_NOT_FOUND"


async def test_a_label_of_the_account_can_be_made_set_and_taken_off() -> None:
    async with hubspot() as portal:
        deal, company = await deal_with_company(portal)
        body = {"name": "end_client", "label": "End client", "inverseLabel": "End client of"}
        made = (await portal.call("POST", f"{BATCH}/deals/companies/labels", body))["results"]
        number = made[0]["typeId"]
        assert made[0] == {"category": "USER_DEFINED", "typeId": number, "label": "End client"}
        labels = (await portal.call("GET", f"{BATCH}/deals/companies/labels"))["results"]
        assert {"category": "HUBSPOT_DEFINED", "typeId": 341, "label": None} in labels
        spec = {"associationCategory": "USER_DEFINED", "associationTypeId": number}
        pair = await portal.call("PUT", f"{OBJECTS}/deals/{deal}/associations/companies/{company}", [spec], 201)
        assert pair["labels"] == ["End client"]
        back = await portal.call("POST", f"{BATCH}/companies/deals/batch/read", {"inputs": [{"id": company}]})
        assert {one["label"] for one in back["results"][0]["to"][0]["associationTypes"]} == {
            None, "Primary", "End client of",
        }  # fmt: skip
        row = {"from": {"id": deal}, "to": {"id": company}, "types": [spec]}
        await portal.call("POST", f"{BATCH}/deals/companies/batch/labels/archive", {"inputs": [row]}, 204)
        read = await portal.call("POST", f"{BATCH}/deals/companies/batch/read", {"inputs": [{"id": deal}]})
        assert [one["typeId"] for one in read["results"][0]["to"][0]["associationTypes"]] == [5, 341]
        wrong = [{"associationCategory": "USER_DEFINED", "associationTypeId": 9}]
        await portal.call("PUT", f"{OBJECTS}/deals/{deal}/associations/companies/{company}", wrong, 400)


async def test_a_label_that_is_removed_leaves_the_links_it_was_on() -> None:
    async with hubspot() as portal:
        deal, company = await deal_with_company(portal)
        labels = f"{BATCH}/deals/companies/labels"
        made = (await portal.call("POST", labels, {"name": "end_client", "label": "End client"}))["results"]
        spec = {"associationCategory": "USER_DEFINED", "associationTypeId": made[0]["typeId"]}
        await portal.call("PUT", f"{OBJECTS}/deals/{deal}/associations/companies/{company}", [spec], 201)
        await portal.call("DELETE", f"{labels}/{made[0]['typeId']}", status=204)
        found = await portal.call("GET", f"/crm/v3/objects/deals/{deal}/associations/companies")
        assert [one["type"] for one in found["results"]] == ["deal_to_company", "deal_to_company_unlabeled"]
        assert len((await portal.call("GET", labels))["results"]) == 2


async def test_requests_of_the_wrong_shape_are_refused_not_answered_with_a_defect() -> None:
    async with hubspot() as portal:
        create = {"properties": {"dealname": "D"}, "associations": [{"to": {"id": "1"}}]}
        for path, body in (
            ("deals", create),
            ("deals", {"properties": {"dealname": {"a": 1}}}),
            ("deals/batch/update", {"inputs": [{"properties": {}}]}),
            ("deals/batch/read", {"inputs": []}),
        ):
            refused = await portal.call("POST", f"{OBJECTS}/{path}", body, 400)
            assert refused["category"] == "VALIDATION_ERROR"
        await portal.call("GET", f"{OBJECTS}/deals?after=x", status=400)


async def test_one_company_of_a_deal_is_primary() -> None:
    async with hubspot() as portal:
        deal, first = await deal_with_company(portal)
        second = await portal.create("companies", name="B")
        primary = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}]
        await portal.call("PUT", f"{OBJECTS}/deals/{deal}/associations/companies/{second}", primary, 201)
        read = await portal.call("POST", f"{BATCH}/deals/companies/batch/read", {"inputs": [{"id": deal}]})
        ends = {
            one["toObjectId"]: [kind["typeId"] for kind in one["associationTypes"]] for one in read["results"][0]["to"]
        }
        assert ends == {first: [341], second: [5, 341]}


async def test_reading_links_in_a_batch_reports_the_record_without_any() -> None:
    async with hubspot() as portal:
        deal, company = await deal_with_company(portal)
        alone = await portal.create("deals", dealname="alone")
        inputs = {"inputs": [{"id": deal}, {"id": alone}]}
        part = await portal.call("POST", f"{BATCH}/deals/companies/batch/read", inputs, 207)
        assert part["results"][0]["to"][0]["toObjectId"] == company
        assert part["errors"][0]["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"
        older = await portal.call("POST", "/crm/v4/associations/deals/companies/batch/read", {"inputs": [{"id": deal}]})
        assert older["results"][0]["to"][0]["toObjectId"] == int(company)
        oldest = await portal.call(
            "POST", "/crm/v3/associations/deals/companies/batch/read", {"inputs": [{"id": deal}]}
        )
        assert oldest["results"][0]["to"][0] == {"id": company, "type": "deal_to_company"}


async def test_the_newest_generation_has_no_read_of_one_records_links() -> None:
    async with hubspot() as portal:
        deal, company = await deal_with_company(portal)
        await portal.call("GET", f"{OBJECTS}/deals/{deal}/associations/companies", status=404)
        found = await portal.call("GET", f"/crm/objects/2026-03/deals/{deal}/associations/companies")
        assert found["results"][0]["toObjectId"] == company
        four = await portal.call("GET", f"/crm/v4/objects/deals/{deal}/associations/companies")
        assert four["results"][0]["toObjectId"] == int(company)


async def test_links_are_made_in_batches_and_removed() -> None:
    async with hubspot() as portal:
        deal = await portal.create("deals", dealname="D")
        rows = [await portal.create("tieline_milestone", name=f"M{number}") for number in range(3)]
        inputs: list[dict[str, Any]] = [{"from": {"id": row}, "to": {"id": deal}} for row in rows]
        path = f"{BATCH}/p_tieline_milestone/deals/batch/associate/default"
        await portal.call("POST", path, {"inputs": inputs})
        shown = (await portal.read("deals", deal, associations="p_tieline_milestone"))["associations"]
        assert [one["id"] for one in shown["p48211903_tieline_milestone"]["results"]] == rows
        gone = {"inputs": [{"from": {"id": rows[0]}, "to": [{"id": deal}]}]}
        await portal.call("POST", f"{BATCH}/p_tieline_milestone/deals/batch/archive", gone, 204)
        read = await portal.call("POST", f"{BATCH}/deals/p_tieline_milestone/batch/read", {"inputs": [{"id": deal}]})
        assert [one["toObjectId"] for one in read["results"][0]["to"]] == rows[1:]
        too_many = {"inputs": [{"id": deal}] * 1001}
        await portal.call("POST", f"{BATCH}/deals/companies/batch/read", too_many, 400)


async def test_a_long_list_of_links_has_pages() -> None:
    async with hubspot() as portal:
        company = await portal.create("companies", name="A")
        deals = [{"type": "deals", "dealname": str(number), "associations": [{"to": company, "object": "companies"}]}
                 for number in range(120)]  # fmt: skip
        made = (await portal.control("records", records=deals))["ids"]
        embedded = (await portal.read("companies", company, associations="deals"))["associations"]["deals"]
        assert len(embedded["results"]) == 100
        path = f"/crm/v4/objects/companies/{company}/associations/deals?limit=50"
        seen: list[str] = []
        after = ""
        while True:
            page = await portal.call("GET", f"{path}&after={after}")
            seen += [str(one["toObjectId"]) for one in page["results"]]
            if "paging" not in page:
                break
            after = page["paging"]["next"]["after"]
        assert seen == made


async def test_a_task_for_a_deal_carries_its_link() -> None:
    async with hubspot() as portal:
        deal = await portal.create("deals", dealname="D")
        spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 216}
        links = [{"to": {"id": deal}, "types": [spec]}]
        task = await portal.create("tasks", links, hs_timestamp="2026-11-24T09:00:00Z", hs_task_subject="S")
        shown = (await portal.read("deals", deal, associations="tasks"))["associations"]
        assert [one["id"] for one in shown["tasks"]["results"]] == [task]
        undated = await portal.call("POST", f"{OBJECTS}/tasks", {"properties": {"hs_task_subject": "S"}}, 400)
        assert undated["context"]["properties"] == ["hs_timestamp"]
        missing = {
            "properties": {"hs_timestamp": "2026-11-24T09:00:00Z"},
            "associations": [{"to": {"id": "1"}, "types": [spec]}],
        }
        await portal.call("POST", f"{OBJECTS}/tasks", missing, 404)
        assert len((await portal.state())["tasks"]) == 1
