from __future__ import annotations

import pytest

from connectors.tryton.chart import Item, ReferenceBook, ReferenceData
from models.errors import NeedsRepair


def _data(**items: Item) -> ReferenceData:
    return ReferenceData(
        companies={}, currencies={}, countries={}, terms={}, items=items, cost_centres={}, roots={},
        contact_relation=None,
    )  # fmt: skip


async def test_what_was_missing_is_read_anew_and_what_was_found_is_kept() -> None:
    there = [_data()]
    reads: list[ReferenceData] = []

    async def load() -> ReferenceData:
        reads.append(there[0])
        return there[0]

    book = ReferenceBook(load, 300.0)
    with pytest.raises(NeedsRepair, match="no active product with the code LAB"):
        (await book.current()).item("LAB")
    there[0] = _data(LAB=Item(product=1, unit=1, taxes=()))
    assert (await book.current()).item("LAB").product == 1
    assert (await book.current()).item("LAB").product == 1
    assert len(reads) == 2
