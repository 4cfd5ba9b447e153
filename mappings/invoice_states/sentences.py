from __future__ import annotations

from datetime import date

from mappings.invoice_states.holds import hold_sentence
from mappings.invoice_states.settlement import is_in_credit, is_overdue, settlement_of
from models.invoice import DocumentKind, DocumentState, FlagKind, Invoice, Settlement
from models.money import Money

__all__ = ["day_text", "sentence_of"]

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_CLOSED = {
    Settlement.PAID: "is paid in full",
    Settlement.CREDITED: "is settled by credit",
    Settlement.WRITTEN_OFF: "was written off",
}


def sentence_of(invoice: Invoice, *, on: date, lasts: bool = False) -> str:
    """What sales reads: the newest fact and the next step, no codes, nothing of cost or other customers. DOM-7.8.

    `lasts`: it will be read on other days too, so it names days with their year and counts none.
    """
    for say in (_cancelled, _returned, _flagged, _before_posting, _settled, _part_paid):
        if text := say(invoice, on, lasts):
            return text
    return _open(invoice, on, lasts)


def day_text(day: date, on: date, *, lasts: bool = False) -> str:
    """`3 March`; with its year on a page that lasts, or when it is another year's."""
    year = f" {day.year}" if lasts or day.year != on.year else ""
    return f"{day.day} {_MONTHS[day.month - 1]}{year}"


def _name(invoice: Invoice) -> str:
    what = "Credit note" if invoice.kind is DocumentKind.CREDIT_NOTE else "Invoice"
    return f"{what} {invoice.number}"


def _cancelled(invoice: Invoice, on: date, lasts: bool) -> str:
    del on, lasts
    again = f" and re-issued as {invoice.replaced_by}" if invoice.replaced_by else ""
    if invoice.document is DocumentState.VOIDED:
        return f"{_name(invoice)} was voided, as if never issued{again}."
    if invoice.document is DocumentState.DELETED:
        return f"{_name(invoice)} was deleted."
    if invoice.credit_notes and settlement_of(invoice.amounts) is Settlement.CREDITED:
        many = "notes" if len(invoice.credit_notes) > 1 else "note"
        return f"Cancelled by credit {many} {', '.join(invoice.credit_notes)}{again}."
    return ""


def _returned(invoice: Invoice, on: date, lasts: bool) -> str:
    day = invoice.payment_returned_on
    if day is None or invoice.amounts.balance.amount <= 0:
        return ""
    return f"The payment of {day_text(day, on, lasts=lasts)} was returned by the bank; the invoice is open again."


def _flagged(invoice: Invoice, on: date, lasts: bool) -> str:
    flags = {flag.kind: flag for flag in invoice.flags}
    if held := flags.get(FlagKind.ON_HOLD):
        return hold_sentence(held)
    if rejected := flags.get(FlagKind.REJECTED):
        why = _because(rejected.text)
        return f"{_name(invoice)} was rejected on its way to the customer{why}. Billing corrects it."
    if disputed := flags.get(FlagKind.DISPUTED):
        late = f" {_late(invoice, on, lasts)}" if is_overdue(invoice, on) else ""
        return f"The customer disputes invoice {invoice.number}{_because(disputed.text)}.{late} You: help to settle it."
    return ""


def _because(text: str) -> str:
    return f" ({text.rstrip('. ')})" if text else ""


def _before_posting(invoice: Invoice, on: date, lasts: bool) -> str:
    del on, lasts
    match invoice.document:
        case DocumentState.DRAFT:
            return f"{_name(invoice)} for {invoice.amounts.gross} is being prepared."
        case DocumentState.PENDING:
            return f"{_name(invoice)} for {invoice.amounts.gross} waits for approval in finance."
    return ""


def _settled(invoice: Invoice, on: date, lasts: bool) -> str:
    del on, lasts
    if invoice.amounts.balance.amount > 0:
        return ""
    if is_in_credit(invoice.amounts):
        return f"{_name(invoice)} is paid; {-invoice.amounts.balance} is credit on account."
    if invoice.kind is DocumentKind.CREDIT_NOTE:
        back = f" takes back invoice {invoice.credits_invoice}" if invoice.credits_invoice else " is issued"
        return f"{_name(invoice)} for {invoice.amounts.gross}{back}."
    return f"{_name(invoice)} for {invoice.amounts.gross} {_CLOSED[settlement_of(invoice.amounts)]}."


def _part_paid(invoice: Invoice, on: date, lasts: bool) -> str:
    amounts = invoice.amounts
    if settlement_of(amounts) is not Settlement.PART_PAID:
        return ""
    done = "paid" if amounts.credited.is_zero and amounts.written_off.is_zero else "settled"
    start = f"{amounts.gross - amounts.balance} of {_bare(amounts.gross)} {done}; "
    if is_overdue(invoice, on):
        return start + _late(invoice, on, lasts)
    due = f", due {day_text(invoice.due_on, on, lasts=lasts)}" if invoice.due_on else ""
    return f"{start}{_bare(amounts.balance)} is open{due}."


def _open(invoice: Invoice, on: date, lasts: bool) -> str:
    sent = f" was sent on {day_text(invoice.issued_on, on, lasts=lasts)}" if invoice.issued_on else " was sent"
    if is_overdue(invoice, on):
        return f"{_name(invoice)}: {_late(invoice, on, lasts, with_currency=True)}"
    due = f", due {day_text(invoice.due_on, on, lasts=lasts)}" if invoice.due_on else ""
    return f"{_name(invoice)} for {invoice.amounts.gross}{sent}{due}."


def _late(invoice: Invoice, on: date, lasts: bool, *, with_currency: bool = False) -> str:
    balance = str(invoice.amounts.balance) if with_currency else _bare(invoice.amounts.balance)
    if invoice.due_on is None:
        raise ValueError("what has no due date is never overdue")
    if lasts:
        return f"{balance} is overdue since {day_text(invoice.due_on, on, lasts=True)}."
    days = (on - invoice.due_on).days
    return f"{balance} is {days} {'day' if days == 1 else 'days'} overdue."


def _bare(amount: Money) -> str:
    return str(amount).removeprefix(f"{amount.currency} ")
