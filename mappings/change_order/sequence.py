from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pydantic import Field

from models.base import Canonical
from models.change_order import Amendment
from models.contract_standing import AppliedAmendment

__all__ = ["FOLLOWS", "AmendmentSequence", "Gap", "in_sequence", "predecessor_of"]

FOLLOWS = "follows"
"""Answer to a gap: nothing lies between, the amendment follows what the contract holds."""
_NUMBER = re.compile(r"^(?P<prefix>\D*)(?P<digits>\d+)$")
_MOST_NAMED = 5


class Gap(Canonical):
    """An amendment that waits, and the numbers it waits for (the nearest ones, when there are many)."""

    amendment: Amendment
    missing: tuple[str, ...]
    unknown: str = ""
    """The one that nobody has seen: does it exist?"""


class AmendmentSequence(Canonical):
    """All known amendments of a contract, put in order. DOM-6.2."""

    ready: tuple[Amendment, ...] = ()
    """To be applied, in this order; those that take part without an effect are in `skipped`."""
    skipped: tuple[Amendment, ...] = ()
    """Voided, or replaced before they were applied."""
    passed_over: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Amendment that is ready -> the numbers right before it that take part without an effect, in order: voided,
    replaced, or confirmed by a person as never written."""
    gaps: tuple[Gap, ...] = ()
    twice: tuple[tuple[Amendment, ...], ...] = ()
    """One number on several deals, with other terms: a person must say which counts."""
    changed_after: tuple[Amendment, ...] = ()
    """Applied before on other terms, voided since, or passed over and here after all."""


def in_sequence(
    amendments: Iterable[Amendment],
    applied: tuple[AppliedAmendment, ...],
    *,
    follows: Mapping[str, bool],
    usable: frozenset[str] | None = None,
) -> AmendmentSequence:
    """Order by the chain of predecessors: neither arrival, nor date, nor number decides. Duplicates count once.

    `follows`: amendments of which a person said that nothing lies before them. `usable`: those with every signature
    they need (None: all); the others hold up what comes after them.
    """
    newest, twice = _one_per_number(amendments)
    done = {item.number: item for item in applied}
    replaced = {number for item in newest.values() for number in item.replaces if not item.is_voided}
    replaced |= {number for item in applied for number in item.withdrew}
    changed = tuple(
        item
        for item in newest.values()
        if item.number not in replaced and _is_news(item, done.get(item.number), applied)
    )
    free = {
        number: item
        for number, item in newest.items()
        if number not in done and (usable is None or number in usable or item.is_voided)
    }
    passed = {"", *done}
    ready, skipped, passed_over = _chained(free, passed, replaced, follows)
    taken = {item.number for item in (*ready, *skipped)}
    waiting = {number: item for number, item in newest.items() if number not in taken and number not in done}
    return AmendmentSequence(
        ready=ready,
        skipped=skipped,
        passed_over=passed_over,
        gaps=tuple(_gap(item, passed, waiting) for item in sorted(waiting.values(), key=_order)),
        twice=twice,
        changed_after=changed,
    )


def _chained(
    free: dict[str, Amendment], passed: set[str], replaced: set[str], follows: Mapping[str, bool]
) -> tuple[tuple[Amendment, ...], tuple[Amendment, ...], dict[str, tuple[str, ...]]]:
    """Follow the chain as far as it goes; numbers that are reached are added to `passed`."""
    ready: list[Amendment] = []
    skipped: list[Amendment] = []
    passed_over: dict[str, tuple[str, ...]] = {}
    before_it: list[str] = []
    while True:
        next_ones = [item for item in free.values() if predecessor_of(item) in passed or follows.get(item.number)]
        if not next_ones:
            return tuple(ready), tuple(skipped), passed_over
        following = min(next_ones, key=_order)
        before = predecessor_of(following)
        if before not in passed:
            before_it.append(before)
            passed.add(before)
        if following.is_voided or following.number in replaced:
            skipped.append(following)
            before_it.append(following.number)
        else:
            ready.append(following)
            passed_over[following.number] = tuple(before_it)
            before_it = []
        passed.add(following.number)
        del free[following.number]


def predecessor_of(amendment: Amendment) -> str:
    """The stated predecessor; where the paper names none, the number before it (nothing before 1)."""
    if amendment.predecessor is not None:
        return amendment.predecessor
    previous = _previous(amendment.number)
    return previous if previous is not None else "?"


def _previous(number: str) -> str | None:
    read = _NUMBER.match(number)
    if read is None:
        return None
    value = int(read["digits"])
    if value <= 1:
        return ""
    return f"{read['prefix']}{value - 1:0{len(read['digits'])}d}" if read["digits"][0] == "0" else (
        f"{read['prefix']}{value - 1}"
    )  # fmt: skip


def _one_per_number(
    amendments: Iterable[Amendment],
) -> tuple[dict[str, Amendment], tuple[tuple[Amendment, ...], ...]]:
    """The newest version of each amendment, and numbers that stand on several deals with other terms."""
    by_number: dict[str, dict[str, Amendment]] = {}
    for item in amendments:
        deals = by_number.setdefault(item.number, {})
        known = deals.get(item.deal_id)
        if known is None or (item.source_version, item.digest) > (known.source_version, known.digest):
            deals[item.deal_id] = item
    newest: dict[str, Amendment] = {}
    twice: list[tuple[Amendment, ...]] = []
    for number in sorted(by_number):
        found = tuple(sorted(by_number[number].values(), key=lambda item: (item.source_version, item.deal_id)))
        if len({item.digest for item in found}) > 1:
            twice.append(found)
        else:
            newest[number] = found[-1]
    return newest, tuple(twice)


def _is_news(amendment: Amendment, record: AppliedAmendment | None, applied: tuple[AppliedAmendment, ...]) -> bool:
    """Applied on other terms or voided since; or passed over as not written, and here after all."""
    if record is None:
        followed = any(item.predecessor == amendment.number for item in applied)
        return followed and not amendment.is_voided
    if record.skipped:
        return not amendment.is_voided
    return amendment.is_voided or bool(record.terms_digest and record.terms_digest != amendment.digest)


def _order(amendment: Amendment) -> tuple[str, str, int, str]:
    """Of two that follow the same one, the earlier signature goes first: signing order decides which text wins."""
    read = _NUMBER.match(amendment.number)
    signed = amendment.signed_on.isoformat() if amendment.signed_on else "9999"
    return signed, read["prefix"] if read else "", int(read["digits"]) if read else 0, amendment.number


def _gap(amendment: Amendment, passed: set[str], waiting: Mapping[str, Amendment]) -> Gap:
    """Walk back to the first number that is done; every number on the way is waited for."""
    missing: list[str] = []
    unknown = ""
    number: str | None = predecessor_of(amendment)
    while number is not None and number not in passed and number not in missing:
        missing.append(number)
        known = waiting.get(number)
        unknown = number if known is None and not unknown else unknown
        number = predecessor_of(known) if known is not None else _previous(number)
    return Gap(amendment=amendment, missing=tuple(reversed(missing[:_MOST_NAMED])), unknown=unknown)
