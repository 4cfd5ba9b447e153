import asyncio
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.sandbox.netsuite_client import CUSTOMER, Account, account, order

ASYNC = {"Prefer": "respond-async"}


QUERIES: list[tuple[str, list[str], list[dict[str, str]]]] = [
    (
        "SELECT id AS X, tranid FROM transaction WHERE type = 'SalesOrd'",
        [],
        [{"x": "$order", "tranid": "SO$order"}],
    ),
    (
        "SELECT t.id FROM transaction t JOIN customer c ON c.id = t.entity WHERE UPPER(c.companyname) = UPPER(?)",
        ["acme & söhne"],
        [{"id": "$order"}],
    ),
    (
        "SELECT BUILTIN.DF(t.status) AS s, BUILTIN.DF(t.subsidiary) n FROM transaction t",
        [],
        [{"s": "Sales Order : Pending Fulfillment", "n": "Harbour & Finch Consulting Inc."}],
    ),
    (
        """SELECT tl.item, tl.foreignamount FROM transactionline tl WHERE tl.transaction = ? AND tl.mainline = 'F'
        ORDER BY tl.linesequencenumber DESC FETCH FIRST 1 ROWS ONLY""",
        ["$order"],
        [{"item": "72", "foreignamount": "1502.5"}],
    ),
    (
        "WITH a AS (SELECT id FROM customer UNION ALL SELECT id FROM job) SELECT COUNT(*) FROM a",
        [],
        [{"expr1": "2"}],
    ),
    ("SELECT id FROM entity WHERE ROWNUM <= 1 AND email IS NULL ORDER BY id", [], [{"id": "$customer"}]),
    (
        "SELECT id, email FROM customer WHERE externalid = ? AND isinactive = 'F'",
        ["tl_cust_1"],
        [{"id": "$customer"}],
    ),
    ("SELECT COALESCE(email, 'none') e, NVL(phone, 'x') p FROM customer", [], [{"e": "none", "p": "x"}]),
    (
        "SELECT TO_CHAR(TO_DATE('2026-02-01', 'YYYY-MM-DD'), 'DD.MM.YYYY') d FROM dual",
        [],
        [{"d": "01.02.2026"}],
    ),
    ("SELECT id FROM job WHERE lastmodifieddate BETWEEN SYSDATE - 1/24 AND SYSDATE + 1", [], [{"id": "$job"}]),
    (
        "SELECT BUILTIN.DF(transaction.entity) AS e FROM transaction WHERE transaction.trandate > TO_DATE(?, ?) - 1",
        ["2026-01-01", "YYYY-MM-DD"],
        [{"e": "Acme & Söhne"}],
    ),
    (
        """SELECT id FROM customer WHERE id = ? UNION ALL SELECT id FROM job WHERE parent = ? ORDER BY id""",
        ["$customer", "$customer"],
        [{"id": "$customer"}, {"id": "$job"}],
    ),
]


@pytest.mark.parametrize(("query", "params", "expected"), QUERIES)
async def test_queries(query: str, params: list[str], expected: list[dict[str, str]]) -> None:
    async with account() as client:
        ids = await order(client)

        def fill(text: str) -> str:
            for name, value in ids.items():
                text = text.replace(f"${name}", value)
            return text

        wanted = [{key: fill(value) for key, value in row.items()} for row in expected]
        assert await client.rows(query, *map(fill, params)) == wanted


async def test_instants_are_in_the_accounts_zone_and_compare() -> None:
    async with account(settings={"time_zone": "Asia/Tokyo", "date_format": "YYYY-MM-DD"}) as client:
        ids = await order(client)
        mask = "YYYY-MM-DD HH24:MI:SS"
        (row,) = await client.rows(f"SELECT TO_CHAR(lastmodifieddate, '{mask}') AS t, lastmodifieddate FROM job")  # noqa: S608
        stamp = (await client.get("job", ids["job"]))["lastModifiedDate"]
        local = datetime.fromisoformat(stamp).astimezone(ZoneInfo("Asia/Tokyo"))
        assert row == {"t": local.strftime("%Y-%m-%d %H:%M:%S"), "lastmodifieddate": local.strftime("%Y-%m-%d")}
        since = f"SELECT id FROM job WHERE lastmodifieddate >= TO_TIMESTAMP(?, '{mask}')"  # noqa: S608
        assert await client.rows(since, row["t"]) == [{"id": ids["job"]}]
        assert await client.rows(since, "2999-01-01 00:00:00") == []
        assert await client.rows(f"SELECT TO_CHAR(SYSDATE, '{mask}') AS n FROM dual")  # noqa: S608


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT wrong FROM customer", "Field 'wrong' was not found"),
        ("SELECT id FROM nowhere", "Record 'nowhere' was not found"),
        ("SELECT id FROM customer LIMIT 5", "Invalid or unsupported search"),
        ("DELETE FROM customer", "SELECT"),
        ("SELECT id FROM customer WHERE id = ?", "placeholders"),
    ],
)
async def test_bad_queries_are_refused(query: str, words: str) -> None:
    async with account() as client:
        answer = await client.call("POST", "/query/v1/suiteql", {"q": query}, Prefer="transient")
        assert answer.status_code == 400
        assert words in answer.json()["o:errorDetails"][0]["detail"]


