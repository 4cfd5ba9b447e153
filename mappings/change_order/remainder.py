from __future__ import annotations

from datetime import date

from mappings.change_order.position import SCHEDULED, Position, total
from models.change_order import CreditProposal
from models.contract_standing import InvoiceRef, RowState, StandingLine, StandingRow
from models.money import Money
from models.terms import BillingType

__all__ = ["free_code", "new_row", "settle_schedule", "spread_over_lines"]


def settle_schedule(position: Position, target: Money, *, number: str, effective_on: date) -> Position:
    """Bring the schedule to `target` by its unbilled rows; billed ones are history. DOM-6.4.

    R = target - billed net of credits. Above zero the unbilled rows take it, pro rata; without one a new row at the
    effective date. At zero they are cancelled. Below zero they are cancelled and |R| is proposed as credit notes.
    """
    remainder = target - position.billed
    if remainder == position.still_to_bill:
        return position
    if remainder.amount > 0:
        open_rows = tuple(row for row in position.unbilled if row.amount.amount > 0)
        if not open_rows:
            return position.with_rows((*position.rows, new_row(position, number, remainder, effective_on)))
        return position.with_rows(_pro_rata(position, open_rows, remainder))
    cancelled = position.with_rows(tuple(_cancelled(row) for row in position.rows))
    if remainder.is_zero:
        return cancelled
    proposed = _credit_notes(position, -remainder, number)
    return cancelled.model_copy(update={"credits": (*position.credits, *proposed)})


def new_row(position: Position, number: str, amount: Money, due_on: date, *, name: str = "") -> StandingRow:
    """A row that an amendment adds; it joins the schedule that is there."""
    joins = position.rows[-1] if position.rows else None
    return StandingRow(
        code=free_code(f"CO-{number}", {row.code for row in position.rows}),
        name=name or f"Change order {number}",
        due_on=due_on,
        amount=amount,
        schedule=joins.schedule if joins is not None else "",
        line_code=joins.line_code if joins is not None else "",
    )


def free_code(wanted: str, taken: set[str]) -> str:
    """A code that no other row or line has."""
    code, count = wanted, 1
    while code in taken:
        count += 1
        code = f"{wanted}-{count}"
    return code


def spread_over_lines(position: Position, change: Money, *, number: str, effective_on: date) -> Position:
    """Lines follow the value where the amendment names none; options are left alone.

    An increase is a line of its own, so that its dimensions and revenue stay apart; a decrease is taken pro rata.
    """
    if change.is_zero or not position.lines:
        return position
    pool = [line for line in position.lines if line.billing_type in SCHEDULED and not line.is_option]
    pool = pool or [line for line in position.lines if not line.is_option]
    if change.amount > 0:
        return position.model_copy(
            update={"lines": (*position.lines, _added_line(position, pool, change, number, effective_on))}
        )
    pool = [line for line in pool if line.amount.amount > 0]
    if not pool:
        return position
    shares = change.split([line.amount.amount for line in pool])
    taken = dict(zip((line.code for line in pool), shares, strict=True))
    lines = tuple(
        line.model_copy(update={"amount": line.amount + taken[line.code]}) if line.code in taken else line
        for line in position.lines
    )
    return position.model_copy(update={"lines": lines})


def _added_line(
    position: Position, pool: list[StandingLine], change: Money, number: str, effective_on: date
) -> StandingLine:
    like = pool[0] if pool else None
    return StandingLine(
        code=free_code(f"CO-{number}", {line.code for line in position.lines}),
        description=f"Change order {number}",
        billing_type=like.billing_type if like is not None else BillingType.MILESTONES,
        amount=change,
        schedule=like.schedule if like is not None else "",
        project=like.project if like is not None else None,
        start_on=effective_on,
    )


def _pro_rata(position: Position, open_rows: tuple[StandingRow, ...], remainder: Money) -> tuple[StandingRow, ...]:
    """Every unbilled row in proportion to its amount; rows that come to nothing are cancelled (DOM-0.2)."""
    shares = dict(
        zip((row.code for row in open_rows), remainder.split([row.amount.amount for row in open_rows]), strict=True)
    )
    rows: list[StandingRow] = []
    for row in position.rows:
        share = shares.get(row.code) if row.is_unbilled else None
        if share is None:
            rows.append(row)
        elif share.is_zero:
            rows.append(_cancelled(row))
        else:
            rows.append(row.model_copy(update={"amount": share}))
    return tuple(rows)


def _cancelled(row: StandingRow) -> StandingRow:
    if not row.is_unbilled:
        return row
    return row.model_copy(update={"state": RowState.CANCELLED, "amount": Money.zero(row.amount.currency)})


def _credit_notes(position: Position, amount: Money, number: str) -> tuple[CreditProposal, ...]:
    """The newest unpaid invoice first, as far as its balance goes, then paid ones. DOM-6.4, 6.5."""
    left = amount
    proposals: list[CreditProposal] = []
    newest = sorted(position.invoices, key=lambda invoice: (invoice.issued_on, invoice.number), reverse=True)
    for is_paid in (False, True):
        for invoice in newest:
            before = [credit.amount for credit in (*position.credits, *proposals) if credit.invoice == invoice.number]
            room = _room(invoice, total(before, amount.currency), is_paid=is_paid)
            part = min(room, left)
            if part.amount > 0:
                proposals.append(CreditProposal(invoice=invoice.number, amount=part, amendment=number, is_paid=is_paid))
                left = left - part
    return tuple(proposals)


def _room(invoice: InvoiceRef, proposed: Money, *, is_paid: bool) -> Money:
    """What may be credited: up to the open balance while it is unpaid, then up to all of it."""
    limit = invoice.net - invoice.credited if is_paid else invoice.open_after_proposals
    return limit - proposed
