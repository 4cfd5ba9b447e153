from __future__ import annotations

import itertools
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.line_prices import net_prices
from mappings.schedules import milestone_rows, retainer_rows, service_periods
from models.money import Money
from models.terms import PeriodAnchor
from tests.unit.signed_terms import fixed_fee, line, mixed, money, retainer


def kwd(amount: str) -> Money:
    return money(amount, "KWD")


def test_e5_a_retainer_by_anniversary_months_in_advance() -> None:
    terms = retainer("anniversary")
    rows = retainer_rows(terms, terms.lines[0], kwd("10000.000"))
    assert [row.amount for row in rows] == [kwd("833.334")] * 4 + [kwd("833.333")] * 8
    assert rows[0].due_on == rows[0].service_from == date(2027, 1, 15)
    assert rows[0].service_until == date(2027, 2, 14)
    assert rows[-1].service_until == date(2028, 1, 14)


def test_e5_a_retainer_by_calendar_months_is_prorated_by_actual_days() -> None:
    terms = retainer("calendar")
    rows = retainer_rows(terms, terms.lines[0], kwd("10000.000"))
    assert [row.amount for row in rows] == [
        kwd("456.989"), *[kwd("833.334")] * 4, *[kwd("833.333")] * 7, kwd("376.344"),
    ]  # fmt: skip
    assert len(rows) == 13
    assert rows[0].due_on == date(2027, 1, 15)
    assert (rows[1].service_from, rows[-1].service_from) == (date(2027, 2, 1), date(2028, 1, 1))


def test_e7_the_run_service_of_a_mixed_contract() -> None:
    terms = mixed()
    rows = retainer_rows(terms, terms.lines[2], money("4000.000", "BHD"))
    assert [row.amount for row in rows] == [money(amount, "BHD") for amount in ("1333.334", "1333.333", "1333.333")]


def test_a_retainer_in_arrears_is_due_when_its_period_ends() -> None:
    terms = retainer(lines=[{**retainer().lines[0].model_dump(), "billed_in": "arrears"}])
    rows = retainer_rows(terms, terms.lines[0], kwd("10000.000"))
    assert rows[0].due_on == date(2027, 2, 14)


def test_e1_the_header_discount_is_spread_into_the_lines() -> None:
    assert list(net_prices(fixed_fee()).values()) == [money("38000.00"), money("80750.00"), money("9499.99")]


def test_milestones_come_in_time_and_rows_of_nothing_are_dropped() -> None:
    rows = [
        {"code": "B", "due_on": date(2027, 5, 1), "amount": money("1.00"), "trigger": "date"},
        {"code": "Z", "due_on": date(2027, 4, 1), "amount": money("0.00"), "trigger": "date"},
        {"code": "A", "due_on": date(2027, 3, 1), "amount": money("2.00"), "trigger": "date"},
    ]
    assert [row.code for row in milestone_rows(fixed_fee(milestones=rows).milestones)] == ["A", "B"]


@pytest.mark.parametrize("anchor", list(PeriodAnchor))
@given(start=st.dates(date(2020, 1, 1), date(2035, 1, 1)), days=st.integers(0, 800))
def test_periods_cover_every_day_once(anchor: PeriodAnchor, start: date, days: int) -> None:
    end = start + timedelta(days=days)
    periods = list(service_periods(start, end, anchor))
    assert periods[0][0] == start
    assert periods[-1][1] == end
    for (_, before), (after, _) in itertools.pairwise(periods):
        assert after == before + timedelta(days=1)


@given(
    units=st.integers(1, 10**9),
    currency=st.sampled_from(["JPY", "USD", "KWD"]),
    anchor=st.sampled_from(["anniversary", "calendar"]),
    days=st.integers(0, 900),
)
def test_a_retainer_schedule_adds_up_to_its_price(units: int, currency: str, anchor: str, days: int) -> None:
    price = Money.of(Decimal(units), currency)
    terms = retainer(
        anchor, currency=currency, end_on=date(2027, 1, 15) + timedelta(days=days),
        lines=[line("1", "retainer", str(units), currency, billed_in="advance", period_anchor=anchor)],
    )  # fmt: skip
    rows = retainer_rows(terms, terms.lines[0], price)
    assert Money.total((row.amount for row in rows), currency) == price
    assert all(row.amount.amount > 0 for row in rows)


@given(
    prices=st.lists(st.integers(1, 10**8), min_size=1, max_size=8),
    percent=st.decimals(0, 60, places=2),
)
def test_a_header_discount_never_moves_the_total(prices: list[int], percent: Decimal) -> None:
    amounts = [Money.of(Decimal(price) / 100, "USD") for price in prices]
    terms = fixed_fee(
        header_discount_percent=percent,
        lines=[line(str(code), "milestones", str(amount.amount)) for code, amount in enumerate(amounts)],
    )
    gross = Money.total(amounts, "USD")
    assert Money.total(net_prices(terms).values(), "USD") == gross - gross.share(percent / 100)
