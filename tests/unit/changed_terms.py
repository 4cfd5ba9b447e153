"""The sample contracts with one thing changed."""

from __future__ import annotations

from typing import Any

from models.terms import SignedTerms
from tests.unit.signed_terms import (
    PAPER,
    fixed_fee,
)

__all__ = ["BUYER", "one_line", "one_milestone"]


def one_line(terms: SignedTerms, **changes: Any) -> SignedTerms:
    """The same terms with its first line changed."""
    lines = [terms.lines[0].model_dump() | changes, *terms.lines[1:]]
    return SignedTerms.model_validate(terms.model_dump() | {"lines": lines})


def one_milestone(**changes: Any) -> SignedTerms:
    rows = fixed_fee().milestones
    return fixed_fee(milestones=[rows[0].model_dump() | changes, *rows[1:]])


BUYER = PAPER["buyer"]
