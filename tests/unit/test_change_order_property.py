"""Any order and any number of deliveries of a contract's amendments end in the same contract."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models.amending import AmendContract, AmendSchedule, ProposeCreditNote
from models.change_order import Amendment, RowAction, RowChange, Termination
from models.contract_standing import ContractStanding, CreditRef, StandingLine
from models.desk import GivenAnswer
from models.money import Money, decimals_of
from models.plan import Plan, VerdictKind
from models.terms import BillingType
from models.values import SoldValues
from tests.unit.contracts_in_force import added, amendment, answered, invoice, row, standing, verdict_of

_FIRST_DAY = date(2027, 3, 1)
_LATER = datetime(2027, 12, 1, 15, tzinfo=UTC)


def _units(units: int, currency: str) -> Money:
    """An amount given in minor units, so that every currency is tried to its own last decimal."""
    return Money.of(Decimal(units).scaleb(-decimals_of(currency)), currency)


@st.composite
def _contracts(draw: st.DrawFn) -> ContractStanding:
    currency = draw(st.sampled_from(["USD", "EUR", "JPY", "BHD", "KWD"]))
    amounts = [_units(units, currency) for units in draw(st.lists(st.integers(1, 10**7), min_size=1, max_size=5))]
    billed = draw(st.integers(0, len(amounts)))
    total = Money.total(amounts, currency)
    days = [_FIRST_DAY + timedelta(days=30 * place) for place in range(len(amounts))]
    lines = total.split(draw(st.lists(st.integers(1, 9), min_size=1, max_size=3)))
    return standing(
        currency,
        values=SoldValues(exercised=total),
        lines=tuple(
            StandingLine(code=f"L{place}", billing_type=BillingType.MILESTONES, amount=amount, schedule="77")
            for place, amount in enumerate(lines)
        ),
        rows=tuple(
            row(f"M{place}", day, amount, "invoiced", invoice=f"I{place}")
            if place < billed
            else row(f"M{place}", day, amount)
            for place, (day, amount) in enumerate(zip(days, amounts, strict=True))
        ),
        invoices=tuple(
            invoice(f"I{place}", days[place], amounts[place], amounts[place].share(draw(_OPEN_SHARE)))
            for place in range(billed)
        ),
    )


_STOPS = {"TL-CHG-001", "TL-CHG-002", "TL-CHG-004", "TL-CHG-009"}
"""An earlier one is missing, a billed row is split, more is taken than there is, a row to split is not there."""
_OPEN_SHARE = st.sampled_from([Decimal(0), Decimal("0.37"), Decimal(1)])
_NUMBERS = ("M0001", "78", "500", "A", "3")


@st.composite
def _amended(draw: st.DrawFn) -> tuple[ContractStanding, tuple[Amendment, ...], tuple[Amendment, ...]]:
    """A contract, its amendments in sequence, and a delivery of them: shuffled, and some more than once."""
    base = draw(_contracts())
    chain: list[Amendment] = []
    for place in range(draw(st.integers(1, 4))):
        facts = draw(_facts(base.currency, _NUMBERS[place]))
        before = chain[-1] if chain else None
        if before is not None and before.unbilled_percent and "unbilled_percent" in facts and draw(st.booleans()):
            facts["replaces"] = (before.number,)
        chain.append(
            amendment(
                _NUMBERS[place],
                predecessor=before.number if before is not None else "",
                currency=base.currency,
                is_voided=draw(st.integers(0, 9)) == 0,
                **facts,
            )
        )
    twice = draw(st.lists(st.sampled_from(chain), max_size=3))
    return base, tuple(chain), tuple(draw(st.permutations([*chain, *twice])))


def _facts(currency: str, number: str) -> st.SearchStrategy[dict[str, Any]]:
    """What an amendment says: a new total, a difference, a percentage, a row, an end, a termination or a split."""
    amounts = st.integers(1, 10**6).map(lambda units: _units(units, currency))
    totals = st.integers(0, 3 * 10**7).map(lambda units: _units(units, currency))
    parts = st.integers(2, 5)
    return st.one_of(
        totals.map(lambda amount: {"values_after": SoldValues(exercised=amount)}),
        amounts.map(lambda amount: {"value_change": SoldValues(exercised=amount)}),
        st.integers(-99, 50).map(lambda percent: {"unbilled_percent": Decimal(percent)}),
        amounts.map(lambda amount: {"rows": (added(f"N{number}", amount, _FIRST_DAY),)}),
        st.just({"end_on": date(2028, 6, 30)}),
        amounts.map(lambda amount: {"termination": Termination(stops_on=_FIRST_DAY, settlement=amount)}),
        parts.map(lambda count: {"rows": (RowChange(action=RowAction.SPLIT, code="M4", parts=count),)}),
    )


def _delivered(base: ContractStanding, deliveries: tuple[Amendment, ...]) -> ContractStanding:
    """Every delivery leads to a look: what can be planned is written, and the ERP then stands as written."""
    now = base
    known: tuple[Amendment, ...] = ()
    for item in deliveries:
        known = (*known, item)
        verdict = verdict_of(*known, at=now, now=_LATER, answers=_yes(base, deliveries))
        if verdict.kind is VerdictKind.PLAN and verdict.plan is not None:
            now = _written(now, verdict.plan)
        else:
            assert {blocker.code for blocker in verdict.blockers} <= {
                "TL-CHG-001",
                "TL-CHG-002",
                "TL-CHG-004",
                "TL-CHG-009",
            }
    return now


def _yes(base: ContractStanding, deliveries: tuple[Amendment, ...]) -> tuple[GivenAnswer, ...]:
    """A person keeps the money of every credited paid invoice on account."""
    return tuple(
        answered(f"refund:{item.number}:{paid.number}", "on-account") for item in deliveries for paid in base.invoices
    )


def _written(now: ContractStanding, plan: Plan) -> ContractStanding:
    """The ERP after the writes of a plan, by what the writes themselves say."""
    for operation in plan.operations:
        request = operation.request
        if isinstance(request, AmendSchedule):
            kept = tuple(item for item in now.rows if item.schedule != request.schedule)
            now = now.model_copy(update={"rows": (*kept, *request.rows)})
        elif isinstance(request, AmendContract):
            facts = {"lines": request.lines, "values": request.values, "end_on": request.end_on}
            now = now.model_copy(update={**facts, "applied": (*now.applied, *request.applied)})
        elif isinstance(request, ProposeCreditNote):
            credit = CreditRef(number=request.key, amount=request.amount, is_posted=False)
            invoices = tuple(
                item.model_copy(update={"credits": (*item.credits, credit)}) if item.number == request.invoice else item
                for item in now.invoices
            )
            now = now.model_copy(update={"invoices": invoices})
    return now


def _as_billed(now: ContractStanding) -> tuple[object, ...]:
    """What a customer is or will be billed, by every way of looking at it."""
    rows = sorted((item.code, item.due_on, item.amount.amount) for item in now.rows if not item.amount.is_zero)
    lines = sorted((item.code, item.amount.amount) for item in now.lines if not item.amount.is_zero)
    credited = sorted((item.number, item.credited.amount) for item in now.invoices)
    return rows, lines, credited, now.values, now.end_on


@settings(max_examples=150, deadline=None)
@given(_amended())
def test_any_order_and_number_of_deliveries_ends_in_the_same_contract(
    case: tuple[ContractStanding, tuple[Amendment, ...], tuple[Amendment, ...]],
) -> None:
    base, chain, deliveries = case

    ordered = _delivered(base, chain)
    shuffled = _delivered(base, deliveries)

    assert _as_billed(shuffled) == _as_billed(ordered)


@settings(max_examples=150, deadline=None)
@given(_amended())
def test_billed_rows_never_change_and_lines_contract_and_schedule_agree_to_the_minor_unit(
    case: tuple[ContractStanding, tuple[Amendment, ...], tuple[Amendment, ...]],
) -> None:
    base, _, deliveries = case

    after = _delivered(base, deliveries)

    assert [item for item in after.rows if item.is_billed] == [item for item in base.rows if item.is_billed]
    assert [(item.number, item.net) for item in after.invoices] == [(item.number, item.net) for item in base.invoices]
    credited = Money.total((item.credited for item in after.invoices), base.currency)
    schedule = Money.total((item.amount for item in after.rows), base.currency) - credited
    lines = Money.total((item.amount for item in after.lines), base.currency)
    assert schedule == lines == after.values.exercised
    assert all(item.amount.amount >= 0 for item in after.rows)
    assert all(item.credited <= item.net for item in after.invoices)
