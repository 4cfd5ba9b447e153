import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.netsuite_client import CUSTOMER, Account, account, order

CASES = json.loads((Path(__file__).parents[1] / "data" / "netsuite" / "error_cases.json").read_text())
BY_RULE = {"permission", "unexpected"}


async def _provoke(client: Account, name: str) -> Any:  # noqa: PLR0911 - one return per error
    async def call(method: str, path: str, body: Any = None, **headers: str) -> Any:
        return await client.call(method, path, body, **headers)

    if name == "missing_mandatory":
        return await call("POST", "/record/v1/customer", {"companyName": "Acme"})
    if name == "bad_reference":
        ids = await order(client)
        body = {"item": {"items": [{"item": {"id": "9999"}}]}}
        return await call("PATCH", f"/record/v1/salesOrder/{ids['order']}", body)
    if name == "duplicate_entity":
        await client.put("customer", "tl_cust_1", CUSTOMER)
        return await call("POST", "/record/v1/customer", CUSTOMER)
    if name == "login":
        return await call("GET", "/record/v1/customer/1", Authorization="Bearer nonsense")
    if name == "concurrency":
        await client.control("POST", "settings", {"concurrency": 1, "latency_s": 0.2})
        answers = await asyncio.gather(*(call("GET", "/system/v1/serverTime") for _ in range(3)))
        return max(answers, key=lambda one: one.status_code)
    if name == "idempotency_409":
        headers = {"Prefer": "respond-async", "X_NetSuite_Idempotency_Key": "k1"}
        first = await call("PUT", "/record/v1/customer/eid:a", CUSTOMER, **headers)
        assert first.status_code == 202
        second = await call("PUT", "/record/v1/customer/eid:a", CUSTOMER, **headers)
        assert second.headers["Location"].endswith(first.headers["Location"])
        return second
    paths = {"transaction_not_found": "invoice/77777", "record_not_found": "customer/77777", "unknown_type": "file"}
    return await call("GET", f"/record/v1/{paths[name]}")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_each_error_body_is_the_vendors(case: dict[str, Any]) -> None:
    async with account() as client:
        if case["name"] in BY_RULE:
            await client.fault(action="status", status=case["http_status"], body=case["body"])
            answer = await client.call("GET", "/record/v1/customer/1")
        else:
            answer = await _provoke(client, case["name"])
            assert answer.headers["content-type"].startswith("application/vnd.oracle.resource+json; type=error")
            assert answer.headers["x-n-operationid"]
        assert answer.status_code == case["http_status"]
        assert answer.json() == case["body"]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("PUT", "/record/v1/customer/601", {}, 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/record/v1/customer", {"Content_Type": "text/plain"}, 415, "INVALID_HEADER"),
        ("GET", "/record/v1/customer/eid:nobody", {}, 404, "NONEXISTENT_ID"),
        ("GET", "/record/v1/invoice/eid:nobody", {}, 404, "NONEXISTENT_ID"),
        ("GET", "/record/v1/customer?limit=10&offset=5", {}, 400, "INVALID_PARAMETER"),
        ("GET", "/record/v1/customer?q=nothing IS 5", {}, 400, "INVALID_PARAMETER"),
        ("GET", "/record/v1/customer/1?fields=id&expandSubResources=true", {}, 400, "INVALID_PARAMETER"),
        ("POST", "/record/v1/customer", {}, 400, "INVALID_REQUEST"),
    ],
)
async def test_wrong_calls_are_refused(
    method: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    async with account(state="demo") as client:
        if "fields" in path:
            record_id = (await client.rows("SELECT id FROM customer"))[0]["id"]
            path = path.replace("/1?", f"/{record_id}?")
        body = [1] if method != "GET" else None
        answer = await client.call(method, path, body, **headers)
        assert (answer.status_code, answer.json()["o:errorDetails"][0]["o:errorCode"]) == (status, code)


@pytest.mark.parametrize(
    ("field", "value"),
    [("subsidiary", {"id": "99"}), ("terms", {"externalId": "NET1"}), ("creditLimit", "much"), ("isPerson", "T")],
)
async def test_a_bad_value_is_named_with_its_path(field: str, value: object) -> None:
    async with account() as client:
        answer = await client.call("POST", "/record/v1/customer", CUSTOMER | {field: value})
        (detail,) = answer.json()["o:errorDetails"]
        assert (detail["o:errorPath"], detail["o:errorCode"]) == (field, "INVALID_CONTENT")


async def test_misspelt_names_follow_the_validation_mode() -> None:
    async with account() as client:
        body = CUSTOMER | {"compnyName": "x", "custentity_unknown": "y"}
        strict = await client.call("PUT", "/record/v1/customer/eid:a", body)
        assert [one["o:errorPath"] for one in strict.json()["o:errorDetails"]] == ["compnyName", "custentity_unknown"]
        header = "X_NetSuite_PropertyNameValidation"
        loose = await client.http.put("/services/rest/record/v1/customer/eid:a", json=body)
        assert loose.headers["X-NetSuite-PropertyValidation"] == "compnyName,custentity_unknown"
        silent = await client.call("PUT", "/record/v1/customer/eid:a", body, **{header: "ignore"})
        assert (silent.status_code, "X-NetSuite-PropertyValidation" in silent.headers) == (204, False)
        assert "compnyName" not in await client.get("customer", "eid:a")


async def test_a_locked_record_cannot_even_be_read_until_a_person_unlocks_it() -> None:
    async with account() as client:
        record_id = await client.put("customer", "a", CUSTOMER)
        lock = {"type": "customer", "id": record_id, "_locked": "month end"}
        await client.control("POST", "records", {"records": [lock]})
        assert "locked by a user defined workflow" in (await client.call("GET", "/record/v1/customer/eid:a")).text
        assert (await client.call("PATCH", "/record/v1/customer/eid:a", {"phone": "1"})).status_code == 400
        await client.control("POST", "records", {"records": [lock | {"_locked": None}]})
        assert (await client.call("GET", "/record/v1/customer/eid:a")).status_code == 200


async def test_a_closed_period_and_a_foreign_subsidiary_are_refused() -> None:
    async with account() as client:
        ids = await order(client)
        german = {"subsidiary": {"externalId": "LE-DE"}}
        refused = await client.call("PATCH", f"/record/v1/salesOrder/{ids['order']}", german)
        assert refused.json()["o:errorDetails"][0]["o:errorPath"] == "subsidiary"
        link = {"entity": {"id": ids["customer"]}, "subsidiary": {"externalId": "LE-DE"}}
        assert (await client.call("POST", "/record/v1/customerSubsidiaryRelationship", link)).status_code == 204
        assert (await client.call("PATCH", f"/record/v1/salesOrder/{ids['order']}", german)).status_code == 204
        await client.control("POST", "settings", {"closed_before": "2026-06-01"})
        body = {"tranDate": "2026-05-31"}
        answer = await client.call("POST", f"/record/v1/salesOrder/{ids['order']}/!transform/invoice", body)
        assert "accounting period" in answer.text
        assert (await client.get("salesOrder", ids["order"]))["item"]["items"][0]["quantityBilled"] == 0
