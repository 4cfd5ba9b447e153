from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from connectors.netsuite.chart import ReferenceData
from connectors.netsuite.config import NetSuiteConfig, TbaLogin
from connectors.netsuite.mapping import (
    ContractRefs,
    RowText,
    external_id,
    frozen_hold,
    hold_before_freeze,
    internal_id,
    is_same_number,
    to_contact,
    to_customer,
    to_department,
    to_job,
    to_sales_order,
    to_schedule,
)
from models.errors import Fatal, NeedsRepair
from models.money import Money
from models.party import Address
from models.records import RecordKind
from models.terms import BillingType
from tests.connectors.netsuite import samples

SCHEMA = Path(__file__).parents[3] / "sandbox" / "netsuite" / "data" / "records.schema.json"
ROWS = [
    {"kind": "entity", "id": "1", "code": "LE-US", "name": "US", "extra": "1", "country": "US"},
    {"kind": "currency", "id": "1", "code": "USD", "name": "US Dollar", "extra": "2"},
    {"kind": "currency", "id": "5", "code": "BHD", "name": "Bahraini Dinar", "extra": "3"},
    {"kind": "currency", "id": "9", "code": "DEM", "name": "Mark", "extra": "2", "inactive": "T"},
    {"kind": "terms", "id": "2", "code": "NET30", "name": "Net 30"},
    {"kind": "cost-centre", "id": "4", "code": "tl_dept_ADV", "name": "Advisory"},
    {"kind": "item", "id": "70", "code": "SVC-FIXED", "name": "Fixed"},
    {"kind": "item", "id": "71", "name": "Travel"},
]
DATA = ReferenceData.of(ROWS, "tl_dept_")
SECRET = SecretStr("s")
CONFIG = NetSuiteConfig(
    account_id="123456_SB1",
    login=TbaLogin(consumer_key="c", consumer_secret=SECRET, token_id="t", token_secret=SECRET),
)
CUSTOMER = samples.ref(RecordKind.CUSTOMER, "600")
PROJECT = samples.ref(RecordKind.PROJECT, "601")
SCHEDULE = samples.ref(RecordKind.BILLING_SCHEDULE, "7")


def order_body(**more: Any) -> dict[str, Any]:
    request = samples.contract(**more)
    refs = ContractRefs(
        customer=CUSTOMER,
        project=PROJECT,
        projects={line.code: PROJECT for line in request.lines},
        schedules={line.code: SCHEDULE for line in request.lines if line.schedule_step},
    )
    return to_sales_order(request, refs, DATA, CONFIG)


def test_a_customer_carries_its_identity_terms_and_address() -> None:
    body = to_customer(samples.customer(), DATA, CONFIG)
    assert body["subsidiary"] == {"id": "1"}
    assert body["terms"] == {"id": "2"}
    assert body["custentity_tl_crm_id"] == samples.ACCOUNT_ID
    assert body["taxRegistration"]["items"] == [{"nexusCountry": {"id": "GB"}, "taxRegistrationNumber": "GB980780684"}]
    address = body["addressBook"]["items"][0]["addressBookAddress"]
    assert (address["addr1"], address["addr2"], address["country"]) == ("1 High St", "Floor 2", {"id": "GB"})


def test_a_long_street_keeps_every_line() -> None:
    body = to_customer(samples.customer(address=Address(street="a\nb\nc\nd", country="GB")), DATA, CONFIG)
    address = body["addressBook"]["items"][0]["addressBookAddress"]
    assert (address["addr1"], address["addr2"], address["addr3"]) == ("a", "b", "c, d")


def test_a_tax_number_without_a_country_is_not_guessed() -> None:
    with pytest.raises(NeedsRepair, match="tax number of Northwind Traders Ltd has no country") as stopped:
        to_customer(samples.customer(address=Address(city="London")), DATA, CONFIG)
    assert stopped.value.code == "TL-CUS-014"


def test_a_customer_without_an_address_gets_none() -> None:
    body = to_customer(samples.customer(address=Address(), tax_number=""), DATA, CONFIG)
    assert "addressBook" not in body
    assert "taxRegistration" not in body


