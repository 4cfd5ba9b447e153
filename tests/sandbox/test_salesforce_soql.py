from collections.abc import AsyncIterator
from datetime import date

import pytest
import pytest_asyncio

from sandbox.salesforce.soql.date_words import span
from tests.sandbox.salesforce_org import B, Org, salesforce


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def org() -> AsyncIterator[Org]:
    async with salesforce() as running:
        await _fill(running)
        yield running


async def _fill(org: Org) -> None:
    acme = await org.create("Account", Name="Acme", BillingCity="Rome", ERP_Customer_Id__c="C-1", Phone="1")
    bolt = await org.create("Account", Name="Bolt", ParentId=acme)
    await org.create("Account", Name="acorn_9%")
    await org.create("Contact", LastName="Ng", AccountId=acme, Email="ng@example.com")
    won = await org.deal(acme, Name="One", StageName="Closed Won", Amount=100.5, CloseDate="2026-01-31")
    await org.deal(acme, Name="Two", Amount=20, CloseDate="2026-02-01", Contract_Number__c="K'2")
    await org.deal(bolt, Name="Three", Amount=None, CloseDate="2026-03-01", Contract_Status__c="Draft")
    book = (await org.query("SELECT Id FROM Pricebook2"))["records"][0]["Id"]
    product = await org.create("Product2", Name="Advice", Family="Advisory", IsActive=True)
    entry = await org.create("PricebookEntry", Pricebook2Id=book, Product2Id=product, UnitPrice=1, IsActive=True)
    for order, price in ((2, 70), (1, 30.5)):
        line = {"OpportunityId": won, "PricebookEntryId": entry, "Quantity": 1, "UnitPrice": price, "SortOrder": order}
        await org.create("OpportunityLineItem", **line)


NAMES = [
    ("Amount = 20", ["Two"]),
    ("Amount != 20", ["One", "Three"]),
    ("Amount > 20", ["One"]),
    ("Amount >= 20 AND Amount <= 20.0", ["Two"]),
    ("Amount = null", ["Three"]),
    ("Amount <> null", ["One", "Two"]),
    ("IsWon = TRUE", ["One"]),
    ("NOT IsWon = true", ["Three", "Two"]),
    ("(NOT (Name = 'One' OR Name = 'two'))", ["Three"]),
    ("Name LIKE 't%'", ["Three", "Two"]),
    ("Name LIKE '_wo'", ["Two"]),
    ("Name IN ('ONE', 'nobody')", ["One"]),
    ("Name NOT IN ('One')", ["Three", "Two"]),
    ("Contract_Number__c = 'K\\'2'", ["Two"]),
    ("CloseDate = 2026-02-01", ["Two"]),
    ("CloseDate < 2026-02-01", ["One"]),
    ("CreatedDate = TODAY AND Name = 'One'", ["One"]),
    ("CreatedDate = LAST_N_DAYS:3", ["One", "Three", "Two"]),
    ("SystemModstamp > 2000-01-01T00:00:00Z AND Amount > 50", ["One"]),
    ("SystemModstamp < 2000-01-01T02:00:00%2B02:00", []),
    ("Account.Name = 'bolt'", ["Three"]),
    ("Account.Parent.Name = 'Acme'", ["Three"]),
    ("Account.Parent.Parent.Name = null", ["One", "Three", "Two"]),
    ("AccountId IN (SELECT Id FROM Account WHERE BillingCity = 'Rome')", ["One", "Two"]),
    ("AccountId NOT IN (SELECT AccountId FROM Contact)", ["Three"]),
    ("Id IN (SELECT OpportunityId FROM OpportunityLineItem)", ["One"]),
    ("Contract_Status__c IN ('Draft')", ["Three"]),
    ("opportunity.NAME = 'One'", ["One"]),
    ("(Amount > 1 AND Amount < 50) OR (Name = 'One' AND IsWon = true)", ["One", "Two"]),
]


@pytest.mark.parametrize(("condition", "expected"), NAMES)
async def test_a_condition_selects_the_records_it_describes(org: Org, condition: str, expected: list[str]) -> None:
    condition = condition.replace("%2B", "+")
    found = await org.query(f"SELECT Name FROM Opportunity WHERE {condition} ORDER BY Name")  # noqa: S608
    assert [row["Name"] for row in found["records"]] == expected


