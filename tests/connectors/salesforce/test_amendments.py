"""Signed amendments as deals of their own, read from the simulated org."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from models.change_order import ChangeKind, RowAction
from models.errors import NeedsRepair
from models.ids import ContractNumber
from models.money import Money
from ports.amendments import AmendmentReader
from tests.connectors.salesforce.org import TestOrg, open_org, sold

C_100 = ContractNumber("C-100")


@pytest.fixture
async def org() -> AsyncIterator[TestOrg]:
    async with open_org() as opened:
        yield opened


def amendment(org: TestOrg, number: str, **fields: Any) -> dict[str, Any]:
    deal = sold(org.owner, org.account, Amendment_Number__c=number, Name=f"Amendment {number}", **fields)
    return deal | {"name_in_file": f"deal-{number}"}


async def test_all_amendments_of_a_contract_come_in_one_call(org: TestOrg) -> None:
    reader: AmendmentReader = org.crm
    row = {
        "type": "Tieline_Milestone__c", "Opportunity__c": {"ref": "deal-1"}, "Name": "Rollout", "Code__c": "M4",
        "Amount__c": 18000, "Due_On__c": "2027-04-30", "Trigger__c": "Date", "Change__c": "Add", "Line_Codes__c": "L1",
    }  # fmt: skip
    await org.save(
        amendment(
            org, "1", Value_Exercised__c=18000, Effective_On__c="2027-04-01", Amends_After__c="0",
            Amendment_Label__c="More scope", Amendment_Kind__c="Scope",
        ),
        row,
        amendment(org, "3", Replaces_Amendments__c="2", Unbilled_Change_Percent__c=-3, Value_Exercised__c=None),
        amendment(org, "4", Contract_Status__c="Draft"),
        amendment(org, "5", Contract_Status__c="Cancelled"),
        amendment(org, "6", StageName="Negotiation"),
        amendment(org, "7", Contract_Number__c="C-200"),
    )  # fmt: skip
    found = {item.number: item for item in await reader.list_amendments(C_100)}
    assert (await org.calls())["GET /query"] == 1

    assert sorted(found) == ["1", "3", "5"]
    first, third = found["1"], found["3"]
    assert (first.predecessor, first.labelled_kind, first.label) == ("", ChangeKind.SCOPE, "More scope")
    assert (first.value_change.exercised, first.effective_on) == (Money.of(18000, "USD"), date(2027, 4, 1))
    assert first.signed_on == date(2026, 11, 19)
    (added,) = first.rows
    assert (added.action, added.code, added.amount, added.line_code) == (
        RowAction.ADD, "M4", Money.of(18000, "USD"), "L1",
    )  # fmt: skip
    assert (third.predecessor, third.replaces, third.unbilled_percent) == (None, ("2",), Decimal(-3))
    assert (first.is_voided, found["5"].is_voided) == (False, True)
    assert org.owner in first.requested_by


async def test_a_number_with_a_quote_in_it_asks_for_nothing_else(org: TestOrg) -> None:
    assert await org.crm.list_amendments(ContractNumber("C-100' OR Name != '")) == ()


async def test_a_row_that_does_not_say_what_changes_is_told_to_sales(org: TestOrg) -> None:
    row = {"type": "Tieline_Milestone__c", "Opportunity__c": {"ref": "deal-1"}, "Name": "Rollout", "Code__c": "M4",
           "Amount__c": 18000}  # fmt: skip
    await org.save(amendment(org, "1"), row)
    with pytest.raises(NeedsRepair, match="Change__c"):
        await org.crm.list_amendments(C_100)