@pytest.mark.parametrize(
    ("billing_type", "job_type", "job_billing_type"),
    [
        (BillingType.MILESTONES, "1", "3"),
        (BillingType.PERCENT_COMPLETE, "1", "3"),
        (BillingType.RETAINER, "3", "3"),
        (BillingType.TIME_AND_MATERIALS, "2", "4"),
        (BillingType.TIME_AND_MATERIALS_CAPPED, "2", "4"),
        (BillingType.COST_PLUS_FIXED_FEE, "4", "1"),
    ],
)
def test_a_project_has_the_billing_type_of_what_was_sold(
    billing_type: BillingType, job_type: str, job_billing_type: str
) -> None:
    body = to_job(samples.project(billing_type=billing_type), CUSTOMER, DATA, CONFIG)
    assert body["jobType"] == {"id": job_type}
    assert body["jobBillingType"] == {"id": job_billing_type}
    assert body["parent"] == {"id": "600"}
    assert body["custentity_tl_contract_number"] == samples.CONTRACT


def test_the_parent_project_of_a_mixed_contract_has_no_billing_type() -> None:
    body = to_job(samples.project(billing_type=None), CUSTOMER, DATA, CONFIG)
    assert "jobBillingType" not in body
    assert "jobType" not in body


def test_schedule_rows_are_money_never_percentages() -> None:
    body = to_schedule(samples.schedule(), PROJECT, DATA, CONFIG)
    rows = body["milestone"]["items"]
    assert [row["milestoneAmount"] for row in rows] == [Decimal("38475.00"), Decimal("51299.99"), Decimal("38475.00")]
    assert rows[0]["milestoneDate"] == "2027-04-30"
    assert RowText.parse(rows[0]["comments"]) == RowText(code="M1", name="Stage M1")
    assert body["scheduleType"] == {"id": "FBM"}


def test_an_order_waits_for_approval_only_while_billing_is_on_hold() -> None:
    assert order_body()["orderStatus"] == {"id": "B"}
    held = order_body(billing_hold="The purchase order is missing.")
    assert held["orderStatus"] == {"id": "A"}
    assert held["custbody_tl_billing_hold"] == "The purchase order is missing."


def test_order_lines_carry_exact_amounts_and_our_codes() -> None:
    lines = order_body()["item"]["items"]
    assert [(line["custcol_tl_line_code"], line["amount"]) for line in lines] == [
        (code, Decimal(amount)) for code, amount in samples.LINES
    ]
    assert {line["billingSchedule"]["id"] for line in lines} == {"7"}
    assert lines[0]["department"] == {"id": "4"}


@pytest.mark.parametrize(
    ("amount", "quantity", "rate"),
    [("100.00", "3", None), ("100.00", "4", Decimal(25)), ("9499.99", "1", Decimal("9499.99")), ("0.00", "0", None)],
)
def test_a_rate_is_sent_only_when_it_gives_the_amount_exactly(amount: str, quantity: str, rate: Decimal | None) -> None:
    line = (
        samples.contract()
        .lines[0]
        .model_copy(update={"amount": Money.of(amount, "USD"), "quantity": Decimal(quantity)})
    )
    assert order_body(lines=(line,))["item"]["items"][0].get("rate") == rate


def test_the_funded_value_is_its_own_field() -> None:
    body = order_body(cap=None)
    assert body["custbody_tl_value_funded"] == Decimal("100000.00")
    assert "custbody_tl_value_cap" not in body


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("customer", to_customer(samples.customer(lei="213800KUD8LAJWSQ9D15"), DATA, CONFIG)),
        ("contact", to_contact(samples.contact(), CUSTOMER, DATA, name_suffix="(x)")),
        ("department", to_department(samples.cost_centre(), DATA)),
        ("job", to_job(samples.project(cost_budget=Money.of("1.00", "USD")), CUSTOMER, DATA, CONFIG)),
        ("billingSchedule", to_schedule(samples.schedule(), PROJECT, DATA, CONFIG)),
        ("salesOrder", order_body(cap=Money.of("5.00", "USD"))),
    ],
)
def test_we_send_only_fields_the_vendor_has(kind: str, body: dict[str, Any]) -> None:
    definitions = json.loads(SCHEMA.read_text())["$defs"]
    _check(body, definitions[kind], kind)


