"""Which contracts of the file become deals, and with which figures."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sandbox.salesforce.demo.generated import number_from
from sandbox.salesforce.demo.source import Action, contract_numbers

__all__ = ["Deal", "demo_deals"]

# A service contract whose only action in the file changes no money: its value is made up, from its number.
_MADE_UP_FROM, _MADE_UP_STEPS, _MADE_UP_STEP = 12_000, 80, 600


@dataclass(frozen=True)
class Deal:
    """One contract to be sold in the demo; `opened_from` names the modification a base was opened from."""

    action: Action
    contract_number: str
    funded: Decimal
    exercised: Decimal
    with_options: Decimal
    opened_from: str = ""
    note: str = ""

    @property
    def start(self) -> date:
        """Return the first day of the work."""
        return self.action.day("effectivedate") or self._signed

    @property
    def end(self) -> date | None:
        """Return the last day of the work, never before the first; None where the file has none (frameworks)."""
        day = self.action.day("currentcompletiondate")
        return max(day, self.start) if day else None

    @property
    def end_with_options(self) -> date | None:
        """Return the last day with all options, for a framework the last day to order."""
        day = self.action.day("ultimatecompletiondate") or self.action.day("lastdatetoorder")
        return max(day, self.end or day) if day else None

    @property
    def _signed(self) -> date:
        signed = self.action.day("signeddate")
        if signed is None:
            raise ValueError(f"The action on contract {self.contract_number} has no signature date.")
        return signed


def demo_deals(actions: list[Action]) -> list[Deal]:
    """Return all awards in the file's order, then the bases opened from service modifications by contract number."""
    numbers = contract_numbers(actions)
    awards = [
        Deal(one, numbers[one.contract], one.funded, one.exercised, one.with_options) for one in actions if one.is_award
    ]
    return awards + _bases(actions, numbers)


def _bases(actions: list[Action], numbers: dict[tuple[str, str], str]) -> list[Deal]:
    """Open bases for half of the contracts behind the service modifications.

    First those whose modification has usable figures, by number; then the contract of the foreign customer and others
    whose modification changes no money, with a value made up for the demo and marked so. A negative modification and a
    framework give no base.
    """
    behind: dict[str, list[Action]] = defaultdict(list)
    for action in actions:
        if action.is_service and not action.is_award:
            behind[numbers[action.contract]].append(action)
    most = len(behind) // 2
    usable = [number for number in sorted(behind) if any(_usable(one) for one in behind[number])]
    silent = [
        number for number in sorted(behind) if number not in usable and all(_is_silent(one) for one in behind[number])
    ]
    silent.sort(key=lambda number: behind[number][0].country in {"", "US"})
    opened = [_opened(number, behind[number]) for number in usable[:most]]
    opened += [_made_up(number, behind[number][0]) for number in silent[: most - len(opened)]]
    return sorted(opened, key=lambda deal: deal.contract_number)


def _is_silent(action: Action) -> bool:
    """Tell a modification that changes no money."""
    return not any((action.funded, action.exercised, action.with_options)) and not action.is_framework


def _usable(action: Action) -> bool:
    figures = (action.funded, action.exercised, action.with_options)
    return min(figures) >= 0 and max(action.funded, action.exercised) > 0 and not action.is_framework


def _opened(number: str, same: list[Action]) -> Deal:
    action = max((one for one in same if _usable(one)), key=lambda one: (one.exercised, one.funded))
    exercised = action.exercised or action.funded
    with_options = max(action.with_options, exercised)
    changed = []
    if exercised != action.exercised:
        changed.append("the value sold, zero in the file, is the funded value")
    if with_options != action.with_options:
        changed.append("the value with options, zero in the file, is the value sold")
    note = f"Figures: {'; '.join(changed)}." if changed else "Figures: all three are the file's."
    return Deal(action, number, action.funded, exercised, with_options, action.raw["modnumber"], note)


def _made_up(number: str, action: Action) -> Deal:
    value = Decimal(_MADE_UP_FROM + number_from(f"{number}/value", _MADE_UP_STEPS) * _MADE_UP_STEP).quantize(
        Decimal("0.01")
    )
    note = f"Figures: all zero in the file; {value} is generated for the demo."
    return Deal(action, number, value, value, value, action.raw["modnumber"], note)
