from typing import Any

import pytest

from tests.sandbox.salesforce_org import B, Org, salesforce

HALTED = "The transaction was rolled back since another operation in the same transaction failed."


def part(reference: str, method: str, url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {"referenceId": reference, "method": method, "url": f"{B}/{url}"}
    return made | ({"body": body} if body is not None else {})


async def composite(org: Org, *parts: dict[str, Any], all_or_none: bool = True) -> list[dict[str, Any]]:
    body = {"allOrNone": all_or_none, "compositeRequest": list(parts)}
    answer = await org.http.post(f"{B}/composite", json=body)
    assert answer.status_code == 200, answer.text
    shown: list[dict[str, Any]] = answer.json()["compositeResponse"]
    return shown


async def test_a_chain_uses_earlier_answers() -> None:
    async with salesforce() as org:
        answers = await composite(
            org,
            part("acct", "POST", "sobjects/Account", {"Name": "A"}),
            part("ask", "GET", "query?q=SELECT+Id+FROM+Account+WHERE+Id='@{acct.id}'"),
            part("proj", "PATCH", "sobjects/Tieline_Project__c/Key__c/ns:1", {"Name": "P"}),
            part("fix", "PATCH", "sobjects/Account/@{ask.records[0].Id}", {"Description": "for @{proj.id}!"}),
        )
        assert [one["httpStatusCode"] for one in answers] == [201, 200, 201, 204]
        assert answers[0]["httpHeaders"]["Location"] == f"{B}/sobjects/Account/{answers[0]['body']['id']}"
        assert answers[3]["body"] is None
        account = await org.read("Account", answers[0]["body"]["id"])
        assert account["Description"] == f"for {answers[2]['body']['id']}!"


async def test_all_or_none_undoes_everything_and_names_the_culprit() -> None:
    async with salesforce() as org:
        kept = await org.create("Account", Name="Before")
        seq = (await org.control("journal", method="GET"))["last_seq"]
        answers = await composite(
            org,
            part("one", "PATCH", f"sobjects/Account/{kept}", {"Name": "After"}),
            part("two", "POST", "sobjects/Contact", {"FirstName": "No last name"}),
            part("three", "POST", "sobjects/Account", {"Name": "Never"}),
        )
        assert [one["httpStatusCode"] for one in answers] == [400, 400, 400]
        assert answers[0]["body"] == [{"message": HALTED, "errorCode": "PROCESSING_HALTED"}]
        assert answers[1]["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
        assert answers[2]["body"][0]["errorCode"] == "PROCESSING_HALTED"
        assert (await org.read("Account", kept))["Name"] == "Before"
        assert (await org.control("journal", method="GET"))["last_seq"] == seq


async def test_without_all_or_none_only_dependants_halt() -> None:
    async with salesforce() as org:
        answers = await composite(
            org,
            part("bad", "POST", "sobjects/Account", {}),
            part("needs", "POST", "sobjects/Contact", {"LastName": "L", "AccountId": "@{bad.id}"}),
            part("good", "POST", "sobjects/Account", {"Name": "A"}),
            part("lost", "POST", "sobjects/Contact", {"LastName": "L", "AccountId": "@{good.nothing}"}),
            all_or_none=False,
        )
        assert [one["httpStatusCode"] for one in answers] == [400, 400, 201, 400]
        assert answers[1]["body"][0]["errorCode"] == "PROCESSING_HALTED"
        assert "Invalid reference" in answers[3]["body"][0]["message"]


async def test_a_failed_collection_row_fails_an_all_or_none_composite() -> None:
    async with salesforce() as org:
        rows = [{"attributes": {"type": "Account"}, "Name": "A"}, {"attributes": {"type": "Account"}}]
        answers = await composite(
            org,
            part("first", "POST", "sobjects/Account", {"Name": "B"}),
            part("rows", "POST", "composite/sobjects", {"allOrNone": False, "records": rows}),
        )
        assert answers[0]["httpStatusCode"] == 400
        assert (await org.query("SELECT COUNT() FROM Account"))["totalSize"] == 0


async def test_a_composite_counts_once_and_a_batch_counts_its_parts() -> None:
    async with salesforce() as org:

        async def used() -> int:
            answer = await org.http.get(f"{B}/limits")
            return int(answer.headers["Sforce-Limit-Info"].partition("=")[2].partition("/")[0])

        before = await used()
        await composite(org, *(part(f"r{n}", "POST", "sobjects/Account", {"Name": "A"}) for n in range(25)))
        assert await used() == before + 2
        requests = [{"method": "POST", "url": "v67.0/sobjects/Account", "richInput": {"Name": n}} for n in ("A", "")]
        answer = await org.http.post(f"{B}/composite/batch", json={"batchRequests": requests})
        assert answer.json()["hasErrors"]
        assert [one["statusCode"] for one in answer.json()["results"]] == [201, 400]
        assert await used() == before + 5


async def test_composite_limits_and_malformed_requests() -> None:
    async with salesforce() as org:

        async def refused(*parts: dict[str, Any]) -> str:
            answer = await org.http.post(f"{B}/composite", json={"compositeRequest": list(parts)})
            assert answer.status_code == 400
            return str(answer.json()[0]["message"])

        assert "Limit of 25" in await refused(*(part(f"r{n}", "GET", "limits") for n in range(26)))
        assert "Limit of 5" in await refused(*(part(f"r{n}", "GET", "query?q=x") for n in range(6)))
        assert "Duplicate referenceId" in await refused(part("a", "GET", "limits"), part("a", "GET", "limits"))
        assert "invalid character" in await refused(part("1a", "GET", "limits"))
        assert "at least one" in await refused()


async def test_a_collection_hides_failures_in_a_200() -> None:
    async with salesforce() as org:
        rows: list[dict[str, Any]] = [
            {"attributes": {"type": "Account"}, "Name": "A", "ERP_Customer_Id__c": "C-1"},
            {"attributes": {"type": "Account"}},
            {"attributes": {"type": "Contact"}, "LastName": "L"},
        ]
        answer = await org.http.post(f"{B}/composite/sobjects", json={"allOrNone": False, "records": rows})
        assert answer.status_code == 200
        one, two, three = answer.json()
        assert (one["success"], three["success"]) == (True, True)
        assert two == {
            "success": False,
            "errors": [
                {
                    "statusCode": "REQUIRED_FIELD_MISSING",
                    "message": "Required fields are missing: [Name]",
                    "fields": ["Name"],
                }
            ],
        }
        rows[0]["ERP_Customer_Id__c"] = "C-2"
        undone = (await org.http.post(f"{B}/composite/sobjects", json={"allOrNone": True, "records": rows})).json()
        assert undone[0]["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
        assert undone[1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
        assert (await org.query("SELECT COUNT() FROM Account"))["totalSize"] == 1


async def test_a_collection_upserts_in_order_and_refuses_repeated_keys() -> None:
    async with salesforce() as org:
        url = f"{B}/composite/sobjects/Tieline_Project__c/Key__c"

        def row(key: str | None) -> dict[str, Any]:
            return {"attributes": {"type": "Tieline_Project__c"}, "Name": "P", "Key__c": key}

        first = (await org.http.patch(url, json={"records": [row("a"), row("b"), row(None)]})).json()
        assert [one.get("created") for one in first] == [True, True, None]
        assert first[2]["errors"][0]["statusCode"] == "MISSING_ARGUMENT"
        second = (await org.http.patch(url, json={"records": [row("b"), row("c"), row("c")]})).json()
        assert second[0] == {"id": first[1]["id"], "success": True, "errors": [], "created": False}
        assert [one["errors"][0]["statusCode"] for one in second[1:]] == ["DUPLICATE_VALUE"] * 2
        many = await org.http.patch(url, json={"records": [row(str(n)) for n in range(201)]})
        assert many.status_code == 400
        assert "cannot submit more than 200 records" in many.json()[0]["message"]


async def test_a_collection_changes_reads_and_deletes_by_id() -> None:
    async with salesforce() as org:
        ids = [await org.create("Account", Name=name) for name in ("A", "B")]
        rows = [{"attributes": {"type": "Account"}, "id": one, "Phone": "1"} for one in ids]
        assert all(
            one["success"] for one in (await org.http.patch(f"{B}/composite/sobjects", json={"records": rows})).json()
        )
        wanted = {"ids": [ids[1], "001A0000006Vm9rIAC", ids[0]], "fields": ["Name", "Phone"]}
        read = (await org.http.post(f"{B}/composite/sobjects/Account", json=wanted)).json()
        assert [row and row["Name"] for row in read] == ["B", None, "A"]
        gone = await org.http.delete(f"{B}/composite/sobjects?ids={','.join(ids)}&allOrNone=true")
        assert [one["success"] for one in gone.json()] == [True, True]


async def test_a_graph_is_one_transaction_and_a_tree_too() -> None:
    async with salesforce() as org:
        good = {"graphId": "g1", "compositeRequest": [part("a", "POST", "sobjects/Account", {"Name": "A"})]}
        bad_parts = [part("a", "POST", "sobjects/Account", {"Name": "B"}), part("b", "POST", "sobjects/Contact", {})]
        body = {"graphs": [good, {"graphId": "g2", "compositeRequest": bad_parts}]}
        graphs = (await org.http.post(f"{B}/composite/graph", json=body)).json()["graphs"]
        assert [one["isSuccessful"] for one in graphs] == [True, False]
        assert (await org.query("SELECT COUNT() FROM Account"))["totalSize"] == 1
        contact = {"attributes": {"type": "Contact", "referenceId": "c"}, "LastName": "L"}
        root: dict[str, Any] = {"attributes": {"type": "Account", "referenceId": "a"}, "Name": "T"}
        root["Contacts"] = {"records": [contact]}
        grown = await org.http.post(f"{B}/composite/tree/Account", json={"records": [root]})
        assert grown.status_code == 201
        assert [one["referenceId"] for one in grown.json()["results"]] == ["a", "c"]
        contact.pop("LastName")
        felled = await org.http.post(f"{B}/composite/tree/Account", json={"records": [root]})
        assert (felled.status_code, felled.json()["hasErrors"]) == (400, True)
        assert (await org.query("SELECT COUNT() FROM Account WHERE Name = 'T'"))["totalSize"] == 1


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("sobjects", {"records": 5}),
        ("sobjects", {"records": []}),
        ("sobjects/Account", {"ids": 5}),
        ("tree/Account", {"records": [5]}),
        ("graph", {"graphs": [5]}),
        ("batch", {"batchRequests": [5]}),
        ("", {"compositeRequest": [5]}),
        ("", [5]),
    ],
)
async def test_a_malformed_body_is_a_400_and_no_defect(action: str, body: Any) -> None:
    async with salesforce() as org:
        answer = await org.http.post(f"{B}/composite/{action}", json=body)
        assert answer.status_code == 400
        assert answer.json()[0]["errorCode"] in {"JSON_PARSER_ERROR", "INVALID_INPUT", "LIMIT_EXCEEDED"}
