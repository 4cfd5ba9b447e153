"""Stops of milestones and billing types: code, terms and the sentence a person reads."""

from __future__ import annotations

from datetime import date

from tests.unit.changed_terms import one_line, one_milestone
from tests.unit.signed_terms import (
    cost_plus,
    fixed_fee,
    line,
    mixed,
    money,
    percent_complete,
    retainer,
    time_billed,
)

__all__ = ["BY_TYPE", "MILESTONES"]

MILESTONES = [
    (
        "TL-CON-015",
        fixed_fee(milestones=[]),
        "Contract C-1001, line 1 is billed by milestones but has none. Enter them on the deal as signed.",
    ),
    (
        "TL-CON-015",
        one_milestone(trigger=None),
        "Contract C-1001, milestone M1 has no trigger. Enter it on the deal as signed.",
    ),
    (
        "TL-CON-015",
        one_milestone(due_on=None, trigger=None),
        "Contract C-1001, milestone M1 has no planned date and trigger. Enter it on the deal as signed.",
    ),
    (
        "TL-CON-015",
        fixed_fee(
            acceptance_person="",
            milestones=[
                row.model_dump() | {"trigger": "acceptance" if row.code == "M2" else "date"}
                for row in fixed_fee().milestones
            ],
        ),
        (
            "Contract C-1001, milestone M2 needs an acceptance but nobody is named who accepts. Name "
            "the person on the deal."
        ),
    ),
    (
        "TL-CON-011",
        one_milestone(due_on=date(2028, 1, 31)),
        (
            "Contract C-1001, milestone M1 is due on 31 Jan 2028, after the contract ends (01 Jan 2027 "
            "to 31 Dec 2027). "
            "Correct the date on the deal, or confirm that it was signed like this."
        ),
    ),
    (
        "TL-CON-011",
        one_milestone(due_on=date(2026, 12, 31)),
        (
            "Contract C-1001, milestone M1 is due on 31 Dec 2026, before the contract starts (01 Jan "
            "2027 to 31 Dec 2027). "
            "Correct the date on the deal, or confirm that it was signed like this."
        ),
    ),
    (
        "TL-CON-004",
        one_milestone(amount=money("38475.01")),
        (
            "Contract C-1001: the milestones add up to USD 128,250.00, the lines they bill to USD "
            "128,249.99. Nobody may "
            "change sold terms here: correct the quote in the CRM, or sign again."
        ),
    ),
    (
        "TL-CON-015",
        one_milestone(code="M2"),
        "Contract C-1001 has 2 milestones called M2. Give each its own code on the deal.",
    ),
    (
        "TL-CON-015",
        one_milestone(line_codes=("1", "9")),
        (
            "Contract C-1001 has a milestone for line 9, which is not billed by milestones. Correct "
            "the line codes on the deal."
        ),
    ),
    (
        "TL-CON-015",
        time_billed(milestones=fixed_fee().milestones),
        (
            "Contract C-1001 has 3 milestones but no line that is billed by milestones. "
            "Set the billing type of the line they bill, or remove them on the deal."
        ),
    ),
    (
        "TL-CON-015",
        fixed_fee(end_on=None, lines=[line("1", "milestones", "128249.99")], header_discount_percent=0),
        "Contract C-1001, line 1 has a fixed price but no end date. Enter it on the deal as signed.",
    ),
]

