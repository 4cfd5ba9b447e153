"""DOMAIN section 7, sentence by sentence."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from mappings.invoice_states import (
    STEPS,
    Judgement,
    Turn,
    is_in_credit,
    is_overdue,
    judge,
    rows_to_bill_again,
    sentence_of,
    settlement_of,
    totals_of,
    turns_between,
)
from models.ids import ConnectionId, ContractNumber
from models.invoice import (
    Amounts,
    DocumentState,
    Flag,
    FlagKind,
    HoldReason,
    Invoice,
    Settlement,
    SourceVersion,
)
from models.money import Money

NOON = datetime(2027, 4, 14, 12, 0, tzinfo=UTC)
TODAY = date(2027, 4, 14)


def eur(text: str) -> Money:
    return Money.of(text, "EUR")


def amounts(gross: str = "45696.00", currency: str = "EUR", **others: str) -> Amounts:
    names = ("paid", "credited", "written_off", "withheld")
    return Amounts(
        gross=Money.of(gross, currency), **{name: Money.of(others.get(name, "0"), currency) for name in names}
    )


def version(minutes: int = 0, read: int | None = None) -> SourceVersion:
    seen = minutes if read is None else read
    return SourceVersion(changed_at=NOON + timedelta(minutes=minutes), read_at=NOON + timedelta(minutes=seen))


def invoice(**changes: Any) -> Invoice:
    facts: dict[str, Any] = {
        "connection": ConnectionId("erp-main"),
        "record_id": "8812",
        "number": "4711",
        "contract_number": ContractNumber("C-100"),
        "document": DocumentState.POSTED,
        "issued_on": date(2027, 3, 3),
        "due_on": date(2027, 4, 2),
        "amounts": amounts(),
        "version": version(),
    }
    return Invoice(**{**facts, **changes})


def held(reason: HoldReason = HoldReason.PO_USED_UP, **more: Any) -> Flag:
    return Flag(kind=FlagKind.ON_HOLD, reason=reason, **more)


def test_an_invoice_can_be_part_paid_disputed_and_overdue_at_once() -> None:
    one = invoice(amounts=amounts(paid="20000.00"), flags=(Flag(kind=FlagKind.DISPUTED, text="hours"),))

    assert settlement_of(one.amounts) is Settlement.PART_PAID
    assert is_overdue(one, TODAY)
    assert one.flags[0].kind is FlagKind.DISPUTED


def test_the_balance_is_gross_less_payments_credits_write_offs_and_withheld_tax() -> None:
    some = amounts("1000.00", paid="400.00", credited="100.00", written_off="50.00", withheld="150.00")

    assert some.balance == eur("300.00")


@pytest.mark.parametrize(
    ("others", "settlement"),
    [
        ({}, Settlement.UNPAID),
        ({"paid": "0.01"}, Settlement.PART_PAID),
        ({"paid": "100.00"}, Settlement.PAID),
        ({"credited": "60.00", "paid": "40.00"}, Settlement.CREDITED),
        ({"written_off": "60.00", "paid": "40.00"}, Settlement.WRITTEN_OFF),
        ({"credited": "50.00", "paid": "50.00"}, Settlement.PAID),
        ({"credited": "45.00", "paid": "40.00", "withheld": "15.00"}, Settlement.PAID),
        ({"paid": "120.00"}, Settlement.PAID),
    ],
)
def test_what_closes_an_invoice_names_its_settlement_and_a_tie_is_paid(
    others: dict[str, str], settlement: Settlement
) -> None:
    assert settlement_of(amounts("100.00", **others)) is settlement


def test_a_small_difference_stays_open_until_finance_closes_it() -> None:
    assert settlement_of(amounts("100.00", paid="99.50")) is Settlement.PART_PAID


def test_an_overpaid_invoice_is_paid_with_credit_on_account() -> None:
    over = amounts("100.00", paid="120.00")

    assert is_in_credit(over)
    assert sentence_of(invoice(amounts=over), on=TODAY) == "Invoice 4711 is paid; EUR 20.00 is credit on account."


def test_an_invoice_is_overdue_only_after_its_due_date_and_while_something_is_open() -> None:
    assert not is_overdue(invoice(), date(2027, 4, 2))
    assert is_overdue(invoice(), date(2027, 4, 3))
    assert not is_overdue(invoice(amounts=amounts(paid="45696.00")), date(2027, 4, 3))
    assert not is_overdue(invoice(document=DocumentState.PENDING), date(2027, 4, 3))


def test_an_older_version_is_ignored() -> None:
    assert judge(invoice(version=version(10)), invoice(document=DocumentState.PENDING)) is Judgement.OLDER


def test_a_newer_version_that_is_lower_is_a_real_reversal() -> None:
    paid = invoice(amounts=amounts(paid="45696.00"))
    bounced = invoice(payment_returned_on=date(2027, 4, 5), version=version(10))

    assert judge(paid, bounced) is Judgement.SHOW
    assert turns_between(paid, bounced) == (Turn.PAYMENT_RETURNED,)


def test_an_equal_version_with_other_content_is_read_again_and_the_erp_wins() -> None:
    shown, other = invoice(), invoice(amounts=amounts(paid="1.00"))

    assert judge(shown, other) is Judgement.READ_AGAIN
    assert judge(shown, other, read_again=True) is Judgement.SHOW


def test_a_stamp_that_went_back_is_read_again_because_the_look_is_newer() -> None:
    shown, other = invoice(version=version(60)), invoice(amounts=amounts(paid="1.00"), version=version(20, read=90))

    assert judge(shown, other) is Judgement.READ_AGAIN
    assert judge(shown, other, read_again=True) is Judgement.SHOW


def test_the_same_content_is_known_whatever_its_stamp() -> None:
    assert judge(invoice(), invoice(version=version(5))) is Judgement.KNOWN
    assert judge(None, invoice()) is Judgement.SHOW


@pytest.mark.parametrize(
    ("before", "now", "turn"),
    [
        ({"document": DocumentState.PENDING}, {}, Turn.POSTED),
        ({"document": DocumentState.DRAFT}, {"document": DocumentState.DELETED}, Turn.DELETED),
        ({}, {"document": DocumentState.VOIDED}, Turn.VOIDED),
        ({}, {"document": DocumentState.DRAFT}, Turn.RE_CREATED),
        ({}, {"amounts": amounts(paid="5.00")}, Turn.PAYMENT_CAME_IN),
        ({"amounts": amounts(paid="5.00")}, {}, Turn.PAYMENT_MOVED),
        ({}, {"amounts": amounts(credited="5.00")}, Turn.CREDITED),
        ({"amounts": amounts(credited="5.00")}, {}, Turn.CREDIT_TAKEN_BACK),
        ({}, {"flags": (held(),)}, Turn.HELD),
        ({"flags": (held(),)}, {}, Turn.RELEASED),
        ({}, {"flags": (Flag(kind=FlagKind.DISPUTED),)}, Turn.DISPUTED),
    ],
)
def test_what_happened_between_two_pictures_has_a_name(
    before: dict[str, Any], now: dict[str, Any], turn: Turn
) -> None:
    assert turns_between(invoice(**before), invoice(**now)) == (turn,)


def test_a_dispute_that_was_closed_and_comes_back_is_opened_again() -> None:
    now = invoice(flags=(Flag(kind=FlagKind.DISPUTED),))

    assert turns_between(invoice(), now, was_disputed=True) == (Turn.DISPUTE_OPENED_AGAIN,)


def test_a_void_counts_as_never_issued_and_a_credit_note_keeps_both_documents() -> None:
    voided = invoice(document=DocumentState.VOIDED)
    credited = invoice(amounts=amounts(credited="45696.00"), credit_notes=("CN-88",))

    assert totals_of([voided], on=TODAY) == ()
    (totals,) = totals_of([credited], on=TODAY)
    assert (totals.invoiced, totals.credited, totals.balance) == (eur("45696.00"), eur("45696.00"), eur("0"))


def test_a_cancelled_invoice_frees_its_milestone_to_be_billed_again_once() -> None:
    cancelled = invoice(rows=("M1",), document=DocumentState.VOIDED)
    again = invoice(record_id="8813", number="4719", rows=("M1",))

    assert rows_to_bill_again([cancelled]) == ("M1",)
    assert rows_to_bill_again([cancelled, cancelled]) == ("M1",)
    assert rows_to_bill_again([cancelled, again]) == ()


def test_a_credit_of_a_part_frees_nothing() -> None:
    assert rows_to_bill_again([invoice(rows=("M1",), amounts=amounts(credited="100.00"))]) == ()


def test_sums_are_per_currency_and_never_across() -> None:
    yen = invoice(record_id="2", amounts=amounts("100", "JPY"), due_on=date(2027, 5, 1))
    euros, japan = totals_of([yen, invoice(amounts=amounts(paid="20000.00")), invoice(record_id="3")], on=TODAY)

    assert (euros.invoiced, euros.paid, euros.overdue) == (eur("91392.00"), eur("20000.00"), eur("71392.00"))
    assert (japan.invoiced, japan.overdue) == (Money.of(100, "JPY"), Money.of(0, "JPY"))
    with pytest.raises(ValidationError, match="An invoice in EUR has amounts in EUR, USD"):
        Amounts(**{**dict(amounts()), "paid": Money.of(1, "USD")})


def test_sales_reads_that_an_invoice_was_sent() -> None:
    assert sentence_of(invoice(), on=date(2027, 3, 4)) == (
        "Invoice 4711 for EUR 45,696.00 was sent on 3 March, due 2 April."
    )


def test_sales_reads_why_an_invoice_is_on_hold_and_what_to_do() -> None:
    flag = held(po_number="88-12", missing=eur("12000.00"))

    assert sentence_of(invoice(flags=(flag,), document=DocumentState.DRAFT), on=TODAY) == (
        "On hold: the customer's PO 88-12 is used up (EUR 12,000.00 missing). You: ask for a PO increase."
    )


def test_sales_reads_how_much_is_paid_and_how_late_the_rest_is() -> None:
    assert sentence_of(invoice(amounts=amounts(paid="20000.00")), on=TODAY) == (
        "EUR 20,000.00 of 45,696.00 paid; 25,696.00 is 12 days overdue."
    )


def test_sales_reads_that_a_payment_was_returned() -> None:
    assert sentence_of(invoice(payment_returned_on=date(2027, 4, 5)), on=TODAY) == (
        "The payment of 5 April was returned by the bank; the invoice is open again."
    )


def test_sales_reads_that_an_invoice_was_cancelled_and_issued_again() -> None:
    gone = invoice(amounts=amounts(credited="45696.00"), credit_notes=("CN-88",), replaced_by="4719")

    assert sentence_of(gone, on=TODAY) == "Cancelled by credit note CN-88 and re-issued as 4719."


def test_a_sentence_that_lasts_counts_no_days() -> None:
    lasting = sentence_of(invoice(amounts=amounts(paid="20000.00")), on=TODAY, lasts=True)

    assert lasting == "EUR 20,000.00 of 45,696.00 paid; 25,696.00 is overdue since 2 April 2027."
    assert lasting == sentence_of(invoice(amounts=amounts(paid="20000.00")), on=date(2028, 1, 1), lasts=True)


@pytest.mark.parametrize("reason", HoldReason)
def test_every_hold_reason_has_words_and_a_next_step(reason: HoldReason) -> None:
    text = sentence_of(invoice(flags=(held(reason, text="The buyer asked to wait."),)), on=TODAY)

    assert reason in STEPS
    assert text.startswith("On hold: ")
    assert text.endswith(".")


def test_a_hold_for_another_reason_needs_a_text_and_every_hold_a_reason() -> None:
    with pytest.raises(ValueError, match="needs a text"):
        held(HoldReason.OTHER)
    with pytest.raises(ValueError, match="closed list"):
        Flag(kind=FlagKind.ON_HOLD)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"document": DocumentState.DRAFT}, "Invoice 4711 for EUR 45,696.00 is being prepared."),
        ({"document": DocumentState.PENDING}, "Invoice 4711 for EUR 45,696.00 waits for approval in finance."),
        ({"document": DocumentState.VOIDED}, "Invoice 4711 was voided, as if never issued."),
        ({"document": DocumentState.DELETED}, "Invoice 4711 was deleted."),
        ({"amounts": amounts(paid="45696.00")}, "Invoice 4711 for EUR 45,696.00 is paid in full."),
        ({"amounts": amounts(written_off="45696.00")}, "Invoice 4711 for EUR 45,696.00 was written off."),
        ({}, "Invoice 4711: EUR 45,696.00 is 12 days overdue."),
        (
            {"flags": (Flag(kind=FlagKind.REJECTED, text="no route"),)},
            "Invoice 4711 was rejected on its way to the customer (no route). Billing corrects it.",
        ),
        (
            {"flags": (Flag(kind=FlagKind.DISPUTED, text="hours"),)},
            "The customer disputes invoice 4711 (hours). 45,696.00 is 12 days overdue. You: help to settle it.",
        ),
    ],
)
def test_every_other_state_has_its_sentence(changes: dict[str, Any], text: str) -> None:
    assert sentence_of(invoice(**changes), on=TODAY) == text
