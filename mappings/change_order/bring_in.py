from __future__ import annotations

from mappings.change_order.case import ChangeCase
from mappings.change_order.checks import (
    billing_answer,
    credit_findings,
    folded_findings,
    label_findings,
    money_limits,
    refusals,
)
from mappings.change_order.fold import fold, skip
from mappings.change_order.kinds import UNILATERAL, KindReading, derive_kind
from mappings.change_order.position import Position, start_from
from mappings.change_order.sequence import FOLLOWS, AmendmentSequence, in_sequence
from mappings.findings import Finding
from models.base import Canonical
from models.change_order import Amendment, ChangeKind
from models.contract_standing import ContractStanding

__all__ = ["BroughtIn", "bring_in", "order_of", "unsigned"]


class BroughtIn(Canonical):
    """Amendments folded in sequence, with their kinds and what stops them."""

    amendments: tuple[Amendment, ...]
    kinds: tuple[ChangeKind, ...]
    """Of all of them, those that decide the route first."""
    position: Position
    findings: tuple[Finding, ...] = ()
    """Of the first of them: nothing can be planned before a person acts."""
    held: tuple[Finding, ...] = ()
    """Of the one that comes after them: it waits for a person, they do not."""


def order_of(case: ChangeCase, standing: ContractStanding) -> AmendmentSequence:
    """The amendments in their chain; an unsigned one holds up what comes after it."""
    late = unsigned(case, standing)
    numbers = frozenset(item.number for item in case.amendments)
    follows = {number: case.said.value(f"follows:{number}") == FOLLOWS for number in numbers}
    usable = numbers - {item.number for item in late}
    return in_sequence(case.amendments, standing.applied, follows=follows, usable=usable)


def unsigned(case: ChangeCase, standing: ContractStanding) -> tuple[Amendment, ...]:
    """Amendments without every signature they need: one where a party may act alone, else both. DOM-6.2."""
    applied = {item.number for item in standing.applied}
    late = []
    for item in case.amendments:
        signatures = sum(day is not None for day in (item.customer_signed_on, item.company_signed_on))
        alone = set(derive_kind(item, standing, term_ends_on=standing.end_on).kinds) <= UNILATERAL
        if item.number not in applied and not item.is_voided and signatures < (1 if alone else 2):
            late.append(item)
    return tuple(late)


def bring_in(case: ChangeCase, standing: ContractStanding, sequence: AmendmentSequence) -> BroughtIn:
    """Fold what is ready, up to the first amendment that a person must look at: those before it do not wait for it.

    What is dated ahead waits for its day where the ERP does not date changes. DOM-6.7.
    """
    position = start_from(standing)
    done: list[_Step] = []
    for amendment in _of_the_day(case, sequence.ready):
        for number in sequence.passed_over.get(amendment.number, ()):
            position = skip(position, number)
        step = _fold_one(case, standing, position, amendment)
        if step.findings and done:
            return _together(done, held=step.findings)
        done.append(step)
        position = step.position
        if step.findings:
            break
    return _together(done, held=())


class _Step(Canonical):
    """One amendment folded in, and what of it needs a person."""

    amendment: Amendment
    position: Position
    kinds: tuple[ChangeKind, ...]
    findings: tuple[Finding, ...]


def _fold_one(case: ChangeCase, standing: ContractStanding, position: Position, amendment: Amendment) -> _Step:
    now = standing.model_copy(update={"values": position.values, "end_on": position.end_on})
    reading = derive_kind(amendment, now, term_ends_on=position.end_on)
    kinds = _decided(case, amendment, reading)
    findings = [*refusals(case, amendment, reading, standing), *label_findings(case, amendment, reading)]
    if amendment.currency != standing.currency:
        return _Step(amendment=amendment, position=position, kinds=kinds, findings=tuple(findings))
    folded = fold(position, amendment, today=case.today, billing_answer=billing_answer(case, amendment))
    findings += folded_findings(case, amendment, folded)
    findings += money_limits(case, amendment, position, folded.position)
    findings += credit_findings(case, folded.position)
    after = _with_rebilling(case, amendment, folded.position)
    return _Step(amendment=amendment, position=after, kinds=kinds, findings=tuple(findings))


def _together(done: list[_Step], *, held: tuple[Finding, ...]) -> BroughtIn:
    return BroughtIn(
        amendments=tuple(step.amendment for step in done),
        kinds=tuple(dict.fromkeys(kind for step in done for kind in step.kinds)),
        position=done[-1].position,
        findings=tuple(finding for step in done for finding in step.findings),
        held=held,
    )


def _of_the_day(case: ChangeCase, ready: tuple[Amendment, ...]) -> tuple[Amendment, ...]:
    """Everything that may be written now; if the first one is ahead, that one alone, for its day."""
    if case.erp_dates_changes:
        return ready
    due: list[Amendment] = []
    for item in ready:
        if item.effective_on is not None and item.effective_on > case.today:
            break
        due.append(item)
    return tuple(due) or ready[:1]


def _decided(case: ChangeCase, amendment: Amendment, reading: KindReading) -> tuple[ChangeKind, ...]:
    """A person's word on the kind goes first; the content still asks for its own signatures."""
    said = case.said.value(f"kind:{amendment.number}")
    return (ChangeKind(said), *reading.kinds) if said in set(ChangeKind) else reading.kinds


def _with_rebilling(case: ChangeCase, amendment: Amendment, position: Position) -> Position:
    if case.said.value(f"billed_row:{amendment.number}") != "credit-and-rebill":
        return position
    named = ", ".join(row.code for row in amendment.rows)
    task = f"Finance: credit and rebill what amendment {amendment.number} changes on billed rows ({named}), by hand."
    return position.model_copy(update={"to_do": (*position.to_do, task)})