async def test_like_takes_escaped_wildcards_literally(org: Org) -> None:
    found = await org.query("SELECT Name FROM Account WHERE Name LIKE 'acorn\\_9\\%'")
    assert [row["Name"] for row in found["records"]] == ["acorn_9%"]


async def test_names_come_back_as_the_schema_spells_them(org: Org) -> None:
    found = await org.query("select id, account.billingcity, erp_sync_status__c from opportunity where name='One'")
    row = found["records"][0]
    assert set(row) == {"attributes", "Id", "Account", "ERP_Sync_Status__c"}
    assert row["Account"]["BillingCity"] == "Rome"
    assert row["attributes"]["url"] == f"{B}/sobjects/Opportunity/{row['Id']}"


async def test_children_are_filtered_sorted_and_null_when_there_are_none(org: Org) -> None:
    found = await org.query(
        "SELECT Name, (SELECT UnitPrice, Product2.Family FROM OpportunityLineItems"
        " WHERE Quantity > 0 ORDER BY SortOrder) FROM Opportunity ORDER BY Name"
    )
    rows = {row["Name"]: row["OpportunityLineItems"] for row in found["records"]}
    assert [line["UnitPrice"] for line in rows["One"]["records"]] == [30.5, 70.0]
    assert rows["One"]["totalSize"] == 2
    assert rows["One"]["records"][0]["Product2"]["Family"] == "Advisory"
    assert rows["Two"] is None


async def test_an_absent_parent_is_null(org: Org) -> None:
    found = await org.query("SELECT Parent.Name FROM Account WHERE Name = 'Acme'")
    assert found["records"][0]["Parent"] is None


async def test_nulls_come_first_unless_asked_last(org: Org) -> None:
    first = await org.query("SELECT Name FROM Opportunity ORDER BY Amount DESC")
    last = await org.query("SELECT Name FROM Opportunity ORDER BY Amount DESC NULLS LAST LIMIT 2 OFFSET 1")
    assert [row["Name"] for row in first["records"]] == ["Three", "One", "Two"]
    assert [row["Name"] for row in last["records"]] == ["Two", "Three"]


async def test_counting_answers_a_size_and_no_rows(org: Org) -> None:
    assert await org.query("SELECT COUNT() FROM Account") == {"totalSize": 3, "done": True, "records": []}


async def test_groups_are_added_up(org: Org) -> None:
    found = await org.query(
        "SELECT Account.Name, SUM(Amount) total, COUNT(Id), MAX(CloseDate), MIN(Amount) FROM Opportunity"
        " GROUP BY Account.Name ORDER BY COUNT(Id) DESC"
    )
    assert found["records"] == [
        {
            "attributes": {"type": "AggregateResult"},
            "Name": "Acme", "total": 120.5, "expr0": 2, "expr1": "2026-02-01", "expr2": 20.0,
        },
        {
            "attributes": {"type": "AggregateResult"},
            "Name": "Bolt", "total": None, "expr0": 1, "expr1": "2026-03-01", "expr2": None,
        },
    ]  # fmt: skip


async def test_all_fields_need_a_limit(org: Org) -> None:
    row = (await org.query("SELECT FIELDS(ALL) FROM Account LIMIT 200"))["records"][0]
    assert row["BillingAddress"]["city"] == "Rome"
    assert row["ERP_Customer_Id__c"] == "C-1"
    assert (await org.refused("SELECT FIELDS(ALL) FROM Account"))["errorCode"] == "MALFORMED_QUERY"
    standard = (await org.query("SELECT FIELDS(STANDARD) FROM Account"))["records"][0]
    assert "ERP_Customer_Id__c" not in standard


