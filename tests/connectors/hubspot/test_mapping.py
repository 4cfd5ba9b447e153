from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.hubspot import HubSpotConfig
from models.errors import Fatal, NeedsRepair
from models.ids import DealId
from models.money import Money
from models.party import ContactRole
from models.roles import Role
from models.terms import BilledIn, BillingType, ContractStatus, DealState, MilestoneTrigger, PeriodAnchor, SignedTerms
from tests.connectors.hubspot.samples import (
    COMPANY,
    DEAL,
    PERSON,
    Scripted,
    answer,
    complaint,
    record,
)


async def read(account: Scripted) -> SignedTerms:
    async with account.http:
        return await account.crm.get_signed_terms(DealId(DEAL))


async def refused(account: Scripted) -> NeedsRepair:
    with pytest.raises(NeedsRepair) as stop:
        await read(account)
    return stop.value


def changed(_deal: dict[str, Any] | None = None, **settings: Any) -> Scripted:
    account = Scripted(**settings)
    account.deal.update(_deal or {})
    return account


async def test_a_deal_is_read_as_it_stands_with_exact_amounts() -> None:
    deal = await read(Scripted(portal_id="48211903"))
    assert (deal.deal_id, deal.deal_state, deal.contract_number) == (DEAL, DealState.WON, "C-100")
    assert deal.signed_total == Money.of("128250.10", "EUR")
    assert (deal.values.exercised, deal.values.funded) == (Money.of(128250, "EUR"), None)
    assert (deal.header_discount_percent, deal.start_on) == (Decimal("12.5"), date(2026, 12, 1))
    assert (deal.contract_status, deal.company_signed_on) == (ContractStatus.IN_APPROVAL, date(2026, 11, 19))
    assert (deal.source_version, deal.po_required) == (datetime(2026, 11, 20, 14, 3, 11, 250000, tzinfo=UTC), True)
    assert (deal.owner_name, deal.owner_email, deal.bill_to.country) == ("Dana Okafor", "dana@example.com", "DE")
    assert deal.deal_url == f"https://app.hubspot.com/contacts/48211903/record/0-3/{DEAL}"


async def test_lines_milestones_and_rates_are_read_in_our_words() -> None:
    deal = await read(Scripted())
    (line,), (milestone,), (rate,) = deal.lines, deal.milestones, deal.rates
    assert (line.code, line.description, line.service_line) == ("L1", "Run", "Operations")
    assert (line.billing_type, line.billed_in, line.period_anchor) == (
        BillingType.RETAINER, BilledIn.ARREARS, PeriodAnchor.CALENDAR,
    )  # fmt: skip
    assert (line.net_price, line.quantity, line.periods) == (Money.of("99.99", "EUR"), Decimal("2.5"), 12)
    assert (milestone.amount, milestone.trigger) == (Money.of("8333.33", "EUR"), MilestoneTrigger.ACCEPTANCE)
    assert (milestone.name, milestone.line_codes) == ("Design", ("L1", "L2"))
    assert (rate.role, rate.rate_per_hour, rate.currency) == ("Partner", Decimal("312.125"), "EUR")


async def test_the_buyer_is_read_with_all_that_identifies_it() -> None:
    buyer = (await read(Scripted())).buyer
    assert buyer is not None
    assert (buyer.account_id, buyer.domain, buyer.address.country) == (COMPANY, "orme.example", "DE")
    assert (buyer.address.street, buyer.duns) == ("Ring 1\nHof", "315000123")
    assert buyer.aliases == ("Orme AG", "Orme Consulting", "ORME")


async def test_a_person_with_two_labels_is_one_contact_in_the_role_that_tells_most() -> None:
    (person,) = (await read(Scripted())).contacts
    assert (person.code, person.last_name, person.role) == (PERSON, "Berg", ContactRole.BILLING)


