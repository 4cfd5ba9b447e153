import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from sandbox.netsuite.merge import merged
from sandbox.netsuite.schema import record_types
from tests.sandbox.netsuite_client import CUSTOMER, account, order

GROUPS = json.loads(
    (Path(__file__).parents[2] / "sandbox" / "netsuite" / "data" / "external_id_groups.json").read_text()
)["groups"]
NEEDED: dict[str, dict[str, Any]] = {
    "customer": {"companyName": "A"}, "contact": {"lastName": "B"}, "job": {"companyName": "C"},
    "employee": {"firstName": "D"}, "billingSchedule": {"name": "E"}, "department": {"name": "F"},
}  # fmt: skip


@pytest.mark.parametrize("first", ["customer", "job", "contact", "employee", "department"])
@pytest.mark.parametrize("second", ["customer", "job", "contact", "billingSchedule"])
async def test_an_external_id_is_unique_in_its_group_in_any_case(first: str, second: str) -> None:
    async with account() as client:
        home = {"subsidiary": {"externalId": "LE-US"}}

        def body(kind: str, external_id: str) -> dict[str, Any]:
            extra = home if kind in GROUPS["entity"] else {}
            return NEEDED[kind] | extra | {"externalId": external_id}

        assert (await client.call("POST", f"/record/v1/{first}", body(first, "Key-1"))).status_code == 204
        answer = await client.call("POST", f"/record/v1/{second}", body(second, "key-1"))
        shared = first == second or {first, second} <= set(GROUPS["entity"])
        assert answer.status_code == (400 if shared else 204)
        if shared:
            assert "This entity already exists." in answer.text


async def test_an_upsert_creates_once_and_then_updates() -> None:
    async with account() as client:
        first = await client.call("PUT", "/record/v1/customer/eid%3Atl_cust_1", CUSTOMER)
        second = await client.call("PUT", "/record/v1/Customer/eid:TL_CUST_1", {"phone": "1"})
        assert first.headers["Location"] == second.headers["Location"]
        assert first.headers["Location"].startswith(f"{client.server.url}/services/rest/record/v1/customer/")
        assert (first.content, "content-length" in first.headers) == (b"", False)
        found = await client.get("customer", "eid:tl_cust_1", "")
        assert (found["companyName"], found["phone"], found["externalId"]) == ("Acme & Söhne", "1", "tl_cust_1")
        assert found["subsidiary"]["refName"] == "Harbour & Finch Consulting Inc."
        assert found["addressBook"].keys() == {"links"}
        assert "email" not in found


async def test_fields_and_short_enumerations() -> None:
    async with account() as client:
        ids = await order(client)
        found = await client.get("salesOrder", ids["order"], "?fields=id,lastModifiedDate")
        assert found.keys() == {"links", "id", "lastModifiedDate"}
        short = await client.get("salesOrder", ids["order"], "?simpleEnumFormat=true")
        assert short["orderStatus"] == "B"
        full = await client.get("salesOrder", ids["order"])
        assert full["orderStatus"] == {"id": "B", "refName": "Pending Fulfillment", "links": []}
        assert full["total"] == 61502.6
        assert [line["line"] for line in full["item"]["items"]] == [1, 2]
        line = await client.call("GET", f"/record/v1/salesOrder/{ids['order']}/item/2")
        assert line.json()["description"] == "Hours"


KEYED = [{"line": 1, "quantity": 1}, {"line": 2, "quantity": 2}]


@pytest.mark.parametrize(
    ("body", "replace", "expected"),
    [
        ([{"line": 2, "quantity": 9}], "", [(1, 1), (2, 9)]),
        ([{"quantity": 3}], "", [(1, 1), (2, 2), (3, 3)]),
        ([{"line": 7, "quantity": 3}], "", [(1, 1), (2, 2), (3, 3)]),
        ([{"line": 2, "quantity": 9}], "item", [(2, 9)]),
        ([{"line": 2, "quantity": 9}, {"quantity": 5}], "item", [(2, 9), (3, 5)]),
        ([{"quantity": 1}, {"quantity": 2}], "item", [(1, 1), (2, 2)]),
        ([{"quantity": 1}, {"quantity": 3}], "item", [(3, 1), (4, 3)]),
        ([], "", []),
    ],
)
def test_lines_of_a_keyed_sublist_merge_by_key(
    body: list[dict[str, Any]], replace: str, expected: list[tuple[int, int]]
) -> None:
    kind = record_types()["salesOrder"]
    old = {"item": {"items": [dict(line) for line in KEYED]}}
    new = merged(kind, old, {"item": {"items": body}}, frozenset(filter(None, [replace])))
    assert [(line["line"], line["quantity"]) for line in new["item"]["items"]] == expected


