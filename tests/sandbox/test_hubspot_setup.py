"""What an administrator sets up: properties, custom objects, pipelines, rules; and what an integration reads of it."""

from typing import Any

from tests.sandbox.hubspot_account import OBJECTS, Portal, V, hubspot

SCHEMAS = f"/crm-object-schemas/{V}/schemas"


async def test_a_property_is_made_once_in_a_group_that_exists_and_stays_unique() -> None:
    async with hubspot() as portal:
        path = f"/crm/properties/{V}/companies"
        new = {"name": "vat_id", "label": "VAT id", "type": "string", "fieldType": "text", "groupName": "finance",
               "hasUniqueValue": True}  # fmt: skip
        await portal.call("POST", path, new, 400)
        await portal.call("POST", f"{path}/groups", {"name": "finance", "label": "Finance"}, 201)
        made = await portal.call("POST", path, new, 201)
        assert (made["hasUniqueValue"], made["hubspotDefined"], made["groupName"]) == (True, False, "finance")
        again = await portal.call("POST", path, new, 409)
        assert again["message"] == "Property named 'vat_id' already exists"
        changed = await portal.call("PATCH", f"{path}/vat_id", {"label": "VAT", "hasUniqueValue": False})
        assert (changed["label"], changed["hasUniqueValue"]) == ("VAT", True)
        company = await portal.create("companies", name="A", vat_id="DE1")
        assert (await portal.read("companies", "DE1", idProperty="vat_id"))["id"] == company
        await portal.call("DELETE", f"{path}/vat_id", status=204)
        await portal.call("GET", f"{path}/vat_id", status=404)
        assert (await portal.call("GET", f"{path}/vat_id?archived=true"))["archived"] is True
        await portal.call("PATCH", f"{path}/name", {"label": "Firm"}, 400)


async def test_properties_describe_their_options_and_what_is_calculated() -> None:
    async with hubspot() as portal:
        listed = (await portal.call("GET", f"/crm/properties/{V}/deals"))["results"]
        by_name = {one["name"]: one for one in listed}
        assert [one["value"] for one in by_name["contract_status"]["options"]] == [
            "Draft", "In Approval", "Approved", "Cancelled",
        ]  # fmt: skip
        assert by_name["hs_is_closed_won"]["modificationMetadata"]["readOnlyValue"] is True
        assert by_name["tieline_project_key"]["hasUniqueValue"] is True
        wanted = {"inputs": [{"name": "amount"}, {"name": "nothing"}], "archived": False}
        part = await portal.call("POST", f"/crm/properties/{V}/deals/batch/read", wanted, 207)
        assert ([one["name"] for one in part["results"]], part["numErrors"]) == (["amount"], 1)


def invoice_schema() -> dict[str, Any]:
    key = {"name": "invoice_key", "label": "Key", "type": "string", "fieldType": "text", "hasUniqueValue": True}
    due = {"name": "amount_due", "label": "Due", "type": "number", "fieldType": "number"}
    return {
        "name": "erp_invoice", "labels": {"singular": "ERP invoice", "plural": "ERP invoices"},
        "primaryDisplayProperty": "invoice_key", "requiredProperties": ["invoice_key"],
        "searchableProperties": ["invoice_key"], "properties": [key, due], "associatedObjects": ["COMPANY", "DEAL"],
    }  # fmt: skip


async def test_a_custom_object_is_made_used_and_removed() -> None:
    async with hubspot() as portal:
        made = await portal.call("POST", SCHEMAS, invoice_schema(), 201)
        assert made["fullyQualifiedName"] == "p48211903_erp_invoice"
        assert made["objectTypeId"].startswith("2-")
        await portal.call("POST", SCHEMAS, invoice_schema(), 409)
        bare = await portal.call("POST", f"{OBJECTS}/p_erp_invoice", {"properties": {"amount_due": "1"}}, 400)
        assert bare["context"]["properties"] == ["invoice_key"]
        record = await portal.create(made["objectTypeId"], invoice_key="INV-1")
        deal = await portal.create("deals", dealname="D")
        await portal.call("PUT", f"{OBJECTS}/p_erp_invoice/{record}/associations/default/deals/{deal}")
        for path in (SCHEMAS, "/crm/v3/schemas", "/crm-object-schemas/v3/schemas"):
            names = {one["name"] for one in (await portal.call("GET", path))["results"]}
            assert names == {"erp_invoice", "tieline_milestone", "tieline_rate", "tieline_project"}
        await portal.call("DELETE", f"{SCHEMAS}/p_erp_invoice", status=400)
        await portal.call("DELETE", f"{OBJECTS}/p_erp_invoice/{record}", status=204)
        await portal.call("DELETE", f"{SCHEMAS}/p_erp_invoice", status=204)
        await portal.call("GET", f"{OBJECTS}/p_erp_invoice/{record}", status=400)


