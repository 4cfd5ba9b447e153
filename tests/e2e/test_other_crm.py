"""The same process on another CRM: three deals from won to active, over signed deliveries, and nothing twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.e2e.front_door import FrontDoor, open_front_door
from tests.e2e.stand import SECRET, Stand, open_stand

Json = dict[str, Any]
OWNER, OBJECTS = "41629779", "/crm/objects/2026-09"
START, END = "2026-12-01", "2027-11-30"
TERMS = {
    f"POST {OBJECTS}/deals/batch/read": 1,  # the dispatcher asks which contract the deal sells
    f"GET {OBJECTS}/deals/{{id}}": 1,  # the signed terms, then one call for each kind of record around the deal
    f"POST {OBJECTS}/companies/batch/read": 1,
    f"POST {OBJECTS}/contacts/batch/read": 1,
    f"POST {OBJECTS}/line_items/batch/read": 1,
}
OUTCOME = {
    f"GET {OBJECTS}/p_tieline_project/{{id}}": 1,  # what landed before
    f"PATCH {OBJECTS}/companies/{{id}}": 1,
    f"PATCH {OBJECTS}/deals/{{id}}": 1,
    "POST /crm/associations/2026-09/deals/tasks/batch/read": 2,  # before and after the note
    f"POST {OBJECTS}/tasks": 1,
    f"POST {OBJECTS}/p_tieline_project/batch/upsert": 1,
    "POST /crm/associations/2026-09/p_tieline_project/deals/batch/associate/default": 1,
}
KEPT_FOR_AN_HOUR = {"GET /crm/pipelines/2026-09/deals": 1, "GET /crm/owners/2026-09/{id}": 1}
MILESTONES = {f"POST {OBJECTS}/p_tieline_milestone/batch/read": 1}
RATES = {f"POST {OBJECTS}/p_tieline_rate/batch/read": 1}


@pytest.fixture(scope="module")
async def stand(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path_factory.mktemp("stand"), state="empty", crm="hubspot") as opened:
        yield opened


@pytest.fixture(scope="module")
async def door(stand: Stand) -> AsyncIterator[FrontDoor]:
    async with open_front_door(stand) as opened:
        yield opened


def linked(kind: str, deal: str = "deal", **fields: Any) -> Json:
    return {"type": kind, "associations": [{"to": {"ref": deal}, "object": "deals"}], **fields}


def contract(number: str, *, amount: str = "90000") -> list[Json]:
    """A company with a person who pays, and a signed deal that is about to be won."""
    buyer, street = BUYERS[number]
    company = {
        "type": "companies", "name_in_file": "company", "name": buyer, "country": "United States",
        "duns_number": f"31500{number[-4:]:0>4}", "address": street, "city": "Dayton", "state": "OH",
        "zip": "45402", "invoice_email": f"ap-{number.lower()}@example.com",
    }  # fmt: skip
    person = {"type": "contacts", "name_in_file": "payer", "firstname": "Pat", "lastname": f"Payer {number}",
              "email": f"pat-{number.lower()}@example.com"}  # fmt: skip
    deal = {
        "type": "deals", "name_in_file": "deal", "dealname": f"Deal {number}", "pipeline": "75104382",
        "dealstage": "148213303", "closedate": "2026-11-20T00:00:00Z", "hubspot_owner_id": OWNER,
        "deal_currency_code": "USD", "contract_number": number, "contract_status": "Approved",
        "signing_entity": "Harbour & Finch Consulting Inc.", "region": "US",
        "customer_legal_name": buyer, "customer_signed_on": "2026-11-18",
        "company_signed_on": "2026-11-19", "effective_on": START, "start_on": START, "end_on": END,
        "signed_total": amount, "value_exercised": amount, "value_funded": amount, "value_with_options": amount,
        "payment_terms": "Net 30", "acceptance_person": "Ann Lee", "bill_to_street": "1 Canal St",
        "bill_to_city": "Dayton", "bill_to_state": "OH", "bill_to_postal_code": "45402", "bill_to_country": "US",
        "associations": [
            {"to": {"ref": "company"}, "object": "companies", "label": "Primary"},
            {"to": {"ref": "payer"}, "object": "contacts", "label": "billing"},
        ],
    }  # fmt: skip
    return [company, person, deal]


def line(billing: str, *, amount: str = "90000", **fields: Any) -> Json:
    return linked("line_items", name="Advice", quantity="1", price=amount, service_line="Advisory", line_code="L1",
                  billing_type=billing, start_on=START, end_on=END, hs_position_on_quote="1", **fields)  # fmt: skip


def milestone(number: int, amount: str = "45000") -> Json:
    return linked("tieline_milestone", name=f"Delivery {number}", code=f"M{number}", amount=amount,
                  due_on=f"2027-{3 + 3 * number:02}-15", trigger="Acceptance", accepting_person="Ann Lee",
                  sequence=str(number))  # fmt: skip


BUYERS = {
    "OTHER-1001": ("Bluestem Ferries LLC", "1 Canal St"),
    "OTHER-1002": ("Quarry Ridge Dairy Inc.", "77 Mill Road"),
    "OTHER-1003": ("Ostrander Glassworks Corp.", "9 Kiln Lane"),
}
SOLD: list[tuple[str, list[Json], dict[str, int]]] = [
    ("OTHER-1001", [line("Milestones"), milestone(1), milestone(2)], MILESTONES),
    ("OTHER-1002", [line("Time and Materials"), linked("tieline_rate", name="Partner", role="Partner", currency="USD",
                                                       rate_per_hour="312.125", valid_from=START)], RATES),
    ("OTHER-1003", [line("Milestones"), milestone(1, "89999.99"), milestone(2, "0.01")], MILESTONES),
]  # fmt: skip


async def delivered(stand: Stand, count: int) -> None:
    """Until that many deliveries were answered."""
    deadline = asyncio.get_running_loop().time() + 10
    while True:
        told = (await stand.crm.http.get("/_sandbox/deliveries")).json()["deliveries"]
        if sum(1 for one in told if one.get("status") in {200, 202}) >= count:
            return
        assert asyncio.get_running_loop().time() < deadline, told
        await asyncio.sleep(0.02)


async def test_three_deals_become_active_and_a_second_run_writes_nothing(stand: Stand, door: FrontDoor) -> None:
    subscription = {"eventType": "deal.propertyChange", "propertyName": "dealstage"}
    deals = [(await stand.crm.records(*contract(number), *rows))["ids"][2] for number, rows, _ in SOLD]
    await stand.crm.control("subscriptions", {"url": door.url, "secret": SECRET, "subscriptions": [subscription]})
    for place, ((number, _, rows), deal) in enumerate(zip(SOLD, deals, strict=True)):
        await stand.crm.reset_calls()
        await stand.win(deal)
        await delivered(stand, place + 1)
        await door.drained()
        row = (await stand.settled(number))[number]
        assert row.stage == "active", (row.sentence, await stand.waiting(number))
        assert (await stand.result(number)).outcome == "active"
        kept = {} if place else KEPT_FOR_AN_HOUR
        assert Counter(await stand.crm.calls()) == Counter(TERMS) + Counter(OUTCOME) + Counter(rows) + Counter(kept)
    assert sum((Counter(TERMS) + Counter(OUTCOME) + Counter(MILESTONES)).values()) == 14

    shown = {deal["hs_object_id"]: deal for deal in await stand.deals()}
    assert {shown[deal]["erp_sync_status"] for deal in deals} == {"Active"}
    assert {shown[deal]["erp_project_id"] for deal in deals} == {job["id"] for job in await stand.erp.kind("job")}
    assert len({shown[deal]["erp_project_id"] for deal in deals}) == 3
    assert (len(await stand.crm.kind("tasks")), len(await stand.crm.kind("tieline_project"))) == (3, 3)

    before = len(await stand.crm.writes()), len(await stand.erp.writes())
    await stand.crm.control("emit", {"ids": deals})
    await delivered(stand, 4)
    await door.drained()
    for number, _, _ in SOLD:
        assert (await stand.result(number)).outcome == "nothing-to-do"
    assert (len(await stand.crm.writes()), len(await stand.erp.writes())) == before
