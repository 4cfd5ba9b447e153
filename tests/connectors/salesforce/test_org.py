"""The adapter against the simulated org; the org's journal is the judge."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from models.errors import Fatal, NeedsRepair, NotSent, OutcomeUnknown, Retryable, TielineError
from models.ids import DealId, PlanDigest
from models.money import Money
from models.records import Guard
from ports.crm import Deals
from tests.connectors.salesforce.org import TestOrg, links, open_org, sold


@pytest.fixture
async def org() -> AsyncIterator[TestOrg]:
    async with open_org() as running:
        yield running


async def test_it_is_what_the_port_asks_for(org: TestOrg) -> None:
    crm: Deals = org.crm
    assert crm.guard_of_write_back() is Guard.PROOF
    assert crm.connection == "crm-main"


@pytest.mark.parametrize("login", ["jwt", "client-credentials"])
async def test_both_ways_of_signing_in_work(login: str) -> None:
    async with open_org(login=login) as org:
        (contract,) = await org.crm.find_contracts([org.deal])
        assert (contract.deal_id, contract.contract_number, contract.is_won) == (org.deal, "C-100", True)


async def test_a_whole_deal_is_one_call(org: TestOrg) -> None:
    terms = await org.crm.get_signed_terms(org.deal)
    assert (terms.signed_total, terms.bill_to.country) == (Money.of("250000.10", "USD"), "US")
    assert terms.owner_email.startswith("dana.")
    assert await org.calls() == {"POST /services/oauth2/token": 1, "GET /query": 1}


async def test_a_deal_that_is_not_there_is_missing_or_named(org: TestOrg) -> None:
    gone = DealId("0065g000000zzzz")
    assert [one.deal_id for one in await org.crm.find_contracts([org.deal, gone])] == [org.deal]
    with pytest.raises(NeedsRepair, match="does not exist in the CRM"):
        await org.crm.get_signed_terms(gone)


async def test_more_children_than_a_page_holds_are_all_read(org: TestOrg) -> None:
    await org.control("settings", max_page_rows=3)
    rows = [
        {"type": "Tieline_Milestone__c", "Name": f"M{number}", "Opportunity__c": org.deal, "Code__c": f"M{number}",
         "Amount__c": 100.25, "Due_On__c": "2027-01-31", "Trigger__c": "Date", "Sequence__c": number}
        for number in range(10)
    ]  # fmt: skip
    await org.save(*rows)
    terms = await org.crm.get_signed_terms(org.deal)
    assert [row.code for row in terms.milestones] == [f"M{number}" for number in range(10)]


async def test_all_won_deals_are_listed_over_pages(org: TestOrg) -> None:
    await org.control("settings", max_page_rows=2)
    await org.save(*(sold(org.owner, org.account, Contract_Number__c=f"C-{number}") for number in range(5)))
    await org.save(sold(org.owner, org.account, Contract_Number__c="C-OPEN", StageName="Negotiation"))
    contracts = {one.contract_number for one in await org.crm.list_won_deals()}
    assert contracts == {"C-100", *(f"C-{number}" for number in range(5))}


async def test_the_outcome_is_written_in_one_call(org: TestOrg) -> None:
    effect = await org.crm.ensure_write_back(org.write_back(), links())
    assert (effect.created, effect.changed, effect.ref.record_id) == (True, True, org.deal)
    assert await org.calls() == {"POST /services/oauth2/token": 1, "POST /composite": 1}
    (project,), (task,), (deal,) = [await org.state(kind) for kind in ("Tieline_Project__c", "Task", "Opportunity")]
    assert (project["Status__c"], project["ERP_Project_Id__c"], project["Opportunity__c"]) == ("Active", "88", org.deal)
    assert (task["OwnerId"], task["WhatId"]) == (org.owner, org.deal)
    assert (deal["ERP_Sync_Status__c"], deal["ERP_Contract_Number__c"]) == ("Active", "N99")
    assert (await org.state("Account"))[0]["ERP_Customer_Id__c"] == "4711"


async def test_written_twice_there_is_still_one_record_and_one_note(org: TestOrg) -> None:
    first = await org.crm.ensure_write_back(org.write_back(), links())
    written = await org.written()
    second = await org.crm.ensure_write_back(org.write_back(), links())
    assert (first.created, second.created, second.changed) == (True, False, False)
    assert await org.written() == written


async def test_evidence_is_this_very_write_back_and_no_other(org: TestOrg) -> None:
    assert await org.crm.find_write_back(org.waiting(), links()) is None
    await org.crm.ensure_write_back(org.waiting(), links())
    assert await org.crm.find_write_back(org.waiting(), links()) is not None
    assert await org.crm.find_write_back(org.waiting("Another reason."), links()) is None
    assert await org.crm.find_write_back(org.write_back(), links()) is None
    (other,) = await org.save(sold(org.owner, org.account, Contract_Number__c="C-200"))
    assert await org.crm.find_write_back(org.waiting().model_copy(update={"deal_id": other}), links()) is None


async def test_a_plan_is_told_from_another_plan(org: TestOrg) -> None:
    one, two = (org.write_back(plan_digest=PlanDigest(letter * 64)) for letter in "ab")
    await org.crm.ensure_write_back(one, links())
    assert await org.crm.find_write_back(one, links()) is not None
    assert await org.crm.find_write_back(two, links()) is None
    await org.crm.ensure_write_back(two, links())
    assert (len(await org.state("Tieline_Project__c")), len(await org.state("Task"))) == (1, 2)


async def test_a_deal_that_waited_becomes_active_and_its_ids_survive_a_later_status(org: TestOrg) -> None:
    await org.crm.ensure_write_back(org.waiting(), links())
    await org.crm.ensure_write_back(org.write_back(), links())
    (deal,) = await org.state("Opportunity")
    assert (deal["ERP_Sync_Status__c"], deal.get("ERP_Sync_Error__c")) == ("Active", None)
    await org.crm.ensure_write_back(org.waiting("Frozen by finance.").model_copy(update={"status": "frozen"}), links())
    (deal,) = await org.state("Opportunity")
    assert (deal["ERP_Sync_Status__c"], deal["ERP_Project_Id__c"]) == ("Frozen", "88")


@pytest.mark.parametrize("action", ["reset", "truncate"])
async def test_an_answer_cut_after_the_commit_is_found_by_its_key(org: TestOrg, action: str) -> None:
    await org.fault(path="/composite", action=action, when="after")
    with pytest.raises(OutcomeUnknown):
        await org.crm.ensure_write_back(org.write_back(), links())
    written = await org.written()
    assert await org.crm.find_write_back(org.write_back(), links()) is not None
    await org.crm.ensure_write_back(org.write_back(), links())
    assert await org.written() == written


async def test_a_request_cut_before_the_commit_leaves_no_evidence(org: TestOrg) -> None:
    await org.fault(path="/composite", action="reset", when="before")
    with pytest.raises(OutcomeUnknown):
        await org.crm.ensure_write_back(org.write_back(), links())
    assert await org.crm.find_write_back(org.write_back(), links()) is None
    assert await org.written() == []


async def test_a_request_that_lands_after_its_repetition_makes_no_second_note(org: TestOrg) -> None:
    await org.fault(path="/composite", action="late_apply", delay_s=0.4)
    with pytest.raises(OutcomeUnknown):
        await org.crm.ensure_write_back(org.write_back(), links())
    assert await org.crm.find_write_back(org.write_back(), links()) is None
    await org.crm.ensure_write_back(org.write_back(), links())
    await asyncio.sleep(0.6)  # the simulator applies the late request on its own clock
    assert (len(await org.state("Tieline_Project__c")), len(await org.state("Task"))) == (1, 1)


async def test_the_loser_of_a_race_for_the_key_takes_the_record_that_is_there(org: TestOrg) -> None:
    lost = [
        {"referenceId": "project", "httpStatusCode": 400, "httpHeaders": {},
         "body": [{"errorCode": "DUPLICATE_VALUE", "message": "duplicate value found: Key__c duplicates value"}]}
    ]  # fmt: skip
    await org.fault(path="/composite", action="status", status=200, body={"compositeResponse": lost})
    assert (await org.crm.ensure_write_back(org.write_back(), links())).changed
    assert (await org.calls())["POST /composite"] == 2
    assert len(await org.state("Task")) == 1


async def test_one_part_that_is_refused_undoes_all_others(org: TestOrg) -> None:
    rule = {"object": "Opportunity", "condition": "ERP_Project_Id__c != null", "message": "Ask sales first"}
    await org.control("rules", validation_rules=[rule])
    with pytest.raises(NeedsRepair, match="Ask sales first"):
        await org.crm.ensure_write_back(org.write_back(), links())
    assert await org.written() == []


async def test_a_second_account_of_one_customer_shows_its_number_and_leaves_the_id_to_the_first(org: TestOrg) -> None:
    await org.save({"type": "Account", "Name": "Acme twin", "ERP_Customer_Id__c": "4711"})
    assert (await org.crm.ensure_write_back(org.write_back(), links())).changed
    twin, account = sorted(await org.state("Account"), key=lambda row: str(row["Name"]) != "Acme twin")[:2]
    assert (twin["ERP_Customer_Id__c"], account.get("ERP_Customer_Id__c")) == ("4711", None)
    assert account["ERP_Customer_Number__c"]
    assert (await org.calls())["POST /composite"] == 2
    assert len(await org.state("Task")) == 1


@pytest.mark.parametrize(("kind", "expected"), [("row", NotSent), ("approval", NeedsRepair)])
async def test_a_lock_of_a_moment_is_waited_out_and_one_of_an_approval_is_not(
    org: TestOrg, kind: str, expected: type[TielineError]
) -> None:
    await org.control("locks", locks=[{"id": org.deal, "kind": kind, "times": 1}])
    with pytest.raises(expected):
        await org.crm.ensure_write_back(org.write_back(), links())
    assert await org.written() == []


async def test_an_expired_token_is_renewed_in_the_middle_of_work(org: TestOrg) -> None:
    await org.crm.get_signed_terms(org.deal)
    await org.control("expire-tokens")
    assert (await org.crm.ensure_write_back(org.write_back(), links())).created
    assert (await org.calls())["POST /services/oauth2/token"] == 2


async def test_a_used_up_day_parks_the_work_without_an_effect(org: TestOrg) -> None:
    await org.crm.find_contracts([org.deal])
    await org.control("settings", daily_api_limit=1)
    with pytest.raises(NotSent, match="allowance is used up") as later:
        await org.crm.ensure_write_back(org.write_back(), links())
    assert later.value.retry_after_s == 900.0
    assert await org.written() == []


async def test_a_field_that_is_hidden_from_us_is_named(org: TestOrg) -> None:
    await org.control("settings", hidden_fields="Opportunity.Cap_Scope__c")
    with pytest.raises(NeedsRepair, match="Cap_Scope__c"):
        await org.crm.get_signed_terms(org.deal)


async def test_a_retired_version_is_a_matter_of_settings() -> None:
    async with open_org(limits={"api_version": "30.0"}) as org:
        with pytest.raises(Fatal, match="api_version"):
            await org.crm.list_won_deals()


PAGE = "<html><body>Down for maintenance</body></html>"


@pytest.mark.parametrize("status", [200, 502, 503])
async def test_a_maintenance_page_is_never_data(org: TestOrg, status: int) -> None:
    await org.fault(path="/(query|composite)", action="status", status=status, body=PAGE, times=2)
    with pytest.raises(Retryable):
        await org.crm.get_signed_terms(org.deal)
    with pytest.raises(OutcomeUnknown):
        await org.crm.ensure_write_back(org.write_back(), links())


async def test_half_an_answer_is_no_answer(org: TestOrg) -> None:
    await org.fault(path="/query", action="truncate", when="after")
    with pytest.raises(Retryable):
        await org.crm.get_signed_terms(org.deal)


async def test_an_org_that_is_not_there_was_sent_nothing(org: TestOrg) -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async with open_org(transport=httpx.MockTransport(refuse)) as away:
        with pytest.raises(NotSent):
            await away.crm.ensure_write_back(org.write_back(), links())
