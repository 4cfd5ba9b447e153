from __future__ import annotations

from datetime import date

from mappings.change_order.effective import effective_day
from mappings.change_order.endings import EarnedNotBilled, convert_billing, terminate
from mappings.change_order.kinds import value_changes
from mappings.change_order.lines import apply_named_lines, named_line_change
from mappings.change_order.named_rows import apply_named_rows, change_by_percent, take_back
from mappings.change_order.position import SCHEDULED, Position, effects
from mappings.change_order.rates import with_rates
from mappings.change_order.remainder import settle_schedule, spread_over_lines
from mappings.change_order.respread import change_fee, extend_retainer
from models.base import Canonical
from models.change_order import Amendment
from models.contract_standing import AppliedAmendment, RowState, StandingRow
from models.money import Money
from models.values import SoldValues

__all__ = ["Folded", "fold", "skip"]


_NOTHING = SoldValues()


class Folded(Canonical):
    """The contract after one amendment, and what of it cannot be done as signed."""

    position: Position
    billed: tuple[StandingRow, ...] = ()
    """Billed rows it names: they stay, and so do the others it names (a swap is done whole or not at all)."""
    unknown: tuple[str, ...] = ()
    """Rows and lines it names that are not there."""
    gap: Money | None = None
    """Named rows come to this much more (or less) than the value it states."""
    uncredited: Money | None = None
    """What would have to be credited, and no invoice is left to credit."""


def fold(
    position: Position, amendment: Amendment, *, today: date, billing_answer: EarnedNotBilled | None = None
) -> Folded:
    """Bring one amendment in. Folding several one after the other, in one plan or in many, comes to the same."""
    on = effective_day(amendment, today)
    first = position
    withdrew = tuple(number for number in amendment.replaces if _is_in_effect(position, number))
    for number in withdrew:
        position = _withdrawn(position, number, amendment.number, on)
    before = position
    folded = _money(position, amendment, on, billing_answer)
    position = _texts_and_dates(folded.position, amendment)
    to_do = (*position.to_do, *take_back(first, position))
    position = position.model_copy(update={"to_do": to_do})
    record = AppliedAmendment(
        number=amendment.number,
        predecessor=amendment.predecessor or "",
        terms_digest=amendment.digest,
        withdrew=withdrew,
        value_change=_difference(before.values, position.values),
        rows=effects(_row_amounts(before), _row_amounts(position)),
        lines=effects(_line_amounts(before), _line_amounts(position)),
    )
    position = position.model_copy(update={"applied": (*position.applied, record)})
    return folded.model_copy(update={"position": position})


def skip(position: Position, number: str) -> Position:
    """Voided, replaced in time or never written: it takes its place in the sequence without an effect."""
    record = AppliedAmendment(number=number, skipped=True)
    return position.model_copy(update={"applied": (*position.applied, record)})


def _money(position: Position, amendment: Amendment, on: date, answer: EarnedNotBilled | None) -> Folded:
    if amendment.termination is not None:
        ended = terminate(position, amendment.termination, number=amendment.number)
        return Folded(position=_value_follows(position, ended, amendment.number, on))
    if amendment.billing is not None:
        return Folded(position=convert_billing(position, amendment.billing, answer, number=amendment.number))
    if amendment.retainer is not None:
        return Folded(position=_retained(position, amendment, on))
    return _scope(position, amendment, on)


def _retained(position: Position, amendment: Amendment, on: date) -> Position:
    change, number = amendment.retainer, amendment.number
    if change is None:
        return position
    exercised = value_changes(amendment, position.values).exercised
    spread = change_fee(position, change, number=number)
    target = spread.scheduled + exercised if exercised is not None and spread is position else spread.scheduled
    spread = extend_retainer(spread, change, target)
    return _value_follows(position, spread, number, on)


def _scope(position: Position, amendment: Amendment, on: date) -> Folded:
    """Lines, rows and value of a change of scope; what the paper names stays, the rest follows. DOM-6.4."""
    number = amendment.number
    changes = value_changes(amendment, position.values)
    lined = apply_named_lines(position, amendment)
    rowed = apply_named_rows(lined.position, amendment)
    if rowed.billed:
        rowed = rowed.model_copy(update={"position": lined.position})
    named = rowed.position.scheduled - position.scheduled
    now = change_by_percent(rowed.position, amendment)
    by_rows = now.scheduled - position.scheduled
    in_schedule = named_line_change(position, lined.position, scheduled=True)
    elsewhere = named_line_change(position, lined.position, scheduled=False)
    if changes.exercised is not None:
        wanted = changes.exercised - elsewhere
    else:
        wanted = by_rows if not by_rows.is_zero else in_schedule
    gap = uncredited = None
    if _has_schedule(position, amendment, wanted):
        target = position.scheduled + wanted
        names_amounts = any(row.amount is not None for row in amendment.rows) and not rowed.billed
        if names_amounts and now.scheduled != target and not named.is_zero:
            gap = now.scheduled - target
        now = settle_schedule(now, target, number=number, effective_on=on)
        uncredited = now.scheduled - target if target < now.scheduled else None
    now = spread_over_lines(now, wanted - in_schedule, number=number, effective_on=on)
    moved = wanted + elsewhere if changes.exercised is None else changes.exercised
    now = now.model_copy(update={"values": _values(position.values, changes, moved, amendment.values_after)})
    unknown = (*lined.unknown, *rowed.unknown)
    return Folded(position=now, billed=rowed.billed, unknown=unknown, gap=gap, uncredited=uncredited)


