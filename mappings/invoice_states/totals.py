from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from mappings.invoice_states.settlement import is_overdue, settlement_of
from models.invoice import CurrencyTotals, DocumentKind, DocumentState, Invoice, Settlement
from models.money import Money

__all__ = ["billed_rows", "rows_to_bill_again", "totals_of", "totals_sentence"]


def totals_of(invoices: Iterable[Invoice], *, on: date) -> tuple[CurrencyTotals, ...]:
    """Sums per currency, never across. A voided invoice counts as never issued. DOM-7.5, 7.7.

    Credit notes count through the invoices they are applied to, so nothing is taken off twice.
    """
    by_currency: dict[str, list[Invoice]] = {}
    for invoice in invoices:
        if invoice.document is DocumentState.POSTED and invoice.kind is DocumentKind.INVOICE:
            by_currency.setdefault(invoice.amounts.currency, []).append(invoice)
    return tuple(_totals(currency, rows, on) for currency, rows in sorted(by_currency.items()))


def rows_to_bill_again(invoices: Iterable[Invoice]) -> tuple[str, ...]:
    """Schedule rows whose invoices were all cancelled: each may be billed again, once. DOM-7.5."""
    ours = list(invoices)
    ever = {row for invoice in ours for row in invoice.rows if invoice.document is not DocumentState.DELETED}
    return tuple(sorted(ever - billed_rows(ours)))


def billed_rows(invoices: Iterable[Invoice]) -> frozenset[str]:
    """Schedule rows that an invoice in force bills."""
    return frozenset(
        row
        for invoice in invoices
        if invoice.kind is DocumentKind.INVOICE
        and invoice.document is not DocumentState.DELETED
        and not _is_cancelled(invoice)
        for row in invoice.rows
    )


def totals_sentence(totals: Sequence[CurrencyTotals]) -> str:
    """Where the money stands, a sentence for each currency."""
    return " ".join(_sentence(one) for one in totals)


def _sentence(one: CurrencyTotals) -> str:
    parts = [f"{one.invoiced} invoiced", f"{one.paid} paid"]
    if not one.credited.is_zero:
        parts.append(f"{one.credited} credited")
    if one.overdue.is_zero:
        parts.append(f"{one.balance} open")
    else:
        parts.append(f"{one.balance} open, of which {one.overdue} is overdue")
    return f"{', '.join(parts)}."


def _is_cancelled(invoice: Invoice) -> bool:
    if invoice.document is DocumentState.VOIDED:
        return True
    return invoice.amounts.credited == invoice.amounts.gross and (
        settlement_of(invoice.amounts) is Settlement.CREDITED
    )


def _totals(currency: str, invoices: list[Invoice], on: date) -> CurrencyTotals:
    amounts = [invoice.amounts for invoice in invoices]
    late = (invoice.amounts.balance for invoice in invoices if is_overdue(invoice, on))
    return CurrencyTotals(
        invoiced=Money.total((one.gross for one in amounts), currency),
        credited=Money.total((one.credited for one in amounts), currency),
        paid=Money.total((one.paid for one in amounts), currency),
        balance=Money.total((one.balance for one in amounts), currency),
        overdue=Money.total(late, currency),
    )
