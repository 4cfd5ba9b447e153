from __future__ import annotations

from collections.abc import Iterable, Iterator

from mappings.change_order.position import Position
from mappings.change_order.remainder import free_code
from models.base import Canonical
from models.change_order import Amendment, RowAction, RowChange
from models.contract_standing import RowState, StandingRow
from models.money import Money
from models.terms import MilestoneTrigger

__all__ = ["NamedRows", "apply_named_rows", "change_by_percent", "take_back"]


class NamedRows(Canonical):
    """The schedule with the rows an amendment names, and what cannot be done."""

    position: Position
    billed: tuple[StandingRow, ...] = ()
    """Rows it names that are billed already: history. DOM-6 X14."""
    unknown: tuple[str, ...] = ()
    """Codes it names that the schedule does not have."""


def apply_named_rows(position: Position, amendment: Amendment) -> NamedRows:
    """Change, add, cancel, split and merge the rows that the amendment names; billed ones are only reported."""
    billed: dict[str, StandingRow] = {}
    unknown: list[str] = []
    for change in amendment.rows:
        rows = {row.code: row for row in position.rows}
        touched = [rows[code] for code in _codes(change) if code in rows]
        missing = [code for code in _codes(change) if code not in rows or rows[code].state is RowState.CANCELLED]
        if change.action is not RowAction.ADD and missing:
            unknown += missing
        elif history := [row for row in touched if row.is_billed and change.action is not RowAction.ADD]:
            billed |= {row.code: row for row in history if _differs(change, row)}
        else:
            position = position.with_rows(tuple(_changed(position, change, amendment)))
    return NamedRows(position=position, billed=tuple(billed.values()), unknown=tuple(unknown))


def change_by_percent(position: Position, amendment: Amendment) -> Position:
    """Everything unbilled by so many percent, each row rounded once where it is stored. DOM-6 X16."""
    percent = amendment.unbilled_percent
    if not percent:
        return position
    rows = []
    for row in position.rows:
        if row.is_unbilled:
            amount = row.amount + row.amount.share(percent / 100)
            state = RowState.CANCELLED if amount.is_zero else row.state
            rows.append(row.model_copy(update={"amount": amount, "state": state}))
        else:
            rows.append(row)
    return position.with_rows(tuple(rows))


def take_back(before: Position, after: Position) -> tuple[str, ...]:
    """Ready rows that change: PMO takes their acceptance back first. DOM-6 X6."""
    now = {row.code: row for row in after.rows}
    ready = [row for row in before.rows if row.state is RowState.READY]
    return tuple(
        f"PMO: take back the readiness of {row.code} ({row.amount}) before it changes."
        for row in ready
        if row.code not in now or (now[row.code].amount, now[row.code].state) != (row.amount, row.state)
    )


def _codes(change: RowChange) -> tuple[str, ...]:
    return (change.code, *change.merges) if change.action is RowAction.MERGE else (change.code,)


def _differs(change: RowChange, row: StandingRow) -> bool:
    """A billed row may be named as it is."""
    if change.action is not RowAction.AMEND:
        return True
    return change.amount not in {None, row.amount} or change.due_on not in {None, row.due_on}


def _changed(position: Position, change: RowChange, amendment: Amendment) -> Iterator[StandingRow]:
    if change.action is RowAction.ADD:
        yield from position.rows
        yield from _added(position, change, amendment)
        return
    merged = [row for row in position.rows if row.code in change.merges]
    for row in position.rows:
        if row.code == change.code:
            yield from _one(row, change, merged, {item.code for item in position.rows})
        elif row.code in change.merges:
            yield _cancel(row)
        else:
            yield row


def _one(row: StandingRow, change: RowChange, merged: list[StandingRow], taken: set[str]) -> Iterator[StandingRow]:
    match change.action:
        case RowAction.CANCEL:
            yield _cancel(row)
        case RowAction.SPLIT:
            yield from _split(row, change, taken)
        case RowAction.MERGE:
            amount = Money.total((item.amount for item in (row, *merged)), row.amount.currency)
            due_on = change.due_on or max(item.due_on for item in (row, *merged))
            yield row.model_copy(update={"amount": amount, "due_on": due_on, "state": RowState.PLANNED})
        case _:
            amount = change.amount if change.amount is not None else row.amount
            if amount.is_zero:
                yield _cancel(row)
                return
            yield row.model_copy(
                update={
                    "amount": amount,
                    "due_on": change.due_on or row.due_on,
                    "name": change.name or row.name,
                    "trigger": change.trigger or row.trigger,
                }
            )


def _split(row: StandingRow, change: RowChange, taken: set[str]) -> Iterator[StandingRow]:
    """Equal parts by largest remainder (DOM-0.2); the first keeps the row's code."""
    parts = max(change.parts, len(change.part_dates), 1)
    shares = row.amount.split([1] * parts)
    for place, share in enumerate(shares):
        due_on = change.part_dates[place] if place < len(change.part_dates) else row.due_on
        code = row.code if place == 0 else free_code(f"{row.code}.{place + 1}", taken)
        if not share.is_zero:
            yield row.model_copy(update={"code": code, "amount": share, "due_on": due_on, "state": RowState.PLANNED})


def _added(position: Position, change: RowChange, amendment: Amendment) -> Iterable[StandingRow]:
    if change.amount is None or change.amount.is_zero:
        return
    joins = position.rows[-1] if position.rows else None
    due_on = change.due_on or amendment.effective_on or amendment.signed_on
    if due_on is None:
        return
    yield StandingRow(
        code=free_code(change.code, {row.code for row in position.rows}),
        name=change.name or change.code,
        due_on=due_on,
        amount=change.amount,
        trigger=change.trigger or MilestoneTrigger.ACCEPTANCE,
        schedule=joins.schedule if joins is not None else "",
        line_code=change.line_code or (joins.line_code if joins is not None else ""),
    )


def _cancel(row: StandingRow) -> StandingRow:
    return row.model_copy(update={"state": RowState.CANCELLED, "amount": Money.zero(row.amount.currency)})
