"""The demo firm on the second CRM, and an account that outlives its process."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.hubspot.demo import demo_records_here
from sandbox.salesforce.demo import demo_records
from tests.sandbox.hubspot_account import OBJECTS, having, hubspot


def of_type(records: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in records if one["type"] == kind]


def test_the_demo_has_the_same_firms_deals_and_figures_as_the_other_crm() -> None:
    here, there = demo_records_here(custom_objects=True), demo_records("", ["1", "2"])
    for kind, other in (("companies", "Account"), ("contacts", "Contact"), ("deals", "Opportunity"),
                        ("line_items", "OpportunityLineItem"), ("tieline_milestone", "Tieline_Milestone__c"),
                        ("tieline_rate", "Tieline_Rate__c")):  # fmt: skip
        assert len(of_type(here, kind)) == len(of_type(there, other)) > 0
    for sold, also in zip(of_type(here, "deals"), of_type(there, "Opportunity"), strict=True):
        assert sold["contract_number"] == also["Contract_Number__c"]
        assert Decimal(sold["signed_total"]) == also["Signed_Total__c"]
        assert sold["is_framework"] == str(also["Is_Framework__c"]).lower()
        assert sold.get("end_on") == also["End_On__c"]
    assert here == demo_records_here(custom_objects=True)


async def test_the_account_opens_with_the_demo_and_a_person_wins_a_deal() -> None:
    async with hubspot(state="demo") as portal:
        assert (await portal.search("companies"))["total"] == 102
        assert (await portal.search("deals", having("hs_is_closed", value="false")))["total"] == 83
        asked = [having("pipeline", value="75104382"), having("dealstage", value="148213303")]
        assert (await portal.search("deals", *asked))["total"] == 39
        moving = await portal.search("line_items", having("service_line", value="Relocation"))
        line = moving["results"][0]["id"]
        deal = (await portal.read("line_items", line, associations="deals"))["associations"]["deals"]["results"][0][
            "id"
        ]
        await portal.control("records", records=[{"type": "deals", "id": deal, "dealstage": "148213305"}])
        wanted = "amount,contract_number,hs_is_closed_won,bill_to_country"
        associations = "companies,contacts,line_items,p_tieline_milestone"
        won = await portal.read("deals", deal, properties=wanted, associations=associations)
        assert won["properties"]["hs_is_closed_won"] == "true"
        assert (won["properties"]["amount"], won["properties"]["contract_number"]) == ("104755.25", "TIRNE16D000030002")
        company = won["associations"]["companies"]["results"][0]["id"]
        firm = (await portal.read("companies", company, properties="country,hs_country_code"))["properties"]
        assert (firm["name"], firm["country"], firm["hs_country_code"]) == (
            "DAVIES OFFICE REFURBISHING", "United States", "US",
        )  # fmt: skip
        kinds = {one["type"] for one in won["associations"]["contacts"]["results"]}
        assert kinds == {"deal_to_contact", "billing"}
        milestones = {one["id"] for one in won["associations"]["p48211903_tieline_milestone"]["results"]}
        body = {"inputs": [{"id": one} for one in milestones], "properties": ["amount"]}
        rows = (await portal.call("POST", f"{OBJECTS}/p_tieline_milestone/batch/read", body))["results"]
        assert sum(Decimal(row["properties"]["amount"]) for row in rows) == Decimal("104755.25")


async def test_without_custom_objects_the_schedules_are_text_on_the_deal() -> None:
    async with hubspot(state="demo", custom_objects=False) as portal:
        asked = having("tieline_milestones_json", "HAS_PROPERTY")
        found = await portal.search("deals", asked, properties=["tieline_milestones_json", "signed_total"], limit=200)
        assert found["total"] > 0
        for row in found["results"]:
            steps = json.loads(row["properties"]["tieline_milestones_json"])
            assert sum(Decimal(step["amount"]) for step in steps) == Decimal(row["properties"]["signed_total"])
            assert {"code", "due_on", "trigger", "name"} <= steps[0].keys()


async def test_changes_and_set_up_outlive_the_process(tmp_path: Path) -> None:
    async with hubspot(data_dir=tmp_path) as portal:
        company = await portal.create("companies", name="A", erp_customer_id="C-1")
        gone = await portal.create("deals", dealname="gone")
        deal = await portal.create("deals", dealname="D")
        await portal.call("PUT", f"{OBJECTS}/deals/{deal}/associations/default/companies/{company}")
        await portal.call("DELETE", f"{OBJECTS}/deals/{gone}", status=204)
        new = {"name": "extra", "label": "Extra", "type": "string", "fieldType": "text", "groupName": "tieline_erp"}
        await portal.call("POST", "/crm/properties/2026-09/deals", new, 201)
        await portal.call("PATCH", f"{OBJECTS}/deals/{deal}", {"properties": {"extra": "x"}})
    async with hubspot(data_dir=tmp_path) as portal:
        shown = await portal.read("deals", deal, properties="extra", associations="companies")
        assert shown["properties"]["extra"] == "x"
        assert shown["associations"]["companies"]["results"][0]["id"] == company
        assert (await portal.read("companies", "C-1", idProperty="erp_customer_id"))["id"] == company
        assert (await portal.read("deals", gone, archived="true"))["archived"] is True
        assert int(await portal.create("deals", dealname="next")) > int(deal)


async def test_an_answer_cut_after_the_write_leaves_one_record() -> None:
    async with hubspot(listens=True) as portal:
        rule = {"method": "POST", "path": "batch/upsert", "when": "after", "action": "reset"}
        await portal.control("faults", rules=[rule])
        body = {"inputs": [{"id": "k1", "idProperty": "key", "properties": {"number": "7"}}]}
        path = f"{OBJECTS}/p_tieline_project/batch/upsert"
        with pytest.raises(httpx.TransportError):
            await portal.http.post(path, json=body)
        again = await portal.call("POST", path, body)
        assert again["results"][0]["new"] is False
        entries = (await portal.http.get("/_sandbox/journal")).json()["entries"]
        assert [(one["kind"], one["action"], one["external_id"]) for one in entries] == [
            ("tieline_project", "create", "k1"), ("tieline_project", "update", "k1"),
        ]  # fmt: skip
        assert entries[1]["changed"] == []
