"""The adapter reads the simulated account."""

from collections.abc import AsyncIterator

import pytest

from models.errors import Fatal, NeedsRepair, Retryable
from models.ids import DealId
from models.money import Money
from models.party import ContactRole
from models.records import Guard
from ports.crm import Deals
from tests.connectors.hubspot.account import OPEN, TestAccount, child, open_account, sold
from tests.connectors.hubspot.samples import links

OBJECTS = "/crm/objects/2026-09"
TERMS = {
    f"GET {OBJECTS}/deals/{{id}}": 1,
    f"POST {OBJECTS}/companies/batch/read": 1,
    f"POST {OBJECTS}/contacts/batch/read": 1,
    f"POST {OBJECTS}/line_items/batch/read": 1,
    f"POST {OBJECTS}/p_tieline_milestone/batch/read": 1,
    f"POST {OBJECTS}/p_tieline_rate/batch/read": 1,
}
KEPT = {"GET /crm/owners/2026-09/{id}": 1, "GET /crm/pipelines/2026-09/deals": 1}


@pytest.fixture
async def account() -> AsyncIterator[TestAccount]:
    async with open_account() as running:
        yield running


async def with_children(account: TestAccount, milestones: int = 2) -> None:
    person = {"type": "contacts", "name_in_file": "pat", "firstname": "Pat", "lastname": "Payer",
              "email": "pat@example.com",
              "associations": [{"to": account.deal, "object": "deals", "label": "billing"}]}  # fmt: skip
    line = child("line_items", account.deal, name="Design", quantity="1", price="250000.10", billing_type="Milestones",
                 service_line="Advisory", line_code="L1", hs_position_on_quote="1")  # fmt: skip
    rows = [
        child("tieline_milestone", account.deal, name=f"M{number}", code=f"M{number}", amount="100.25",
              due_on="2027-01-31", trigger="Date", sequence=str(number))
        for number in range(milestones)
    ]  # fmt: skip
    rate = child("tieline_rate", account.deal, name="Partner", role="Partner", rate_per_hour="312.125", currency="USD")
    await account.save(person, line, *rows, rate)
    await account.control("calls", "DELETE")


async def test_it_is_what_the_port_asks_for(account: TestAccount) -> None:
    crm: Deals = account.crm
    assert crm.guard_of_write_back() is Guard.GUARDED
    assert crm.connection == "crm-main"
    await crm.check_access()


@pytest.mark.parametrize("version", ["2026-09", "2026-03"])
@pytest.mark.parametrize("login", ["token", "oauth"])
async def test_both_ways_of_signing_in_and_both_versions_work(login: str, version: str) -> None:
    async with open_account(login=login, config={"api_version": version}) as account:
        await account.crm.check_access()
        (contract,) = await account.crm.find_contracts([account.deal])
        assert (contract.deal_id, contract.contract_number, contract.is_won) == (account.deal, "C-100", True)
        assert (await account.crm.get_signed_terms(account.deal)).signed_total == Money.of("250000.10", "USD")
        assert (await account.crm.ensure_write_back(account.write_back(), links())).created
        assert await account.crm.find_write_back(account.write_back(), links()) is not None


async def test_a_version_that_is_not_served_is_a_matter_of_settings() -> None:
    async with open_account(config={"api_version": "2031-03"}) as account:
        with pytest.raises(Fatal, match="`api_version`"):
            await account.crm.check_access()


async def test_a_whole_deal_is_one_call_and_one_for_each_kind_of_record_around_it(account: TestAccount) -> None:
    await with_children(account)
    for more in (KEPT, {}):
        terms = await account.crm.get_signed_terms(account.deal)
        assert await account.calls() == {**TERMS, **more}
        await account.control("calls", "DELETE")
    assert sum(TERMS.values()) == 6
    assert (terms.signed_total, terms.bill_to.country) == (Money.of("250000.10", "USD"), "US")
    assert (terms.owner_name, terms.owner_email) == ("Dana Okafor", "dana.okafor@harbourfinch.example.com")
    assert [(one.last_name, one.role) for one in terms.contacts] == [("Payer", ContactRole.BILLING)]
    assert [(one.code, one.service_line, one.net_price) for one in terms.lines] == [
        ("L1", "Advisory", Money.of("250000.10", "USD"))
    ]
    assert [row.code for row in terms.milestones] == ["M0", "M1"]
    assert terms.buyer is not None
    assert (terms.buyer.account_id, terms.buyer.address.country) == (account.company, "US")


async def test_more_children_than_come_along_or_fit_into_a_batch_are_all_read(account: TestAccount) -> None:
    await with_children(account, milestones=230)
    terms = await account.crm.get_signed_terms(account.deal)
    assert [row.code for row in terms.milestones] == [f"M{number}" for number in range(230)]
    assert (await account.calls())[f"POST {OBJECTS}/p_tieline_milestone/batch/read"] == 3


async def test_a_deal_that_is_not_there_or_archived_is_missing_or_named(account: TestAccount) -> None:
    (other,) = await account.save(sold(account.owner, account.company, contract_number="C-200"))
    await account.control("archive", type="deals", ids=[other])
    gone = DealId("99999999999")
    found = await account.crm.find_contracts([account.deal, gone, DealId(other)])
    assert [one.deal_id for one in found] == [account.deal]
    for deal in (gone, DealId(other)):
        with pytest.raises(NeedsRepair, match="was archived"):
            await account.crm.get_signed_terms(deal)


async def test_a_merged_deal_answers_under_its_new_id(account: TestAccount) -> None:
    (other,) = await account.save(sold(account.owner, account.company, contract_number="C-100"))
    survivor = (await account.control("merge", type="deals", primary=account.deal, other=other))["id"]
    assert (await account.crm.get_signed_terms(account.deal)).deal_id == survivor
    (contract,) = await account.crm.find_contracts([DealId(survivor)])
    assert contract.contract_number == "C-100"


async def test_won_deals_are_listed_past_the_cap_and_behind_the_index() -> None:
    async with open_account(config={"calls_per_10_s": 1000}, search_lag_s=0, search_cap=200) as account:
        await account.save(
            *(sold(account.owner, account.company, contract_number=f"C-{number}", name_in_file=f"d{number}")
              for number in range(430)),
            sold(account.owner, account.company, contract_number="C-OPEN", dealstage=OPEN),
        )  # fmt: skip
        won = await account.crm.list_won_deals()
        assert len(won) == len({one.deal_id for one in won}) == 431
        assert (await account.calls())[f"POST {OBJECTS}/deals/search"] == 3


async def test_a_deal_that_the_index_still_calls_won_is_not_and_one_it_does_not_know_yet_is_missing() -> None:
    async with open_account(search_lag_s=0) as account:
        await account.control("clock", advance_s=1)
        assert len(await account.crm.list_won_deals()) == 1
        await account.control("settings", search_lag_s=3600)
        await account.control("clock", advance_s=7200)
        await account.save({"type": "deals", "id": account.deal, "dealstage": OPEN})
        await account.save(sold(account.owner, account.company, contract_number="C-NEW"))
        assert await account.crm.list_won_deals() == ()


async def test_half_an_answer_is_no_answer(account: TestAccount) -> None:
    await account.fault(path="/crm/objects", action="truncate", when="after")
    with pytest.raises(Retryable):
        await account.crm.get_signed_terms(account.deal)