def test_lines_without_keys_are_appended_and_replaced_as_a_whole() -> None:
    kind = record_types()["projectTask"]
    old = {"assignee": {"items": [{"units": 1}]}}
    line = {"assignee": {"items": [{"units": 1}]}}
    assert len(merged(kind, old, line, frozenset())["assignee"]["items"]) == 2
    assert len(merged(kind, old, line, frozenset({"assignee"}))["assignee"]["items"]) == 1
    assert "assignee" not in merged(kind, old, {"assignee": None}, frozenset())
    assert "assignee" not in merged(kind, old, {}, frozenset({"assignee"}))


async def test_a_repeated_upsert_with_replace_changes_nothing() -> None:
    async with account() as client:
        ids = await order(client)
        lines = [
            {"item": {"externalId": "SVC-FIXED"}, "quantity": 1, "rate": 60000.1, "custcol_tl_line_code": "L1"},
            {"item": {"externalId": "SVC-TM"}, "quantity": 10, "rate": 150.25, "description": "Hours"},
        ]
        await client.put("salesOrder", "tl_so_1", {"item": {"items": lines}}, "?replace=item")
        assert (await client.journal("salesOrder"))[-1]["changed"] == []
        await client.call("PATCH", f"/record/v1/salesOrder/{ids['order']}", {"item": {"items": lines}})
        assert len((await client.get("salesOrder", ids["order"]))["item"]["items"]) == 4


async def test_billing_and_paying_an_order() -> None:
    async with account() as client:
        ids = await order(client)
        part = {"externalId": "tl_inv_1", "item": {"items": [{"orderLine": 2, "quantity": 4}]}}
        answer = await client.call("POST", f"/record/v1/salesOrder/{ids['order']}/!transform/invoice", part)
        invoice = await client.get("invoice", "eid:tl_inv_1")
        assert answer.headers["Location"].endswith(f"/record/v1/invoice/{invoice['id']}")
        assert (invoice["total"], invoice["amountRemaining"], invoice["createdFrom"]["id"]) == (601, 601, ids["order"])
        rest = await client.call("POST", f"/record/v1/salesOrder/{ids['order']}/!transform/invoice", {})
        assert rest.status_code == 204
        done = await client.get("salesOrder", ids["order"])
        assert done["status"]["refName"] == "Billed"
        shrink = {"item": {"items": [{"line": 2, "quantity": 3}]}}
        refused = await client.call("PATCH", f"/record/v1/salesOrder/{ids['order']}", shrink)
        assert refused.status_code == 400
        pay = {"customer": {"id": ids["customer"]}, "payment": 500,
               "apply": {"items": [{"doc": {"id": invoice["id"]}, "apply": True, "amount": 400.5}]}}  # fmt: skip
        assert (await client.call("POST", "/record/v1/customerPayment", pay)).status_code == 204
        paid = await client.get("invoice", invoice["id"])
        assert (paid["amountPaid"], paid["amountRemaining"]) == (400.5, 200.5)
        links = await client.rows("SELECT nextdoc, linktype FROM previoustransactionlinelink WHERE previousdoc = ?",
                                  invoice["id"])  # fmt: skip
        assert [link["linktype"] for link in links] == ["Payment"]


@pytest.mark.parametrize(
    ("change", "amount"),
    [({"quantity": 4}, 601), ({"rate": 100}, 1000), ({"quantity": 4, "amount": 500}, 500), ({"memo": None}, 1502.5)],
)
async def test_a_new_quantity_or_rate_makes_a_new_amount(change: dict[str, Any], amount: float) -> None:
    async with account() as client:
        ids = await order(client)
        line = {"line": 2} | {name: value for name, value in change.items() if value is not None}
        await client.call("PATCH", f"/record/v1/salesOrder/{ids['order']}", {"item": {"items": [line]}})
        found = await client.get("salesOrder", ids["order"])
        assert (found["item"]["items"][1]["amount"], found["total"]) == (amount, round(60000.1 + amount, 2))