async def test_rows_come_in_their_own_order_and_not_in_that_of_the_associations() -> None:
    account = Scripted()
    rows = [("12", "2"), ("8", None), ("9", None), ("11", "10")]
    account.children["line_items"] = [
        {"id": key, "properties": {"line_code": key, "hs_position_on_quote": place}} for key, place in rows
    ]
    account.links["line items"] = {"results": [{"id": key, "type": "x"} for key, _ in rows]}
    assert [line.code for line in (await read(account)).lines] == ["12", "11", "8", "9"]


@pytest.mark.parametrize(
    ("stage", "state"),
    [("148213301", DealState.OPEN), ("148213305", DealState.WON), ("148213306", DealState.LOST)],
)
async def test_the_stages_own_metadata_decides_and_never_its_name(stage: str, state: DealState) -> None:
    assert (await read(changed({"dealstage": stage}))).deal_state is state


@pytest.mark.parametrize("change", [{"dealstage": "closedwon"}, {"pipeline": "default"}, {"dealstage": None}])
async def test_a_stage_that_no_pipeline_has_is_asked_about_once_more_and_then_named(change: dict[str, Any]) -> None:
    account = changed(change)
    async with account.http:
        for _ in range(2):
            with pytest.raises(NeedsRepair, match="dealstage is not a stage of its pipeline"):
                await account.crm.get_signed_terms(DealId(DEAL))
    assert account.paths().count("GET /crm/pipelines/deals") == 2


@pytest.mark.parametrize(
    ("metadata", "state"),
    [
        ({"probability": "1.0"}, DealState.WON),
        ({"probability": "0"}, DealState.LOST),
        ({"probability": "0.5"}, DealState.OPEN),
        ({"isClosed": "false"}, DealState.OPEN),
        ({"isClosed": True, "probability": 1}, DealState.WON),
        ({"isClosed": "true"}, None),
        ({"isClosed": "perhaps", "probability": "1"}, None),
        ({}, None),
    ],
)
async def test_a_stage_that_does_not_say_what_it_means_is_a_stop(
    metadata: dict[str, Any], state: DealState | None
) -> None:
    stage = {"id": "148213305", "label": "Signed", "metadata": metadata}
    pipelines = {"results": [{"id": "75104382", "stages": [stage]}]}
    account = Scripted(lambda request: answer(pipelines) if "/pipelines/" in request.url.path else None)
    if state is None:
        assert "stage Signed" in (await refused(account)).message
    else:
        assert (await read(account)).deal_state is state


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("signed_total", "a lot"), ("signed_total", "0.005"), ("signed_total", "1e99"), ("signed_total", "NaN"),
        ("signed_total", "1,000.00"), ("signed_total", "1_000"), ("signed_total", "٣"), ("signed_total", 5),
        ("signed_total", {"a": 1}), ("signed_total", True), ("start_on", "1 December"), ("start_on", "20261201"),
        ("start_on", "2026-02-30"), ("start_on", "2026-12-01T00:00:00Z"), ("contract_status", "Perhaps"),
        ("contract_status", 3), ("contract_number", None), ("contract_number", "  "), ("contract_number", ["C"]),
        ("contract_number", "x" * 70_000), ("po_required", "yes"), ("deal_currency_code", None),
        ("deal_currency_code", "Euro"), ("deal_currency_code", "eur"), ("bill_to_country", "Neuland"),
        ("hubspot_owner_id", "dana@example.com"),
    ],
)  # fmt: skip
async def test_a_value_that_does_not_fit_names_the_deal_the_property_and_the_fix(field: str, value: Any) -> None:
    stop = await refused(changed({field: value}))
    assert (stop.field, stop.owner) == (field, Role.SALES_OPERATIONS)
    assert "Acme ERP rollout" in stop.message
    assert stop.message.endswith("then press Retry.")


