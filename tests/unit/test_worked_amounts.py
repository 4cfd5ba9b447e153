"""The worked amounts of progress, time, cap, cost plus and mixed billing, to the minor unit."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_FLOOR, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.cost_plus_billing import CostPlusTerms, allowable_cost, bill_cost_plus
from mappings.progress_billing import bill_for_progress
from mappings.tax_forecast import forecast_tax
from mappings.time_billing import CapRoom, WorkEntry, cap_levels_passed, labour_amount, split_at_cap
from models.money import Money, split_over_lines
from models.terms import CapScope


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def test_e2_percent_complete_bills_earned_less_billed_and_never_a_negative_invoice() -> None:
    billed = Money.zero("EUR")
    table = [
        ("22500.00", "150000.00", "36000.00", "36000.00", "0.00"),
        ("51234.56", "160000.00", "76851.84", "40851.84", "0.00"),
        ("60000.00", "200000.00", "72000.00", "0.00", "4851.84"),
        ("131111.11", "190000.00", "165614.03", "88762.19", "0.00"),
    ]
    for cost, estimate, earned, bill, overbilled in table:
        period = bill_for_progress(
            eur("240000.00"), cost_to_date=eur(cost), estimate_at_completion=eur(estimate), billed_before=billed
        )
        assert (period.earned, period.bill, period.overbilled) == (eur(earned), eur(bill), eur(overbilled))
        billed = period.billed_to_date
    assert billed == eur("165614.03")
    assert forecast_tax(eur("40851.84"), Decimal("0.19")) == eur("7761.85")
    assert forecast_tax(eur("88762.19"), Decimal("0.19")) == eur("16864.82")


def test_progress_without_an_estimate_cannot_be_measured() -> None:
    with pytest.raises(ValueError, match="estimate at completion above zero"):
        bill_for_progress(eur("1"), cost_to_date=eur("1"), estimate_at_completion=eur("0"), billed_before=eur("0"))


def test_e3_time_and_materials_rounds_each_entry_once_and_the_tax_once_per_invoice() -> None:
    hours = [("60000", "3.3"), ("22555", "7.3"), ("22555", "8"), ("22555", "6.25")]
    entries = [labour_amount(Decimal(rate), Decimal(worked), "JPY") for rate, worked in hours]
    assert [int(entry.amount) for entry in entries] == [198_000, 164_652, 180_440, 140_969]
    net = Money.total(entries, "JPY")
    assert net == Money.of(684_061, "JPY")
    assert forecast_tax(net, Decimal("0.10"), rounding=ROUND_FLOOR) == Money.of(68_406, "JPY")
    per_line = Money.total((forecast_tax(entry, Decimal("0.10"), rounding=ROUND_FLOOR) for entry in entries), "JPY")
    assert per_line == Money.of(68_405, "JPY")
    assert labour_amount(Decimal(22_555), Decimal("21.55"), "JPY") == Money.of(486_060, "JPY")


def _march() -> list[WorkEntry]:
    return [
        WorkEntry(code="expense", worked_on=date(2027, 3, 18), amount=usd("312.50"), is_expense=True),
        WorkEntry(code="first", worked_on=date(2027, 3, 2), amount=usd("2000.00")),
        WorkEntry(code="third", worked_on=date(2027, 3, 16), amount=usd("1900.00")),
        WorkEntry(code="second", worked_on=date(2027, 3, 9), amount=usd("1500.00")),
    ]


def test_e4_the_entry_that_crosses_the_cap_is_split_and_the_rest_is_parked() -> None:
    room = CapRoom(cap=usd("50000.00"), billed_before=usd("46200.00"), scope=CapScope.ALL)
    month = split_at_cap(_march(), room)
    assert [entry.amount for entry in month.billed] == [usd("2000.00"), usd("1500.00"), usd("300.00")]
    assert [entry.amount for entry in month.parked] == [usd("1600.00"), usd("312.50")]
    assert Money.total((entry.amount for entry in month.billed), "USD") == usd("3800.00")
    assert Money.total((entry.amount for entry in month.parked), "USD") == usd("1912.50")
    assert month.parked[0].worked_on == date(2027, 3, 16)


def test_e4_a_cap_on_labour_lets_expenses_through() -> None:
    room = CapRoom(cap=usd("50000.00"), billed_before=usd("46200.00"), scope=CapScope.LABOUR)
    month = split_at_cap(_march(), room)
    assert [entry.code for entry in month.billed] == ["first", "second", "third", "expense"]
    assert [entry.amount for entry in month.parked] == [usd("1600.00")]


def test_a_cap_that_is_used_up_parks_everything_whole() -> None:
    room = CapRoom(cap=usd("50000.00"), billed_before=usd("50500.00"), scope=CapScope.ALL)
    month = split_at_cap(_march(), room)
    assert not month.billed
    assert Money.total((entry.amount for entry in month.parked), "USD") == usd("5712.50")


@pytest.mark.parametrize(
    ("forecast", "passed"), [("37499.99", ()), ("37500.00", (75,)), ("42500.00", (75, 85)), ("60000.00", (75, 85))]
)
def test_cap_warnings_look_at_the_forecast(forecast: str, passed: tuple[int, ...]) -> None:
    assert cap_levels_passed(usd("50000.00"), usd(forecast), (75, 85)) == passed


def _cost_plus() -> CostPlusTerms:
    return CostPlusTerms(estimated_cost=usd("200000.00"), fixed_fee=usd("14000.00"), funded=usd("100000.00"))


def test_e6_cost_plus_fixed_fee_bills_cost_and_the_fee_earned_less_the_reserve() -> None:
    cost = allowable_cost(
        labour=usd("12345.67"),
        overhead_rate=Decimal("0.425"),
        other_direct=usd("1000.00"),
        general_and_administrative_rate=Decimal("0.09"),
    )
    assert (cost.overhead, cost.general_and_administrative, cost.total) == (
        usd("5246.91"), usd("1673.33"), usd("20265.91"),
    )  # fmt: skip
    month = bill_cost_plus(
        _cost_plus(), cost.total, cost_before=usd("0"), withheld_before=usd("0"), billed_before=usd("0")
    )
    assert (month.fee_earned, month.withheld, month.invoice) == (usd("1418.61"), usd("212.79"), usd("21471.73"))
    assert month.over_funding.is_zero


def test_e6_the_fee_stays_as_signed_when_cost_overruns() -> None:
    whole = bill_cost_plus(
        _cost_plus().model_copy(update={"funded": usd("300000.00")}),
        usd("230000.00"),
        cost_before=usd("0"),
        withheld_before=usd("0"),
        billed_before=usd("0"),
    )
    assert whole.fee_earned == usd("14000.00")
    assert whole.withheld == usd("2100.00")


def test_e6_nothing_is_billed_above_the_funds_allotted() -> None:
    month = bill_cost_plus(
        _cost_plus(), usd("10000.00"), cost_before=usd("90000.00"), withheld_before=usd("945.00"),
        billed_before=usd("95355.00"),
    )  # fmt: skip
    assert month.invoice == usd("4645.00")
    assert month.over_funding == usd("5950.00")
    assert month.invoice + month.over_funding == usd("10595.00")


def test_e6_the_reserve_is_full_at_the_lesser_of_the_two_limits() -> None:
    month = bill_cost_plus(
        _cost_plus(), usd("20000.00"), cost_before=usd("150000.00"), withheld_before=usd("2000.00"),
        billed_before=usd("0.00"),
    )  # fmt: skip
    assert (month.fee_earned, month.withheld) == (usd("1400.00"), usd("100.00"))


def test_cost_plus_without_an_estimate_is_refused() -> None:
    terms = _cost_plus().model_copy(update={"estimated_cost": usd("0.00")})
    with pytest.raises(ValueError, match="estimate above zero"):
        bill_cost_plus(terms, usd("1"), cost_before=usd("0"), withheld_before=usd("0"), billed_before=usd("0"))


def test_e7_the_january_invoice_of_a_mixed_contract() -> None:
    def bhd(amount: str) -> Money:
        return Money.of(amount, "BHD")

    assessment = bhd("7500.000").split([40, 60])
    assert assessment == (bhd("3000.000"), bhd("4500.000"))
    run = bhd("4000.000").split([1, 1, 1])
    assert run == (bhd("1333.334"), bhd("1333.333"), bhd("1333.333"))
    assert labour_amount(Decimal("45.500"), Decimal(120), "BHD") == bhd("5460.000")
    labour = labour_amount(Decimal("45.500"), Decimal("31.25"), "BHD")
    assert labour == bhd("1421.875")
    net = run[0] + assessment[0] + labour
    assert net == bhd("5755.209")
    tax = forecast_tax(net, Decimal("0.10"))
    assert tax == bhd("575.521")
    assert net + tax == bhd("6330.730")
    assert bhd("7500.000") + bhd("4000.000") == bhd("11500.000")


@pytest.mark.parametrize(
    ("amount", "currency", "weights", "rows"),
    [
        ("100.00", "USD", [1, 1, 1], ["33.34", "33.33", "33.33"]),
        ("100", "JPY", [1, 1, 1], ["34", "33", "33"]),
        ("100.000", "KWD", [1, 1, 1], ["33.334", "33.333", "33.333"]),
        ("-100.00", "USD", [1, 1, 1], ["-33.34", "-33.33", "-33.33"]),
        ("0.05", "USD", [1, 1, 1], ["0.02", "0.02", "0.01"]),
        ("0.01", "USD", [50, 50], ["0.01", "0.00"]),
        ("10.000", "KWD", [1, 2, 4], ["1.429", "2.857", "5.714"]),
        ("100000.00", "EUR", [1] * 12, ["8333.34"] * 4 + ["8333.33"] * 8),
    ],
)
def test_splits_of_the_money_rules(amount: str, currency: str, weights: list[int], rows: list[str]) -> None:
    assert Money.of(amount, currency).split(weights) == tuple(Money.of(row, currency) for row in rows)


def test_e1_header_discount_milestones_and_lines_add_up_both_ways() -> None:
    lines = [usd("40000.00"), usd("85000.00"), usd("9999.99")]
    discount = Money.total(lines, "USD").share(Decimal("0.05"))
    assert discount == usd("6750.00")
    shares = discount.split([line.amount for line in lines])
    assert shares == (usd("2000.00"), usd("4250.00"), usd("500.00"))
    net = [line - share for line, share in zip(lines, shares, strict=True)]
    assert net == [usd("38000.00"), usd("80750.00"), usd("9499.99")]
    total = Money.total(net, "USD")
    assert total == usd("128249.99")
    milestones = total.split([30, 40, 30])
    assert milestones == (usd("38475.00"), usd("51299.99"), usd("38475.00"))
    assert split_over_lines(milestones, net) == (
        (usd("11400.00"), usd("24225.00"), usd("2850.00")),
        (usd("15200.00"), usd("32300.00"), usd("3799.99")),
        (usd("11400.00"), usd("24225.00"), usd("2850.00")),
    )
    assert forecast_tax(milestones[0], Decimal("0.0825")) == usd("3174.19")


def test_retention_is_due_on_final_acceptance_and_no_discount() -> None:
    gross = usd("40000.00")
    retained = gross.share(Decimal("0.10"))
    assert (gross - retained, retained) == (usd("36000.00"), usd("4000.00"))


cents = st.integers(min_value=0, max_value=10**9).map(lambda units: Money.of(Decimal(units) / 100, "USD"))


@given(st.lists(cents, max_size=12), cents, cents)
def test_a_cap_never_invents_or_loses_a_cent(amounts: list[Money], cap: Money, billed: Money) -> None:
    entries = [
        WorkEntry(code=str(number), worked_on=date(2027, 3, 1 + number % 28), amount=amount)
        for number, amount in enumerate(amounts)
    ]
    month = split_at_cap(entries, CapRoom(cap=cap, billed_before=billed, scope=CapScope.ALL))
    billed_now = Money.total((entry.amount for entry in month.billed), "USD")
    parked = Money.total((entry.amount for entry in month.parked), "USD")
    assert billed_now + parked == Money.total(amounts, "USD")
    assert billed_now <= max(cap - billed, usd("0"))


@given(st.lists(cents.filter(lambda cost: not cost.is_zero), min_size=1, max_size=12), cents)
def test_progress_bills_add_up_to_what_is_earned(costs: list[Money], fee: Money) -> None:
    estimate = Money.total(costs, "USD")
    billed, done = usd("0"), usd("0")
    for cost in costs:
        done = done + cost
        period = bill_for_progress(fee, cost_to_date=done, estimate_at_completion=estimate, billed_before=billed)
        billed = period.billed_to_date
    assert billed == fee
