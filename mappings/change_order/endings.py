from __future__ import annotations

from datetime import date
from enum import StrEnum

from mappings.change_order.position import SCHEDULED, Position
from mappings.change_order.remainder import free_code, new_row, settle_schedule
from models.change_order import BillingChange, Termination
from models.contract_standing import RowState, StandingLine, StandingRow
from models.money import Money

__all__ = ["EarnedNotBilled", "convert_billing", "earned_not_billed", "terminate"]


class EarnedNotBilled(StrEnum):
    """What a person says about value that was earned and not billed when the billing rule changes. DOM-6 X11."""

    FINAL_ROW = "final-row"
    INTO_TIME = "into-time"
    GIVE_UP = "give-up"


def terminate(position: Position, ending: Termination, *, number: str) -> Position:
    """Unbilled rows go, the settlement is the last row, time closes after the day. DOM-6 X12."""
    emptied = position.with_rows(tuple(_cancelled(row) for row in position.rows))
    target = emptied.billed + ending.settlement
    settled = settle_schedule(emptied, target, number=number, effective_on=ending.stops_on)
    to_do = [f"PMO: close the project for time after {ending.stops_on:%d %b %Y} and release the people."]
    earned = ending.work_in_progress
    if earned is not None and earned != ending.settlement:
        to_do.append(f"Revenue owner: {earned} is earned and not billed, {ending.settlement} is settled; decide.")
    return settled.model_copy(update={"closes_on": ending.stops_on, "to_do": (*position.to_do, *to_do)})


def earned_not_billed(position: Position, change: BillingChange) -> Money:
    """Earned value less what is billed; zero when nobody measured it or more is billed than earned."""
    zero = Money.zero(position.currency)
    return max(change.earned - position.billed, zero) if change.earned is not None else zero


def convert_billing(
    position: Position, change: BillingChange, answer: EarnedNotBilled | None, *, number: str
) -> Position:
    """The open remainder is billed in the new way from a day on; the schedule ends with what was earned. DOM-6 X11."""
    total, open_earned = position.scheduled, earned_not_billed(position, change)
    emptied = position.with_rows(tuple(_cancelled(row) for row in position.rows))
    if answer is EarnedNotBilled.FINAL_ROW and not open_earned.is_zero:
        emptied = emptied.with_rows(_last_row(position, emptied, open_earned, number, change.from_on))
    fixed = emptied.scheduled
    left = total - fixed - (open_earned if answer is EarnedNotBilled.GIVE_UP else Money.zero(position.currency))
    cap = left if change.keeps_total else None
    lines = _lines(position, fixed, change, cap or Money.zero(position.currency), number)
    exercised = (position.values.exercised or total) - (total - fixed)
    values = position.values.model_copy(update={"exercised": exercised, "cap": cap or position.values.cap})
    return emptied.model_copy(update={"lines": lines, "values": values})


def _last_row(before: Position, emptied: Position, amount: Money, number: str, on: date) -> tuple[StandingRow, ...]:
    """The next row that was planned becomes the final one; without one, a new row on the day of the change."""
    following = min(before.unbilled, key=lambda row: (row.due_on, row.code), default=None)
    if following is None:
        return (*emptied.rows, new_row(emptied, number, amount, on))
    final = following.model_copy(update={"amount": amount, "state": RowState.PLANNED})
    return tuple(final if row.code == final.code else row for row in emptied.rows)


def _lines(
    position: Position, fixed: Money, change: BillingChange, cap: Money, number: str
) -> tuple[StandingLine, ...]:
    """Fixed lines come to what the schedule ends with, pro rata; the rest of the work is a line of the new type."""
    pool = [line for line in position.lines if line.billing_type in SCHEDULED and not line.is_option]
    if not pool or fixed.amount < 0:
        return position.lines
    shares = dict(zip((line.code for line in pool), fixed.split([line.amount.amount for line in pool]), strict=True))
    kept = tuple(line.model_copy(update={"amount": shares.get(line.code, line.amount)}) for line in position.lines)
    rest = StandingLine(
        code=free_code(f"CO-{number}", {line.code for line in kept}),
        description=f"Change order {number}: rest of the work",
        billing_type=change.billing_type,
        amount=cap,
        project=pool[0].project,
        start_on=change.from_on,
    )
    return (*kept, rest)


def _cancelled(row: StandingRow) -> StandingRow:
    if not row.is_unbilled:
        return row
    return row.model_copy(update={"state": RowState.CANCELLED, "amount": Money.zero(row.amount.currency)})
