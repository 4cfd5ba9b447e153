from __future__ import annotations

from collections.abc import Iterator

import pycountry

from mappings.findings import Finding, on_contract
from mappings.line_prices import ESTIMATED, is_evergreen, line_price, net_prices, sold_lines
from models.money import Money, decimals_of
from models.survey import Chart
from models.terms import SignedTerms

__all__ = ["check_amounts", "check_currency", "check_totals"]

_WHOLE_PERCENT = 100


def check_currency(terms: SignedTerms, chart: Chart) -> Iterator[Finding]:
    """One contract, one currency, known to ISO and set up in the ERP with all its decimals. DOM-0.1, TL-CON-006."""
    code = terms.currency
    if not code or pycountry.currencies.get(alpha_3=code) is None:
        said = f"currency '{code}' is no ISO 4217 code" if code else "no currency is stated"
        yield on_contract(terms, "TL-CON-006", "currency", f": {said}. Correct the currency of the deal in the CRM.")
        return
    known = chart.currencies.get(code)
    if known is None or known < decimals_of(code):
        what = "is not set up in the ERP"
        if known is not None:
            what = f"is kept with {known} decimals in the ERP, but has {decimals_of(code)}"
        yield on_contract(
            terms, "TL-CON-006", "currency", f": currency {code} {what}. Set it up there, then repair to look again."
        )
    for label, amount in _amounts(terms):
        if amount.currency != code:
            yield on_contract(
                terms, "TL-CON-004", label,
                f" is in {code}, but its {label} is in {amount.currency}. Correct it on the deal; one contract has one "
                "currency.",
            )  # fmt: skip


def _finer_than_currency(terms: SignedTerms) -> Iterator[Finding]:
    """An amount never has more decimals than its currency (DOM-0.1); rounding it would change what was signed."""
    for label, amount in _amounts(terms):
        if amount.amount != Money.of(amount.amount, amount.currency).amount:
            yield on_contract(
                terms, "TL-CON-004", label,
                f": its {label} is {amount.amount} {amount.currency}, finer than the currency allows "
                f"({decimals_of(amount.currency)} decimals). Correct it on the deal as signed.",
            )  # fmt: skip


def _amounts(terms: SignedTerms) -> Iterator[tuple[str, Money]]:
    values = terms.values
    found: list[tuple[str, Money | None]] = [
        ("signed total", terms.signed_total),
        ("value with options", values.with_options),
        ("value sold", values.exercised),
        ("value funded", values.funded),
        ("cap", values.cap),
        ("estimated cost", terms.estimated_cost),
    ]
    for line in terms.lines:
        where = f"line {line.code}"
        found += [
            (f"{where}: price", line.net_price),
            (f"{where}: cap", line.cap),
            (f"{where}: cost budget", line.cost_budget),
            (f"{where}: fixed fee", line.fixed_fee),
            (f"{where}: fee per period", line.fee_per_period),
        ]
    found += [(f"milestone {row.code}", row.amount) for row in terms.milestones]
    yield from ((label, amount) for label, amount in found if amount is not None)


def check_amounts(terms: SignedTerms) -> Iterator[Finding]:
    """Amounts that no contract can have; with one of them nothing further can be computed."""
    yield from _finer_than_currency(terms)
    percent = terms.header_discount_percent
    if not 0 <= percent < _WHOLE_PERCENT:
        yield on_contract(
            terms, "TL-CON-004", "header discount",
            f" has a header discount of {percent}%. Enter 0 to 99.99 on the deal as signed.",
        )  # fmt: skip
    for line in sold_lines(terms):
        price = line_price(terms, line)
        if price is not None and price.amount < 0:
            yield on_contract(
                terms, "TL-CON-004", f"line {line.code}: price",
                f", line {line.code} is negative ({price}). Spread a discount into the line prices on the deal.",
            )  # fmt: skip
    for label, value in (("value sold", terms.values.exercised), ("value funded", terms.values.funded)):
        if value is not None and value.amount < 0:
            yield on_contract(
                terms, "TL-CON-004", label, f": the {label} is negative ({value}). Correct it on the deal as signed."
            )


def check_totals(terms: SignedTerms) -> Iterator[Finding]:
    """Lines = signed document = value sold where DOM-0.8 says that they must agree; never on estimates."""
    sold, funded, options = terms.values.exercised, terms.values.funded, terms.values.with_options
    if options is not None and sold is not None and options < sold:
        yield on_contract(
            terms, "TL-CON-004", "value with options",
            f": the value with options {options} is below the value sold {sold}. Correct the values on the deal.",
        )  # fmt: skip
    prices = net_prices(terms)
    lines = sold_lines(terms)
    if not lines or any(line.code not in prices for line in lines):
        return
    total = Money.total(prices.values(), terms.currency)
    if total.is_zero:
        yield on_contract(
            terms, "TL-CON-004", "price",
            f" is sold for {total}. Work without a price is no contract: open the project by hand, or correct it.",
        )  # fmt: skip
        return
    if any(line.billing_type in ESTIMATED or is_evergreen(terms, line) for line in lines):
        return
    if terms.signed_total is None and sold is None:
        yield on_contract(
            terms, "TL-CON-015", "signed total",
            ": neither the signed total nor the value sold is stated. Enter them on the deal from the paper.",
        )  # fmt: skip
    for name, said in (("signed document", terms.signed_total), ("value sold", sold)):
        if said is not None and said != total:
            yield on_contract(
                terms, "TL-CON-004", name,
                f": the {name} says {said}, the lines add up to {total}. Nobody may change sold terms here: "
                "correct the quote in the CRM, or sign again.",
                stake=total,
            )  # fmt: skip
            return
    if funded is not None and options is not None and options < funded:
        yield on_contract(
            terms, "TL-CON-004", "value funded",
            f" is funded with {funded}, above its value with options {options}. Correct the values on the deal.",
        )  # fmt: skip
