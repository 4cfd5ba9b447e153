from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.due_dates import DueCounting, PaymentTerms, due_on, read_payment_terms

INVOICED = date(2027, 1, 31)


@pytest.mark.parametrize(
    ("words", "due"),
    [
        ("net 30", date(2027, 3, 2)),
        ("Net 30", date(2027, 3, 2)),
        ("30 days", date(2027, 3, 2)),
        ("net 45", date(2027, 3, 17)),
        ("45 days, end of month", date(2027, 3, 31)),
        ("end of month + 45", date(2027, 3, 17)),
        ("30 days end of month", date(2027, 3, 31)),
        ("15th of the following month", date(2027, 2, 15)),
        ("31st of the following month", date(2027, 2, 28)),
        ("Due on receipt", INVOICED),
    ],
)
def test_due_dates_of_an_invoice_of_31_january_2027(words: str, due: date) -> None:
    terms = read_payment_terms(words)
    assert terms is not None
    assert due_on(INVOICED, terms) == due


@pytest.mark.parametrize("words", ["", "as agreed", "45 days or end of month", "40th of the following month", "net"])
def test_words_that_are_not_plain_are_not_guessed(words: str) -> None:
    assert read_payment_terms(words) is None


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 120), st.sampled_from(DueCounting))
def test_an_invoice_is_never_due_before_its_date(invoiced: date, days: int, counting: DueCounting) -> None:
    number = max(1, days % 31) if counting is DueCounting.DAY_OF_NEXT_MONTH else days
    assert due_on(invoiced, PaymentTerms(counting=counting, days=number)) >= invoiced