REFUSED = [
    ("SELECT Foo FROM Account", "INVALID_FIELD", "No such column 'Foo' on entity 'Account'. If you are attempting"),
    ("SELECT Id FROM Acount", "INVALID_TYPE", "sObject type 'Acount' is not supported."),
    ("SELECT Boss.Name FROM Account", "INVALID_FIELD", "Didn't understand relationship 'Boss' in field path."),
    ("SELECT (SELECT Id FROM Lines) FROM Account", "INVALID_TYPE", "'Lines' in FROM part of query call."),
    ("SELECT Id FROM Account WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered in a query call"),
    ("SELECT Id FROM Opportunity WHERE Amount = '5'", "INVALID_FIELD", "must be of type double and should not be"),
    ("SELECT Id FROM Opportunity WHERE Name = 5", "INVALID_FIELD", "must be of type string"),
    ("SELECT Id FROM Opportunity WHERE CloseDate > '2026-01-01'", "INVALID_FIELD", "of type date and should not"),
    ("SELECT Id FROM Opportunity WHERE CreatedDate > 2026-01-01", "INVALID_FIELD", "must be of type dateTime"),
    ("SELECT Id FROM Account WHERE Id = 'nonsense'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: nonsense"),
    ("SELECT Id FROM", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
    ("SELECT * FROM Account", "MALFORMED_QUERY", "unexpected token: '*'"),
    ("SELECT Id FROM Account WHERE Name = 'a' AND Phone = 'b' OR Phone = 'c'", "MALFORMED_QUERY", "token: 'OR'"),
    ("SELECT Name, COUNT(Id) FROM Account", "MALFORMED_QUERY", "must be grouped or aggregated: Name"),
    ("SELECT SUM(Name) FROM Account", "MALFORMED_QUERY", "does not support aggregate operator"),
    ("SELECT Id FROM Account WHERE CreatedDate > 2026-13-41T00:00:00Z", "MALFORMED_QUERY", "Invalid date or time"),
    ("SELECT Id FROM Account WHERE CreatedDate = LAST_N_YEARS:9999", "MALFORMED_QUERY", "Invalid date or time"),
    ("SELECT Id FROM Account ORDER BY Description", "INVALID_FIELD", "can not be sorted in a query call"),
    ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"),
    ("SELECT Parent.Parent.Parent.Parent.Parent.Parent.Name FROM Account", "MALFORMED_QUERY", "Only 5 levels"),
]


@pytest.mark.parametrize(("soql", "code", "words"), REFUSED)
async def test_a_bad_query_is_refused_in_the_vendors_words(org: Org, soql: str, code: str, words: str) -> None:
    error = await org.refused(soql)
    assert error["errorCode"] == code
    assert words in error["message"]


async def test_the_error_points_at_the_place(org: Org) -> None:
    error = await org.refused("SELECT Id,\n Foo FROM Account")
    assert "ERROR at Row:2:Column:2" in error["message"]


async def test_an_index_finds_what_a_scan_finds(org: Org) -> None:
    key = (await org.query("SELECT Id FROM Account WHERE ERP_Customer_Id__c = 'c-1'"))["records"][0]["Id"]
    by_short = await org.query(f"SELECT Name FROM Account WHERE Id IN ('{key[:15]}', '{key}')")  # noqa: S608
    assert [row["Name"] for row in by_short["records"]] == ["Acme"]


SPANS = [
    ("TODAY", "2026-05-20", "2026-05-21"),
    ("YESTERDAY", "2026-05-19", "2026-05-20"),
    ("LAST_N_DAYS:30", "2026-04-20", "2026-05-21"),
    ("NEXT_N_DAYS:2", "2026-05-21", "2026-05-23"),
    ("THIS_WEEK", "2026-05-17", "2026-05-24"),
    ("LAST_MONTH", "2026-04-01", "2026-05-01"),
    ("THIS_QUARTER", "2026-04-01", "2026-07-01"),
    ("NEXT_YEAR", "2027-01-01", "2028-01-01"),
    ("LAST_N_MONTHS:6", "2025-11-01", "2026-05-01"),
    ("NEXT_N_QUARTERS:1", "2026-07-01", "2026-10-01"),
]


@pytest.mark.parametrize(("word", "first", "after"), SPANS)
def test_date_words_mean_spans_of_days(word: str, first: str, after: str) -> None:
    assert span(word, date(2026, 5, 20)) == (date.fromisoformat(first), date.fromisoformat(after))
