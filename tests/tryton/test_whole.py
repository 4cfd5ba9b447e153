"""Three deals of the simulated CRM into the real ERP, through the real process; then everything once more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from models.ids import DealId
from runtime.settings import load_settings
from runtime.temporal import TemporalStarter, build_worker
from runtime.wiring import Tieline, open_tieline
from tests.e2e.sold import Sales, Sold
from tests.e2e.stand import FIRM, Stand, open_stand
from tests.tryton.conftest import Connected
from tests.tryton.server import Books

_BY_TIME = {"Billing_Type__c": "Time and Materials", "Bill_Frequency__c": "Monthly"}
_DUNS = "081236540"


@asynccontextmanager
async def _tieline(stand: Stand, books: Books, name: str) -> AsyncIterator[tuple[Tieline, TemporalStarter]]:
    """Tieline as settings make it, with the real ERP in the place of the simulated one and a store of its own."""
    queue = f"{stand.task_queue}-{name}"
    others = {key: value for key, value in stand.environment().items() if not key.startswith("TIELINE_ERP__")}
    settings = load_settings(
        others
        | {
            "TIELINE_STORE_URL": f"sqlite:///{stand.folder / name}.db",
            "TIELINE_TASK_QUEUE": queue,
            "TIELINE_ERP__CONNECTOR": "tryton",
            "TIELINE_ERP__CONFIG__BASE_URL": books.server.url,
            "TIELINE_ERP__CONFIG__DATABASE": books.name,
            "TIELINE_ERP__CONFIG__API_KEY": books.key(),
            "TIELINE_ERP__CONFIG__HAS_UNIQUENESS_MODULE": "true",
        }
    )
    async with open_tieline(settings) as tieline, build_worker(stand.client, queue, tieline.activities):
        yield tieline, TemporalStarter(stand.client, FIRM, queue)


async def _sold(stand: Stand, it: Connected) -> tuple[list[Sold], int]:
    """Fixed fee, work by time, and one for a customer that the ERP has had for years."""
    sales = await Sales.of(stand.crm)
    known = await sales.company("Kestrel Analytics, Inc.", DUNS_Number__c=_DUNS)
    values = {
        "name": "Kestrel Analytics, Inc.",
        "addresses": [["create", [{"street": "9 Old Mill Rd", "city": "Dayton", "country": 1}]]],
        "identifiers": [["create", [{"type": None, "code": f"DUNS {_DUNS}"}]]],
    }
    party = await it.erp._client.create("party.party", values, record="an old customer", company=1)
    sold = [
        await sales.deal("TRY-FIXED", await sales.company("Heron Rail, Inc.")),
        await sales.deal(
            "TRY-TIME", await sales.company("Ibis Ports LLC"), amount=48_000, line=_BY_TIME, milestones=[]
        ),
        await sales.deal("TRY-KNOWN", known, amount=30_000.50),
    ]
    await stand.crm.records(
        {"type": "Tieline_Rate__c", "Opportunity__c": sold[1].deal, "Name": "Consultant", "Role__c": "Consultant",
         "Rate_Per_Hour__c": 160, "Currency__c": "USD", "Valid_From__c": "2026-12-01", "Line_Code__c": "L1"}
    )  # fmt: skip
    return sold, party


async def _run(tieline: Tieline, starter: TemporalStarter, sold: list[Sold]) -> list[str]:
    outcomes = []
    for contract in await tieline.crm.find_contracts([DealId(one.deal) for one in sold]):
        await starter.start_or_join(contract)
    for one in sold:
        handle = starter.handle(Stand.engagement(one.contract))
        try:
            outcomes.append(str((await asyncio.wait_for(handle.result(), 40)).outcome))
        except TimeoutError:
            raise AssertionError(await tieline.store.desk.list_engagements(FIRM)) from None
    return outcomes


@pytest.mark.timeout(180)
async def test_three_deals_into_the_real_erp_and_the_second_run_writes_nothing(
    shared: Connected, tmp_path: Path
) -> None:
    books = shared.books
    async with open_stand(tmp_path, worker=False, state="empty") as stand:
        sold, party = await _sold(stand, shared)
        parties = books.count("party_party")
        async with _tieline(stand, books, "first") as (tieline, starter):
            assert await _run(tieline, starter, sold) == ["active"] * 3
            assert (await tieline.store.audit.verify()).intact
            _is_booked(books, party, parties)
            await _said_what_is_left_to_people(tieline)
            rows = books.rows()
            assert set(await _run(tieline, starter, sold)) <= {"active", "nothing-to-do"}
            assert books.rows() == rows
        async with _tieline(stand, books, "anew") as (tieline, starter):
            # The store is lost: everything is found again by its key.
            assert await _run(tieline, starter, sold) == ["active"] * 3
        assert books.rows() == rows
        assert {(await Sales(stand.crm, price_book="", owner="").shown(one))["ERP_Sync_Status__c"] for one in sold} == {
            "Active"
        }


async def _said_what_is_left_to_people(tieline: Tieline) -> None:
    """Each plan names, before anything is written, what this ERP cannot do for its kind of contract."""
    told: dict[str, str] = {}
    for row in await tieline.store.desk.list_engagements(FIRM):
        assert row.plan is not None
        told[row.contract_number] = " ".join((await tieline.store.plans.get_plan(row.plan)).manual_steps)
    assert "no dated billing schedule" in told["TRY-FIXED"]
    assert "no dated billing schedule" in told["TRY-KNOWN"]
    assert "enter the hourly rates" in told["TRY-TIME"]


def _is_booked(books: Books, party: int, parties: int) -> None:
    """By the ERP's own tables: two new customers with a person each, one adopted as it was."""
    assert books.count("party_party") == parties + 2 + 3
    assert books.sql("SELECT party, COUNT(*) FROM sale_sale WHERE party = ? GROUP BY party", party) == [(party, 1)]
    assert books.sql("SELECT external_id FROM party_party WHERE id = ?", party) == [(None,)]
    sales = books.sql("SELECT reference, state, invoice_method, untaxed_amount_cache FROM sale_sale ORDER BY reference")
    assert [(reference, state, method, str(amount)) for reference, state, method, amount in sales] == [
        ("TRY-FIXED", "processing", "manual", "90000.00"), ("TRY-KNOWN", "processing", "manual", "30000.50"),
        ("TRY-TIME", "processing", "manual", "48000.00"),
    ]  # fmt: skip
    methods = books.sql(
        "SELECT project_invoice_method, COUNT(*) FROM project_work WHERE type = 'project' GROUP BY 1 ORDER BY 1"
    )
    assert methods == [("effort", 2), ("timesheet", 1)]
    milestones = books.sql("SELECT list_price FROM project_work WHERE list_price IS NOT NULL ORDER BY 1")
    assert [f"{amount:.2f}" for (amount,) in milestones] == ["15000.25", "15000.25", "45000.00", "45000.00"]
    centres = books.sql(
        "SELECT DISTINCT a.code FROM analytic_account_entry e JOIN analytic_account_account a ON a.id = e.account"
        " WHERE e.origin LIKE ?",
        "sale.line,%",
    )
    assert centres == [("ADV",)]
    assert books.count("account_invoice") == 0