async def test_an_edition_without_custom_objects_says_so_in_three_places() -> None:
    async with hubspot(custom_objects=False) as portal:
        for method, body in (("GET", None), ("POST", invoice_schema())):
            refused = await portal.call(method, SCHEMAS, body, 403)
            assert refused["category"] == "MISSING_SCOPES"
        limits = await portal.call("GET", f"/crm/limits/{V}/custom-object-types")
        assert limits["limit"] == 0
        unknown = await portal.call("GET", f"{OBJECTS}/p_tieline_project/1", status=400)
        assert unknown["message"] == "Unable to infer object type from: p_tieline_project"
        deal = await portal.create("deals", dealname="D", tieline_project_key="acme/C-1")
        assert (await portal.read("deals", "acme/C-1", idProperty="tieline_project_key"))["id"] == deal


async def test_pipelines_owners_and_the_account_can_be_read() -> None:
    async with hubspot() as portal:
        stages = [{"label": "Open", "displayOrder": 0, "metadata": {"probability": "0.5"}},
                  {"label": "Done", "displayOrder": 1, "metadata": {"probability": "1.0"}}]  # fmt: skip
        new = {"label": "Renewals", "displayOrder": 2, "stages": stages}
        made = await portal.call("POST", f"/crm/pipelines/{V}/deals", new, 201)
        won = made["stages"][1]
        assert won["metadata"] == {"isClosed": "true", "probability": "1.0"}
        deal = await portal.create("deals", dealname="D", pipeline=made["id"], dealstage=won["id"])
        shown = await portal.read("deals", deal, properties="hs_is_closed_won")
        assert shown["properties"]["hs_is_closed_won"] == "true"
        renamed = await portal.call(
            "PATCH", f"/crm/pipelines/{V}/deals/{made['id']}/stages/{won['id']}", {"label": "W"}
        )
        assert renamed["label"] == "W"
        owners = (await portal.call("GET", "/crm/v3/owners/?limit=2"))["results"]
        assert owners[1]["id"] != str(owners[1]["userId"])
        by_mail = await portal.call("GET", f"/crm/owners/{V}?email=dana.okafor@harbourfinch.example.com")
        assert [one["id"] for one in by_mail["results"]] == ["41629779"]
        details = await portal.call("GET", f"/account-info/{V}/details")
        assert (details["portalId"], details["companyCurrency"]) == (48211903, "USD")


async def rules(portal: Portal) -> str:
    won = {"object": "deals", "when": {"dealstage": ["148213305"]}, "require": ["closedate", "region"]}
    number = {
        "object": "deals",
        "property": "erp_project_number",
        "pattern": "PRJ-.*",
        "message": "must begin with PRJ-",
    }
    await portal.control("rules", rules=[won, number])
    deal = {"type": "deals", "dealname": "D", "pipeline": "75104382", "dealstage": "148213305"}
    return str((await portal.control("records", records=[deal]))["ids"][0])


async def test_an_administrators_rule_refuses_a_write_back_only_in_the_generation_that_enforces_it() -> None:
    async with hubspot() as portal:
        deal = await rules(portal)
        body = {"properties": {"erp_project_id": "9"}}
        refused = await portal.call("PATCH", f"{OBJECTS}/deals/{deal}", body, 400)
        assert refused["category"] == "VALIDATION_ERROR"
        assert refused["context"]["properties"] == ["closedate", "region"]
        assert refused["errors"][0]["context"]["propertyName"] == ["closedate"]
        for path in ("/crm/v3/objects/deals", "/crm/objects/2026-03/deals"):
            await portal.call("PATCH", f"{path}/{deal}", body)
        fixed = {"properties": {"closedate": "2026-11-20", "region": "US", "erp_project_number": "9"}}
        again = await portal.call("PATCH", f"{OBJECTS}/deals/{deal}", fixed, 400)
        assert again["errors"][0]["message"] == "must begin with PRJ-"
        listed = await portal.call("GET", f"/crm/property-validations/{V}/deals")
        held = [{"ruleType": "REGEX", "ruleArguments": ["PRJ-.*"]}]
        assert listed["results"] == [{"propertyName": "erp_project_number", "propertyValidationRules": held}]
        fixed["properties"]["erp_project_number"] = "PRJ-9"
        await portal.call("PATCH", f"{OBJECTS}/deals/{deal}", fixed)


async def test_a_line_item_copies_its_product_and_adds_up() -> None:
    async with hubspot() as portal:
        product = await portal.create("products", name="Audit", price="100.10", hs_sku="A", service_line="Advisory")
        line = await portal.create("line_items", hs_product_id=product, quantity="3", hs_discount_percentage="10")
        shown = await portal.read("line_items", line, properties="service_line,hs_sku")
        assert shown["properties"]["service_line"] == "Advisory"
        assert (shown["properties"]["name"], shown["properties"]["amount"]) == ("Audit", "270.27")
        negative = await portal.call("POST", f"{OBJECTS}/line_items", {"properties": {"name": "x", "price": "-1"}}, 400)
        assert negative["errors"][0]["context"]["propertyName"] == ["price"]