@pytest.mark.parametrize(
    ("kind", "field", "value", "where"),
    [
        ("line_items", "billing_type", "Barter", "line 1 billing_type"),
        ("line_items", "amount", "12.505", "line 1 amount"),
        ("line_items", "periods", "2.5", "line 1 periods"),
        ("line_items", "periods", "-1", "line 1 periods"),
        ("line_items", "hs_line_item_currency_code", "USD", "line 1 hs_line_item_currency_code"),
        ("p_tieline_milestone", "trigger", "Hope", "milestone 1 trigger"),
        ("p_tieline_milestone", "amount", "1.234", "milestone 1 amount"),
        ("p_tieline_rate", "valid_from", "2026", "rate 1 valid_from"),
        ("contacts", "lastname", None, f"contact {PERSON} lastname"),
        ("companies", "name", "", "company name"),
        ("companies", "country", "Atlantis", "company country"),
    ],
)
async def test_a_wrong_value_in_a_row_names_the_row(kind: str, field: str, value: Any, where: str) -> None:
    account = Scripted()
    account.children[kind][0]["properties"][field] = value
    assert (await refused(account)).field == where


@pytest.mark.parametrize(
    ("links", "words"),
    [
        ([], "has no company"),
        ([("1", "deal_to_company_unlabeled"), ("2", "deal_to_company_unlabeled")], "2 companies and none"),
        ([("1", "deal_to_company"), ("2", "deal_to_company")], "2 companies and none"),
        ([("1", "deal_to_company_unlabeled")], "company 1 was archived"),
    ],
)
async def test_without_one_company_that_buys_there_is_nobody_to_bill(links: list[tuple[str, str]], words: str) -> None:
    account = Scripted()
    account.links["companies"] = {"results": [{"id": key, "type": kind} for key, kind in links]}
    stop = await refused(account)
    assert (stop.field, words in stop.message) == ("primary company", True), stop.message


async def test_of_two_companies_the_primary_one_buys() -> None:
    account = Scripted()
    account.links["companies"]["results"].insert(0, {"id": "1", "type": "deal_to_company_unlabeled"})
    buyer = (await read(account)).buyer
    assert buyer is not None
    assert buyer.account_id == COMPANY


async def test_a_person_who_was_archived_is_named() -> None:
    account = Scripted()
    account.children["contacts"] = []
    assert f"contact {PERSON} was archived" in (await refused(account)).message


async def test_a_deal_without_an_owner_is_read_and_one_who_left_is_found_in_the_other_drawer() -> None:
    deal = await read(changed({"hubspot_owner_id": None}))
    assert (deal.owner_id, deal.owner_email) == ("", "")
    left = Scripted(
        lambda request: complaint("", 404) if request.url.params.get("archived") == "false" else None
    )
    assert (await read(left)).owner_email == "dana@example.com"
    gone = Scripted(lambda request: complaint("", 404) if "/owners/" in request.url.path else None)
    assert "HubSpot does not know" in (await refused(gone)).message


@pytest.mark.parametrize("stamp", ["now", "", "2026-11-20T14:03:11"])
async def test_a_change_stamp_that_is_none_is_no_stamp(stamp: str) -> None:
    account = Scripted(
        lambda request: answer({**record(DEAL, account.deal, associations=account.links), "updatedAt": stamp})
        if request.method == "GET" and request.url.path.endswith(f"/deals/{DEAL}")
        else None
    )
    assert (await refused(account)).field == "updatedAt"


async def test_a_country_is_read_as_the_account_spells_it() -> None:
    deal = await read(changed({"bill_to_country": "Allemagne"}, countries={"Allemagne": "DE"}))
    assert deal.bill_to.country == "DE"


async def test_yen_have_no_decimals_and_dinars_have_three() -> None:
    assert (await refused(changed({"deal_currency_code": "JPY"}))).field == "signed_total"
    account = changed({"deal_currency_code": "KWD", "signed_total": "1.234"})
    account.links = {"companies": account.links["companies"]}
    dinars = await read(account)
    assert (dinars.signed_total, dinars.lines) == (Money.of("1.234", "KWD"), ())


