from __future__ import annotations

from datetime import date
from decimal import Decimal

from models.base import Canonical
from models.change_order import Amendment, ChangeKind, RowAction
from models.contract_standing import ContractStanding
from models.money import Money
from models.values import SoldValues

__all__ = ["UNILATERAL", "KindReading", "derive_kind", "value_changes"]

UNILATERAL = frozenset(
    {ChangeKind.OPTION_EXERCISED, ChangeKind.FUNDING_ONLY, ChangeKind.ADMINISTRATIVE, ChangeKind.TERMINATION}
)
"""One signature is enough. DOM-6.2."""


class KindReading(Canonical):
    """What an amendment is by its content, and where its label says something else."""

    kinds: tuple[ChangeKind, ...]
    """Main kind first."""
    disagreement: str = ""
    """Empty when the label fits; else the second half of a sentence: `, but it adds USD 32,130.88`."""
    stake: Money | None = None

    @property
    def main(self) -> ChangeKind:
        """The kind that decides the route."""
        return self.kinds[0]


def value_changes(amendment: Amendment, before: SoldValues | None) -> SoldValues:
    """Differences of the four values: totals after it less what stands now, else the differences it states."""

    def change(after: Money | None, now: Money | None, stated: Money | None) -> Money | None:
        if after is None or before is None:
            return stated
        # Another currency is refused later; until then its total is all that is known of the change.
        return after - now if now is not None and now.currency == after.currency else after

    after, now, stated = amendment.values_after, before or SoldValues(), amendment.value_change
    return SoldValues(
        with_options=change(after.with_options, now.with_options, stated.with_options),
        exercised=change(after.exercised, now.exercised, stated.exercised),
        funded=change(after.funded, now.funded, stated.funded),
        cap=change(after.cap, now.cap, stated.cap),
    )


def derive_kind(amendment: Amendment, standing: ContractStanding | None, *, term_ends_on: date | None) -> KindReading:
    """Kind by content; the label only hints. DOM-6.1. `term_ends_on`: end of the term before the change, if known."""
    before = standing.values if standing is not None else None
    changes = value_changes(amendment, before)
    kinds = tuple(dict.fromkeys(_kinds(amendment, changes, term_ends_on))) or (ChangeKind.ADMINISTRATIVE,)
    said = _disagreement(amendment, changes, kinds[0])
    stake = max((abs(item.amount) for item in _amounts(changes)), default=Decimal(0))
    return KindReading(
        kinds=kinds, disagreement=said, stake=Money.of(stake, amendment.currency) if said and stake else None
    )


def _kinds(amendment: Amendment, changes: SoldValues, term_ends_on: date | None) -> list[ChangeKind]:
    ends = amendment.termination is not None or _is_labelled_termination(amendment, changes)
    money = None if ends else _money_kind(amendment, changes, term_ends_on)
    moves_days = amendment.end_on is not None or any(
        row.due_on is not None and row.action is not RowAction.ADD for row in amendment.rows
    )
    holds: list[tuple[bool, ChangeKind]] = [
        (bool(amendment.customer_after), ChangeKind.NOVATION),
        (ends, ChangeKind.TERMINATION),
        (amendment.billing is not None, ChangeKind.BILLING_RULE),
        *([(True, money)] if money is not None else []),
        (bool(amendment.rates), ChangeKind.RATE),
        (moves_days, ChangeKind.DATE),
        (bool(amendment.customer_name_after), ChangeKind.NAME_CHANGE),
    ]
    kinds = [kind for there, kind in holds if there]
    if not kinds and amendment.labelled_kind in {ChangeKind.NAME_CHANGE, ChangeKind.CLOSE_OUT}:
        kinds.append(amendment.labelled_kind)
    return [*kinds, *([ChangeKind.ADMINISTRATIVE] if amendment.fields else [])]