def _has_schedule(position: Position, amendment: Amendment, wanted: Money) -> bool:
    """A contract by time has no rows; a final amount at its close is billed by one row all the same (X13)."""
    fixed = [line for line in position.lines if line.billing_type in SCHEDULED]
    closing = amendment.labelled_kind is not None and amendment.labelled_kind.value == "close-out"
    return bool(position.rows or fixed or amendment.rows) or (closing and wanted.amount > 0)


def _value_follows(before: Position, after: Position, number: str, on: date) -> Position:
    """The binding value and the lines follow what the schedule comes to."""
    change = after.scheduled - before.scheduled
    moved = spread_over_lines(after, change, number=number, effective_on=on)
    return moved.model_copy(update={"values": _values(before.values, SoldValues(), change)})


def _values(now: SoldValues, changes: SoldValues, exercised: Money, totals: SoldValues = _NOTHING) -> SoldValues:
    """The four values after the change. With options moves along with what is sold, unless the paper says more.

    A difference to a value that is not there is none: the paper must state the total (see `money_limits`).
    """

    def moved(value: Money | None, change: Money | None) -> Money | None:
        return value if change is None or value is None else value + change

    options = changes.with_options
    if options is None and now.with_options is not None:
        options = exercised
    return SoldValues(
        exercised=moved(now.exercised, exercised),
        with_options=moved(now.with_options, options),
        funded=moved(now.funded, changes.funded) or totals.funded,
        cap=moved(now.cap, changes.cap) or totals.cap,
    )


def _texts_and_dates(position: Position, amendment: Amendment) -> Position:
    fields = {item.field: item.after for item in amendment.fields}
    if amendment.customer_name_after:
        fields["customer_name"] = amendment.customer_name_after
    return position.model_copy(
        update={
            "fields": position.fields | fields,
            "end_on": amendment.end_on or position.end_on,
            "rates": with_rates(position.rates, amendment.rates) if amendment.rates else position.rates,
        }
    )


def _is_in_effect(position: Position, number: str) -> bool:
    """Applied, and not taken out by another one since."""
    there = any(item.number == number and not item.skipped for item in position.applied)
    return there and not any(number in item.withdrew for item in position.applied)


def _withdrawn(position: Position, number: str, by: str, on: date) -> Position:
    """Take an applied amendment's effect out; what was billed under it stays and is trued up. DOM-6.3."""
    done = next(item for item in position.applied if item.number == number)
    target = position.scheduled
    row_changes = {effect.code: _undo(effect.before, effect.after, position.currency) for effect in done.rows}
    rows = []
    for row in position.rows:
        change = row_changes.get(row.code)
        if change is None or row.is_billed:
            rows.append(row)
            continue
        amount = max(row.amount + change, Money.zero(position.currency))
        state = RowState.CANCELLED if amount.is_zero else RowState.PLANNED
        rows.append(row.model_copy(update={"amount": amount, "state": state}))
    line_changes = {effect.code: _undo(effect.before, effect.after, position.currency) for effect in done.lines}
    lines = tuple(
        line.model_copy(update={"amount": line.amount + line_changes[line.code]}) if line.code in line_changes else line
        for line in position.lines
    )
    sold = done.value_change.exercised
    back = SoldValues(
        exercised=-sold if sold is not None else None,
        with_options=-done.value_change.with_options if done.value_change.with_options is not None else None,
        funded=-done.value_change.funded if done.value_change.funded is not None else None,
        cap=-done.value_change.cap if done.value_change.cap is not None else None,
    )
    values = _values(position.values, back, back.exercised or Money.zero(position.currency))
    undone = position.model_copy(update={"rows": tuple(rows), "lines": lines, "values": values})
    return settle_schedule(undone, target - sold, number=by, effective_on=on) if sold is not None else undone


def _undo(before: Money | None, after: Money | None, currency: str) -> Money:
    zero = Money.zero(currency)
    return (before or zero) - (after or zero)


def _difference(before: SoldValues, after: SoldValues) -> SoldValues:
    """Differences of the four values; None where neither has one."""

    def change(now: Money | None, then: Money | None) -> Money | None:
        if now is None and then is None:
            return None
        currency = (now or then or Money.zero("USD")).currency
        return (now or Money.zero(currency)) - (then or Money.zero(currency))

    return SoldValues(
        with_options=change(after.with_options, before.with_options),
        exercised=change(after.exercised, before.exercised),
        funded=change(after.funded, before.funded),
        cap=change(after.cap, before.cap),
    )


def _row_amounts(position: Position) -> dict[str, Money]:
    return {row.code: row.amount for row in position.rows if row.state is not RowState.CANCELLED}


def _line_amounts(position: Position) -> dict[str, Money]:
    return {line.code: line.amount for line in position.lines if not line.amount.is_zero}
