from __future__ import annotations

import calendar
from datetime import date, timedelta
from decimal import Decimal

from mappings.change_order.position import Position
from mappings.change_order.remainder import free_code
from models.change_order import RetainerChange
from models.contract_standing import RowState, StandingRow
from models.money import Money
from models.terms import MilestoneTrigger

__all__ = ["change_fee", "extend_retainer"]


def extend_retainer(position: Position, change: RetainerChange, target: Money) -> Position:
    """Spread what is left over the periods that are left; billed periods stay. DOM-6 X7.

    The rows that are there keep their dates; further ones follow month by month.
    """
    if change.periods is None:
        return position
    retained = [row for row in position.rows if _belongs(row, change) and row.state is not RowState.CANCELLED]
    billed = [row for row in retained if row.is_billed]
    left = change.periods - len(billed)
    remainder = target - position.billed
    if left <= 0 or remainder.amount <= 0:
        return position
    unbilled = sorted((row for row in retained if row.is_unbilled), key=lambda row: (row.due_on, row.code))
    shares = remainder.split([1] * left)
    taken = {row.code for row in position.rows}
    spread: dict[str, StandingRow] = {}
    last = max(retained, key=lambda row: (row.due_on, row.code), default=None)
    for place, share in enumerate(shares):
        if place < len(unbilled):
            row = unbilled[place]
        elif last is not None:
            row = last = _next_period(last, taken)
            taken.add(row.code)
        else:
            return position
        spread[row.code] = row.model_copy(update={"amount": share, "state": RowState.PLANNED})
    kept = [spread.pop(row.code, _dropped(row) if row in unbilled else row) for row in position.rows]
    return position.with_rows((*kept, *spread.values()))


def change_fee(position: Position, change: RetainerChange, *, number: str) -> Position:
    """Another fee per period from a day on; a billed period that runs across it gets a catch-up row. DOM-6 X8.

    The part of a period is by its actual days (DOM-0.6). A catch-up below zero lowers the next row, never makes one.
    """
    fee, since = change.fee_per_period, change.fee_from
    if fee is None or since is None:
        return position
    catch_up = Money.zero(position.currency)
    rows: list[StandingRow] = []
    for row in position.rows:
        share = _share_after(row, since)
        if not _belongs(row, change) or row.state is RowState.CANCELLED or not share:
            rows.append(row)
        elif row.is_billed:
            catch_up = catch_up + (fee - row.amount).share(share)
            rows.append(row)
        else:
            rows.append(row.model_copy(update={"amount": row.amount + (fee - row.amount).share(share)}))
    if catch_up.amount > 0:
        rows.append(_catch_up_row(position, catch_up, since, number))
    elif catch_up.amount < 0:
        rows = _lowered(rows, catch_up)
    return position.with_rows(tuple(rows))


def _belongs(row: StandingRow, change: RetainerChange) -> bool:
    return not change.line_code or row.line_code == change.line_code


def _share_after(row: StandingRow, since: date) -> Decimal:
    """Part of the row's service period on and after a day."""
    if row.service_from is None or row.service_until is None:
        return Decimal(1) if row.due_on >= since else Decimal(0)
    if row.service_from >= since:
        return Decimal(1)
    days = (row.service_until - row.service_from).days + 1
    after = (row.service_until - since).days + 1
    return Decimal(max(after, 0)) / Decimal(days)


def _catch_up_row(position: Position, amount: Money, since: date, number: str) -> StandingRow:
    like = position.rows[-1]
    return StandingRow(
        code=free_code(f"CO-{number}-catch-up", {row.code for row in position.rows}),
        name=f"Change order {number}: fee from {since:%d %b %Y} in a period billed before",
        due_on=since,
        amount=amount,
        trigger=MilestoneTrigger.DATE,
        schedule=like.schedule,
        line_code=like.line_code,
    )


def _lowered(rows: list[StandingRow], catch_up: Money) -> list[StandingRow]:
    """Take what was billed too much from the next rows, in order of their days."""
    left = -catch_up
    lowered: dict[str, StandingRow] = {}
    for row in sorted((item for item in rows if item.is_unbilled), key=lambda item: (item.due_on, item.code)):
        part = min(row.amount, left)
        amount = row.amount - part
        lowered[row.code] = _dropped(row) if amount.is_zero else row.model_copy(update={"amount": amount})
        left = left - part
        if left.is_zero:
            break
    return [lowered.get(row.code, row) for row in rows]


def _dropped(row: StandingRow) -> StandingRow:
    return row.model_copy(update={"state": RowState.CANCELLED, "amount": Money.zero(row.amount.currency)})


def _next_period(row: StandingRow, taken: set[str]) -> StandingRow:
    starts = row.service_until + timedelta(days=1) if row.service_until is not None else None
    ends = _month_later(starts) - timedelta(days=1) if starts is not None else None
    head, _, tail = row.code.rpartition("-")
    wanted = f"{head}-{int(tail) + 1:0{len(tail)}d}" if tail.isdigit() and head else f"{row.code}+1"
    return row.model_copy(
        update={
            "code": free_code(wanted, taken),
            "name": f"{starts:%d %b %Y} to {ends:%d %b %Y}" if starts is not None and ends is not None else row.name,
            "due_on": _month_later(row.due_on),
            "state": RowState.PLANNED,
            "invoice": "",
            "service_from": starts,
            "service_until": ends,
        }
    )


def _month_later(day: date) -> date:
    year, month = day.year + day.month // 12, day.month % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