async def test_an_account_with_one_currency_need_not_name_it_on_the_deal() -> None:
    assert (await read(changed({"deal_currency_code": None}, default_currency="EUR"))).currency == "EUR"


RATES = '[{"role": "Partner", "rate_per_hour": 312.125}]'
MILESTONES = '[{"name": "Design", "code": "D", "amount": "8333.33", "due_on": "2027-01-31", "trigger": "Acceptance"}]'


async def test_an_edition_without_custom_objects_keeps_its_rows_on_the_deal() -> None:
    account = changed(
        {"tieline_milestones_json": MILESTONES, "tieline_rates_json": RATES}, custom_objects=False
    )
    account.links = {kind: account.links[kind] for kind in ("companies", "contacts", "line items")}
    deal = await read(account)
    assert deal.milestones[0].amount == Money.of("8333.33", "EUR")
    assert deal.rates[0].rate_per_hour == Decimal("312.125")
    assert account.requests[0].url.params["associations"] == "companies,contacts,line_items"
    assert not [path for path in account.paths() if "tieline" in path]


@pytest.mark.parametrize("text", ["{", "{}", "[1]", "null", "[" * 100_000, "[" + "{}," * 2000 + "{}]"])
async def test_rows_on_the_deal_that_cannot_be_read_are_named(text: str) -> None:
    stop = await refused(changed({"tieline_milestones_json": text[:65_000]}, custom_objects=False))
    assert stop.field == "tieline_milestones_json"


async def test_an_account_without_our_objects_is_told_which_setting_to_change() -> None:
    words = "Unable to infer object type from: p_tieline_milestone"
    account = Scripted(
        lambda request: complaint("VALIDATION_ERROR", 400, words) if "associations" in request.url.params else None
    )
    with pytest.raises(Fatal, match="`custom_objects` to false"):
        await read(account)


async def test_renamed_properties_are_asked_for_and_read() -> None:
    account = changed({"vertrag": "C-7"}, names={"contract_number": "vertrag"})
    assert (await read(account)).contract_number == "C-7"
    assert "vertrag" in account.requests[0].url.params["properties"].split(",")


@pytest.mark.parametrize(
    "settings",
    [
        {"names": {"cap_scope": "cap/../x"}}, {"names": {"project_key": ""}}, {"names": {"project_key": "Key"}},
        {"base_url": "http://api.hubapi.com"}, {"base_url": "https://api.hubapi.com/path"}, {"api_version": "v3"},
        {"api_version": "2026-04"}, {"misspelt": 1}, {"contact_roles": {"Billing Contact": "billing"}},
        {"contact_roles": {"billing": "payer"}}, {"login": {"kind": "token", "access_token": ""}}, {"portal_id": "x"},
    ],
)  # fmt: skip
def test_settings_that_would_change_an_address_or_leak_a_token_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HubSpotConfig.model_validate({"login": {"kind": "token", "access_token": "t"}, **settings})


@pytest.mark.parametrize("deal", ["", "57404229253/../1", "abc", "57404229253\n", "0", "-5", "1" * 30, "٣", "5.0"])
async def test_what_is_no_id_never_reaches_an_address(deal: str) -> None:
    account = Scripted()
    async with account.http:
        with pytest.raises(NeedsRepair, match="no CRM id of a deal"):
            await account.crm.get_signed_terms(DealId(deal))
        assert await account.crm.find_contracts([DealId(deal)]) == ()
    assert account.requests == []


async def test_a_deal_that_was_merged_is_read_under_its_new_id() -> None:
    account = Scripted(
        lambda request: answer(record("99", account.deal, associations=account.links))
        if request.method == "GET" and request.url.path.endswith(f"/deals/{DEAL}")
        else None
    )
    assert (await read(account)).deal_id == "99"
