from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from connector_kit import Effectful, Fault
from connectors.salesforce.client import RowReply, SalesforceClient
from connectors.salesforce.config import CustomNames, SalesforceConfig
from connectors.salesforce.errors import rest_error
from connectors.salesforce.invoice_mapping import account_row, deal_row, invoice_row
from connectors.salesforce.queries import key_text
from models.errors import NeedsRepair, Retryable
from models.feedback import AccountCard, CardOutcome, DealCard, InvoiceCard
from models.ids import ConnectionId, ExternalKey

__all__ = ["SalesforceInvoiceBoard"]

Card = TypeVar("Card")
Json = dict[str, Any]

_ROWS_PER_CALL = 200
_ERP_ID = re.compile(r"[A-Za-z0-9_.:-]{1,60}")
_NO_PARENT = "Foreign key external ID"


class SalesforceInvoiceBoard:
    """Implements `ports.billing_feed.InvoiceBoard` for one org: one call for up to 200 rows. Sheet section 5.

    A row that fails does not hold up the others: the call answers 200 and tells row by row.
    """

    def __init__(self, client: SalesforceClient, config: SalesforceConfig) -> None:
        self._client = client
        self._config = config

    @property
    def connection(self) -> ConnectionId:
        """The org it writes to."""
        return self._config.connection

    async def find_cards(self, keys: Sequence[ExternalKey]) -> Mapping[ExternalKey, str]:
        """What the records under our keys show, in one call per 200."""
        n, found = self._config.names, {}
        for start in range(0, len(keys), _ROWS_PER_CALL):
            listed = ",".join(f"'{key_text(key)}'" for key in keys[start : start + _ROWS_PER_CALL])
            soql = (
                f"SELECT {n.invoice_key}, {n.invoice_digest} FROM {n.invoice_object} "  # noqa: S608 - checked keys
                f"WHERE {n.invoice_key} IN ({listed})"
            )
            for row in await self._client.query(soql, record="invoices", most=_ROWS_PER_CALL):
                found[ExternalKey(str(row[n.invoice_key]))] = str(row.get(n.invoice_digest) or "")
        return found

    async def ensure_cards(self, cards: Sequence[InvoiceCard]) -> tuple[CardOutcome, ...]:
        """Upsert by our key: one call per 200."""
        n = self._config.names
        path = f"composite/sobjects/{n.invoice_object}/{n.invoice_key}"
        return await self._write(path, cards, invoice_row, key=lambda card: card.key, name=lambda card: card.number)

    async def ensure_deal_cards(self, cards: Sequence[DealCard]) -> tuple[CardOutcome, ...]:
        """Update deals by their ids: one call per 200."""
        return await self._write(
            "composite/sobjects", cards, deal_row, key=lambda card: card.deal_id, name=lambda card: card.contract_number
        )

    async def ensure_account_cards(self, cards: Sequence[AccountCard]) -> tuple[CardOutcome, ...]:
        """Update accounts: a query per 200 finds them by the ERP's number, a call per 200 writes.

        No upsert here: it would make an account where the number was taken off one.
        """
        ids = await self._accounts([card.customer_id for card in cards])
        known = [card for card in cards if card.customer_id in ids]

        def row(card: AccountCard, config: SalesforceConfig) -> Json:
            return account_row(card, ids[card.customer_id], config)

        done = await self._write(
            "composite/sobjects", known, row, key=lambda card: card.customer_id, name=lambda card: card.customer_id
        )
        missing = (
            CardOutcome(
                key=card.customer_id, is_shown=False, code="TL-CUS-030",
                message=f"No account in the CRM carries the ERP customer {card.customer_id}. Enter the number on it in "
                f"field {self._config.names.account_erp_id}.",
            )
            for card in cards
            if card.customer_id not in ids
        )  # fmt: skip
        return (*done, *missing)

    async def _accounts(self, customers: Sequence[str]) -> dict[str, str]:
        field, found = self._config.names.account_erp_id, {}
        wanted = [one for one in dict.fromkeys(customers) if _ERP_ID.fullmatch(one)]
        for start in range(0, len(wanted), _ROWS_PER_CALL):
            listed = ",".join(f"'{one}'" for one in wanted[start : start + _ROWS_PER_CALL])
            soql = f"SELECT Id, {field} FROM Account WHERE {field} IN ({listed})"  # noqa: S608 - checked numbers
            for row in await self._client.query(soql, record="accounts", most=_ROWS_PER_CALL):
                found[str(row[field])] = str(row["Id"])
        return found

    async def _write(
        self,
        path: str,
        cards: Sequence[Card],
        to_row: Callable[[Card, SalesforceConfig], Json],
        *,
        key: Callable[[Card], str],
        name: Callable[[Card], str],
    ) -> tuple[CardOutcome, ...]:
        outcomes: list[CardOutcome] = []
        rows: list[tuple[Card, Json]] = []
        for card in cards:
            try:
                rows.append((card, to_row(card, self._config)))
            except NeedsRepair as wrong:
                outcomes.append(CardOutcome(key=key(card), is_shown=False, code=wrong.code, message=wrong.message))
        for start in range(0, len(rows), _ROWS_PER_CALL):
            part = rows[start : start + _ROWS_PER_CALL]
            replies = await self._client.patch_rows(path, [row for _, row in part], record="invoices")
            for (card, _), reply in zip(part, replies, strict=True):
                outcomes.append(_outcome(reply, key(card), name(card), self._config.names))
        return tuple(outcomes)


def _outcome(reply: RowReply, key: str, name: str, names: CustomNames) -> CardOutcome:
    if reply.success:
        return CardOutcome(key=key, is_shown=True)
    first = reply.errors[0] if reply.errors else None
    fault = Fault(
        code=first.code if first else "", status=400, message=first.message if first else "",
        fields=tuple(first.fields) if first else (), record=name,
    )  # fmt: skip
    if _NO_PARENT in fault.message:
        return CardOutcome(
            key=key, is_shown=False, code="TL-CUS-030",
            message=f"Invoice {name}: no account in the CRM carries its ERP customer. Enter the customer's number on "
            f"the account in field {names.account_erp_id}.",
        )  # fmt: skip
    error = rest_error(fault, Effectful.WRITE)
    return CardOutcome(
        key=key, is_shown=False, code=error.code, message=error.message, may_work_later=isinstance(error, Retryable)
    )
