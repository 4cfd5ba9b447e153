"""One page of invoices, with a feed, a board and a book in memory: order, skew, lost answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from activities.feedback_page import FeedbackPage, Wanted
from models.errors import NeedsRepair, OutcomeUnknown, Retryable
from models.feedback import CardOutcome, InvoiceCard, Tally
from models.ids import ConnectionId, ContractNumber, DealId, ExternalKey, FirmId
from models.invoice import Amounts, DocumentState, Invoice, SourceVersion
from models.money import Money
from ports.billing_feed import KeptInvoice

HF, ERP, CRM = FirmId("hf"), ConnectionId("erp-main"), ConnectionId("crm-main")
NOON = datetime(2027, 4, 14, 12, 0, tzinfo=UTC)
TODAY = date(2027, 4, 14)


def picture(number: int = 1, *, paid: str = "0", changed: int = 0, read: int | None = None) -> Invoice:
    """As it was at that minute, read at that minute."""
    none = Money.zero("EUR")
    return Invoice(
        connection=ERP, record_id=str(number), number=f"INV-{number}", contract_number=ContractNumber("C-1"),
        document=DocumentState.POSTED, issued_on=date(2027, 3, 3), due_on=date(2027, 5, 2),
        amounts=Amounts(gross=Money.of(100, "EUR"), paid=Money.of(paid, "EUR"), credited=none, written_off=none,
                        withheld=none),
        version=SourceVersion(
            changed_at=NOON + timedelta(minutes=changed),
            read_at=NOON + timedelta(minutes=changed if read is None else read),
        ),
    )  # fmt: skip


class Erp:
    """Only asked again about documents whose stamps do not tell."""

    connection = ERP

    def __init__(self) -> None:
        self.now: dict[str, Invoice] = {}
        self.asked: list[str] = []

    async def find_invoices(self, record_ids: Sequence[str]) -> tuple[Invoice, ...]:
        self.asked += record_ids
        return tuple(self.now[one] for one in record_ids)


class Board:
    """Shows what it is told; can lose an answer after it did, lock rows and refuse them."""

    connection = CRM

    def __init__(self) -> None:
        self.shown: dict[ExternalKey, InvoiceCard] = {}
        self.calls: list[int] = []
        self.loses_answer = False
        self.outcome: dict[str, CardOutcome] = {}

    async def find_cards(self, keys: Sequence[ExternalKey]) -> Mapping[ExternalKey, str]:
        return {key: self.shown[key].digest for key in keys if key in self.shown}

    async def ensure_cards(self, cards: Sequence[InvoiceCard]) -> tuple[CardOutcome, ...]:
        self.calls.append(len(cards))
        said = []
        for card in cards:
            bad = self.outcome.get(card.number)
            if bad is None:
                self.shown[card.key] = card
            said.append(bad.model_copy(update={"key": card.key}) if bad else CardOutcome(key=card.key, is_shown=True))
        if self.loses_answer:
            self.loses_answer = False
            raise OutcomeUnknown("No answer.")
        return tuple(said)

    @property
    def paid(self) -> dict[str, str]:
        return {card.number: str(card.invoice.amounts.paid.amount) for card in self.shown.values()}


class Book:
    """What is known, by record id."""

    def __init__(self) -> None:
        self.kept: dict[str, KeptInvoice] = {}

    async def find_deals(
        self, firm: FirmId, crm: ConnectionId, contracts: Sequence[ContractNumber]
    ) -> Mapping[ContractNumber, DealId]:
        return {one: DealId("006-1") for one in contracts if one == "C-1"}

    async def find_customers(self, firm: FirmId, erp: ConnectionId, customers: Sequence[str]) -> frozenset[str]:
        return frozenset()

    async def find_kept(self, connection: ConnectionId, record_ids: Sequence[str]) -> Mapping[str, KeptInvoice]:
        return {one: self.kept[one] for one in record_ids if one in self.kept}

    async def intend(self, firm: FirmId, kept: Sequence[KeptInvoice]) -> None:
        self.kept.update({one.invoice.record_id: one for one in kept})

    async def settle(self, firm: FirmId, kept: Sequence[KeptInvoice]) -> None:
        await self.intend(firm, kept)


class Scene:
    def __init__(self) -> None:
        self.erp, self.board, self.book = Erp(), Board(), Book()
        self.told: list[str] = []

    async def show(self, *pictures: Invoice, **how: Any) -> Tally:
        async def refused(wanted: Wanted, outcome: CardOutcome) -> None:
            self.told.append(f"refused {wanted.card.number}")

        async def mended(wanted: Wanted) -> None:
            self.told.append(f"mended {wanted.card.number}")

        page = FeedbackPage(
            HF, self.erp, self.board, self.book, on_refused=refused, on_mended=mended,  # type: ignore[arg-type]
        )  # fmt: skip
        return await page.show(pictures, TODAY, **how)


async def test_out_of_order_pictures_never_take_a_newer_state_back() -> None:
    scene = Scene()
    await scene.show(picture(paid="100", changed=10))
    tally = await scene.show(picture(paid="40", changed=5, read=5))
    assert (tally.older, tally.shown, scene.board.paid) == (1, 0, {"INV-1": "100.00"})


async def test_a_newer_picture_that_is_lower_is_shown() -> None:
    scene = Scene()
    await scene.show(picture(paid="100", changed=10))
    assert (await scene.show(picture(paid="0", changed=20))).shown == 1
    assert scene.board.paid == {"INV-1": "0.00"}


async def test_a_clock_that_was_set_back_makes_the_erp_be_asked_again() -> None:
    scene = Scene()
    await scene.show(picture(paid="0", changed=60))
    scene.erp.now["1"] = picture(paid="100", changed=20, read=80)
    assert (await scene.show(picture(paid="100", changed=20, read=70))).shown == 1
    assert (scene.erp.asked, scene.board.paid) == (["1"], {"INV-1": "100.00"})


async def test_two_states_with_one_stamp_are_settled_by_asking_again() -> None:
    scene = Scene()
    await scene.show(picture(paid="0", changed=10))
    scene.erp.now["1"] = picture(paid="70", changed=10, read=11)
    await scene.show(picture(paid="30", changed=10, read=11))
    assert scene.board.paid == {"INV-1": "70.00"}


async def test_what_comes_twice_in_the_overlap_is_written_once() -> None:
    scene = Scene()
    await scene.show(picture(1), picture(2))
    tally = await scene.show(picture(1, read=15), picture(2, read=15), picture(3, changed=-5, read=15))
    assert (tally.read, tally.shown, scene.board.calls) == (3, 1, [2, 1])


async def test_the_same_content_with_a_newer_stamp_is_remembered_so_that_a_late_picture_is_known_as_such() -> None:
    scene = Scene()
    await scene.show(picture(paid="50", changed=10))
    await scene.show(picture(paid="50", changed=30))
    tally = await scene.show(picture(paid="0", changed=20, read=20))
    assert (tally.older, scene.board.calls, scene.board.paid) == (1, [1], {"INV-1": "50.00"})


async def test_a_page_whose_answer_was_lost_is_looked_up_and_not_written_again() -> None:
    scene = Scene()
    scene.board.loses_answer = True
    with pytest.raises(OutcomeUnknown):
        await scene.show(picture(1), picture(2))
    tally = await scene.show(picture(1), picture(2))
    assert (tally.shown, scene.board.calls, sorted(scene.board.paid)) == (0, [2], ["INV-1", "INV-2"])
    assert all(one.shown and not one.intended for one in scene.book.kept.values())


async def test_a_change_after_a_lost_answer_is_written_whatever_became_of_the_first() -> None:
    scene = Scene()
    scene.board.loses_answer = True
    with pytest.raises(OutcomeUnknown):
        await scene.show(picture(paid="0", changed=0))
    await scene.show(picture(paid="100", changed=1))
    assert scene.board.paid == {"INV-1": "100.00"}
    await scene.show(picture(paid="0", changed=2))
    assert scene.board.paid == {"INV-1": "0.00"}


async def test_rows_that_are_locked_are_tried_again_alone() -> None:
    scene = Scene()
    scene.board.outcome["INV-2"] = CardOutcome(key="", is_shown=False, code="TL-INT-011", may_work_later=True)
    with pytest.raises(Retryable, match="1 invoices"):
        await scene.show(picture(1), picture(2), picture(3))
    scene.board.outcome.clear()
    await scene.show(picture(1), picture(2), picture(3))
    assert (scene.board.calls, scene.told) == ([3, 1], [])


async def test_a_refused_row_is_told_once_and_tried_again_when_a_person_asks_or_it_changes() -> None:
    scene = Scene()
    scene.board.outcome["INV-1"] = CardOutcome(key="", is_shown=False, code="TL-CUS-030", message="No account.")
    assert (await scene.show(picture(1))).refused == 1
    assert (await scene.show(picture(1))).refused == 0
    scene.board.outcome.clear()
    assert (await scene.show(picture(1))).shown == 0
    assert (await scene.show(picture(1), tries_refused_again=True)).shown == 1
    assert scene.told == ["refused INV-1", "mended INV-1"]


async def test_what_was_not_billed_from_a_contract_of_ours_is_not_shown() -> None:
    scene = Scene()
    tally = await scene.show(picture(1).model_copy(update={"contract_number": ContractNumber("theirs")}))
    assert (tally.read, tally.shown, scene.board.calls, scene.book.kept) == (1, 0, [], {})


async def test_a_crm_that_refuses_every_invoice_is_one_stop_and_not_one_for_each() -> None:
    scene = Scene()
    numbers = range(1, 31)
    for number in numbers:
        scene.board.outcome[f"INV-{number}"] = CardOutcome(
            key="", is_shown=False, code="TL-INT-020", message=f"A field is missing on INV-{number}."
        )
    with pytest.raises(NeedsRepair, match="refuses every invoice, 30 of 30"):
        await scene.show(*(picture(number) for number in numbers))
    assert scene.told == []
    scene.board.outcome.clear()
    assert (await scene.show(*(picture(number) for number in numbers))).shown == 30
