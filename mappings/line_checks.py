from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from mappings.findings import Finding, Severity
from mappings.line_prices import net_prices
from models.money import Money
from models.terms import BillingType, Milestone, SignedTerms, SowLine

__all__ = ["check_line"]

_HUNDREDTH = Decimal("0.01")
_MILESTONE_GRACE = timedelta(days=30)


def check_line(terms: SignedTerms, line: SowLine) -> Iterator[Finding]:
    """What DOM-1 refuses before the write, for one line by its billing type."""
    where = f"Contract {terms.contract_number}, line {line.code}"
    if line.billing_type is None:
        yield _stop(terms, line, "TL-CON-009", "billing type", f"{where} has no billing type. Choose it on the deal.")
        return
    if line.net_price is None and line.billing_type is not BillingType.TIME_AND_MATERIALS:
        yield _stop(terms, line, "TL-CON-015", "price", f"{where} has no price. Enter it as signed.")
        return
    match line.billing_type:
        case BillingType.MILESTONES:
            yield from _milestones(terms, line, where)
        case BillingType.PERCENT_COMPLETE:
            yield from _percent_complete(terms, line, where)
        case BillingType.TIME_AND_MATERIALS | BillingType.TIME_AND_MATERIALS_CAPPED:
            yield from _time_and_materials(terms, line, where)
        case BillingType.RETAINER:
            yield from _retainer(terms, line, where)
        case BillingType.COST_PLUS_FIXED_FEE:
            yield from _cost_plus(terms, line, where)


def _milestones(terms: SignedTerms, line: SowLine, where: str) -> Iterator[Finding]:
    rows = [row for row in terms.milestones if not row.line_codes or line.code in row.line_codes]
    if not rows:
        yield _stop(terms, line, "TL-CON-015", "milestones", f"{where} is billed by milestones but has none.")
        return
    for row in rows:
        yield from _milestone(terms, line, row)
    yield from _milestone_total(terms, line, where)


def _milestone(terms: SignedTerms, line: SowLine, row: Milestone) -> Iterator[Finding]:
    where = f"Contract {terms.contract_number}, milestone {row.code}"
    if row.amount is None or row.due_on is None or row.trigger is None:
        missing = "amount" if row.amount is None else "planned date" if row.due_on is None else "trigger"
        yield _stop(
            terms, line, "TL-CON-015", f"milestone {row.code}", f"{where} has no {missing}. Enter it as signed."
        )
        return
    last = terms.end_with_options_on or terms.end_on
    first = min((day for day in (terms.start_on, terms.effective_on) if day is not None), default=None)
    if (last and row.due_on > last + _MILESTONE_GRACE) or (first and row.due_on < first):
        yield _stop(
            terms, line, "TL-CON-011", f"milestone {row.code}",
            f"{where} is due on {row.due_on:%d %b %Y}, outside the contract ({_day(first)} to {_day(last)}). "
            "Correct the date as signed.",
        )  # fmt: skip
    if row.trigger.value == "acceptance" and not (row.accepting_person or terms.acceptance_person):
        yield _stop(
            terms, line, "TL-CON-015", f"milestone {row.code}",
            f"{where} needs an acceptance but nobody is named who accepts. Name the person on the deal.",
        )  # fmt: skip


def _milestone_total(terms: SignedTerms, line: SowLine, where: str) -> Iterator[Finding]:
    """All milestone lines share their milestones; the sum is checked once, at the first of them."""
    lines = [item for item in terms.lines if item.billing_type is BillingType.MILESTONES and not item.is_option]
    if lines[0].code != line.code:
        return
    prices = net_prices(terms)
    amounts = [row.amount for row in terms.milestones if row.amount is not None]
    if any(amount.currency != terms.currency for amount in amounts):
        yield _stop(terms, line, "TL-CON-004", "milestones", f"{where}: a milestone is not in {terms.currency}.")
        return
    wanted = Money.total((prices[item.code] for item in lines if item.code in prices), terms.currency)
    found = Money.total(amounts, terms.currency)
    if found != wanted:
        yield _stop(
            terms, line, "TL-CON-004", "milestones",
            f"Contract {terms.contract_number}: the milestones add up to {found}, the lines they bill to {wanted}. "
            "Correct the quote in the CRM, or sign again.",
        )  # fmt: skip