async def test_a_project_becomes_an_order_and_contacts_attach() -> None:
    async with account() as client:
        ids = await order(client)
        lines = {"item": {"items": [{"item": {"externalId": "SVC-FEE"}, "rate": 5}]}, "externalId": "tl_so_2"}
        answer = await client.call("POST", f"/record/v1/job/{ids['job']}/!transform/salesOrder", lines)
        assert answer.status_code == 204, answer.text
        assert (await client.get("salesOrder", "eid:tl_so_2"))["entity"]["id"] == ids["customer"]
        contact = await client.put("contact", "tl_cont_1", {"lastName": "Doe", "company": {"id": ids["customer"]}})
        path = f"/record/v1/job/{ids['job']}/!attach/contact/{contact}"
        assert (await client.call("POST", path, {"role": {"id": -10}})).status_code == 204


@pytest.mark.parametrize(
    ("schedule", "rows", "status"),
    [("FBM", [60000.5, 40000], 204), ("3", [], 400), ("STD", [50, 50], 204), ("5", [60, 50], 400), ("XYZ", [1], 400)],
)
async def test_milestone_schedules(schedule: str, rows: list[float], status: int) -> None:
    async with account() as client:
        items = [{"milestoneAmount": amount, "milestoneDate": "2026-06-30"} for amount in rows]
        body = {"name": "S", "scheduleType": {"id": schedule}, "milestone": {"items": items}}
        answer = await client.call("PUT", "/record/v1/billingSchedule/eid:tl_bs_1?replace=milestone", body)
        assert answer.status_code == status, answer.text
        if status == 204:
            found = await client.rows("SELECT milestoneamount, milestonedate FROM billingschedulemilestone")
            assert [float(row["milestoneamount"]) for row in found] == rows
            assert found[0]["milestonedate"] == "6/30/2026"


async def test_collections_hold_ids_and_links_only() -> None:
    async with account(state="demo") as client:
        page = (await client.call("GET", "/record/v1/customer?limit=2")).json()
        assert (page["count"], page["hasMore"], page["totalResults"]) == (2, True, 3)
        assert page["items"][0].keys() == {"id", "links"}
        assert {link["rel"] for link in page["links"]} == {"self", "next", "last"}
        wanted = '(companyName START_WITH "graduate" OR isInactive IS true) AND subsidiary ANY_OF [1,2]'
        found = (await client.call("GET", f"/record/v1/customer?{urlencode({'q': wanted})}")).json()
        assert found["totalResults"] == 2


async def test_a_deleted_record_is_gone_but_traced() -> None:
    async with account() as client:
        ids = await order(client)
        refused = await client.call("DELETE", f"/record/v1/job/{ids['job']}")
        assert "dependent records" in refused.text
        assert (await client.call("DELETE", f"/record/v1/salesOrder/{ids['order']}")).status_code == 204
        assert await client.rows("SELECT recordid FROM DeletedRecord") == [{"recordid": ids["order"]}]
        assert await client.rows("SELECT id FROM transaction") == []


async def test_the_demo_account_holds_what_the_page_says() -> None:
    async with account(state="demo") as client:
        columns = "companyname, custentity_tl_duns, externalid, isinactive"
        rows = await client.rows(f"SELECT {columns} FROM customer ORDER BY id")  # noqa: S608
        assert rows[0] == {"companyname": "Carahsoft Technology Corp", "isinactive": "F"}
        assert (rows[1]["companyname"], rows[1]["custentity_tl_duns"]) == ("Graduate School", "040535536")
        assert rows[2]["isinactive"] == "T"
        sizes = {"subsidiary": 5, "currency": 11, "term": 5, "department": 5, "item": 5, "jobtype": 4}
        for table, count in sizes.items():
            assert await client.rows(f"SELECT COUNT(*) AS n FROM {table}") == [{"n": str(count)}]  # noqa: S608
        assert await client.rows("SELECT id FROM currency WHERE symbol = 'JPY'") == [{"id": "4"}]
