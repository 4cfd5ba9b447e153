"""Cards as rows of the org: shape only, every choice was made before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.queries import DEAL, key_text, record_id
from models.feedback import AccountCard, DealCard, InvoiceCard
from models.invoice import CurrencyTotals

__all__ = ["account_row", "deal_row", "invoice_row"]

Json = dict[str, Any]

_NAME_LENGTH = 80
_LINE_LENGTH = 255


def invoice_row(card: InvoiceCard, config: SalesforceConfig) -> Json:
    """One document under our key, with its deal and the account of its customer."""
    n, one = config.names, card.invoice
    row: Json = {
        "attributes": {"type": n.invoice_object},
        n.invoice_key: key_text(card.key),
        "Name": (card.number or one.record_id)[:_NAME_LENGTH],
        n.invoice_kind: card.kind.value,
        n.invoice_document: card.document,
        n.invoice_settlement: card.settlement,
        n.invoice_flags: card.flags[:_LINE_LENGTH] or None,
        n.invoice_is_overdue: card.is_overdue,
        n.invoice_amount: one.amounts.gross.amount,
        n.invoice_paid: one.amounts.paid.amount,
        n.invoice_credited: one.amounts.credited.amount,
        n.invoice_balance: one.amounts.balance.amount,
        n.invoice_issued_on: one.issued_on.isoformat() if one.issued_on else None,
        n.invoice_due_on: one.due_on.isoformat() if one.due_on else None,
        n.invoice_sentence: card.sentence,
        n.invoice_digest: card.digest,
    }
    if config.multi_currency:
        row["CurrencyIsoCode"] = one.amounts.currency
    if card.deal_id is not None:
        row[n.invoice_deal] = record_id(card.deal_id, "a deal", DEAL)
    if card.customer_id:
        row[n.invoice_account_relation] = {n.account_erp_id: card.customer_id}
    return row


def deal_row(card: DealCard, config: SalesforceConfig) -> Json:
    """Sums on the deal. They are numbers while all is in one currency, which the field beside them names."""
    n = config.names
    only = card.totals[0] if len(card.totals) == 1 else None
    upcoming = card.next_milestone
    said = f"{upcoming.code}: {upcoming.amount} on {upcoming.due_on.isoformat()}" if upcoming else None
    return {
        "attributes": {"type": "Opportunity"},
        "id": record_id(card.deal_id, "a deal", DEAL),
        n.deal_billing_currency: only.invoiced.currency if only else None,
        n.deal_invoiced: only.invoiced.amount if only else None,
        n.deal_credited: only.credited.amount if only else None,
        n.deal_paid: only.paid.amount if only else None,
        n.deal_open: only.balance.amount if only else None,
        n.deal_overdue: only.overdue.amount if only else None,
        n.deal_next_milestone: said[:_LINE_LENGTH] if said else None,
        n.deal_project_status: card.project_status[:_NAME_LENGTH] or None,
        n.deal_hold: card.hold[:_LINE_LENGTH] or None,
        n.deal_billing_sentence: card.sentence or None,
    }


def account_row(card: AccountCard, account: str, config: SalesforceConfig) -> Json:
    """Sums on the account as text, one line per currency: numbers of several currencies have no field."""
    n = config.names
    return {
        "attributes": {"type": "Account"},
        "id": account,
        n.account_billing: "\n".join(_lines(card.totals)) or None,
        n.account_hold: card.hold[:_LINE_LENGTH] or None,
    }


def _lines(totals: Sequence[CurrencyTotals]) -> list[str]:
    return [
        f"Invoiced {one.invoiced}, credited {one.credited}, paid {one.paid}, open {one.balance}, overdue {one.overdue}"
        for one in totals
    ]
