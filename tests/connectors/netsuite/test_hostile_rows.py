"""Answers that are well-formed and still wrong: what the adapter makes of rows it should never have been given."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from connectors.netsuite import NetSuiteConfig, NetSuiteErp, build
from connectors.netsuite.client import NetSuiteClient
from connectors.netsuite.config import M2mLogin, TbaLogin
from models.errors import Fatal, NeedsRepair, NotSent, Retryable, TielineError
from models.ids import ConnectionId
from models.records import Links, RecordKind
from tests.connectors.netsuite import samples

SECRET = SecretStr("s")
LOGIN = TbaLogin(consumer_key="c", consumer_secret=SECRET, token_id="t", token_secret=SECRET)
CHART = [
    {"kind": "entity", "id": "1", "code": "LE-US", "name": "US", "extra": "1", "country": "US"},
    {"kind": "currency", "id": "1", "code": "USD", "name": "US Dollar", "extra": "2"},
    {"kind": "terms", "id": "2", "code": "NET30", "name": "Net 30"},
]
CONTRACT = samples.ref(RecordKind.CONTRACT, "8801")
PROJECT = samples.ref(RecordKind.PROJECT, "8800")
Rows = list[Any]


def erp(rows: Rows, *, records: Callable[[httpx.Request], httpx.Response] | None = None) -> NetSuiteErp:
    """An account that answers every query but that for the chart with these rows."""

    def answer(request: httpx.Request) -> httpx.Response:
        if "/record/" in request.url.path:
            return records(request) if records else httpx.Response(500, json={})
        is_chart = "FROM subsidiary" in json.loads(request.content)["q"]
        return httpx.Response(200, json={"items": CHART if is_chart else rows, "hasMore": False})

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    config = NetSuiteConfig(account_id="123456", login=LOGIN)
    return build(ConnectionId("erp-main"), config, http)


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ([{"kind": "customer"}], Fatal),
        ([{"id": "1"}], Fatal),
        ([{"kind": "employee", "id": "1"}], Fatal),
        ([{"kind": "customer", "id": {"nested": True}}], Fatal),
        (["a"], Fatal),
        ([{"kind": "contract", "id": "1", "external_id": f"tl_so_{samples.CONTRACT_KEY}", "currency": "1",
           "amount": "1,000.00"}], NeedsRepair),
        ([{"kind": "contract", "id": "1", "external_id": f"tl_so_{samples.CONTRACT_KEY}", "currency": "1",
           "amount": "NaN"}], NeedsRepair),
    ],
)  # fmt: skip
async def test_a_survey_row_that_cannot_be_read_stops_and_is_never_guessed(
    rows: Rows, kind: type[TielineError]
) -> None:
    with pytest.raises(TielineError) as stopped:
        await erp(rows).survey(samples.question())
    assert type(stopped.value) is kind


@pytest.mark.parametrize(
    ("row", "named"),
    [({"amount": "12.x"}, "'12.x' as amount"), ({"amount": "1", "due_on": "31/12/2027"}, "'31/12/2027' as due_on")],
)
async def test_a_billed_row_that_cannot_be_read_names_contract_and_value(row: dict[str, str], named: str) -> None:
    line = {"source": "line", "code": "L1", "amount": "100", "total": "100", "currency": "1"}
    with pytest.raises(NeedsRepair, match="8801") as stopped:
        await erp([line, {"source": "milestone", "code": "M1"} | row]).read_back(CONTRACT, PROJECT, ())
    assert named in stopped.value.message


async def test_lines_without_a_total_are_read_from_the_record_itself() -> None:
    order = {"id": "8801", "currency": {"id": "1"},
             "item": {"items": [{"amount": 100.5, "custcol_tl_line_code": "L1"}, {"amount": -100.5}]}}  # fmt: skip
    rows = [{"source": "line", "code": "L1", "amount": "100.5"}, {"source": "line", "amount": "-100.5"}]
    read = await erp(rows, records=lambda _: httpx.Response(200, json=order)).read_back(CONTRACT, PROJECT, ())
    assert [str(row.amount.amount) for row in read.rows] == ["100.50", "-100.50"]


async def test_a_schedule_that_was_deleted_is_told_by_name() -> None:
    def records(request: httpx.Request) -> httpx.Response:
        if "salesOrder" in request.url.path:
            return httpx.Response(200, json={"id": "8801", "currency": {"id": "1"}})
        return httpx.Response(404, json={"o:errorDetails": [{"detail": "none", "o:errorCode": "NONEXISTENT_ID"}]})

    schedule = samples.ref(RecordKind.BILLING_SCHEDULE, "7")
    with pytest.raises(NeedsRepair, match="no billing schedule 7 any more"):
        await erp([], records=records).read_back(CONTRACT, PROJECT, (schedule,))


async def test_a_list_without_an_end_is_not_read_for_ever() -> None:
    calls = 0

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        return httpx.Response(200, json={"items": CHART, "hasMore": True})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        endless = build(ConnectionId("erp-main"), NetSuiteConfig(account_id="123456", login=LOGIN), http)
        with pytest.raises(Fatal, match="more than 20000 rows"):
            await endless.get_chart()
    assert calls == 20


async def test_a_currency_whose_decimals_are_not_told_is_not_offered() -> None:
    chart = [
        {"kind": "currency", "id": "1", "code": "USD"},
        {"kind": "currency", "id": "2", "code": "KWD", "extra": "3"},
    ]

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"items": chart, "hasMore": False})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        poor = build(ConnectionId("erp-main"), NetSuiteConfig(account_id="123456", login=LOGIN), http)
        assert (await poor.get_chart()).currencies == {"KWD": 3}


async def test_a_tax_number_of_the_buyers_country_is_shown_before_any_other() -> None:
    rows = [
        {"kind": "customer", "id": "1", "name": "N", "tax_number": number, "tax_country": country}
        for number, country in (("FR1", "FR"), ("GB2", "GB"))
    ]
    found = await erp(rows).survey(samples.question(tax_numbers=()))
    assert [one.tax_number for one in found.candidates] == ["GB2"]


async def test_a_record_that_names_a_foreign_id_is_not_adopted() -> None:
    hostile = httpx.Response(200, json={"id": "1/../../x", "entityId": "CUST1"})
    with pytest.raises(Fatal):
        await erp([], records=lambda _: hostile).find_customer(samples.customer(), Links())


async def test_the_accounts_clock_tells_that_the_sign_in_works() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"serverTime": "2026-03-26T16:21:00.000Z"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        client = NetSuiteClient(http, NetSuiteConfig(account_id="123456", login=LOGIN))
        assert (await client.get_server_time()).server_time.year == 2026


@pytest.mark.parametrize(
    "token", [{"access_token": ""}, {"access_token": "x", "expires_in": "soon"}, {"expires_in": 3600}, []]
)
async def test_a_token_that_cannot_be_read_means_nothing_was_sent(token: Any) -> None:
    login = M2mLogin(client_id="c", certificate_id="k", private_key_pem=SECRET)
    answer = httpx.Response(200, json=token)
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as http:
        client = NetSuiteClient(http, NetSuiteConfig(account_id="123456", login=login))
        with pytest.raises(NotSent):
            await client.exchange_token("a.b.c")


async def test_a_token_desk_that_answers_late_means_nothing_was_sent() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("late")

    login = M2mLogin(client_id="c", certificate_id="k", private_key_pem=SECRET)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        client = NetSuiteClient(http, NetSuiteConfig(account_id="123456", login=login))
        with pytest.raises(NotSent):
            await client.exchange_token("a.b.c")


async def test_an_account_that_cannot_be_reached_is_told_as_such() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        away = build(ConnectionId("erp-main"), NetSuiteConfig(account_id="123456", login=LOGIN), http)
        with pytest.raises(Retryable, match="cannot be reached"):
            await away.get_chart()
