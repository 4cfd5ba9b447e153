"""Every stop that signed terms can cause: code, terms and the sentence a person reads."""

from __future__ import annotations

from datetime import date

from tests.unit.billing_sentences import BY_TYPE, MILESTONES
from tests.unit.changed_terms import BUYER, one_line
from tests.unit.signed_terms import (
    fixed_fee,
    line,
    money,
    time_billed,
)

__all__ = ["ALL"]

SIGNATURES_AND_PARTIES = [
    (
        "TL-CON-001",
        fixed_fee(company_signed_on=None),
        (
            "Contract C-1001: the customer signed on 04 Jan 2027; our signature is missing. "
            "It goes on by itself when our date is on the deal; remind the signer."
        ),
    ),
    (
        "TL-CON-001",
        fixed_fee(customer_signed_on=None),
        (
            "Contract C-1001: we signed on 05 Jan 2027; the customer's signature is missing. "
            "It goes on by itself when the customer's date is on the deal; remind the signer."
        ),
    ),
    (
        "TL-CON-001",
        fixed_fee(customer_signed_on=None, company_signed_on=None),
        "Contract C-1001: both signatures are missing. It goes on by itself when their dates are on the deal.",
    ),
    (
        "TL-CON-005",
        fixed_fee(signing_entity="Harbour & Finch SARL"),
        (
            "Contract C-1001 names 'Harbour & Finch SARL' as our side. Enter one of our companies as "
            "it stands on the paper: "
            "Harbour & Finch Consulting Inc.; Harbour & Finch Federal LLC; Harbour & Finch Ltd; Harbour & Finch GmbH; "
            "Harbour & Finch KK."
        ),
    ),
    (
        "TL-CON-016",
        fixed_fee(buyer=None),
        "Contract C-1001: deal Northwind: finance review has no customer. Choose its account in the CRM, then repair.",
    ),
    (
        "TL-CON-015",
        fixed_fee(customer_legal_name="", buyer=BUYER | {"legal_name": ""}),
        (
            "Contract C-1001 does not say who the customer is by law. "
            "Enter the customer's legal name on the deal from the paper."
        ),
    ),
    (
        "TL-CUS-006",
        fixed_fee(bill_to={}, buyer=BUYER | {"address": {"country": "US"}}),
        "Contract C-1001 has no bill-to address. Enter street, postal code and town; invoices go there.",
    ),
    (
        "TL-CUS-006",
        fixed_fee(contacts=[], buyer=BUYER | {"invoice_email": ""}),
        "Contract C-1001 has no billing contact and the account no invoice e-mail. Enter one of them in the CRM.",
    ),
    (
        "TL-CUS-006",
        fixed_fee(buyer=BUYER | {"address": {"street": "1 Main St"}}),
        "The country of Northwind Traders is unknown, so its tax rules are. Enter its two-letter code (US).",
    ),
    (
        "TL-CUS-005",
        fixed_fee(buyer=BUYER | {"name": "Miscellaneous", "legal_name": "Miscellaneous"}),
        '"Miscellaneous" is a placeholder, not a customer. Enter the legal name of the buyer on the CRM account.',
    ),
]

DATES_AND_LINES = [
    (
        "TL-CON-015",
        fixed_fee(effective_on=None),
        "Contract C-1001 has no effective date. Enter it on the deal as signed.",
    ),
    ("TL-CON-015", time_billed(start_on=None), "Contract C-1001 has no start date. Enter it on the deal as signed."),
    (
        "TL-CON-015",
        time_billed(end_on=date(2027, 1, 1)),
        "Contract C-1001 ends on 01 Jan 2027, before it starts on 15 Jan 2027. Correct the dates on the deal.",
    ),
    (
        "TL-CON-015",
        time_billed(lines=[]),
        "Contract C-1001 has no lines. Add what was sold to the deal in the CRM, as signed.",
    ),
    (
        "TL-CON-015",
        time_billed(lines=[line("1", "time-and-materials", "1.00")] * 2),
        "Contract C-1001 has 2 lines called '1'. Give each its own code on the deal.",
    ),
    (
        "TL-CON-009",
        one_line(time_billed(), billing_type=None),
        "Contract C-1001, line 1 has no billing type. Choose it on the deal.",
    ),
    (
        "TL-CON-008",
        one_line(time_billed(), service_line="AI advisory"),
        (
            "Service line 'AI advisory' of contract C-1001 has no project template. "
            "Choose the service line it is booked under."
        ),
    ),
    (
        "TL-CON-008",
        fixed_fee(lines=[*fixed_fee().lines[:2], fixed_fee().lines[2].model_dump() | {"service_line": "Goods"}]),
        (
            "Contract C-1001, line 3 sells Goods. This contract sells goods, not services work. "
            "Tieline opens projects; book "
            "goods through the order process. Take the line out of this deal in the CRM."
        ),
    ),
    (
        "TL-CON-007",
        fixed_fee(payment_terms="net 75"),
        (
            "Contract C-1001 has terms 'net 75', which have no code for Harbour & Finch Consulting "
            "Inc.; our rules go up to "
            "60 days. Choose the code that means what was signed."
        ),
    ),
    (
        "TL-CON-007",
        fixed_fee(payment_terms=""),
        (
            "Contract C-1001 states no payment terms; our rules go up to 60 days. Choose the code that "
            "means what was signed."
        ),
    ),
]

