from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from mappings.findings import Finding, on_contract
from mappings.line_prices import FIXED_PRICE, is_evergreen, line_price, sold_lines
from mappings.schedules import months_per_period
from mappings.time_checks import check_time_billed
from models.money import Money, decimals_of
from models.terms import BillingType, SignedTerms, SowLine

__all__ = ["check_line"]

_PROGRESS_MEASURES = frozenset({"cost", "hours", "units", "pm estimate"})


def check_line(terms: SignedTerms, line: SowLine) -> Iterator[Finding]:
    """What DOM-1 refuses before the write, for one line by its billing type."""
    if line.billing_type is None:
        yield _stop(terms, line, "billing type", "has no billing type. Choose it on the deal.", code="TL-CON-009")
        return
    if line_price(terms, line) is None:
        what = "estimate" if line.billing_type not in FIXED_PRICE else "price"
        yield _stop(terms, line, what, f"has no {what}. Enter it on the deal as signed.")
    if line.billing_type in FIXED_PRICE and not is_evergreen(terms, line) and not (line.end_on or terms.end_on):
        yield _stop(terms, line, "end date", "has a fixed price but no end date. Enter it on the deal as signed.")
    match line.billing_type:
        case BillingType.PERCENT_COMPLETE:
            yield from _percent_complete(terms, line)
        case BillingType.TIME_AND_MATERIALS | BillingType.TIME_AND_MATERIALS_CAPPED:
            yield from check_time_billed(terms, line)
        case BillingType.RETAINER:
            yield from _retainer(terms, line)
        case BillingType.COST_PLUS_FIXED_FEE:
            yield from _cost_plus(terms, line)
        case BillingType.MILESTONES:
            return


def _percent_complete(terms: SignedTerms, line: SowLine) -> Iterator[Finding]:
    if line.cost_budget is None or line.cost_budget.amount <= 0:
        yield _stop(terms, line, "cost budget", "is billed by progress but has no cost budget. Enter it on the deal.")
    if line.progress_measure.strip().casefold() not in _PROGRESS_MEASURES:
        said = f"by '{line.progress_measure}'" if line.progress_measure else "by nothing"
        yield _stop(
            terms, line, "progress measure",
            f"is billed by progress, measured {said}. Choose cost, hours, units or PM estimate on the deal.",
        )  # fmt: skip


def _retainer(terms: SignedTerms, line: SowLine) -> Iterator[Finding]:
    if line.period_anchor is None:
        yield _stop(terms, line, "period anchor", "is a retainer: choose anniversary or calendar periods on the deal.")
    if line.billed_in is None:
        yield _stop(terms, line, "billed in", "is a retainer: choose advance or arrears on the deal.")
    if months_per_period(line) is None:
        yield _stop(
            terms, line, "bill frequency",
            f"is a retainer billed '{line.bill_frequency}', which is no period. Choose monthly or quarterly.",
        )  # fmt: skip
    if is_evergreen(terms, line):
        yield from _evergreen(terms, line)
    elif line.fee_per_period is not None and line.periods is not None and line.net_price is not None:
        yield from _fee_times_periods(terms, line, line.fee_per_period, line.periods, line.net_price)


def _evergreen(terms: SignedTerms, line: SowLine) -> Iterator[Finding]:
    if line.net_price is not None and not line.net_price.is_zero:
        yield _stop(
            terms, line, "end date",
            f"is a retainer without an end but with a total of {line.net_price}. Enter the end, or remove the total.",
        )  # fmt: skip
    if not terms.notice_clause:
        yield _stop(terms, line, "notice clause", "is a retainer without an end and without notice. Enter the clause.")


def _fee_times_periods(terms: SignedTerms, line: SowLine, fee: Money, periods: int, price: Money) -> Iterator[Finding]:
    """Each share may be off the fee by less than one minor unit (DOM-0.2), no more."""
    product = Money.of(fee.amount * periods, fee.currency)
    unit = Decimal(1).scaleb(-decimals_of(fee.currency))
    if abs((product - price).amount) > unit * periods:
        yield _stop(
            terms, line, "fee per period",
            f"has {periods} periods of {fee}, together {product}, but a price of {price}. "
            "Correct the quote, or sign again.",
            code="TL-CON-004",
        )  # fmt: skip


def _cost_plus(terms: SignedTerms, line: SowLine) -> Iterator[Finding]:
    if line.fixed_fee is None:
        yield _stop(
            terms, line, "fixed fee",
            "is cost plus but has no fee amount (a percentage would grow with cost). Enter it; 0.00 for no fee.",
        )  # fmt: skip
    if not line.indirect_rate_table:
        yield _stop(terms, line, "indirect rates", "is cost plus but names no indirect rate table. Enter it.")
    if line.fixed_fee is not None and line.net_price is not None and line.net_price < line.fixed_fee:
        yield _stop(
            terms, line, "fixed fee", f"has a fee of {line.fixed_fee} above its price {line.net_price}. Correct it.",
            code="TL-CON-004",
        )  # fmt: skip
    yield from _funding(terms, line)


def _funding(terms: SignedTerms, line: SowLine) -> Iterator[Finding]:
    sold, funded = sold_lines(terms), terms.values.funded
    if funded is None or any(item.billing_type is not BillingType.COST_PLUS_FIXED_FEE for item in sold):
        return
    if line.code != sold[0].code:
        return
    prices = [price for item in sold if (price := line_price(terms, item)) is not None]
    whole = Money.total(prices, terms.currency)
    if len(prices) == len(sold) and whole < funded:
        yield on_contract(
            terms, "TL-CON-004", "value funded",
            f" is funded with {funded}, above its cost and fee of {whole}. Correct the values on the deal as signed.",
        )  # fmt: skip


def _stop(terms: SignedTerms, line: SowLine, field: str, says: str, *, code: str = "TL-CON-015") -> Finding:
    return on_contract(terms, code, f"line {line.code}: {field}", f", line {line.code} {says}")