def _check(value: dict[str, Any], spec: dict[str, Any], path: str) -> None:
    for name, inner in value.items():
        if name.startswith(("custentity_", "custbody_", "custcol_")):
            continue
        assert name in spec["properties"], f"{path}.{name}"
        field = spec["properties"][name]
        lines = field.get("properties", {}).get("items", {}).get("items")
        if lines and isinstance(inner, dict):
            for line in inner["items"]:
                _check(line, lines, f"{path}.{name}")
        elif "properties" in field and isinstance(inner, dict):
            _check(inner, field, f"{path}.{name}")


@pytest.mark.parametrize(
    ("call", "code", "named"),
    [
        (lambda: DATA.entity("LE-XX"), "TL-INT-020", "external id LE-XX"),
        (lambda: DATA.currency("DEM"), "TL-CON-006", "Currency DEM is not active"),
        (lambda: DATA.terms("NET75"), "TL-CON-007", "NET75"),
        (lambda: DATA.cost_centre("ZZZ"), "TL-INT-020", "tl_dept_ZZZ"),
        (lambda: DATA.item("SVC-X"), "TL-CON-008", "SVC-X"),
    ],
)
def test_unknown_reference_data_names_record_field_and_fix(call: Any, code: str, named: str) -> None:
    with pytest.raises(NeedsRepair) as stopped:
        call()
    assert stopped.value.code == code
    assert named in stopped.value.message
    assert "press Retry" in stopped.value.message
    assert stopped.value.field


def test_the_chart_shows_active_data_under_our_codes() -> None:
    chart = DATA.chart()
    assert chart.currencies == {"USD": 2, "BHD": 3}
    assert chart.cost_centres == ("ADV",)
    assert chart.items == ("SVC-FIXED", "Travel")
    assert chart.entities[0].functional_currency == "USD"


def test_an_external_id_wins_over_an_equal_name() -> None:
    rows = [{"kind": "item", "id": "1", "name": "A"}, {"kind": "item", "id": "2", "code": "A", "name": "B"}]
    assert ReferenceData.of(rows, "tl_dept_").item("A") == "2"


@pytest.mark.parametrize("key", ["a/b", "a b", "", "x" * 60, "a|b", "ä", "a\n"])
def test_a_key_that_would_break_the_url_is_refused(key: str) -> None:
    with pytest.raises(NeedsRepair):
        external_id("tl_cust_" if key else "", key)


@pytest.mark.parametrize("record_id", ["../job/1", "eid:x", "1?x", "", "\uff11"])
def test_only_a_number_of_the_account_becomes_part_of_a_url(record_id: str) -> None:
    with pytest.raises(Fatal):
        internal_id(samples.ref(RecordKind.CUSTOMER, record_id))


def test_a_freeze_keeps_the_older_reason_not_to_bill() -> None:
    frozen = frozen_hold("The deal was lost.", "The purchase order is missing.")
    assert frozen.startswith("Frozen: The deal was lost.")
    assert hold_before_freeze(frozen) == "The purchase order is missing."
    again = frozen_hold("The deal was lost again.", frozen)
    assert hold_before_freeze(again) == "The purchase order is missing."
    assert hold_before_freeze(frozen_hold("Lost.", "")) == ""


def test_numbers_are_equal_whatever_separates_their_digits() -> None:
    assert is_same_number("GB 980 7806 84", "980780684")
    assert is_same_number("16.727.230/0001-97", "16727230000197")
    assert not is_same_number("GB980780684", "GB980780685")
    assert not is_same_number("", "")


def test_dates_are_business_dates_without_a_zone() -> None:
    assert order_body(signed_on=date(2027, 3, 15))["tranDate"] == "2027-03-15"


@pytest.mark.parametrize(
    "wrong",
    [
        {"custom": {"line_code": "custcol_x; DROP"}},
        {"custom": {"customer_crm_id": ""}},
        {"milestone_table": "a b"},
        {"account_id": "evil.example/"},
        {"job_kinds": {}},
        {"prefixes": {"customer": "TL-"}},
        {"unknown": 1},
    ],
)
def test_a_setting_that_cannot_work_is_refused_at_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NetSuiteConfig.model_validate(CONFIG.model_dump() | wrong)


def test_account_spellings() -> None:
    assert CONFIG.realm == "123456_SB1"
    assert CONFIG.root_url == "https://123456-sb1.suitetalk.api.netsuite.com"
    assert CONFIG.token_url.endswith("/services/rest/auth/oauth2/v1/token")
