"""What the CRM shows, made from what the ERP says. Pure: `on` is today where the legal entity is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from mappings.invoice_states.holds import hold_sentence
from mappings.invoice_states.sentences import sentence_of
from mappings.invoice_states.settlement import is_overdue, settlement_of
from mappings.invoice_states.totals import billed_rows, totals_of, totals_sentence
from models.feedback import AccountCard, DealCard, EngagementProgress, InvoiceCard, invoice_key
from models.ids import ContractNumber, DealId, FirmId
from models.invoice import DocumentState, FlagKind, Invoice

__all__ = ["account_card_of", "deal_card_of", "invoice_card_of"]


def invoice_card_of(
    firm: FirmId, invoice: Invoice, *, deal: DealId | None, is_known_customer: bool, on: date
) -> InvoiceCard:
    """One document as sales sees it. An account is named only if the customer is one of ours."""
    return InvoiceCard(
        key=invoice_key(firm, invoice.connection, invoice.record_id),
        number=invoice.number,
        kind=invoice.kind,
        deal_id=deal,
        customer_id=invoice.customer_id if is_known_customer else "",
        document=invoice.document.value,
        settlement=settlement_of(invoice.amounts).value,
        flags=", ".join(sorted(flag.kind.value for flag in invoice.flags)),
        is_overdue=is_overdue(invoice, on),
        invoice=invoice,
        sentence=sentence_of(invoice, on=on, lasts=True),
    )


def deal_card_of(
    deal: DealId,
    contract: ContractNumber,
    invoices: Sequence[Invoice],
    progress: EngagementProgress | None,
    *,
    on: date,
) -> DealCard:
    """Sums, project, hold, and the next milestone that is neither ticked off nor billed."""
    billed = billed_rows(invoices)
    upcoming = [one for one in (progress.open_milestones if progress else ()) if one.code not in billed]
    totals = totals_of(invoices, on=on)
    return DealCard(
        deal_id=deal,
        contract_number=contract,
        totals=totals,
        next_milestone=upcoming[0] if upcoming else None,
        project_status=progress.project_status if progress else "",
        hold=_newest_hold(invoices),
        sentence=totals_sentence(totals),
    )


def account_card_of(customer: str, invoices: Sequence[Invoice], *, on: date) -> AccountCard:
    """Sums per currency over all contracts of a customer."""
    return AccountCard(customer_id=customer, totals=totals_of(invoices, on=on), hold=_newest_hold(invoices))


def _newest_hold(invoices: Sequence[Invoice]) -> str:
    held = [
        (flag.since or date.min, invoice.number, flag)
        for invoice in invoices
        for flag in invoice.flags
        if flag.kind is FlagKind.ON_HOLD and invoice.document not in {DocumentState.VOIDED, DocumentState.DELETED}
    ]
    return hold_sentence(max(held, key=lambda one: one[:2])[2]) if held else ""
