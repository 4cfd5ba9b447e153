from __future__ import annotations

from collections.abc import Iterator

from mappings.findings import Finding, on_contract
from mappings.line_prices import sold_lines
from models.terms import BillingType, RateRow, SignedTerms, SowLine

__all__ = ["check_time_billed"]


def check_time_billed(terms: SignedTerms, line: SowLine) -> Iterator[Finding]:
    """Rates, end and cap of a line that is billed by time. DOM-1."""
    rates = [row for row in terms.rates if not row.line_code or row.line_code == line.code]
    if not rates:
        yield on_contract(
            terms, "TL-CON-010", f"line {line.code}: rates",
            f", line {line.code} is billed by time but the contract has no rates. Enter them from the paper.",
        )  # fmt: skip
    for row in rates:
        yield from _rate(terms, line, row)
    if (line.end_on or terms.end_on) is None and not terms.notice_clause:
        yield on_contract(
            terms, "TL-CON-015", f"line {line.code}: end date",
            f", line {line.code} is billed by time and has neither an end date nor a notice clause. Enter one of them.",
        )  # fmt: skip
    if line.billing_type is BillingType.TIME_AND_MATERIALS_CAPPED:
        yield from _cap(terms, line)


def _rate(terms: SignedTerms, line: SowLine, row: RateRow) -> Iterator[Finding]:
    if row.rate_per_hour is None or row.rate_per_hour <= 0:
        yield on_contract(
            terms, "TL-CON-010", f"rate {row.role}",
            f" sells the role '{row.role}' on line {line.code}, but no rate for it. Enter it from the paper.",
            answer_field=f"rate:{row.role}",
        )  # fmt: skip
    if row.currency and row.currency != terms.currency:
        yield on_contract(
            terms, "TL-CON-010", f"rate currency {row.role}",
            f" is in {terms.currency}, but the rate of '{row.role}' is in {row.currency}. Correct the rate card.",
        )  # fmt: skip


def _cap(terms: SignedTerms, line: SowLine) -> Iterator[Finding]:
    alone = len(sold_lines(terms)) == 1
    if line.cap is None and terms.values.cap is not None and not alone:
        yield on_contract(
            terms, "TL-CON-015", f"line {line.code}: cap",
            f" has a cap of {terms.values.cap} on the whole, but several lines. Enter line {line.code}'s own part.",
        )  # fmt: skip
    elif line.cap is None and terms.values.cap is None:
        yield on_contract(
            terms, "TL-CON-015", f"line {line.code}: cap",
            f", line {line.code} is capped but names no amount. Enter the cap on the deal as signed.",
        )  # fmt: skip
    if line.cap_scope is None and terms.cap_scope is None:
        yield on_contract(
            terms, "TL-CON-015", f"line {line.code}: cap scope",
            f", line {line.code}: what counts against the cap, labour only or all? Choose it on the deal.",
        )  # fmt: skip