async def test_a_query_needs_the_transient_preference_but_no_content_type() -> None:
    async with account() as client:
        assert (await client.call("POST", "/query/v1/suiteql", {"q": "SELECT id FROM term"})).status_code == 400
        raw = json.dumps({"q": "SELECT id FROM term ORDER BY id"}).encode()
        url = "/services/rest/query/v1/suiteql?limit=2&offset=2"
        answer = await client.http.post(url, content=raw, headers={"prefer": "transient"})
        page = answer.json()
        assert (page["count"], page["hasMore"], page["totalResults"]) == (2, True, 5)
        assert {link["rel"] for link in page["links"]} == {"self", "next", "last", "first", "previous"}


async def _finished(client: Account, location: str) -> list[str]:
    async with asyncio.timeout(5):
        while not (await client.http.get(location)).json()["completed"]:  # noqa: ASYNC110 - clients can only poll
            await asyncio.sleep(0.01)
    items = (await client.http.get(f"{location}/task")).json()["items"]
    return [item["links"][0]["href"] for item in items]


async def test_a_batch_job_tells_the_truth_only_in_its_results() -> None:
    async with account() as client:
        home = {"subsidiary": {"id": "1"}}
        items = [{"externalId": "a", "companyName": "A"} | home, {"externalId": "b", "companyName": "B"},
                 {"externalId": "c", "companyName": "C", "parent": {"externalId": "a"}} | home]  # fmt: skip
        kind = "application/vnd.oracle.resource+json; type=collection"
        answer = await client.call("PUT", "/record/v1/customer", {"items": items}, Content_Type=kind, **ASYNC)
        assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "respond-async")
        tasks = await _finished(client, answer.headers["Location"])
        told = [(await client.http.get(task)).json()["progress"] for task in tasks]
        assert told == ["succeeded"] * 3
        results = [await client.http.get(f"{task}/result") for task in tasks]
        assert [one.status_code for one in results] == [204, 400, 204]
        assert results[0].headers["Location"]
        many = {"items": [items[0]] * 101}
        refused = await client.call("PUT", "/record/v1/customer", many, Content_Type=kind, **ASYNC)
        assert refused.status_code == 400
        read = await client.call("GET", "/record/v1/customer?expandRecords=true&ids=eid:a,eid:nobody", **ASYNC)
        found = [await client.http.get(f"{task}/result") for task in await _finished(client, read.headers["Location"])]
        assert [one.status_code for one in found] == [200, 404]


async def test_an_asynchronous_query_is_fetched_with_transient_only() -> None:
    async with account() as client:
        answer = await client.call(
            "POST", "/query/v1/suiteql", {"q": "SELECT id FROM term"}, Prefer="respond-async, transient"
        )
        (task,) = await _finished(client, answer.headers["Location"])
        assert (await client.http.get(f"{task}/result")).status_code == 404
        good = await client.http.get(f"{task}/result", headers={"Prefer": "transient"})
        assert good.json()["totalResults"] == 5


async def test_the_idempotency_key_is_ignored_on_a_direct_call() -> None:
    async with account() as client:
        for _ in range(2):
            answer = await client.call(
                "PUT", "/record/v1/customer/eid:a", CUSTOMER, X_NetSuite_Idempotency_Key="same"
            )
            assert answer.status_code == 204


async def test_slots_are_counted_per_moment_and_a_blocked_call_is_not_executed() -> None:
    async with account(settings={"latency_s": "0.1"}) as client:
        names = [f"C{n}" for n in range(8)]
        calls = [
            client.call("PUT", f"/record/v1/customer/eid:{name}", CUSTOMER | {"companyName": name}) for name in names
        ]
        statuses = [answer.status_code for answer in await asyncio.gather(*calls)]
        assert (statuses.count(204), statuses.count(429)) == (5, 3)
        assert len(await client.journal("customer")) == 5
        limits = (await client.call("GET", "/system/v1/governanceLimits")).json()
        assert limits["accountConcurrencyLimit"] == 5


async def test_a_saved_project_is_announced_with_a_signature() -> None:
    received: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        await received.put((headers, await reader.readexactly(int(headers["content-length"]))))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    listener = await asyncio.start_server(receive, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener, account() as client:
        await client.control("POST", "subscriptions", {"url": f"http://127.0.0.1:{port}/hook", "secret": "s3"})
        ids = await order(client)
        async with asyncio.timeout(5):
            events: list[Any] = [await received.get() for _ in range(2)]
        kinds = set()
        for headers, raw in events:
            signed = f"{headers['x-tieline-timestamp']}.".encode() + raw
            mark = hmac.new(b"s3", signed, hashlib.sha256).hexdigest()
            assert headers["x-tieline-signature"] == f"v1={mark}"
            body = json.loads(raw)
            assert body["eventId"] == headers["x-tieline-event-id"]
            assert (body["type"], body["executionContext"]) == ("create", "REST_WEBSERVICES")
            kinds.add((body["recordType"], body["recordId"]))
        assert kinds == {("job", ids["job"]), ("salesOrder", ids["order"])}


async def test_the_metadata_catalogue_names_types_and_properties() -> None:
    async with account() as client:
        listed = (await client.call("GET", "/record/v1/metadata-catalog?select=customer,salesOrder")).json()
        assert [item["name"] for item in listed["items"]] == ["customer", "salesOrder"]
        one = await client.call("GET", "/record/v1/metadata-catalog/job", Accept="application/schema+json")
        assert "companyName" in one.json()["properties"]
