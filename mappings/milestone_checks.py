from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from mappings.answers import Answers
from mappings.findings import Finding, Severity, on_contract
from mappings.line_prices import net_prices, sold_lines
from models.blocker import Choice
from models.money import Money
from models.terms import BillingType, Milestone, MilestoneTrigger, SignedTerms

__all__ = ["check_milestones"]

_GRACE = timedelta(days=30)
_CONFIRMED = "as-signed"


def check_milestones(terms: SignedTerms, answers: Answers) -> Iterator[Finding]:
    """Milestones and the lines they bill: DOM-1 "refuse before the write", DOM-0.8."""
    lines = [line for line in sold_lines(terms) if line.billing_type is BillingType.MILESTONES]
    if not lines:
        if terms.milestones:
            yield on_contract(
                terms, "TL-CON-015", "milestones",
                f" has {len(terms.milestones)} milestones but no line that is billed by milestones. "
                "Set the billing type of the line they bill, or remove them on the deal.",
            )  # fmt: skip
        return
    if not terms.milestones:
        yield on_contract(
            terms, "TL-CON-015", "milestones",
            f", line {lines[0].code} is billed by milestones but has none. Enter them on the deal as signed.",
        )  # fmt: skip
        return
    yield from _codes(terms, {line.code for line in lines})
    for row in terms.milestones:
        yield from _milestone(terms, row, answers)
    yield from _total(terms)


def _codes(terms: SignedTerms, known: set[str]) -> Iterator[Finding]:
    for code, times in sorted(Counter(row.code for row in terms.milestones).items()):
        if times > 1:
            yield on_contract(
                terms, "TL-CON-015", f"milestone {code}",
                f" has {times} milestones called {code}. Give each its own code on the deal.",
            )  # fmt: skip
    named = {code for row in terms.milestones for code in row.line_codes}
    for code in sorted(named - known):
        yield on_contract(
            terms, "TL-CON-015", f"milestone line {code}",
            f" has a milestone for line {code}, which is not billed by milestones. Correct the line codes on the deal.",
        )  # fmt: skip
    billed = known if any(not row.line_codes for row in terms.milestones) else named
    for code in sorted(known - billed):
        yield on_contract(
            terms, "TL-CON-015", f"line {code}: milestones",
            f", line {code} is billed by milestones but none is for it. Enter them on the deal as signed.",
        )  # fmt: skip


def _milestone(terms: SignedTerms, row: Milestone, answers: Answers) -> Iterator[Finding]:
    field = f"milestone {row.code}"
    missing = [
        name
        for name, value in (("amount", row.amount), ("planned date", row.due_on), ("trigger", row.trigger))
        if value is None
    ]
    if missing:
        said = " and ".join(missing)
        yield on_contract(
            terms, "TL-CON-015", field, f", milestone {row.code} has no {said}. Enter it on the deal as signed."
        )
        return
    if row.amount is not None and row.amount.amount < 0:
        yield on_contract(
            terms, "TL-CON-004", field,
            f", milestone {row.code} is negative ({row.amount}). A schedule has no negative rows: correct the deal.",
        )  # fmt: skip
    if row.amount is not None and row.amount.is_zero:
        yield on_contract(
            terms, "TL-CON-004", field, f", milestone {row.code} is of nothing and is left out of the schedule.",
            severity=Severity.WARN,
        )  # fmt: skip
    if row.trigger is MilestoneTrigger.ACCEPTANCE and not (row.accepting_person or terms.acceptance_person):
        yield on_contract(
            terms, "TL-CON-015", f"{field}: accepting person",
            f", milestone {row.code} needs an acceptance but nobody is named who accepts. Name the person on the deal.",
        )  # fmt: skip
    yield from _inside_term(terms, row, answers)


def _inside_term(terms: SignedTerms, row: Milestone, answers: Answers) -> Iterator[Finding]:
    first = min((day for day in (terms.start_on, terms.effective_on) if day is not None), default=None)
    last = terms.end_on
    if row.due_on is None or first is None or last is None or first <= row.due_on <= last + _GRACE:
        return
    answer_field = f"milestone:{row.code}:{row.due_on.isoformat()}"
    if answers.value(answer_field) == _CONFIRMED:
        return
    side = "before the contract starts" if row.due_on < first else "after the contract ends"
    yield on_contract(
        terms, "TL-CON-011", f"milestone {row.code}",
        f", milestone {row.code} is due on {row.due_on:%d %b %Y}, {side} ({first:%d %b %Y} to {last:%d %b %Y}). "
        "Correct the date on the deal, or confirm that it was signed like this.",
        choices=(Choice(value=_CONFIRMED, label="The date is as signed: keep it"),),
        answer_field=answer_field,
        stake=row.amount,
    )  # fmt: skip


def _total(terms: SignedTerms) -> Iterator[Finding]:
    prices = net_prices(terms)
    lines = [line for line in sold_lines(terms) if line.billing_type is BillingType.MILESTONES]
    wanted = Money.total((prices[line.code] for line in lines if line.code in prices), terms.currency)
    found = Money.total((row.amount for row in terms.milestones if row.amount is not None), terms.currency)
    if found != wanted and all(line.code in prices for line in lines):
        yield on_contract(
            terms, "TL-CON-004", "milestones",
            f": the milestones add up to {found}, the lines they bill to {wanted}. "
            "Nobody may change sold terms here: correct the quote in the CRM, or sign again.",
            stake=wanted,
        )  # fmt: skip
