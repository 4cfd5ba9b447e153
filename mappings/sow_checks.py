from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date

from mappings.answers import Answers
from mappings.findings import Finding, Severity, on_contract
from mappings.line_checks import check_line
from mappings.line_prices import ESTIMATED, sold_lines
from mappings.milestone_checks import check_milestones
from mappings.sow_money_checks import check_amounts, check_currency, check_totals
from models.survey import Chart
from models.terms import SignedTerms

__all__ = ["check_terms", "hold_without_po", "signed_on"]


def signed_on(terms: SignedTerms) -> date:
    """The day on which the last side signed; the firm's rules of that day apply. The CRM's stamp before that."""
    days = [day for day in (terms.customer_signed_on, terms.company_signed_on) if day is not None]
    return max(days, default=terms.source_version.date())


def check_terms(terms: SignedTerms, chart: Chart, answers: Answers) -> tuple[Finding, ...]:
    """Everything DOM-1.1 and DOM-0.8 ask of signed terms before anything is written. Each finding names its fix."""
    basic = (*check_currency(terms, chart), *_line_codes(terms))
    basic = basic or tuple(check_amounts(terms))
    if basic:
        return (*_signatures(terms), *basic)
    return (
        *_signatures(terms),
        *_parties(terms),
        *_dates(terms),
        *(finding for line in sold_lines(terms) for finding in check_line(terms, line)),
        *check_milestones(terms, answers),
        *check_totals(terms),
        *_purchase_order(terms),
        *_funding(terms),
        *_left_out(terms),
    )


def _signatures(terms: SignedTerms) -> Iterator[Finding]:
    if terms.customer_signed_on and terms.company_signed_on:
        return
    missing, wait = "both signatures are missing", "when their dates are on the deal"
    if terms.customer_signed_on:
        missing = f"the customer signed on {terms.customer_signed_on:%d %b %Y}; our signature is missing"
        wait = "when our date is on the deal; remind the signer"
    elif terms.company_signed_on:
        missing = f"we signed on {terms.company_signed_on:%d %b %Y}; the customer's signature is missing"
        wait = "when the customer's date is on the deal; remind the signer"
    at_risk = ""
    if terms.is_at_risk:  # DOM-1.5: a second project on signature is the classic duplicate
        at_risk = " Work at risk: open its project by hand, not billable, with this contract number; it is found by it."
    yield on_contract(terms, "TL-CON-001", "signature dates", f": {missing}. It goes on by itself {wait}.{at_risk}")


def _parties(terms: SignedTerms) -> Iterator[Finding]:
    buyer = terms.buyer
    if not terms.customer_legal_name and not (buyer and buyer.legal_name):
        yield on_contract(
            terms, "TL-CON-015", "customer legal name",
            " does not say who the customer is by law. Enter the customer's legal name on the deal from the paper.",
        )  # fmt: skip
    if not (terms.bill_to.street or terms.bill_to.city or (buyer and (buyer.address.street or buyer.address.city))):
        yield on_contract(
            terms,
            "TL-CUS-006",
            "bill-to address",
            " has no bill-to address. Enter street, postal code and town; invoices go there.",
            answer_field="bill_to",
        )
    if not terms.contacts and not (buyer and buyer.invoice_email):
        yield on_contract(
            terms, "TL-CUS-006", "billing contact",
            " has no billing contact and the account no invoice e-mail. Enter one of them in the CRM.",
        )  # fmt: skip


def _dates(terms: SignedTerms) -> Iterator[Finding]:
    for name, day in (("effective date", terms.effective_on), ("start date", terms.start_on)):
        if day is None:
            yield on_contract(terms, "TL-CON-015", name, f" has no {name}. Enter it on the deal as signed.")
    ends = [("", terms.start_on, terms.end_on)]
    ends += [
        (f", line {line.code}", line.start_on or terms.start_on, line.end_on) for line in sold_lines(terms)
    ]  # fmt: skip
    for where, start, end in ends:
        if start is not None and end is not None and end < start:
            yield on_contract(
                terms, "TL-CON-015", f"end date{where}",
                f"{where} ends on {end:%d %b %Y}, before it starts on {start:%d %b %Y}. Correct the dates on the deal.",
            )  # fmt: skip


def _line_codes(terms: SignedTerms) -> Iterator[Finding]:
    if not sold_lines(terms):
        yield on_contract(
            terms, "TL-CON-015", "lines", " has no lines. Add what was sold to the deal in the CRM, as signed."
        )
    for code, times in sorted(Counter(line.code for line in terms.lines).items()):
        if times > 1:
            yield on_contract(
                terms, "TL-CON-015", f"line {code}",
                f" has {times} lines called '{code}'. Give each its own code on the deal.",
            )  # fmt: skip


def hold_without_po(terms: SignedTerms) -> str:
    """What the billing hold says while the customer's PO number is missing; empty when none is needed. DOM-2.2."""
    bare = terms.model_copy(update={"po_number": ""})
    return " ".join(item.message for item in _purchase_order(bare) if item.severity is Severity.HOLD)


def _purchase_order(terms: SignedTerms) -> Iterator[Finding]:
    if terms.po_required and not terms.po_number:
        yield on_contract(
            terms, "TL-CON-002", "PO number",
            ": the customer requires a PO; none is recorded. The project may start, invoices wait. "
            "Enter the PO number on the deal.",
            severity=Severity.HOLD,
        )  # fmt: skip
    sold, limit = terms.values.exercised, terms.po_limit
    if limit is None or sold is None or limit.currency != sold.currency or sold <= limit:
        return
    yield on_contract(
        terms, "TL-CON-003", "PO limit",
        f": PO {terms.po_number or '(no number)'} covers {limit}; the contract is {sold}. Ask for an increase of "
        f"{sold - limit}, or invoices stop at the limit.",
        severity=Severity.WARN, stake=sold - limit,
    )  # fmt: skip


def _funding(terms: SignedTerms) -> Iterator[Finding]:
    sold, funded = terms.values.exercised, terms.values.funded
    if sold is not None and funded is not None and sold.amount > 0 and funded.is_zero:
        yield on_contract(
            terms, "TL-CON-017", "value funded",
            f": sold {sold}, funded {funded}: nothing may be invoiced yet. It waits for funding.",
            severity=Severity.HOLD, stake=sold,
        )  # fmt: skip


def _left_out(terms: SignedTerms) -> Iterator[Finding]:
    """What the plan drops on purpose, said so that nobody has to find out."""
    options = [line.code for line in terms.lines if line.is_option]
    if options:
        yield on_contract(
            terms, "TL-CON-015", "options",
            f": option lines {', '.join(options)} are not exercised, so they are not set up.", severity=Severity.WARN,
        )  # fmt: skip
    for line in sold_lines(terms):
        if line.net_price is not None and line.net_price.is_zero:
            yield on_contract(
                terms, "TL-CON-004", f"line {line.code}: price",
                f", line {line.code} is of nothing and is left out of the ERP contract.", severity=Severity.WARN,
            )  # fmt: skip
    by_time = [line for line in sold_lines(terms) if line.billing_type in ESTIMATED]
    if by_time and not terms.expense_policy:
        yield on_contract(
            terms, "TL-CON-015", "expense policy",
            " does not say which expenses may be billed. Enter the expense policy before the first invoice.",
            severity=Severity.WARN,
        )  # fmt: skip
