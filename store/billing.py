from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row, Select, case, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from models.base import digest_of
from models.ids import ConnectionId, ContractNumber, DealId, FirmId
from models.invoice import DocumentState, Invoice
from models.records import RecordKind
from ports.billing_feed import DirtyTotals, KeptInvoice, SettledTotals
from store import chain
from store.database import Database
from store.tables import BillingTotalsRow, BindingRow, DealBindingRow, ShownInvoiceRow, table_of

__all__ = ["SqlBillingBook"]

_SHOWN = table_of(ShownInvoiceRow)
_TOTALS = table_of(BillingTotalsRow)
_DEAL = table_of(DealBindingRow)
_BINDING = table_of(BindingRow)
_LONGEST_TROUBLE = 1_000


class SqlBillingBook:
    """What the CRM shows of invoices, in SQL: one statement and one transaction for a page, however many rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_deals(
        self, firm: FirmId, crm: ConnectionId, contracts: Sequence[ContractNumber]
    ) -> Mapping[ContractNumber, DealId]:
        """The deals that sold these contracts."""
        query = select(_DEAL.c.contract, _DEAL.c.deal).where(
            _DEAL.c.firm == firm, _DEAL.c.connection == crm, _DEAL.c.contract.in_(set(contracts) - {""})
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return {ContractNumber(row.contract): DealId(row.deal) for row in rows}

    async def find_customers(self, firm: FirmId, erp: ConnectionId, customers: Sequence[str]) -> frozenset[str]:
        """Which of these ERP customers are bound to accounts of ours."""
        query = select(_BINDING.c.record_id).where(
            _BINDING.c.connection == erp,
            _BINDING.c.kind == RecordKind.CUSTOMER.value,
            _BINDING.c.record_id.in_(set(customers) - {""}),
            _BINDING.c.engagement.startswith(f"{firm}/", autoescape=True),
        )
        async with self._database.read() as connection:
            return frozenset((await connection.execute(query)).scalars())

    async def find_kept(self, connection: ConnectionId, record_ids: Sequence[str]) -> Mapping[str, KeptInvoice]:
        """What is known of these documents."""
        query = select(_SHOWN).where(_SHOWN.c.connection == connection, _SHOWN.c.record_id.in_(list(record_ids)))
        return {one.invoice.record_id: one for one in await self._kept(query)}

    async def intend(self, firm: FirmId, kept: Sequence[KeptInvoice]) -> None:
        """Keep what is about to be shown, before the first byte leaves."""
        async with self._database.write() as connection:
            await self._save(connection, firm, kept)

    async def settle(self, firm: FirmId, kept: Sequence[KeptInvoice]) -> None:
        """Keep what is shown now; the sums of their deals and accounts are to be shown anew."""
        if not kept:
            return
        subjects: dict[tuple[str, str], str] = {}
        for one in kept:
            if one.deal_id is not None:
                subjects["deal", one.invoice.contract_number] = one.deal_id
            if one.invoice.customer_id:
                subjects["account", one.invoice.customer_id] = ""
        async with self._database.write() as connection:
            await self._save(connection, firm, kept)
            await self._dirty(connection, firm, subjects)
            await chain.append(
                connection, at=self._database.clock(), kind="invoices.shown", engagement="", subject=f"{firm}/invoices",
                facts={
                    "documents": str(len(kept)), "refused": str(sum(bool(one.trouble) for one in kept)),
                    "digest": digest_of(*(f"{one.invoice.record_id}:{one.shown}" for one in kept)),
                },
            )  # fmt: skip

    async def list_newly_overdue(
        self, firm: FirmId, connection: ConnectionId, *, on: date, limit: int
    ) -> tuple[KeptInvoice, ...]:
        """Open documents whose due date is over and whose card does not say so."""
        query = (
            select(_SHOWN)
            .where(
                _SHOWN.c.firm == firm, _SHOWN.c.connection == connection, _SHOWN.c.due_on != "",
                _SHOWN.c.due_on < on.isoformat(), _SHOWN.c.is_overdue.is_(False), _SHOWN.c.trouble == "",
            )
            .order_by(_SHOWN.c.due_on, _SHOWN.c.record_id)
            .limit(limit)
        )  # fmt: skip
        return await self._kept(query)

    async def list_refused(
        self, firm: FirmId, connection: ConnectionId, *, after: str, limit: int
    ) -> tuple[KeptInvoice, ...]:
        """Documents that the CRM refused, by record id."""
        query = (
            select(_SHOWN)
            .where(
                _SHOWN.c.firm == firm, _SHOWN.c.connection == connection, _SHOWN.c.trouble != "",
                _SHOWN.c.record_id > after,
            )
            .order_by(_SHOWN.c.record_id)
            .limit(limit)
        )  # fmt: skip
        return await self._kept(query)

    async def list_of_contract(self, firm: FirmId, contract: ContractNumber) -> tuple[KeptInvoice, ...]:
        """Every document billed from a contract, oldest first."""
        return _in_order(await self._kept(select(_SHOWN).where(_SHOWN.c.firm == firm, _SHOWN.c.contract == contract)))

    async def list_of_customer(self, firm: FirmId, customer: str) -> tuple[KeptInvoice, ...]:
        """Every document of an ERP customer, oldest first."""
        return _in_order(await self._kept(select(_SHOWN).where(_SHOWN.c.firm == firm, _SHOWN.c.customer == customer)))

    async def mark_dirty(self, firm: FirmId, deals: Mapping[ContractNumber, DealId]) -> None:
        """The sums or the progress of these contracts may have changed."""
        if deals:
            async with self._database.write() as connection:
                await self._dirty(connection, firm, {("deal", contract): deal for contract, deal in deals.items()})

    async def list_dirty(self, firm: FirmId, *, kind: str, limit: int) -> tuple[DirtyTotals, ...]:
        """Sums to be shown anew."""
        query = (
            select(_TOTALS)
            .where(_TOTALS.c.firm == firm, _TOTALS.c.kind == kind, _TOTALS.c.is_dirty)
            .order_by(_TOTALS.c.updated_at, _TOTALS.c.subject)
            .limit(limit)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(
            DirtyTotals(
                kind=row.kind, subject=row.subject, deal_id=DealId(row.deal) if row.deal else None, turn=row.turn,
                shown=row.shown,
            )
            for row in rows
        )  # fmt: skip

    async def settle_totals(self, firm: FirmId, done: Sequence[SettledTotals]) -> None:
        """What is shown now; a change that came meanwhile has another turn and stays."""
        now = self._database.clock()
        async with self._database.write() as connection:
            for one in done:
                await connection.execute(
                    update(_TOTALS)
                    .where(
                        _TOTALS.c.firm == firm, _TOTALS.c.kind == one.row.kind, _TOTALS.c.subject == one.row.subject
                    )
                    .values(
                        shown=one.shown, trouble=one.trouble[:_LONGEST_TROUBLE], updated_at=now,
                        is_dirty=case((_TOTALS.c.turn == one.row.turn, False), else_=_TOTALS.c.is_dirty),
                    )
                )  # fmt: skip

    async def _kept(self, query: Select[Any]) -> tuple[KeptInvoice, ...]:
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(_read(row) for row in rows)

    async def _save(self, connection: AsyncConnection, firm: FirmId, kept: Sequence[KeptInvoice]) -> None:
        if not kept:
            return
        now = self._database.clock()
        rows = [_values(firm, one) | {"updated_at": now} for one in kept]
        statement = self._database.insert(_SHOWN).values(rows)
        changing = {name: statement.excluded[name] for name in rows[0] if name not in {"connection", "record_id"}}
        await connection.execute(
            statement.on_conflict_do_update(index_elements=["connection", "record_id"], set_=changing)
        )

    async def _dirty(self, connection: AsyncConnection, firm: FirmId, subjects: Mapping[tuple[str, str], str]) -> None:
        if not subjects:
            return
        now = self._database.clock()
        # In one order always: two writers that mark the same rows must not wait for each other.
        rows = [
            {
                "firm": firm, "kind": kind, "subject": subject, "deal": subjects[kind, subject], "is_dirty": True,
                "turn": 1, "shown": "", "trouble": "", "updated_at": now,
            }
            for kind, subject in sorted(subjects)
        ]  # fmt: skip
        statement = self._database.insert(_TOTALS).values(rows)
        await connection.execute(
            statement.on_conflict_do_update(
                index_elements=["firm", "kind", "subject"],
                set_={
                    "is_dirty": True, "turn": _TOTALS.c.turn + 1, "deal": statement.excluded.deal, "updated_at": now,
                },
            )
        )  # fmt: skip


def _values(firm: FirmId, kept: KeptInvoice) -> dict[str, Any]:
    one = kept.invoice
    may_be_late = one.document is DocumentState.POSTED and one.due_on is not None and one.amounts.balance.amount > 0
    return {
        "connection": one.connection,
        "record_id": one.record_id,
        "firm": firm,
        "contract": one.contract_number,
        "customer": one.customer_id,
        "deal": kept.deal_id or "",
        "document": one.model_dump_json(),
        "shown": kept.shown,
        "intended": kept.intended,
        "trouble": kept.trouble[:_LONGEST_TROUBLE],
        "due_on": one.due_on.isoformat() if may_be_late and one.due_on else "",
        "is_overdue": kept.is_overdue,
    }


def _read(row: Row[Any]) -> KeptInvoice:
    return KeptInvoice(
        invoice=Invoice.model_validate_json(row.document),
        deal_id=DealId(row.deal) if row.deal else None,
        shown=row.shown,
        intended=row.intended,
        trouble=row.trouble,
        is_overdue=row.is_overdue,
    )


def _in_order(kept: Sequence[KeptInvoice]) -> tuple[KeptInvoice, ...]:
    return tuple(sorted(kept, key=lambda one: (one.invoice.issued_on or date.max, one.invoice.number)))
