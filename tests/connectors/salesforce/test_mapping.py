import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from connectors.salesforce import SalesforceConfig, queries
from connectors.salesforce.ids import is_record_id, same_record, to_18
from models.errors import NeedsRepair
from models.ids import DealId
from models.money import Money
from models.party import ContactRole
from models.roles import Role
from models.terms import BilledIn, BillingType, ContractStatus, DealState, MilestoneTrigger, PeriodAnchor, SignedTerms
from tests.connectors.salesforce.samples import DEAL, Scripted, answer, child, page, terms


async def read(document: dict[str, Any], **settings: Any) -> SignedTerms:
    org = Scripted(lambda _: answer(page(document)), **settings)
    async with org.http:
        return await org.crm.get_signed_terms(DealId(DEAL))


async def refused(document: dict[str, Any], **settings: Any) -> NeedsRepair:
    with pytest.raises(NeedsRepair) as stop:
        await read(document, **settings)
    return stop.value


async def test_a_deal_is_read_as_it_stands_with_exact_amounts() -> None:
    deal = await read(terms())
    assert (deal.deal_id, deal.deal_state, deal.contract_number) == (DEAL, DealState.WON, "C-100")
    assert deal.signed_total == Money.of("128250.10", "EUR")
    assert (deal.values.exercised, deal.values.funded) == (Money.of(128250, "EUR"), None)
    assert (deal.header_discount_percent, deal.start_on) == (Decimal("12.5"), date(2026, 12, 1))
    assert deal.contract_status is ContractStatus.IN_APPROVAL
    assert (deal.source_version, deal.po_required) == (datetime(2026, 11, 20, 14, 3, 11, tzinfo=UTC), True)
    assert (deal.owner_email, deal.bill_to.country) == ("dana@example.com", "DE")


async def test_lines_milestones_and_rates_are_read_in_our_words() -> None:
    deal = await read(terms())
    (line,), (milestone,), (rate,) = deal.lines, deal.milestones, deal.rates
    assert (line.code, line.description, line.service_line) == ("L1", "Run", "Operations")
    assert (line.billing_type, line.billed_in, line.period_anchor) == (
        BillingType.RETAINER, BilledIn.ARREARS, PeriodAnchor.CALENDAR,
    )  # fmt: skip
    assert (line.net_price, line.quantity, line.periods) == (Money.of("99.99", "EUR"), Decimal("2.5"), 12)
    assert (milestone.amount, milestone.trigger) == (Money.of("8333.33", "EUR"), MilestoneTrigger.ACCEPTANCE)
    assert milestone.line_codes == ("L1", "L2")
    assert (rate.rate_per_hour, rate.currency) == (Decimal("312.125"), "EUR")


async def test_the_buyer_is_read_with_all_that_identifies_it() -> None:
    buyer = (await read(terms())).buyer
    assert buyer is not None
    assert (buyer.domain, buyer.address.country) == ("orme.example", "DE")
    assert buyer.aliases == ("Orme AG", "Orme Consulting", "ORME")


async def test_a_person_with_two_roles_is_one_contact_in_the_role_that_tells_most() -> None:
    (person,) = (await read(terms())).contacts
    assert (person.last_name, person.role) == ("Berg", ContactRole.BILLING)


@pytest.mark.parametrize(
    ("won", "closed", "state"),
    [(True, True, DealState.WON), (False, True, DealState.LOST), (False, False, DealState.OPEN)],
)
async def test_the_flags_decide_where_the_deal_stands(won: bool, closed: bool, state: DealState) -> None:
    assert (await read(terms(IsWon=won, IsClosed=closed))).deal_state is state


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Signed_Total__c", "a lot"),
        ("Signed_Total__c", True),
        ("Signed_Total__c", 0.005),
        ("Signed_Total__c", 1e300),
        ("Signed_Total__c", {"a": 1}),
        ("Start_On__c", "1 December"),
        ("Start_On__c", "20261201"),
        ("Start_On__c", 20261201),
        ("Start_On__c", "2026-02-30"),
        ("Contract_Status__c", "Perhaps"),
        ("Contract_Status__c", 3),
        ("Contract_Number__c", None),
        ("Contract_Number__c", ["C-100"]),
        ("Contract_Number__c", "x" * 5000),
        ("PO_Required__c", "yes"),
        ("IsWon", None),
        ("IsClosed", "true"),
        ("SystemModstamp", "now"),
        ("SystemModstamp", None),
        ("CurrencyIsoCode", None),
        ("CurrencyIsoCode", "Euro"),
        ("Bill_To_Country__c", "Neuland"),
    ],
)
async def test_a_value_that_does_not_fit_names_the_deal_the_field_and_the_fix(field: str, value: Any) -> None:
    stop = await refused(terms(**{field: value}))
    assert (stop.field, stop.owner) == (field, Role.SALES_OPERATIONS)
    assert "Acme ERP rollout" in stop.message
    assert "in the CRM, then press Retry" in stop.message


