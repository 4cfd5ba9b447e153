"""Contracts that need no signature, one, or two; and buyers that stop a plan."""

from __future__ import annotations

from typing import Any

from models.terms import SignedTerms
from tests.unit import signed_terms
from tests.unit.signed_terms import PAPER, line, money

__all__ = ["buyer", "checked", "simple", "two_signatures"]


def simple(**changes: Any) -> SignedTerms:
    """Three milestones for a known kind of buyer: nobody must sign."""
    return signed_terms.fixed_fee(**changes)


def checked(**changes: Any) -> SignedTerms:
    """Over USD 250,000: finance operations must sign."""
    return _one_milestone("400000.00", **changes)


def two_signatures(**changes: Any) -> SignedTerms:
    """Over USD 1,000,000: finance operations and a controller."""
    return _one_milestone("2000000.00", **changes)


def buyer(**changes: Any) -> dict[str, Any]:
    """The buyer of the sample paper, changed."""
    return {**PAPER["buyer"], **changes}


def _one_milestone(total: str, **changes: Any) -> SignedTerms:
    amount = money(total)
    base: dict[str, Any] = {
        "header_discount_percent": "0",
        "signed_total": amount,
        "values": {"exercised": amount, "funded": amount, "with_options": amount},
        "lines": [line("1", "milestones", total)],
        "milestones": [
            {"code": "M1", "name": "Report", "due_on": PAPER["end_on"], "amount": amount, "trigger": "acceptance"}
        ],
    }
    return signed_terms.fixed_fee(**{**base, **changes})
