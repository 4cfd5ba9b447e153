from collections import Counter
from decimal import Decimal
from typing import Any

from sandbox.salesforce.demo import demo_records, read_actions
from sandbox.salesforce.demo.deals import demo_deals
from sandbox.salesforce.demo.generated import split
from tests.sandbox.salesforce_org import salesforce


def records() -> list[dict[str, Any]]:
    return demo_records("book", ["dana", "miguel"])


def test_the_service_awards_add_up_to_the_files_totals() -> None:
    awards = [deal for deal in demo_deals(read_actions()) if not deal.opened_from and deal.action.is_service]
    assert len(awards) == 19
    assert sum(deal.funded for deal in awards) == Decimal("1508569.06")
    assert sum(deal.exercised for deal in awards) == Decimal("1546793.54")
    assert sum(deal.with_options for deal in awards) == Decimal("1644607.32")


def test_all_awards_and_the_usable_bases_are_deals() -> None:
    deals = demo_deals(read_actions())
    kinds = Counter((bool(deal.opened_from), deal.action.is_service) for deal in deals)
    assert kinds == {(False, True): 19, (False, False): 44, (True, True): 20}
    bases = [deal for deal in deals if deal.opened_from]
    assert all(deal.funded >= 0 and 0 < deal.exercised <= deal.with_options for deal in bases)
    assert [deal.contract_number for deal in bases if deal.action.country == "BR"] == ["TIRNE13E00024"]
    assert len({deal.contract_number for deal in deals}) == len(deals)


def test_the_demo_is_the_same_on_every_run() -> None:
    assert records() == records()


def test_milestones_add_up_to_the_line_and_lie_inside_the_term() -> None:
    by_deal: dict[str, list[dict[str, Any]]] = {}
    made = records()
    for record in made:
        if record["type"] == "Tieline_Milestone__c":
            by_deal.setdefault(record["Opportunity__c"]["ref"], []).append(record)
            assert record["Name"].endswith("(generated)")
    lines = {one["OpportunityId"]["ref"]: one for one in made if one["type"] == "OpportunityLineItem"}
    for deal, milestones in by_deal.items():
        assert len(milestones) in {2, 3}
        assert sum(one["Amount__c"] for one in milestones) == lines[deal]["UnitPrice"]
        assert all(lines[deal]["Start_On__c"] <= one["Due_On__c"] <= lines[deal]["End_On__c"] for one in milestones)
    unbilled = [
        ref
        for ref, line in lines.items()
        if line["Billing_Type__c"] == "Milestones" and ref not in by_deal and line["UnitPrice"] > 0
    ]
    assert unbilled == []


def test_rates_stay_within_the_cap_and_shares_within_the_cent() -> None:
    hours: dict[str, Decimal] = {}
    for record in records():
        if record["type"] == "Tieline_Rate__c":
            deal = record["Opportunity__c"]["ref"]
            hours[deal] = hours.get(deal, Decimal(0)) + record["Rate_Per_Hour__c"] * record["Estimated_Hours__c"]
    assert len(hours) == 5
    assert hours["deal/TIRMS16P00307"] <= Decimal("60843.20")
    assert split(Decimal("0.05"), [1, 1, 1]) == [Decimal("0.02"), Decimal("0.02"), Decimal("0.01")]


async def test_the_org_opens_with_the_demo_and_a_person_wins_a_deal() -> None:
    async with salesforce(state="demo") as org:
        assert (await org.query("SELECT COUNT() FROM Account"))["totalSize"] == 102
        open_deals = "SELECT COUNT() FROM Opportunity WHERE StageName = 'Negotiation' AND IsClosed = false"
        assert (await org.query(open_deals))["totalSize"] == 83
        foreign = await org.query("SELECT Name, Tax_Number__c FROM Account WHERE BillingCountry = 'BR'")
        assert [row["Tax_Number__c"] for row in foreign["records"]] == [None]
        blank = await org.query("SELECT Name FROM Account WHERE BillingCountry = null")
        assert [row["Name"] for row in blank["records"]] == ["STUART L. PLOTNICK, LLC"]
        moving = await org.query("SELECT OpportunityId FROM OpportunityLineItem WHERE Product2.Family = 'Relocation'")
        assert moving["totalSize"] == 1
        deal = moving["records"][0]["OpportunityId"]
        frameworks = await org.query(
            "SELECT (SELECT TotalPrice FROM OpportunityLineItems) FROM Opportunity WHERE Is_Framework__c = true"
        )
        lines = [row["OpportunityLineItems"]["records"] for row in frameworks["records"]]
        assert [[line["TotalPrice"] for line in rows] for rows in lines] == [[0], [0]]
        await org.control("records", records=[{"type": "Opportunity", "id": deal, "StageName": "Closed Won"}])
        won = await org.query("SELECT Amount, Contract_Number__c, Account.Name FROM Opportunity WHERE IsWon = true")
        row = won["records"][0]
        assert (row["Amount"], row["Contract_Number__c"]) == (104755.25, "TIRNE16D000030002")
        assert row["Account"]["Name"] == "DAVIES OFFICE REFURBISHING"
        fees = await org.query(
            "SELECT Fixed_Fee__c, Cost_Budget__c, TotalPrice FROM OpportunityLineItem WHERE Fixed_Fee__c != null"
        )
        assert all(one["Fixed_Fee__c"] + one["Cost_Budget__c"] == one["TotalPrice"] for one in fees["records"])
        assert min(one["Fixed_Fee__c"] for one in fees["records"]) == 0


async def test_the_later_actions_of_the_file_are_amendments_ready_to_be_signed() -> None:
    async with salesforce(state="demo") as org:
        made = (await org.control("modifications", "GET"))["records"]
        await org.control("records", records=made)
        won = "SELECT COUNT() FROM Opportunity WHERE Amendment_Number__c != null AND IsWon = true"
        assert (await org.query(won))["totalSize"] == 63
    first = [one for one in made if one["Amends_After__c"] == "0"]
    assert len({one["Contract_Number__c"] for one in first}) == 20
    pairs = [(one["Amends_After__c"], one["Amendment_Number__c"]) for one in made]
    assert ("78", "79") in pairs
    assert len({(one["Contract_Number__c"], one["Amendment_Number__c"]) for one in made}) == 63
