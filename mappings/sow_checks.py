from __future__ import annotations

from collections.abc import Iterator

import pycountry

from mappings.findings import Finding, Severity
from mappings.line_checks import check_line
from mappings.line_prices import net_prices
from models.money import Money, decimals_of
from models.survey import Chart
from models.terms import BillingType, SignedTerms

__all__ = ["check_terms"]


def check_terms(terms: SignedTerms, chart: Chart) -> tuple[Finding, ...]:
    """Everything DOM-1.1 and DOM-0.8 ask of signed terms before anything is written. Each finding names its fix."""
    currency = tuple(_currency(terms, chart))
    if currency:
        return currency
    return (
        *_parties(terms),
        *_dates(terms),
        *_lines(terms),
        *_totals(terms),
        *_purchase_order(terms),
        *_funding(terms),
    )


def _currency(terms: SignedTerms, chart: Chart) -> Iterator[Finding]:
    code = terms.currency
    if not code or pycountry.currencies.get(alpha_3=code) is None:
        yield Finding(
            code="TL-CON-006", record=terms.contract_number, field="currency",
            message=f"Contract {terms.contract_number}: currency '{code}' is not an ISO 4217 code. "
            "Correct the currency of the deal in the CRM.",
        )  # fmt: skip
        return
    known = chart.currencies.get(code)
    if known is None or known < decimals_of(code):
        what = (
            "is not set up in the ERP" if known is None else f"has {known} decimals in the ERP, not {decimals_of(code)}"
        )
        yield Finding(
            code="TL-CON-006", record=terms.contract_number, field="currency",
            message=f"Contract {terms.contract_number}: currency {code} {what}. Set it up there, then repair.",
        )  # fmt: skip


def _parties(terms: SignedTerms) -> Iterator[Finding]:
    if not terms.customer_signed_on or not terms.company_signed_on:
        missing = "our signature" if terms.customer_signed_on else "the customer's signature"
        other = terms.customer_signed_on or terms.company_signed_on
        signed = f"one side signed on {other:%d %b %Y}; " if other else ""
        yield Finding(
            code="TL-CON-001", record=terms.contract_number, field="signature dates",
            message=f"Contract {terms.contract_number}: {signed}{missing} is missing. "
            "It continues by itself when the date is on the deal.",
        )  # fmt: skip
    if terms.buyer and not (terms.bill_to.street or terms.buyer.address.street):
        yield Finding(
            code="TL-CUS-006", severity=Severity.WARN, record=terms.contract_number, field="bill-to address",
            message=f"Contract {terms.contract_number} has no bill-to address. Enter it before the first invoice.",
        )  # fmt: skip


def _dates(terms: SignedTerms) -> Iterator[Finding]:
    if terms.start_on is None:
        yield Finding(
            code="TL-CON-015", record=terms.contract_number, field="start date",
            message=f"Contract {terms.contract_number} has no start date. Enter it on the deal as signed.",
        )  # fmt: skip
    elif terms.end_on is not None and terms.end_on < terms.start_on:
        yield Finding(
            code="TL-CON-015", record=terms.contract_number, field="end date",
            message=f"Contract {terms.contract_number} ends on {terms.end_on:%d %b %Y}, before it starts on "
            f"{terms.start_on:%d %b %Y}. Correct the dates on the deal as signed.",
        )  # fmt: skip


def _lines(terms: SignedTerms) -> Iterator[Finding]:
    sold = [line for line in terms.lines if not line.is_option]
    if not sold:
        yield Finding(
            code="TL-CON-015", record=terms.contract_number, field="lines",
            message=f"Contract {terms.contract_number} has no lines. Add what was sold to the deal in the CRM.",
        )  # fmt: skip
    codes = [line.code for line in terms.lines]
    for code in sorted({code for code in codes if codes.count(code) > 1}):
        yield Finding(
            code="TL-CON-015", record=terms.contract_number, field=f"line {code}",
            message=f"Contract {terms.contract_number} has two lines called {code}. Give each its own code.",
        )  # fmt: skip
    for line in sold:
        yield from check_line(terms, line)


def _totals(terms: SignedTerms) -> Iterator[Finding]:
    prices = net_prices(terms)
    if not prices:
        return
    foreign = sorted({price.currency for price in prices.values()} - {terms.currency})
    if foreign:
        yield Finding(
            code="TL-CON-004", record=terms.contract_number, field="line currency",
            message=f"Contract {terms.contract_number} is in {terms.currency}, but lines are in {', '.join(foreign)}. "
            "Correct the lines; one contract has one currency.",
        )  # fmt: skip
        return
    total = Money.total(prices.values(), terms.currency)
    for name, said in (("signed document", terms.signed_total), ("value sold", terms.values.exercised)):
        if said is not None and said != total and not _has_estimate_only(terms):
            yield Finding(
                code="TL-CON-004", record=terms.contract_number, field=name,
                message=f"Contract {terms.contract_number}: the {name} says {said}, the lines add up to {total}. "
                "Nobody may change sold terms here: correct the quote in the CRM, or sign again.",
                stake=total,
            )  # fmt: skip
            return
    if any(price.amount < 0 for price in prices.values()):
        yield Finding(
            code="TL-CON-004", record=terms.contract_number, field="line price",
            message=f"Contract {terms.contract_number} has a negative line. Spread a discount into the line prices.",
        )  # fmt: skip


def _has_estimate_only(terms: SignedTerms) -> bool:
    """T&M, cost plus and evergreen lines hold estimates: they need not equal the contract (DOM-0.8)."""
    estimates = {
        BillingType.TIME_AND_MATERIALS, BillingType.TIME_AND_MATERIALS_CAPPED, BillingType.COST_PLUS_FIXED_FEE,
    }  # fmt: skip
    return any(line.billing_type in estimates for line in terms.lines)


def _purchase_order(terms: SignedTerms) -> Iterator[Finding]:
    if terms.po_required and not terms.po_number:
        yield Finding(
            code="TL-CON-002", severity=Severity.HOLD, record=terms.contract_number, field="PO number",
            message="The customer requires a PO; none is recorded. The project may start, invoices wait.",
        )  # fmt: skip
    sold = terms.values.exercised
    if terms.po_limit is not None and sold is not None and terms.po_limit.currency == sold.currency:
        short = sold - terms.po_limit
        if short.amount > 0:
            yield Finding(
                code="TL-CON-003", severity=Severity.WARN, record=terms.contract_number, field="PO limit",
                message=f"PO {terms.po_number} covers {terms.po_limit}; the contract is {sold}. Ask for an increase.",
                stake=short,
            )  # fmt: skip


def _funding(terms: SignedTerms) -> Iterator[Finding]:
    sold, funded = terms.values.exercised, terms.values.funded
    if sold is not None and funded is not None and sold.amount > 0 and funded.is_zero:
        yield Finding(
            code="TL-CON-017", severity=Severity.HOLD, record=terms.contract_number, field="value funded",
            message=f"Sold {sold}, funded 0: nothing may be invoiced yet.", stake=sold,
        )  # fmt: skip
    options = terms.values.with_options
    if options is not None and sold is not None and options < sold:
        yield Finding(
            code="TL-CON-004", record=terms.contract_number, field="value with options",
            message=f"Contract {terms.contract_number}: the value with options {options} is below the value sold {sold}. "
            "Correct the values on the deal as signed.",
        )  # fmt: skip
