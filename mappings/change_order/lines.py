from __future__ import annotations

from mappings.change_order.position import SCHEDULED, Position
from mappings.change_order.remainder import free_code
from models.base import Canonical
from models.change_order import Amendment, LineChange
from models.contract_standing import StandingLine
from models.money import Money

__all__ = ["NamedLines", "apply_named_lines", "named_line_change"]


class NamedLines(Canonical):
    """The contract with the lines an amendment names, and codes that are not there."""

    position: Position
    unknown: tuple[str, ...] = ()


def apply_named_lines(position: Position, amendment: Amendment) -> NamedLines:
    """New prices of named lines, options that become binding, and lines that are new."""
    lines = {line.code: line for line in position.lines}
    unknown: list[str] = []
    for change in amendment.lines:
        known = lines.get(change.code)
        if known is not None:
            lines[change.code] = known.model_copy(
                update={
                    "amount": change.amount,
                    "description": change.description or known.description,
                    "start_on": change.start_on or known.start_on,
                    "end_on": change.end_on or known.end_on,
                    "is_option": known.is_option and not change.exercises_option,
                }
            )
        elif change.billing_type is None:
            unknown.append(change.code)
        else:
            added = _added(position, change)
            lines[added.code] = added
    return NamedLines(position=position.model_copy(update={"lines": tuple(lines.values())}), unknown=tuple(unknown))


def named_line_change(before: Position, after: Position, *, scheduled: bool) -> Money:
    """By how much binding lines with (or without) a schedule grew; an option counts from its exercise on."""

    def binding(position: Position) -> Money:
        amounts = (
            line.amount
            for line in position.lines
            if not line.is_option and (line.billing_type in SCHEDULED) is scheduled
        )
        return Money.total(amounts, position.currency)

    return binding(after) - binding(before)


def _added(position: Position, change: LineChange) -> StandingLine:
    if change.billing_type is None:
        raise AssertionError("a line without a billing type is reported, not added")
    like = next((line for line in position.lines if line.billing_type is change.billing_type), None)
    return StandingLine(
        code=free_code(change.code, {line.code for line in position.lines}),
        description=change.description,
        billing_type=change.billing_type,
        amount=change.amount,
        schedule=like.schedule if like is not None else "",
        project=like.project if like is not None else None,
        start_on=change.start_on,
        end_on=change.end_on,
    )
