import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from sandbox.salesforce.ids import checksum, is_id, to_18
from tests.sandbox.salesforce_org import B, salesforce

KEY = f"{B}/sobjects/Account/ERP_Customer_Id__c"
PROJECT = f"{B}/sobjects/Tieline_Project__c/Key__c"


def test_ids_carry_the_checksum_of_their_capitals() -> None:
    assert to_18("001A0000006Vm9r") == "001A0000006Vm9rIAC"
    assert checksum("0015g0000000001") == "AAA"
    assert is_id("001A0000006Vm9rIAC")
    assert not is_id("001A0000006Vm9rIAD")
    assert not is_id("001A")


async def test_a_record_is_created_read_changed_and_deleted() -> None:
    async with salesforce() as org:
        made = await org.http.post(
            f"{B}/sobjects/Account/", json={"Name": " Acme ", "Phone": "", "Is_Government__c": True}
        )
        assert made.status_code == 201
        assert set(made.json()) == {"id", "success", "errors"}
        record_id = made.json()["id"]
        assert made.headers["Location"] == f"{B}/sobjects/Account/{record_id}"
        assert made.headers["Content-Type"] == "application/json;charset=UTF-8"
        assert made.headers["Sforce-Limit-Info"].startswith("api-usage=")
        changed = await org.http.patch(f"{B}/sobjects/Account/{record_id[:15]}", json={"phone": "7"})
        assert (changed.status_code, changed.content) == (204, b"")
        assert "Sforce-Limit-Info" in changed.headers
        read = await org.http.get(f"{B}/sobjects/account/{record_id}?fields=Name,Phone,Is_Government__c")
        url = f"{B}/sobjects/Account/{record_id}"
        assert read.json() == {
            "attributes": {"type": "Account", "url": url},
            "Name": "Acme", "Phone": "7", "Is_Government__c": True, "Id": record_id,
        }  # fmt: skip
        assert (await org.http.delete(url)).status_code == 204
        gone = await org.http.get(url)
        assert (gone.status_code, gone.json()[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")
        everything = await org.http.get(f"{B}/queryAll", params={"q": "SELECT Name, IsDeleted FROM Account"})
        assert [(row["Name"], row["IsDeleted"]) for row in everything.json()["records"]] == [("Acme", True)]


async def test_an_upsert_creates_once_and_then_changes_nothing() -> None:
    async with salesforce() as org:
        key = f"{PROJECT}/ns%2FP%2088%2B"
        first = await org.http.patch(key, json={"Name": "P"})
        second = await org.http.patch(key, json={"Name": "P"})
        assert (first.status_code, first.json()["created"]) == (201, True)
        assert second.status_code == 200
        assert second.json() == {"id": first.json()["id"], "success": True, "errors": [], "created": False}
        assert (await org.http.get(key)).json()["Key__c"] == "ns/P 88+"
        journal = (await org.control("journal", method="GET"))["entries"]
        assert [(entry["action"], entry["external_id"]) for entry in journal] == [
            ("create", "ns/P 88+"),
            ("update", "ns/P 88+"),
        ]
        assert journal[1]["changed"] == []


async def test_a_case_sensitive_key_tells_upper_from_lower() -> None:
    async with salesforce() as org:
        assert (await org.http.patch(f"{PROJECT}/a", json={"Name": "P"})).status_code == 201
        assert (await org.http.patch(f"{PROJECT}/A", json={"Name": "P"})).status_code == 201
        assert (await org.http.patch(f"{KEY}/a", json={"Name": "P"})).status_code == 201
        assert (await org.http.patch(f"{KEY}/A", json={"Name": "P"})).status_code == 200


async def test_a_key_carried_by_two_records_is_a_300_and_writes_nothing() -> None:
    async with salesforce(settings={"not_unique_fields": "Account.ERP_Customer_Id__c"}) as org:
        ids = [await org.create("Account", Name=name, ERP_Customer_Id__c="C-1") for name in ("A", "B")]
        before = (await org.control("journal", method="GET"))["last_seq"]
        answer = await org.http.patch(f"{KEY}/C-1", json={"Name": "C"})
        assert answer.status_code == 300
        assert answer.json() == [f"{B}/sobjects/Account/{one}" for one in ids]
        assert (await org.http.get(f"{KEY}/C-1")).status_code == 300
        assert (await org.control("journal", method="GET"))["last_seq"] == before


async def test_two_upserts_at_once_make_one_record() -> None:
    async with salesforce(settings={"upsert_gap_s": "0.05"}) as org:
        answers = await asyncio.gather(*(org.http.patch(f"{KEY}/C-1", json={"Name": "A"}) for _ in range(2)))
        won, lost = sorted(answers, key=lambda answer: answer.status_code)
        assert (won.status_code, lost.status_code) == (201, 400)
        assert lost.json()[0]["errorCode"] == "DUPLICATE_VALUE"
        assert won.json()["id"] in lost.json()[0]["message"]
        assert (await org.query("SELECT COUNT() FROM Account"))["totalSize"] == 1


async def test_upsert_by_id_update_only_and_old_versions() -> None:
    async with salesforce() as org:
        assert (await org.http.patch(f"{KEY}/C-1?updateOnly=true", json={"Name": "A"})).status_code == 404
        old = KEY.replace("v67.0", "v45.0")
        assert (await org.http.patch(f"{old}/C-1", json={"Name": "A"})).status_code == 201
        assert (await org.http.patch(f"{old}/C-1", json={"Name": "A"})).status_code == 204
        wrong = await org.http.patch(f"{B}/sobjects/Account/Phone/1", json={"Name": "A"})
        assert wrong.json() == [
            {
                "message": "Provided external ID field does not exist or is not accessible: Phone",
                "errorCode": "NOT_FOUND",
            }
        ]
        inside = await org.http.patch(f"{KEY}/C-1", json={"ERP_Customer_Id__c": "C-1"})
        assert inside.status_code == 400


async def test_a_lookup_by_external_id_needs_no_id() -> None:
    async with salesforce() as org:
        account = await org.create("Account", Name="A", ERP_Customer_Id__c="C-1")
        deal = await org.create(
            "Opportunity",
            Name="D",
            StageName="Negotiation",
            CloseDate="2026-01-01",
            Account={"ERP_Customer_Id__c": "C-1"},
        )
        assert (await org.read("Opportunity", deal))["AccountId"] == account
        body = {"LastName": "L", "Account": {"ERP_Customer_Id__c": "0116"}}
        error = (await org.http.post(f"{B}/sobjects/Contact", json=body)).json()[0]
        assert error["errorCode"] == "INVALID_FIELD"
        assert (
            "Foreign key external ID: 0116 not found for field ERP_Customer_Id__c in entity Account" in error["message"]
        )


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("Account", {"Nme": "x"}, "INVALID_FIELD", "No such column 'Nme' on sobject of type Account"),
    ("Account", {"Phone": "x"}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]"),
    ("Account", {"Name": "x" * 256}, "STRING_TOO_LONG", "(max length=255)"),
    ("Account", {"Name": "x", "SystemModstamp": "2026-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "Unable"),
    ("Account", {"Name": "x", "Id": "001A0000006Vm9rIAC"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "Id"),
    ("Account", {"Name": "x", "ParentId": "001A0000006Vm9rIAC"}, "INVALID_CROSS_REFERENCE_KEY", "invalid cross"),
    ("Account", {"Name": "x", "ParentId": "nope"}, "MALFORMED_ID", "id value of incorrect type: nope"),
    ("Account", {"Name": "x", "NumberOfEmployees": 10**9}, "NUMBER_OUTSIDE_VALID_RANGE", "valid range"),
    ("Account", {"Name": "x", "AnnualRevenue": "lots"}, "JSON_PARSER_ERROR", "Cannot deserialize instance of double"),
    ("Account", {"Name": "x", "Invoice_Email__c": "a@b"}, "INVALID_EMAIL_ADDRESS", "invalid email address: a@b"),
    ("Account", {"Name": "x", "Is_Government__c": "maybe"}, "JSON_PARSER_ERROR", "boolean"),
    (
        "Opportunity",
        {"Name": "x", "StageName": "y", "CloseDate": "2026-01-01", "Contract_Status__c": "Lost"},
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "bad value for restricted picklist field: Lost",
    ),
    ("Opportunity", {"Name": "x", "StageName": "y", "CloseDate": "1/2/26"}, "JSON_PARSER_ERROR", "date"),
    ("Opportunity", {"Name": "x", "StageName": "y", "CloseDate": "2026-01-01", "IsWon": True},
     "INVALID_FIELD_FOR_INSERT_UPDATE", "IsWon"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "code", "words"), REFUSED)
async def test_a_value_that_does_not_fit_is_refused(kind: str, body: dict[str, Any], code: str, words: str) -> None:
    async with salesforce() as org:
        answer = await org.http.post(f"{B}/sobjects/{kind}", json=body)
        assert answer.status_code == 400
        error = answer.json()[0]
        assert error["errorCode"] == code
        assert words in error["message"]


async def test_a_hidden_field_looks_absent_and_a_locked_one_cannot_be_written() -> None:
    async with salesforce() as org:
        account = await org.create("Account", Name="A", Phone="1")
        await org.settings(hidden_fields="Account.Phone", read_only_fields="Account.Fax")
        described = (await org.http.get(f"{B}/sobjects/Account/describe")).json()
        fields = {one["name"]: one for one in described["fields"]}
        assert "Phone" not in fields
        assert not fields["Fax"]["updateable"]
        assert fields["ERP_Customer_Id__c"]["externalId"]
        assert fields["ERP_Customer_Id__c"]["unique"]
        assert "No such column 'Phone'" in (await org.refused("SELECT Phone FROM Account"))["message"]
        answer = await org.http.patch(f"{B}/sobjects/Account/{account}", json={"Fax": "1"})
        assert answer.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
        assert "Phone" not in await org.read("Account", account)


async def test_rules_and_locks_stop_a_write() -> None:
    async with salesforce() as org:
        first = await org.create("Account", Name="Acme", BillingCity="Rome")
        deal = await org.deal(first)
        rule = {"object": "Opportunity", "condition": "StageName = 'Closed Won' AND PO_Number__c = null"}
        validation = [{**rule, "message": "A won deal needs a PO number.", "field": "PO_Number__c"}]
        await org.control(
            "rules", validation_rules=validation, duplicate_rules=[{"object": "Account", "match": ["Name"]}]
        )
        answer = await org.http.patch(f"{B}/sobjects/Opportunity/{deal}", json={"StageName": "Closed Won"})
        assert answer.json() == [
            {
                "message": "A won deal needs a PO number.",
                "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                "fields": ["PO_Number__c"],
            }
        ]
        twin = await org.http.post(f"{B}/sobjects/Account", json={"Name": "ACME "})
        result = twin.json()[0]["duplicateResult"]
        assert (twin.status_code, twin.json()[0]["errorCode"]) == (400, "DUPLICATES_DETECTED")
        assert result["matchResults"][0]["matchRecords"][0]["record"]["Id"] == first
        header = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
        assert (await org.http.post(f"{B}/sobjects/Account", json={"Name": "ACME"}, headers=header)).status_code == 201
        locks = [{"id": deal, "kind": "approval"}, {"id": first, "kind": "row", "times": 1}]
        await org.control("locks", locks=locks)
        held = await org.http.patch(f"{B}/sobjects/Opportunity/{deal}", json={"NextStep": "x"})
        assert held.json()[0]["errorCode"] in {"ENTITY_IS_LOCKED", "UNABLE_TO_LOCK_ROW"}
        await org.control("locks", method="DELETE")
        await org.control("locks", locks=[{"id": first, "kind": "row", "times": 1}])
        child = await org.http.patch(f"{B}/sobjects/Opportunity/{deal}", json={"NextStep": "x"})
        assert child.json()[0]["errorCode"] == "UNABLE_TO_LOCK_ROW"
        assert (await org.http.patch(f"{B}/sobjects/Opportunity/{deal}", json={"NextStep": "x"})).status_code == 204


async def test_a_write_on_an_outdated_basis_is_a_412() -> None:
    async with salesforce() as org:
        account = await org.create("Account", Name="A")
        url = f"{B}/sobjects/Account/{account}"
        old = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
        late = await org.http.patch(url, json={"Phone": "1"}, headers={"If-Unmodified-Since": old})
        assert (late.status_code, late.json()[0]["errorCode"]) == (412, "PRECONDITION_FAILED")
        bad = await org.http.patch(url, json={"Phone": "1"}, headers={"If-Unmodified-Since": "yesterday"})
        assert bad.status_code == 400
        tag = (await org.http.get(url)).headers["ETag"]
        assert (await org.http.get(url, headers={"If-None-Match": tag})).status_code == 304
        assert (await org.http.patch(url, json={"Phone": "1"}, headers={"If-Match": tag})).status_code == 204
        assert (await org.http.patch(url, json={"Phone": "2"}, headers={"If-Match": tag})).status_code == 412


async def test_the_platform_derives_amounts_and_flags() -> None:
    async with salesforce() as org:
        account = await org.create("Account", Name="A")
        deal = await org.deal(account, Amount=1)
        book = (await org.query("SELECT Id FROM Pricebook2"))["records"][0]["Id"]
        product = await org.create("Product2", Name="Advice", IsActive=True, ProductCode="ADV")
        price = await org.create("PricebookEntry", Pricebook2Id=book, Product2Id=product, UnitPrice=10, IsActive=True)
        line = {"OpportunityId": deal, "PricebookEntryId": price, "Quantity": 3}
        both = await org.http.post(f"{B}/sobjects/OpportunityLineItem", json={**line, "UnitPrice": 1, "TotalPrice": 3})
        assert both.json()[0]["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"
        first = await org.create("OpportunityLineItem", **line, UnitPrice=33.33, Discount=10)
        await org.create("OpportunityLineItem", OpportunityId=deal, Product2Id=product, Quantity=1, TotalPrice=0.5)
        shown = await org.read("OpportunityLineItem", first)
        assert (shown["TotalPrice"], shown["ProductCode"], shown["Name"]) == (89.99, "ADV", "Rollout Advice")
        await org.http.patch(f"{B}/sobjects/Opportunity/{deal}", json={"Amount": 7, "StageName": "Closed Won"})
        won = await org.read("Opportunity", deal)
        assert (won["Amount"], won["IsWon"], won["IsClosed"], won["ForecastCategory"]) == (90.49, True, True, "Closed")
        assert (won["HasOpportunityLineItem"], won["Pricebook2Id"], won["Probability"]) == (True, book, 100.0)
        await org.http.delete(f"{B}/sobjects/Opportunity/{deal}")
        assert (await org.query("SELECT COUNT() FROM OpportunityLineItem"))["totalSize"] == 0


async def test_a_contract_is_activated_in_a_second_step_and_for_good() -> None:
    async with salesforce() as org:
        account = await org.create("Account", Name="A")
        body = {"AccountId": account, "StartDate": "2026-01-31", "ContractTerm": 1, "Status": "Activated"}
        early = await org.http.post(f"{B}/sobjects/Contract", json=body)
        assert early.json()[0]["errorCode"] == "FAILED_ACTIVATION"
        contract = await org.create("Contract", **{**body, "Status": "Draft"})
        assert (
            await org.http.patch(f"{B}/sobjects/Contract/{contract}", json={"Status": "Activated"})
        ).status_code == 204
        shown = await org.read("Contract", contract)
        assert (shown["StatusCode"], shown["EndDate"], shown["ContractNumber"]) == (
            "Activated",
            "2026-02-27",
            "00000002",
        )
        back = await org.http.patch(f"{B}/sobjects/Contract/{contract}", json={"Status": "Draft"})
        assert back.json()[0]["errorCode"] == "INVALID_STATUS"
        order = await org.create("Order", AccountId=account, EffectiveDate="2026-01-01")
        empty = await org.http.patch(f"{B}/sobjects/Order/{order}", json={"Status": "Activated"})
        assert empty.json()[0]["errorCode"] == "FAILED_ACTIVATION"


async def test_the_quoting_package_is_absent_but_quotes_are_there() -> None:
    async with salesforce() as org:
        assert (await org.http.get(f"{B}/sobjects/SBQQ__Quote__c/describe")).status_code == 404
        assert (await org.http.get(f"{B}/sobjects/Quote/describe")).status_code == 200
        names = {one["name"] for one in (await org.http.get(f"{B}/sobjects")).json()["sobjects"]}
        assert {"Quote", "QuoteLineItem", "Order", "OrderItem", "Contract", "Tieline_Project__c"} <= names
        deal = await org.deal(await org.create("Account", Name="A"))
        quote = await org.create("Quote", Name="Q", OpportunityId=deal)
        assert (await org.read("Quote", quote))["QuoteNumber"] == "00000001"
