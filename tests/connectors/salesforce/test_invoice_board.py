"""Invoices on a simulated org, as its account teams see them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from connectors.salesforce.client import RowReply
from connectors.salesforce.config import CustomNames
from connectors.salesforce.invoice_board import _outcome
from models.feedback import AccountCard, DealCard, InvoiceCard, invoice_key
from models.ids import ConnectionId, ContractNumber, DealId, FirmId
from models.invoice import Amounts, CurrencyTotals, DocumentKind, DocumentState, Invoice, NextMilestone, SourceVersion
from models.money import Money
from tests.connectors.salesforce.org import TestOrg, open_org

NOW = datetime(2027, 3, 4, tzinfo=UTC)


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def card(org: TestOrg, number: int = 1, currency: str = "USD", **more: Any) -> InvoiceCard:
    none = Money.zero(currency)
    invoice = Invoice(
        connection=ConnectionId("erp-main"), record_id=str(number), number=f"INV-{number}",
        document=DocumentState.POSTED, due_on=date(2027, 4, 2), issued_on=date(2027, 3, 3),
        amounts=Amounts(gross=Money.of("1000", currency), paid=none, credited=none, written_off=none, withheld=none),
        version=SourceVersion(changed_at=NOW, read_at=NOW),
    )  # fmt: skip
    facts: dict[str, Any] = {
        "key": invoice_key(FirmId("hf"), ConnectionId("erp-main"), str(number)), "number": invoice.number,
        "kind": DocumentKind.INVOICE, "deal_id": org.deal, "document": "posted", "settlement": "unpaid",
        "invoice": invoice, "sentence": "Sent.",
    }  # fmt: skip
    return InvoiceCard(**(facts | more))


async def _known_account(org: TestOrg) -> None:
    await org.save({"type": "Account", "id": org.account, "ERP_Customer_Id__c": "647"})


async def test_two_hundred_invoices_are_shown_in_one_call_and_again_without_a_second_record() -> None:
    async with open_org() as org:
        await _known_account(org)
        board = org.crm.invoice_board()
        cards = [card(org, number, customer_id="647") for number in range(200)]
        for _ in range(2):
            outcomes = await board.ensure_cards(cards)
            assert all(outcome.is_shown for outcome in outcomes)
        rows = await org.state("Tieline_Invoice__c")
        assert len(rows) == 200
        assert {(row["Opportunity__c"], row["Account__c"], row["Balance__c"]) for row in rows} == {
            (org.deal, org.account, 1000)
        }
        calls = {route: number for route, number in (await org.calls()).items() if "composite" in route}
        assert sum(calls.values()) == 2
        shown = await board.find_cards([one.key for one in cards])
        assert shown == {one.key: one.digest for one in cards}


async def test_a_row_that_fails_does_not_hold_up_the_others() -> None:
    async with open_org() as org:
        board = org.crm.invoice_board()
        wrong = card(org, 1, "CHF")
        lost = card(org, 2, customer_id="999")
        not_a_deal = card(org, 3, deal_id=DealId("nonsense"))
        outcomes = {one.key: one for one in await board.ensure_cards([wrong, lost, not_a_deal, card(org, 4)])}
        assert [one["Name"] for one in await org.state("Tieline_Invoice__c")] == ["INV-4"]
        assert "CurrencyIsoCode" in outcomes[wrong.key].message
        assert "ERP_Customer_Id__c" in outcomes[lost.key].message
        assert "nonsense" in outcomes[not_a_deal.key].message
        assert not any(one.may_work_later for one in outcomes.values())


async def test_a_deal_shows_its_sums_next_milestone_and_hold() -> None:
    async with open_org() as org:
        totals = CurrencyTotals(
            invoiced=usd("1000"), credited=usd("0"), paid=usd("400"), balance=usd("600"), overdue=usd("600")
        )
        upcoming = NextMilestone(code="M2", due_on=date(2027, 6, 30), amount=usd("51299.99"))
        one = DealCard(
            deal_id=org.deal, contract_number=ContractNumber("C-100"), totals=(totals,), next_milestone=upcoming,
            project_status="In Progress", hold="On hold: no PO.", sentence="Late.",
        )  # fmt: skip
        (outcome,) = await org.crm.invoice_board().ensure_deal_cards([one])
        assert outcome.is_shown
        (deal,) = await org.state("Opportunity")
        shown = [deal[f"Amount_{name}__c"] for name in ("Invoiced", "Paid", "Open", "Overdue")]
        assert (shown, deal["Billing_Currency__c"]) == ([1000, 400, 600, 600], "USD")
        assert deal["Next_Milestone__c"] == "M2: USD 51,299.99 on 2027-06-30"
        assert (deal["Invoice_Hold__c"], deal["ERP_Project_Status__c"]) == ("On hold: no PO.", "In Progress")


async def test_an_account_shows_its_sums_by_currency_and_no_account_is_ever_made() -> None:
    async with open_org() as org:
        await _known_account(org)
        totals = tuple(
            CurrencyTotals(
                invoiced=Money.of(amount, currency), credited=Money.zero(currency), paid=Money.zero(currency),
                balance=Money.of(amount, currency), overdue=Money.zero(currency),
            )
            for amount, currency in (("10", "EUR"), ("5", "JPY"))
        )  # fmt: skip
        cards = [AccountCard(customer_id="647", totals=totals), AccountCard(customer_id="999", totals=totals)]
        known, unknown = await org.crm.invoice_board().ensure_account_cards(cards)
        assert (known.is_shown, unknown.is_shown) == (True, False)
        (account,) = await org.state("Account")
        first, second = account["Billing_Totals__c"].splitlines()
        assert first == "Invoiced EUR 10.00, credited EUR 0.00, paid EUR 0.00, open EUR 10.00, overdue EUR 0.00"
        assert second.startswith("Invoiced JPY 5,")


def test_a_locked_row_may_work_later_and_a_refused_one_will_not() -> None:
    def reply(code: str) -> RowReply:
        return RowReply.model_validate({"success": False, "errors": [{"statusCode": code, "message": "no"}]})

    locked, refused = (
        _outcome(reply(code), "k", "INV-1", CustomNames()) for code in ("UNABLE_TO_LOCK_ROW", "STRING_TOO_LONG")
    )

    assert (locked.is_shown, locked.may_work_later) == (False, True)
    assert (refused.is_shown, refused.may_work_later) == (False, False)
    assert "INV-1" in refused.message
