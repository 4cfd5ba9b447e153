from __future__ import annotations

from datetime import date

from models.invoice import Amounts, DocumentState, Invoice, Settlement

__all__ = ["is_in_credit", "is_overdue", "settlement_of"]


def settlement_of(amounts: Amounts) -> Settlement:
    """Computed from amounts. What closes it names it, the largest first; a tie is `paid`. DOM-7.2.

    A small difference stays open here: finance closes it in the ERP, never we.
    """
    if amounts.balance.amount > 0:
        return Settlement.UNPAID if amounts.balance == amounts.gross else Settlement.PART_PAID
    # Tax that the customer keeps back settles the bill as its payment does.
    ways = (
        (amounts.paid.amount + amounts.withheld.amount, Settlement.PAID),
        (amounts.credited.amount, Settlement.CREDITED),
        (amounts.written_off.amount, Settlement.WRITTEN_OFF),
    )
    return max(ways, key=lambda way: way[0])[1]


def is_in_credit(amounts: Amounts) -> bool:
    """More was paid than asked for: paid, and the rest is credit on account. DOM-7.2."""
    return amounts.balance.amount < 0


def is_overdue(invoice: Invoice, on: date) -> bool:
    """Its due date is over and something is open. `on` is today where the legal entity is. DOM-7.1."""
    return (
        invoice.document is DocumentState.POSTED
        and invoice.due_on is not None
        and invoice.due_on < on
        and invoice.amounts.balance.amount > 0
    )