def _percent_complete(terms: SignedTerms, line: SowLine, where: str) -> Iterator[Finding]:
    if line.cost_budget is None:
        yield _stop(terms, line, "TL-CON-015", "cost budget", f"{where} is billed by progress but has no cost budget.")
    if not line.progress_measure:
        yield _stop(terms, line, "TL-CON-015", "measure", f"{where} is billed by progress; how is it measured?")


def _time_and_materials(terms: SignedTerms, line: SowLine, where: str) -> Iterator[Finding]:
    rates = [row for row in terms.rates if not row.line_code or row.line_code == line.code]
    if not rates:
        yield _stop(terms, line, "TL-CON-010", "rates", f"{where} is billed by time but the contract has no rates.")
    for row in rates:
        if row.rate_per_hour is None or row.rate_per_hour <= 0:
            yield _stop(terms, line, "TL-CON-010", row.role, f"{where}: no rate for the role '{row.role}'. Enter it.")
        elif row.currency and row.currency != terms.currency:
            yield _stop(
                terms, line, "TL-CON-010", row.role,
                f"{where}: the rate of '{row.role}' is in {row.currency}, the contract in {terms.currency}.",
            )  # fmt: skip
    if terms.end_on is None and not terms.notice_clause:
        yield _stop(
            terms,
            line,
            "TL-CON-015",
            "end date",
            f"{where} is billed by time and has neither an end nor a notice clause.",
        )
    if line.billing_type is BillingType.TIME_AND_MATERIALS_CAPPED:
        if line.cap is None and terms.values.cap is None:
            yield _stop(terms, line, "TL-CON-015", "cap", f"{where} is capped but names no amount.")
        elif line.cap_scope is None and terms.cap_scope is None:
            yield _stop(terms, line, "TL-CON-015", "cap scope", f"{where}: what counts against the cap, labour or all?")


def _retainer(terms: SignedTerms, line: SowLine, where: str) -> Iterator[Finding]:
    if line.period_anchor is None or line.billed_in is None:
        yield _stop(
            terms, line, "TL-CON-015", "period", f"{where}: say whether periods are calendar months, and billed when."
        )
    if terms.end_on is None and line.end_on is None and line.net_price is not None and not line.net_price.is_zero:
        yield _stop(
            terms, line, "TL-CON-015", "end date", f"{where} has a total but no end: an evergreen retainer has none."
        )
    if line.fee_per_period is not None and line.periods is not None and line.net_price is not None:
        product = Money.of(line.fee_per_period.amount * line.periods, line.fee_per_period.currency)
        step = Money.of(1, product.currency).share(_HUNDREDTH)
        if abs((product - line.net_price).amount) > step.amount * line.periods:
            yield _stop(
                terms, line, "TL-CON-004", "fee per period",
                f"{where}: {line.periods} periods of {line.fee_per_period} are {product}, the line says {line.net_price}.",
            )  # fmt: skip


def _cost_plus(terms: SignedTerms, line: SowLine, where: str) -> Iterator[Finding]:
    if line.fixed_fee is None:
        yield _stop(
            terms, line, "TL-CON-015", "fee", f"{where} is cost plus but has no fee amount (0.00 for cost without fee)."
        )
    if not line.indirect_rate_table:
        yield _stop(
            terms, line, "TL-CON-015", "indirect rates", f"{where} is cost plus but names no indirect rate table."
        )
    funded, sold = terms.values.funded, terms.values.with_options or terms.values.exercised
    if funded is not None and sold is not None and funded.amount > sold.amount:
        yield Finding(
            code="TL-CON-004", severity=Severity.STOP, record=terms.contract_number, field="value funded",
            message=f"{where}: funded {funded} is above cost and fee {sold}. Correct the values as signed.",
        )  # fmt: skip


def _stop(terms: SignedTerms, line: SowLine, code: str, field: str, message: str) -> Finding:
    return Finding(code=code, record=terms.contract_number, field=f"line {line.code}: {field}", message=message)


def _day(day: date | None) -> str:
    return f"{day:%d %b %Y}" if day else "open"