def _money_kind(amendment: Amendment, changes: SoldValues, term_ends_on: date | None) -> ChangeKind | None:
    """Kind of the difference in money; None when nothing of value changes."""
    exercised, options, funded = _moves(changes)
    direction = exercised or options
    gives_back = min(exercised, options, funded) < 0 and max(exercised, options) <= 0
    is_late = gives_back and _after_the_end(amendment, term_ends_on)
    says_closing = amendment.labelled_kind is ChangeKind.CLOSE_OUT and bool(direction or funded)
    if is_late or says_closing:
        return ChangeKind.CLOSE_OUT
    if _exercises(amendment, changes):
        return ChangeKind.OPTION_EXERCISED
    if direction:
        return ChangeKind.SCOPE if direction > 0 else ChangeKind.DE_SCOPE
    if _of(changes.cap) or _names_money(amendment):
        return ChangeKind.DE_SCOPE if _of(changes.cap) < 0 or _lowers(amendment) else ChangeKind.SCOPE
    return ChangeKind.FUNDING_ONLY if funded else None


def _exercises(amendment: Amendment, changes: SoldValues) -> bool:
    """Sold value grows and the value with options does not: an option became binding."""
    exercised, options, _ = _moves(changes)
    by_content = exercised > 0 and options == 0 and changes.with_options is not None
    by_label = exercised > 0 > options and amendment.labelled_kind is ChangeKind.OPTION_EXERCISED
    return by_content or by_label or any(line.exercises_option for line in amendment.lines)


def _moves(changes: SoldValues) -> tuple[Decimal, Decimal, Decimal]:
    """Differences of sold, with options and funded; what is sold counts in the value with options, if that is blank."""
    exercised = _of(changes.exercised)
    options = _of(changes.with_options) if changes.with_options is not None else exercised
    return exercised, options, _of(changes.funded)


def _names_money(amendment: Amendment) -> bool:
    fee = amendment.retainer is not None and amendment.retainer.fee_per_period is not None
    named = any(row.amount is not None for row in amendment.rows) or bool(amendment.lines)
    return fee or named or bool(amendment.unbilled_percent)


def _lowers(amendment: Amendment) -> bool:
    return amendment.unbilled_percent is not None and amendment.unbilled_percent < 0


def _after_the_end(amendment: Amendment, term_ends_on: date | None) -> bool:
    signed = amendment.signed_on
    return signed is not None and term_ends_on is not None and term_ends_on < signed


def _is_labelled_termination(amendment: Amendment, changes: SoldValues) -> bool:
    return amendment.labelled_kind is ChangeKind.TERMINATION and _of(changes.exercised) <= 0


def _disagreement(amendment: Amendment, changes: SoldValues, main: ChangeKind) -> str:
    """What the content does that the label does not say; change orders and supplements may do anything."""
    label = amendment.labelled_kind
    exercised, options, funded = _of(changes.exercised), _of(changes.with_options), _of(changes.funded)
    moved = exercised or options or funded
    if label is ChangeKind.OPTION_EXERCISED and changes.exercised is not None and options:
        signed = Money.of(options, amendment.currency)
        return f", but it also changes the value with options by {signed}: label and price differ"
    tells = {
        ChangeKind.ADMINISTRATIVE: moved,
        ChangeKind.NAME_CHANGE: moved,
        ChangeKind.DATE: moved,
        ChangeKind.FUNDING_ONLY: exercised or options,
        ChangeKind.CLOSE_OUT: max(moved, Decimal(0)),
        ChangeKind.TERMINATION: max(exercised, Decimal(0)),
        ChangeKind.OPTION_EXERCISED: exercised if main is ChangeKind.DE_SCOPE else Decimal(0),
    }
    amount = tells.get(label, Decimal(0)) if label is not None else Decimal(0)
    return _says(amendment, amount) if amount else ""


def _says(amendment: Amendment, amount: Decimal) -> str:
    money = Money.of(abs(amount), amendment.currency)
    return f", but it adds {money}" if amount > 0 else f", but it takes {money} away"


def _of(amount: Money | None) -> Decimal:
    return amount.amount if amount is not None else Decimal(0)


def _amounts(changes: SoldValues) -> tuple[Money, ...]:
    found = (changes.exercised, changes.with_options, changes.funded, changes.cap)
    return tuple(item for item in found if item is not None)