MONEY = [
    (
        "TL-CON-006",
        time_billed(currency="USX", values={}, lines=[line("1", "time-and-materials", "1.00", "USX")]),
        "Contract C-1001: currency 'USX' is no ISO 4217 code. Correct the currency of the deal in the CRM.",
    ),
    (
        "TL-CON-006",
        time_billed(currency="CHF", values={}, lines=[line("1", "time-and-materials", "1.00", "CHF")]),
        "Contract C-1001: currency CHF is not set up in the ERP. Set it up there, then repair to look again.",
    ),
    (
        "TL-CON-004",
        one_line(time_billed(), net_price=money("1.00", "EUR")),
        (
            "Contract C-1001 is in USD, but its line 1: price is in EUR. Correct it on the deal; one "
            "contract has one currency."
        ),
    ),
    (
        "TL-CON-004",
        fixed_fee(header_discount_percent="100"),
        "Contract C-1001 has a header discount of 100%. Enter 0 to 99.99 on the deal as signed.",
    ),
    (
        "TL-CON-004",
        one_line(fixed_fee(), net_price=money("-6750.00")),
        "Contract C-1001, line 1 is negative (USD -6,750.00). Spread a discount into the line prices on the deal.",
    ),
    (
        "TL-CON-004",
        fixed_fee(signed_total=money("128250.00")),
        (
            "Contract C-1001: the signed document says USD 128,250.00, the lines add up to USD "
            "128,249.99. Nobody may change "
            "sold terms here: correct the quote in the CRM, or sign again."
        ),
    ),
    (
        "TL-CON-004",
        fixed_fee(values={"exercised": money("128249.98")}),
        (
            "Contract C-1001: the value sold says USD 128,249.98, the lines add up to USD 128,249.99. "
            "Nobody may change "
            "sold terms here: correct the quote in the CRM, or sign again."
        ),
    ),
    (
        "TL-CON-004",
        fixed_fee(values={"exercised": money("128249.99"), "with_options": money("1.00")}),
        (
            "Contract C-1001: the value with options USD 1.00 is below the value sold USD 128,249.99. "
            "Correct the values on the deal."
        ),
    ),
    (
        "TL-CON-004",
        fixed_fee(
            values={"exercised": money("128249.99"), "with_options": money("128249.99"), "funded": money("128250.00")}
        ),
        (
            "Contract C-1001 is funded with USD 128,250.00, above its value with options USD 128,249.99. "
            "Correct the values on the deal."
        ),
    ),
    (
        "TL-CON-015",
        fixed_fee(signed_total=None, values={}),
        (
            "Contract C-1001: neither the signed total nor the value sold is stated. Enter them on the "
            "deal from the paper."
        ),
    ),
    (
        "TL-CON-004",
        time_billed(values={}, lines=[line("1", "time-and-materials", "0.00")]),
        (
            "Contract C-1001 is sold for USD 0.00. Work without a price is no contract: open the "
            "project by hand, or correct it."
        ),
    ),
    (
        "TL-CON-004",
        time_billed(values={"exercised": money("-1.00")}),
        "Contract C-1001: the value sold is negative (USD -1.00). Correct it on the deal as signed.",
    ),
]

MONEY += [
    (
        "TL-CON-004",
        one_line(time_billed(), net_price={"amount": "48000.005", "currency": "USD"}),
        (
            "Contract C-1001: its line 1: price is 48000.005 USD, finer than the currency allows (2 decimals). "
            "Correct it on the deal as signed."
        ),
    ),
    (
        "TL-CON-001",
        fixed_fee(company_signed_on=None, is_at_risk=True),
        (
            "Contract C-1001: the customer signed on 04 Jan 2027; our signature is missing. It goes on by itself when "
            "our date is on the deal; remind the signer. Work at risk: open its project by hand, not billable, with "
            "this contract number; it is found by it."
        ),
    ),
]

PAPERS = [
    (
        "TL-CON-012",
        fixed_fee(is_framework=True),
        (
            "Contract C-1001 is a framework agreement; there is nothing to bill until a call-off. "
            "Confirm that only its terms are kept, or correct the deal."
        ),
    ),
    (
        "TL-CHG-001",
        fixed_fee(amendment_number="3"),
        (
            "Contract C-1001: amendment 3 is a change order of a contract that is not set up here. "
            "It waits for the base contract; is that deal won in the CRM?"
        ),
    ),
]

ALL = SIGNATURES_AND_PARTIES + DATES_AND_LINES + MONEY + MILESTONES + BY_TYPE + PAPERS
