import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.sandbox.salesforce_org import B, salesforce

KEY = f"{B}/sobjects/Account/ERP_Customer_Id__c"


async def test_large_answers_are_compressed_and_small_batches_are_paged() -> None:
    async with salesforce(settings={"max_page_rows": "2"}) as org:
        account = await org.create("Account", Name="A")
        for number in range(5):
            await org.create("Contact", LastName=f"N{number}", AccountId=account)
        first = await org.query("SELECT LastName FROM Contact ORDER BY LastName")
        assert (first["totalSize"], first["done"], len(first["records"])) == (5, False, 2)
        second = (await org.http.get(first["nextRecordsUrl"])).json()
        third = (await org.http.get(second["nextRecordsUrl"])).json()
        names = [row["LastName"] for page in (first, second, third) for row in page["records"]]
        assert (names, third["done"]) == (["N0", "N1", "N2", "N3", "N4"], True)
        nested = await org.query("SELECT (SELECT LastName FROM Contacts ORDER BY LastName) FROM Account")
        contacts = nested["records"][0]["Contacts"]
        assert (contacts["totalSize"], contacts["done"]) == (5, False)
        rest = (await org.http.get(contacts["nextRecordsUrl"])).json()
        assert [row["LastName"] for row in rest["records"]] == ["N2", "N3"]
        await org.control("clock", advance_s=2 * 86_400 + 60)
        await org.sign_in()
        late = await org.http.get(first["nextRecordsUrl"])
        assert late.json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"
        async with org.http.stream("GET", f"{B}/sobjects/Account/describe", headers={"Accept-Encoding": "gzip"}) as raw:
            packed = b"".join([chunk async for chunk in raw.aiter_raw()])
        assert raw.headers["Content-Encoding"] == "gzip"
        assert b'"name":"Account"' in gzip.decompress(packed)


async def test_changed_since_is_held_back_while_a_commit_is_late() -> None:
    async with salesforce() as org:
        account = await org.create("Account", Name="Early")
        other = await org.create("Account", Name="Doomed")
        await org.http.delete(f"{B}/sobjects/Account/{other}")
        start = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S+00:00")
        end = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S+00:00")
        window = {"start": start, "end": end}
        found = (await org.http.get(f"{B}/sobjects/Account/updated/", params=window)).json()
        assert found["ids"] == [account]
        assert found["latestDateCovered"].endswith(":00.000+0000")
        gone = (await org.http.get(f"{B}/sobjects/Account/deleted", params=window)).json()
        assert [one["id"] for one in gone["deletedRecords"]] == [other]
        await org.settings(visibility_delay_s=600)
        await org.create("Account", Name="Late")
        hidden = (await org.http.get(f"{B}/sobjects/Account/updated", params=window)).json()
        assert hidden["ids"] == [account]
        assert hidden["latestDateCovered"] < found["latestDateCovered"]
        await org.control("clock", advance_s=601)
        assert (await org.query("SELECT COUNT() FROM Account"))["totalSize"] == 2
        bad = await org.http.get(f"{B}/sobjects/Account/updated", params={"start": end, "end": start})
        assert bad.json()[0]["errorCode"] == "INVALID_REPLICATION_DATE"


async def test_addresses_that_lead_nowhere_say_so() -> None:
    async with salesforce() as org:
        assert (await org.http.get("/services/data")).json()[-1] == {
            "label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"
        }  # fmt: skip
        assert (await org.http.get("/services/data/v30.0/limits")).status_code == 410
        assert (await org.http.get("/services/data/v68.0/limits")).status_code == 404
        assert (await org.http.get(f"{B}/nothing")).json() == [
            {"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}
        ]
        assert (await org.http.put(f"{B}/sobjects/Account")).status_code == 405
        assert (await org.http.post(f"{B}/sobjects/Account", content=b"<a/>")).status_code == 415
        broken = await org.http.post(
            f"{B}/sobjects/Account", content=b"{", headers={"Content-Type": "application/json"}
        )
        assert broken.json()[0]["errorCode"] == "JSON_PARSER_ERROR"
        assert (await org.http.get(f"{B}/limits/")).json()["DailyApiRequests"]["Max"] == 100_000


async def test_changes_outlive_the_process(tmp_path: Path) -> None:
    async with salesforce(state="demo", data_dir=tmp_path) as org:
        first = await org.create("Account", Name="Kept", ERP_Customer_Id__c="C-1")
        gone = await org.create("Account", Name="Gone")
        await org.http.delete(f"{B}/sobjects/Account/{gone}")
    async with salesforce(data_dir=tmp_path) as org:
        assert (await org.http.patch(f"{KEY}/C-1", json={"Name": "Kept"})).json()["id"] == first
        again = await org.create("Account", Name="New")
        assert again not in {first, gone}
        assert (await org.query("SELECT COUNT() FROM Opportunity"))["totalSize"] == 83
