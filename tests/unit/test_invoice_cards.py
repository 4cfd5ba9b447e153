"""What sales sees on the deal and the account, made from invoices and progress."""

from __future__ import annotations

from datetime import date

from mappings.invoice_states import account_card_of, deal_card_of, invoice_card_of
from models.feedback import EngagementProgress
from models.ids import ContractNumber, DealId, FirmId
from models.invoice import DocumentState, Flag, FlagKind, HoldReason, NextMilestone
from tests.unit.test_invoice_states import TODAY, amounts, eur, held, invoice, version

C1, DEAL, HF = ContractNumber("C-100"), DealId("006-1"), FirmId("hf")


def progress(*codes: str) -> EngagementProgress:
    rows = (NextMilestone(code=code, due_on=date(2027, 5, 1), amount=eur("100")) for code in codes)
    return EngagementProgress(contract_number=C1, project_status="In Progress", open_milestones=tuple(rows))


def test_the_next_milestone_is_the_first_that_no_invoice_in_force_bills() -> None:
    billed = invoice(rows=("M1",))
    cancelled = invoice(record_id="2", rows=("M2",), document=DocumentState.VOIDED)

    card = deal_card_of(DEAL, C1, [billed, cancelled], progress("M1", "M2", "M3"), on=TODAY)

    assert card.next_milestone is not None
    assert (card.next_milestone.code, card.project_status) == ("M2", "In Progress")
    assert deal_card_of(DEAL, C1, [billed], progress("M1"), on=TODAY).next_milestone is None
    assert deal_card_of(DEAL, C1, [], None, on=TODAY).sentence == ""


def test_the_deal_shows_the_newest_hold_of_an_invoice_in_force() -> None:
    old = invoice(flags=(held(HoldReason.TAX_NUMBER, since=date(2027, 4, 1)),))
    new = invoice(record_id="2", flags=(held(HoldReason.PORTAL_SET_UP, since=date(2027, 4, 9)),))
    void = invoice(record_id="3", document=DocumentState.VOIDED, flags=(held(since=date(2027, 4, 12)),))

    card = deal_card_of(DEAL, C1, [old, new, void], None, on=TODAY)

    assert card.hold.startswith("On hold: we are not set up in the customer's portal")


def test_the_deal_says_where_its_money_stands() -> None:
    some = [invoice(amounts=amounts(paid="20000.00")), invoice(record_id="2", due_on=date(2027, 6, 1))]

    assert deal_card_of(DEAL, C1, some, None, on=TODAY).sentence == (
        "EUR 91,392.00 invoiced, EUR 20,000.00 paid, EUR 71,392.00 open, of which EUR 25,696.00 is overdue."
    )


def test_an_account_adds_up_each_currency_for_itself() -> None:
    card = account_card_of("647", [invoice(), invoice(record_id="2", amounts=amounts("100", "JPY"))], on=TODAY)

    assert [str(total.invoiced) for total in card.totals] == ["EUR 45,696.00", "JPY 100"]


def test_a_card_changes_with_what_it_says_and_not_with_when_it_was_read() -> None:
    def digest(on: date = TODAY, **changes: object) -> str:
        return invoice_card_of(HF, invoice(**changes), deal=DEAL, is_known_customer=True, on=on).digest

    assert digest() == digest(version=version(99)) == digest(on=date(2027, 4, 20))
    assert digest() != digest(flags=(Flag(kind=FlagKind.DISPUTED),))
    assert digest() != digest(on=date(2027, 4, 1)), "on that day it was not overdue yet"


def test_an_account_is_named_only_if_the_customer_is_one_of_ours() -> None:
    one = invoice(customer_id="647")

    assert invoice_card_of(HF, one, deal=DEAL, is_known_customer=False, on=TODAY).customer_id == ""
    assert invoice_card_of(HF, one, deal=DEAL, is_known_customer=True, on=TODAY).customer_id == "647"