BY_TYPE = [
    (
        "TL-CON-015",
        one_line(percent_complete(), cost_budget=None),
        "Contract C-1001, line 1 is billed by progress but has no cost budget. Enter it on the deal.",
    ),
    (
        "TL-CON-015",
        one_line(percent_complete(), progress_measure=""),
        (
            "Contract C-1001, line 1 is billed by progress, measured by nothing. "
            "Choose cost, hours, units or PM estimate on the deal."
        ),
    ),
    (
        "TL-CON-010",
        time_billed(rates=[{"role": "data architect", "currency": "USD"}]),
        "Contract C-1001 sells the role 'data architect' on line 1, but no rate for it. Enter it from the paper.",
    ),
    (
        "TL-CON-010",
        time_billed(rates=[]),
        "Contract C-1001, line 1 is billed by time but the contract has no rates. Enter them from the paper.",
    ),
    (
        "TL-CON-010",
        time_billed(rates=[{"role": "Partner", "rate_per_hour": "1", "currency": "EUR"}]),
        "Contract C-1001 is in USD, but the rate of 'Partner' is in EUR. Correct the rate card.",
    ),
    (
        "TL-CON-015",
        time_billed(end_on=None),
        "Contract C-1001, line 1 is billed by time and has neither an end date nor a notice clause. Enter one of them.",
    ),
    (
        "TL-CON-015",
        one_line(time_billed(capped=True), cap_scope=None),
        "Contract C-1001, line 1: what counts against the cap, labour only or all? Choose it on the deal.",
    ),
    (
        "TL-CON-015",
        one_line(time_billed(capped=True, values={"exercised": money("48000.00")}), cap=None),
        "Contract C-1001, line 1 is capped but names no amount. Enter the cap on the deal as signed.",
    ),
    (
        "TL-CON-015",
        mixed(
            values={"cap": money("6000.000", "BHD")},
            lines=[mixed().lines[0], mixed().lines[1].model_dump() | {"cap": None}, mixed().lines[2]],
        ),
        "Contract C-1001 has a cap of BHD 6,000.000 on the whole, but several lines. Enter line 2's own part.",
    ),
    (
        "TL-CON-015",
        one_line(time_billed(rates=[{"role": "Partner", "rate_per_hour": "1"}]), net_price=None),
        "Contract C-1001, line 1 has no estimate. Enter it on the deal as signed.",
    ),
    (
        "TL-CON-015",
        one_line(retainer(), period_anchor=None),
        "Contract C-1001, line 1 is a retainer: choose anniversary or calendar periods on the deal.",
    ),
    (
        "TL-CON-015",
        one_line(retainer(), billed_in=None),
        "Contract C-1001, line 1 is a retainer: choose advance or arrears on the deal.",
    ),
    (
        "TL-CON-015",
        one_line(retainer(), bill_frequency="On Event"),
        "Contract C-1001, line 1 is a retainer billed 'On Event', which is no period. Choose monthly or quarterly.",
    ),
    (
        "TL-CON-004",
        one_line(retainer(), fee_per_period=money("833.000", "KWD")),
        (
            "Contract C-1001, line 1 has 12 periods of KWD 833.000, together KWD 9,996.000, but a "
            "price of KWD 10,000.000. "
            "Correct the quote, or sign again."
        ),
    ),
    (
        "TL-CON-015",
        retainer(end_on=None, notice_clause="3 months"),
        (
            "Contract C-1001, line 1 is a retainer without an end but with a total of KWD 10,000.000. "
            "Enter the end, or remove the total."
        ),
    ),
    (
        "TL-CON-015",
        one_line(cost_plus(), fixed_fee=None),
        (
            "Contract C-1001, line 1 is cost plus but has no fee amount (a percentage would grow with cost). "
            "Enter it; 0.00 for no fee."
        ),
    ),
    (
        "TL-CON-015",
        one_line(cost_plus(), indirect_rate_table=""),
        "Contract C-1001, line 1 is cost plus but names no indirect rate table. Enter it.",
    ),
    (
        "TL-CON-004",
        one_line(cost_plus(), fixed_fee=money("214000.01")),
        "Contract C-1001, line 1 has a fee of USD 214,000.01 above its price USD 214,000.00. Correct it.",
    ),
    (
        "TL-CON-004",
        cost_plus(values={"exercised": money("214000.00"), "funded": money("214000.01")}),
        (
            "Contract C-1001 is funded with USD 214,000.01, above its cost and fee of USD 214,000.00. "
            "Correct the values on the deal as signed."
        ),
    ),
]