@pytest.mark.parametrize(
    ("relationship", "field", "value", "where"),
    [
        ("OpportunityLineItems", "Billing_Type__c", "Barter", "line 1 Billing_Type__c"),
        ("OpportunityLineItems", "TotalPrice", "12.50", "line 1 TotalPrice"),
        ("OpportunityLineItems", "Periods__c", 2.5, "line 1 Periods__c"),
        ("OpportunityLineItems", "Periods__c", -1, "line 1 Periods__c"),
        ("Tieline_Milestones__r", "Trigger__c", "Hope", "milestone 1 Trigger__c"),
        ("Tieline_Milestones__r", "Amount__c", 1.234, "milestone 1 Amount__c"),
        ("Tieline_Rates__r", "Valid_From__c", "2026", "rate 1 Valid_From__c"),
        ("OpportunityContactRoles", "Contact", None, "contact role ContactId"),
        ("OpportunityContactRoles", "Contact", {"LastName": None}, "contact role Contact.LastName"),
    ],
)
async def test_a_wrong_value_in_a_row_names_the_row(relationship: str, field: str, value: Any, where: str) -> None:
    assert (await refused(child(relationship, **{field: value}))).field == where


async def test_a_quantity_of_nothing_stays_nothing() -> None:
    assert (await read(child("OpportunityLineItems", Quantity=0))).lines[0].quantity == 0


@pytest.mark.parametrize("account", [None, "Orme", []])
async def test_a_deal_without_an_account_has_nobody_to_bill(account: Any) -> None:
    stop = await refused(terms(Account=account))
    assert (stop.field, "has no account" in stop.message) == ("AccountId", True)


async def test_a_number_that_would_keep_arithmetic_busy_for_ever_is_refused() -> None:
    text = json.dumps(page(terms(Signed_Total__c="HUGE"))).replace('"HUGE"', "1E+999999")
    org = Scripted(lambda _: httpx.Response(200, content=text, headers={"Content-Type": "application/json"}))
    async with org.http:
        with pytest.raises(NeedsRepair, match="Signed_Total__c"):
            await org.crm.get_signed_terms(DealId(DEAL))


async def test_yen_have_no_decimals_and_dinars_have_three() -> None:
    assert (await refused(terms(CurrencyIsoCode="JPY"))).field == "Signed_Total__c"
    child_rows: dict[str, Any] = {
        "OpportunityLineItems": None, "Tieline_Milestones__r": None, "Tieline_Rates__r": None,
    }  # fmt: skip
    dinars = await read(terms(CurrencyIsoCode="KWD", Signed_Total__c=1.234, **child_rows))
    assert (dinars.signed_total, dinars.lines) == (Money.of("1.234", "KWD"), ())


async def test_an_org_with_one_currency_is_not_asked_for_the_field_it_lacks() -> None:
    org = Scripted(lambda _: answer(page(terms(CurrencyIsoCode=None))), multi_currency=False, default_currency="EUR")
    async with org.http:
        deal = await org.crm.get_signed_terms(DealId(DEAL))
    assert deal.currency == "EUR"
    assert "CurrencyIsoCode" not in org.requests[0].url.params["q"]


def test_an_org_with_one_currency_must_say_which() -> None:
    login = {"kind": "client-credentials", "consumer_key": "k", "consumer_secret": "s"}
    with pytest.raises(ValidationError, match="default_currency"):
        SalesforceConfig.model_validate({"base_url": "https://x.example", "login": login, "multi_currency": False})


@pytest.mark.parametrize(
    "settings",
    [
        {"names": {"cap_scope": "Cap__c FROM Account"}},
        {"names": {"project_key": "Key__c'"}},
        {"base_url": "http://acme.my.salesforce.com"},
        {"base_url": "https://acme.example/path"},
        {"api_version": "67"},
        {"misspelt": 1},
    ],
)
def test_settings_that_would_change_a_query_or_leak_a_token_are_refused(settings: dict[str, Any]) -> None:
    login = {"kind": "client-credentials", "consumer_key": "k", "consumer_secret": "s"}
    with pytest.raises(ValidationError):
        SalesforceConfig.model_validate({"base_url": "https://x.example", "login": login, **settings})


async def test_renamed_fields_are_asked_for_and_read() -> None:
    document = terms(Vertrag__c="C-7")
    deal = await read(document, names={"contract_number": "Vertrag__c"})
    assert deal.contract_number == "C-7"


@pytest.mark.parametrize("deal", ["006' OR Name != '", "", "0065g0000000001AAB", "0015g0000000001AAA", "006\n"])
async def test_what_is_no_id_never_reaches_a_query(deal: str) -> None:
    org = Scripted(lambda _: answer(page()))
    async with org.http:
        with pytest.raises(NeedsRepair, match="no CRM id of a deal"):
            await org.crm.get_signed_terms(DealId(deal))
        assert await org.crm.find_contracts([DealId(deal)]) == ()
    assert org.requests == []


async def test_an_unknown_deal_names_its_id() -> None:
    org = Scripted(lambda _: answer(page()))
    async with org.http:
        with pytest.raises(NeedsRepair, match="does not exist in the CRM") as stop:
            await org.crm.get_signed_terms(DealId(DEAL))
    assert stop.value.record == DEAL


def test_a_query_for_two_hundred_deals_and_one_for_a_whole_deal_fit_into_an_address() -> None:
    login = {"kind": "client-credentials", "consumer_key": "k", "consumer_secret": "s"}
    config = SalesforceConfig.model_validate({"base_url": "https://x.example", "login": login})
    many = queries.contracts_of([DealId(DEAL)] * 200, config)
    for soql in (many, queries.signed_terms(DealId(DEAL), config)):
        assert len(str(httpx.URL("https://x.example/", params={"q": soql}))) < 12_000


def test_an_id_is_checked_by_its_last_three_characters() -> None:
    assert to_18("0065g0000000001") == DEAL
    assert is_record_id(DEAL, "006")
    assert not is_record_id(DEAL.lower())
    assert same_record("0065g0000000001", DEAL)
    assert not same_record(None, DEAL)
